"""`prepare`: a run on a cluster of Ray. `Mill`: a mill for `map_batches` of Ray Data. Both need the package `ray`.

Example:
    >>> import chatmill
    >>> import chatmill.ray
    >>> mill = chatmill.Mill.from_pretrained("Qwen/Qwen3-8B", keep_columns=["id"])  # doctest: +SKIP
    >>> tokens = ray.data.read_parquet("s3://bucket/chats").map_batches(  # doctest: +SKIP
    ...     chatmill.ray.Mill,
    ...     fn_constructor_kwargs={"mill": mill},
    ...     batch_format="pyarrow",
    ...     compute=ray.data.ActorPoolStrategy(size=4),
    ...     num_cpus=2,
    ... )
    >>> tokens.write_parquet("s3://bucket/tokens")  # doctest: +SKIP
"""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import ChatmillError, DataError
from chatmill._chatmill import Mill as CoreMill
from chatmill.distributed.merge import merge, missing_units
from chatmill.distributed.plan import UNIT_BYTES, DistributedPlan, make_plan
from chatmill.distributed.unit import run_unit
from chatmill.pipeline.parts import Part
from chatmill.pipeline.report import PrepareReport


class Mill:
    """Turns rows into tokens in an actor of Ray, for `Dataset.map_batches` with `batch_format="pyarrow"`.

    An actor loads the tokenizer once, and works with as many threads as it has CPUs (`num_cpus`). All actors have the
    tokenizer, the template and the options of the mill that they are given; they load nothing else.

    A row that fails is null and has its reason in the column `error`, whatever `on_error` is, because an exception
    would end the job. Ray passes blocks on as they are finished, and a column `row` numbers the rows of a batch; to
    find rows again, keep a column of theirs with `keep_columns`.

    Args:
        mill: The mill, for `fn_constructor_kwargs`.
        json_column: Read each row from this column of strings instead, as one JSON object, such as `"text"` for the
            lines of `ray.data.read_text`.

    Example:
        >>> import pyarrow as pa
        >>> tokenizer, template = chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml")
        >>> in_actor = Mill(chatmill.Mill(tokenizer, template))
        >>> tokens, = in_actor(pa.table({"messages": [[{"role": "user", "content": "Hi"}], None]}))
        >>> tokens.column_names, tokens["length"].to_pylist()
        (['input_ids', 'labels', 'length', 'error'], [10, None])
    """

    def __init__(self, mill: CoreMill, json_column: str | None = None) -> None:
        parts, options = mill.__getnewargs_ex__()
        options["on_error"] = "null"
        options["threads"] = _cpus() or options["threads"]
        self._mill = CoreMill(*parts, **options)
        self._json_column = json_column

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """Make the tokens of a batch.

        Args:
            batch: The rows.

        Yields:
            The columns of a `TokenBatch`, in tables of about 16 MiB.

        Raises:
            DataError: The batch is not a table of Arrow, or lacks a column.
        """
        if not isinstance(batch, pa.Table):
            raise DataError(f'the batch is a {type(batch).__name__}; pass batch_format="pyarrow" to `map_batches`')
        tokens = self._mill.stream(batch.to_reader(), json_column=self._json_column)
        is_empty = True
        for part in tokens:
            is_empty = False
            yield pa.Table.from_batches([part])
        if is_empty:  # for its columns
            yield tokens.schema.empty_table()


def prepare(
    inputs: Any,
    *,
    output: str | os.PathLike[str],
    unit_bytes: int = UNIT_BYTES,
    num_cpus: float = 1,
    max_retries: int = 3,
    **options: Any,
) -> PrepareReport:
    """Prepare rows on a cluster of Ray: a task makes the tokens of a unit, and the driver writes the output.

    The output is that of `chatmill.prepare`, byte for byte. All machines must read the inputs, and share the folder of
    `cache` (by default the output with the suffix `.blocks`). A task whose machine died is tried again on another
    one. The largest units run first. After an error the same call goes on with the units that are done.

    Args:
        inputs: The inputs, as paths or URLs.
        output: The output folder, of the machine of the driver.
        unit_bytes: Approximate size of a unit, in bytes of rows.
        num_cpus: The CPUs of a task, which works with as many threads.
        max_retries: How often a unit is tried again after its worker died.
        options: The other arguments of `chatmill.prepare`; the tokenizer and the template as paths or names.

    Returns:
        Counts, rejects and files.

    Raises:
        ChatmillError: As for `chatmill.prepare`.

    Example:
        >>> chatmill.ray.prepare("chats", tokenizer="./qwen", output="tokens", cache="/shared")  # doctest: +SKIP
    """
    import ray

    arguments = {"inputs": inputs, "output": output, "threads": max(1, int(num_cpus)), **options}
    plan = make_plan(arguments, unit_bytes=unit_bytes)
    if not ray.is_initialized():
        ray.init()
    task = ray.remote(_run_unit).options(num_cpus=num_cpus, max_retries=max_retries)
    text = ray.put(plan.to_json())
    missing = set(missing_units(plan))
    running = [task.remote(text, str(Path.cwd()), number) for number in plan.largest_first() if number in missing]
    try:
        while running:
            # A time limit, so that Ctrl-C is noticed.
            done, running = ray.wait(running, timeout=1)
            ray.get(done)
    except ray.exceptions.RayTaskError as error:
        # Ray's error has the traceback of the worker in its text.
        raise (error.cause if isinstance(error.cause, ChatmillError) else error) from None
    finally:
        for waiting in running:
            ray.cancel(waiting)
    return merge(plan)


# A worker makes many units of one plan.
@lru_cache(maxsize=1)
def _loaded(text: str) -> tuple[DistributedPlan, Sequence[Part]]:
    plan = DistributedPlan.parse(text)
    return plan, plan.parts()


def _run_unit(text: str, folder: str, number: int) -> None:
    # Relative paths are those of the driver.
    if Path(folder).is_dir():
        os.chdir(folder)
    plan, parts = _loaded(text)
    run_unit(plan, number, parts)


def _cpus() -> int | None:
    """Return the CPUs of this actor; None outside of Ray."""
    if "ray" not in sys.modules:
        return None
    import ray

    if not ray.is_initialized():
        return None
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
