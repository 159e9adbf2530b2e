"""The names of the files that chatmill writes into a folder of blocks. It removes no others."""

import re

_KEY = r"[0-9a-f]{32}"
#: A block: the folder of its key, and the checksum of its rows.
BLOCK = re.compile(rf"({_KEY})/([0-9a-f]{{2}})/(\2[0-9a-f]{{62}})\.block")
#: A file of any kind.
OWN_NAME = re.compile(
    rf"{BLOCK.pattern}|{_KEY}/key\.json|runs/[0-9a-f]{{16}}\.json|units/[0-9a-f]{{16}}/[0-9]{{5,}}\.json"
)
_OWN_FOLDER = re.compile(rf"{_KEY}(/[0-9a-f]{{2}})?|runs|units(/[0-9a-f]{{16}})?")
_UNFINISHED = re.compile(r"(.*/)\.([^/]+)\.[0-9a-f]{16}")


def is_own(name: str) -> bool:
    """Return whether a name is that of a file of chatmill.

    Args:
        name: The path of the file in the folder of blocks, with `/`.

    Example:
        >>> is_own("runs/0123456789abcdef.json"), is_own("runs/mine.json")
        (True, False)
    """
    return OWN_NAME.fullmatch(name) is not None


def is_own_folder(name: str) -> bool:
    """Return whether a name is that of a subfolder of chatmill.

    Args:
        name: The path of the subfolder in the folder of blocks, with `/`.

    Example:
        >>> is_own_folder("runs"), is_own_folder("mine")
        (True, False)
    """
    return _OWN_FOLDER.fullmatch(name) is not None


def is_unfinished(name: str) -> bool:
    """Return whether a name is that of a file that `DiskFolder` has not renamed yet.

    Args:
        name: The path of the file in the folder of blocks, with `/`.

    Example:
        >>> is_unfinished("runs/.0123456789abcdef.json.fedcba9876543210")
        True
    """
    found = _UNFINISHED.fullmatch(name)
    return found is not None and is_own(found[1] + found[2])


def folders_of(names: set[str]) -> list[str]:
    """Return the subfolders that hold files, the deepest first.

    Args:
        names: The paths of the files.

    Example:
        >>> folders_of({"units/a/1.json", "runs/2.json"})
        ['units/a', 'runs', 'units']
    """
    folders = {name.rpartition("/")[0] for name in names}
    folders |= {folder.partition("/")[0] for folder in folders}
    return sorted(folders - {""}, key=lambda it: (-it.count("/"), it))
