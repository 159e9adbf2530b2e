"""Fetch files of a repository from the Hugging Face Hub, or find them in its local cache."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from chatmill._chatmill import ChatmillError, DataError

_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/*.jinja",
    "chat_templates/*.jinja",
)


def snapshot(hub_id: str, is_complete: Callable[[Path], bool], error: type[ChatmillError]) -> Path:
    """The folder of a repository's tokenizer and template files.

    The cache is asked first, so that a cached model needs no network.

    Args:
        hub_id: Such as `Qwen/Qwen3-8B`.
        is_complete: Whether a folder of the cache has what is needed; if not, the Hub is asked.
        error: The class to raise.

    Returns:
        A folder of the cache; where the Hub cannot be reached, whatever the cache has.

    Raises:
        ChatmillError: Neither the cache nor the Hub has the repository; as `error`.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise error(
            f"{hub_id!r} is no file or folder here, and as a Hub id it needs huggingface_hub: "
            "`pip install 'chatmill[hub]'`, or give the path of a folder"
        ) from None

    patterns = list(_FILES)
    cached: Path | None
    try:
        cached = Path(snapshot_download(hub_id, allow_patterns=patterns, local_files_only=True))
    except Exception:  # noqa: BLE001  # not cached; which exception says so differs between versions of the library
        cached = None
    if cached is not None and is_complete(cached):
        return cached
    try:
        return Path(snapshot_download(hub_id, allow_patterns=patterns))
    except Exception as cause:
        if cached is not None:
            return cached
        reason = str(cause).strip().split("\n")[0] or type(cause).__name__
        raise error(
            f"{hub_id!r} is no file or folder here, is not in the Hub cache, and could not be fetched from the Hub "
            f"({reason}): check the name, the network and, for a gated model, `hf auth login`; or give a folder"
        ) from cause


def fetch_dataset(hub_id: str, patterns: Sequence[str], *, revision: str | None = None) -> Path:
    """The folder of a dataset's repository with those of its files that match.

    Which files there are only the Hub knows, so it is asked first; its cache is what is left without it.

    Args:
        hub_id: Such as `tatsu-lab/alpaca`.
        patterns: Such as `data/*.parquet`, from the repository's root.
        revision: A commit, tag or branch; the newest where none is given.

    Returns:
        A folder of the cache.

    Raises:
        DataError: Neither the Hub nor the cache has the repository.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise DataError(
            f"there is no file or folder {hub_id}, and as a dataset of the Hub it needs huggingface_hub: "
            f"`pip install 'chatmill[hub]'`, or say where its rows lie: `--local {hub_id}=DIR`"
        ) from None

    # The library's patterns know no `**` for no folder at all.
    wanted = [*patterns, *(pattern.replace("**/", "") for pattern in patterns if "**/" in pattern)]
    fetch = partial(snapshot_download, hub_id, repo_type="dataset", revision=revision, allow_patterns=wanted)
    try:
        return Path(str(fetch()))
    except Exception as cause:
        try:
            return Path(str(fetch(local_files_only=True)))
        except Exception:  # noqa: BLE001  # not cached; which exception says so differs between versions of the library
            reason = str(cause).strip().split("\n")[0] or type(cause).__name__
        raise DataError(
            f"there is no file or folder {hub_id}, and as a dataset of the Hub it could not be fetched ({reason}): "
            "check the name, the network and, for a gated one, `hf auth login`; or say where its rows lie: "
            f"`--local {hub_id}=DIR`"
        ) from cause
