"""`check_plan`: refuses a plan whose values have wrong types, or contradict each other; `wrong_size`."""

from collections.abc import Mapping
from typing import Any

# What a merge removes has this suffix, unless the user named the folder.
_SUFFIX = ".blocks"
# A run compares them only after other work.
_SIZES = ("block_bytes", "max_line_bytes", "shard_tokens")


def check_plan(found: Any) -> None:
    """Check the JSON of a plan. A plan comes from a file, which may be damaged or of somebody else.

    Args:
        found: The JSON. `keys` and `now` are not checked.

    Raises:
        ValueError: It is not sound. The text tells where.
        KeyError: A value is missing.
        TypeError: A list or an object is another value.
    """
    _check_folder(found)
    if not isinstance(found["chatmill"], str):
        raise ValueError("`chatmill` is not a version")
    files, units = found["files"], found["units"]
    for number, file in enumerate(files):
        size, details = file["size"], file["details"]
        is_sound = isinstance(file["path"], str) and isinstance(details, dict) and (size is None or _is_number(size))
        if not is_sound or not _is_number(file["part"], len(found["keys"])):
            raise ValueError(f"a value of file {number} is wrong")
    if not isinstance(units, list) or not units:
        raise ValueError("it has no units")
    for number, (file, span) in enumerate(units):
        if not _is_number(file, len(files)):
            raise ValueError(f"the file of unit {number} is not in the plan")
        if span is not None and not _is_part(span, files[file]["size"] or 0):
            raise ValueError(f"unit {number} is not a part of its file")


def wrong_size(arguments: Mapping[str, Any]) -> str:
    """Say which size among the arguments of a run is wrong.

    Args:
        arguments: The arguments.

    Returns:
        A clause; empty if all sizes are right.

    Example:
        >>> wrong_size({"block_bytes": "x"})
        "`block_bytes` is 'x', which is not a whole number of at least 1"
    """
    for name in _SIZES:
        value = arguments.get(name, 1)
        if not _is_number(value) or not value:
            return f"`{name}` is {value!r}, which is not a whole number of at least 1"
    return ""


def _check_folder(found: Any) -> None:
    arguments, blocks = found["arguments"], found["blocks"]
    if not isinstance(arguments, dict) or not ({"inputs", "config"} & arguments.keys()):
        raise ValueError("`arguments` has no inputs")
    if wrong := wrong_size(arguments):
        raise ValueError(wrong)
    cache = arguments.get("cache")
    if not isinstance(blocks, str) or found["keeps_blocks"] is not (cache is not None):
        raise ValueError("`blocks` and `keeps_blocks` contradict each other")
    if blocks != cache if cache is not None else not blocks.endswith(_SUFFIX):
        raise ValueError("`blocks` is another folder than that of the arguments")


def _is_part(span: Any, size: int) -> bool:
    start, stop = span
    # Neither bytes nor row groups are more than the bytes of the file.
    # A Parquet file without rows has the span from 0 to 0.
    return _is_number(stop, size + 1) and _is_number(start, stop + 1)


def _is_number(value: Any, below: int | None = None) -> bool:
    return type(value) is int and value >= 0 and (below is None or value < below)
