"""`kind_of`: the kind and the compression of a file, from its suffix."""

import os
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from chatmill._chatmill import DataError
from chatmill.inputs.file import Compression, FileKind
from chatmill.options.choices import InputFormat, choices
from chatmill.text.nearest import suggestion

_KINDS: dict[str, FileKind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "ipc",
    ".ipc": "ipc",
    ".feather": "ipc",
}
#: Kinds of text files. They may be compressed.
TEXTS = ("jsonl", "json", "csv", "tsv")
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
_SUPPORTED = (
    ".jsonl, .ndjson, .json, .csv and .tsv (also with .gz, .zst, .xz or .bz2 added), .parquet, .pq, .arrow, .ipc and "
    ".feather"
)
_RECIPE = (
    "is a YAML file, which names data sets and holds no rows; give the files of its data sets, or run "
    "`chatmill prepare` on it and give its output to `chatmill report`"
)


def named_kind(name: str) -> FileKind:
    """Return the kind that a user names.

    Args:
        name: A value of `InputFormat`.

    Raises:
        DataError: There is no such kind.

    Example:
        >>> named_kind("arrow")
        'ipc'
    """
    names = choices(InputFormat)
    if name not in names:
        hint = suggestion(name, names, otherwise=f"give one of {', '.join(names)}")
        raise DataError(f"`input_format` is {name!r}, which is not a kind of file; {hint}")
    return _KINDS[f".{name}"]


def kind_of(path: str, kind: FileKind | None = None) -> tuple[FileKind, Compression | None]:
    """Return the kind and the compression of a file.

    Args:
        path: Its path or URL. A query of a web address, such as `?download=true`, is no part of the suffix.
        kind: The kind, if the user names it. Then the suffix tells only the compression.

    Raises:
        DataError: The suffix is not supported.

    Example:
        >>> kind_of("chats.jsonl.gz"), kind_of("https://host/a.csv?raw=1"), kind_of("rows.txt.xz", "jsonl")
        (('jsonl', 'gzip'), ('csv', None), ('jsonl', 'xz'))
    """
    name = PurePosixPath((urlsplit(path).path if is_web(path) else path).replace(os.sep, "/").lower())
    outer = name.suffix
    compression = _COMPRESSIONS.get(outer)
    if kind is not None:
        return kind, compression if kind in TEXTS else None
    inner = outer if compression is None else PurePosixPath(name.stem).suffix
    found = _KINDS.get(inner)
    if is_recipe(name.name):
        raise DataError(no_rows(path))
    if found is None or (compression is not None and found not in TEXTS):
        suffix = outer if compression is None else inner + outer
        problem = f"has the unsupported file type {suffix}" if suffix else "has no suffix"
        raise DataError(
            f"{path} {problem}; supported are {_SUPPORTED}. Name the kind of a file with another suffix by "
            "`input_format` (`--input-format`)"
        )
    return found, compression


def is_recipe(name: str) -> bool:
    """Return whether the suffix of a file is that of YAML, which holds the names of data sets in place of rows.

    Args:
        name: The name or the path of the file.

    Example:
        >>> is_recipe("mix.yaml"), is_recipe("rows.jsonl")
        (True, False)
    """
    return name.lower().endswith((".yaml", ".yml"))


def no_rows(recipe: str) -> str:
    """Say that a YAML file has no rows, and how to look at those of its data sets.

    Args:
        recipe: The path of the file.

    Example:
        >>> no_rows("mix.yaml").partition(";")[0]
        'mix.yaml is a YAML file, which names data sets and holds no rows'
    """
    return f"{recipe} {_RECIPE}"


def has_rows(name: str) -> bool:
    """Return whether a file may hold rows, by the suffix of its name.

    Args:
        name: The name or the path of the file.

    Example:
        >>> has_rows("a.jsonl.zst"), has_rows("README.md")
        (True, False)
    """
    try:
        kind_of(name)
    except DataError:
        return False
    return True


def is_web(path: str) -> bool:
    """Return whether a path is a web address, where `?` begins a query.

    Args:
        path: A path or URL.
    """
    return path.lower().startswith(("http://", "https://"))
