"""`is_own_file`: whether a file in a folder of blocks is one that a `BlockStore` writes."""

import re

_NAME = re.compile(
    r"[0-9a-f]{32}/(key\.json|[0-9a-f]{2}/[0-9a-f]+\.block)|runs/[0-9a-f]+\.json|units/[0-9a-f]+/\d+\.json"
)
# On a disk, a file has another name until it is complete.
_UNFINISHED = re.compile(r"(.*/)\.([^/]+)\.[0-9a-f]{16}")


def is_own_file(name: str) -> bool:
    """Return whether a file may be removed with all blocks: whether its name is one that a `BlockStore` gives.

    Args:
        name: The path of the file in the folder, with `/`.

    Example:
        >>> is_own_file("runs/0123456789abcdef.json"), is_own_file("notes.txt")
        (True, False)
    """
    return _NAME.fullmatch(_UNFINISHED.sub(r"\1\2", name)) is not None
