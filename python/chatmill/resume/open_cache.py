"""`open_cache`: the `BlockStore` of `cache`, a folder or URL that a user gave."""

import os
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.url import check_no_url, is_url
from chatmill.resume.store import BlockStore


def open_cache(cache: str | os.PathLike[str]) -> BlockStore:
    """Open a cache, which need not exist.

    Args:
        cache: The folder, or its URL. `~` is the home of the user.

    Raises:
        DataError: It cannot be one.
    """
    if is_url(cache):
        return BlockStore(cache)
    check_no_url(cache)
    try:
        folder = Path(cache).expanduser().resolve()
        is_file = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError) as error:  # a link that leads back to itself, `~` without a home
        raise DataError(f"the cache {os.fspath(cache)} cannot be used ({error}); give another folder") from None
    if is_file:
        raise DataError(f"the cache {folder} is a file; give a folder")
    return BlockStore(folder)
