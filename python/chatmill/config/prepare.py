"""`prepare_config`: a config file in, token shards out."""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatmill._chatmill import DataError
from chatmill.config.model import Config
from chatmill.config.plan import Choices, arrangement_of, parts_of
from chatmill.config.read import read_config
from chatmill.inputs import BLOCK_BYTES
from chatmill.report import PrepareReport
from chatmill.run import Output, run_parts
from chatmill.shards import SHARD_TOKENS


def prepare_config(
    config: str | os.PathLike[str] | Config,
    *,
    output: str | os.PathLike[str] | None = None,
    tokenizer: Any = None,
    local: Mapping[str, str] | None = None,
    labels: Any = None,
    threads: int | None = None,
    now: datetime | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
    block_bytes: int = BLOCK_BYTES,
    shard_tokens: int = SHARD_TOKENS,
) -> PrepareReport:
    """Prepare the datasets that a config file names as axolotl names them.

    Keys of training are passed over. The rows of all datasets are tokenized and labelled as axolotl does it, shuffled
    unless `shuffle_merged_datasets` is false, and `val_set_size` of them are kept back in the folder `validation`.

    Args:
        config: The file, or what `chatmill.config.read_config` gives.
        output: The folder to make; None for the config's `dataset_prepared_path`.
        tokenizer: Another tokenizer than that of the config.
        local: For paths of datasets, where their rows lie: a file, a folder or a glob.
        labels: Other labels than axolotl's for rows of the type chat_template: what `Labels.of` reads, such as
            `"assistant"`, which is quicker and is proved.
        threads: Of the mill; None for one a core.
        now: What the clock of the templates shows; None for the time at which the run begins.
        overwrite: Replace an output of chatmill at `output`, at the end.
        progress: Show a progress bar on stderr; None for: if it is a terminal.
        block_bytes: About how many bytes of rows are worked on at a time.
        shard_tokens: Tokens of a shard.

    Returns:
        Counts, rejects and files.

    Raises:
        DataError: The config cannot be read, or asks for what chatmill cannot do; the message names line and key.
        ChatmillError: Something cannot be read, loaded or written, or no row at all gave tokens.

    Example:
        >>> prepare_config("config.yaml", output="tokens").arranged  # doctest: +SKIP
    """
    read = config if isinstance(config, Config) else read_config(config)
    folder = output if output is not None else read.output
    if folder is None:
        raise DataError(f"{read.path}: there is no output: give dataset_prepared_path, or the option output")
    clock = datetime.now() if now is None else now  # noqa: DTZ005  (templates see no time zone)
    choices = Choices(tokenizer, local or {}, labels, threads, clock)
    wanted = Output(
        folder,
        arrangement=arrangement_of(read),
        overwrite=overwrite,
        progress=progress,
        block_bytes=block_bytes,
        shard_tokens=shard_tokens,
        options={"config": read.path},
    )
    return run_parts(lambda: parts_of(read, choices), wanted)
