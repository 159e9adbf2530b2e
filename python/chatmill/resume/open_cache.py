"""`open_cache`: the `BlockStore` of `cache`, a folder or URL that a user gave."""

import os

from chatmill.resume.cache_folder import cache_folder
from chatmill.resume.store import BlockStore


def open_cache(cache: str | os.PathLike[str]) -> BlockStore:
    """Open a cache, which need not exist.

    Args:
        cache: The folder, or its URL. `~` is the home of the user.

    Raises:
        DataError: It cannot be a folder.
    """
    return BlockStore(cache_folder(cache))
