"""Files of repositories on the Hugging Face Hub, from the local cache or downloaded."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from chatmill._chatmill import ChatmillError, DataError

_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "config.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/*.jinja",
    "chat_templates/*.jinja",
)


def snapshot(hub_id: str, is_complete: Callable[[Path], bool], error: type[ChatmillError]) -> Path:
    """Return a folder with the tokenizer and template files of a repository.

    The local cache is read first, so a cached model needs no network.

    Args:
        hub_id: Such as `Qwen/Qwen3-8B`.
        is_complete: A function that returns whether a folder of the cache has all needed files. If it has not, the
            files are downloaded.
        error: The class to raise.

    Returns:
        A folder of the cache. If the Hub cannot be reached, it holds only the files that were already cached.

    Raises:
        ChatmillError: Neither the cache nor the Hub has the repository; raised as `error`.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise error(
            f"{hub_id!r} is not a file or folder, and Hub ids need the package huggingface_hub; run "
            "`pip install 'chatmill[hub]'`, or give the path of a folder"
        ) from None

    patterns = list(_FILES)
    cached: Path | None
    try:
        cached = Path(snapshot_download(hub_id, allow_patterns=patterns, local_files_only=True))
    except Exception:  # noqa: BLE001  # not cached; the exception differs between versions of the library
        cached = None
    if cached is not None and is_complete(cached):
        return cached
    try:
        return Path(snapshot_download(hub_id, allow_patterns=patterns))
    except Exception as cause:
        if cached is not None:
            return cached
        raise error(
            f"{hub_id!r} is not a file or folder, is not in the Hub cache, and could not be downloaded from the Hub "
            f"({_reason(cause)}); check the name, the network and, for a gated model, `hf auth login`, or give a folder"
        ) from cause


def fetch_dataset(hub_id: str, patterns: Sequence[str], *, revision: str | None = None) -> Path:
    """Return a folder with the files of a dataset's repository that match patterns.

    Only the Hub has the list of files, so it is tried first. The cache is used if the Hub cannot be reached.

    Args:
        hub_id: Such as `tatsu-lab/alpaca`.
        patterns: Patterns from the root of the repository, such as `data/*.parquet`.
        revision: A commit, tag or branch; None for the newest commit.

    Returns:
        A folder of the cache.

    Raises:
        DataError: Neither the Hub nor the cache has the repository.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise DataError(
            f"{hub_id} is not a file or folder, and datasets of the Hub need the package huggingface_hub; run "
            f"`pip install 'chatmill[hub]'`, or give a local copy of the rows with `--local {hub_id}=DIR`"
        ) from None

    # In huggingface_hub's patterns `**/` needs at least one folder, so files at the root get a pattern of their own.
    wanted = [*patterns, *(pattern.replace("**/", "") for pattern in patterns if "**/" in pattern)]
    fetch = partial(snapshot_download, hub_id, repo_type="dataset", revision=revision, allow_patterns=wanted)
    try:
        return Path(str(fetch()))
    except Exception as cause:
        try:
            return Path(str(fetch(local_files_only=True)))
        except Exception:  # noqa: BLE001  # not cached; the exception differs between versions of the library
            reason = _reason(cause)
        raise DataError(
            f"{hub_id} is not a file or folder, and could not be downloaded as a dataset of the Hub ({reason}); check "
            "the name, the network and, for a gated dataset, `hf auth login`, or give a local copy of the rows with "
            f"`--local {hub_id}=DIR`"
        ) from cause


def _reason(cause: Exception) -> str:
    """Return the first line of an error, because errors of huggingface_hub have many lines."""
    return str(cause).strip().split("\n")[0] or type(cause).__name__
