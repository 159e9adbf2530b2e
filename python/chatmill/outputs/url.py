"""`OutputUrl`: the name of an output in a store of fsspec, such as `s3://bucket/tokens`. `output_name` makes one."""

import os
import re
from pathlib import Path, PurePath, PurePosixPath

from chatmill._chatmill import DataError
from chatmill.text.source_name import shown_name

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*::)*[A-Za-z][A-Za-z0-9+.-]*://")
# What `Path` makes of a URL. A drive of Windows has one letter.
_URL_OF_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)")
# fsspec has two names for the disk.
_OF_DISK = ("file", "local")


class OutputUrl(PurePosixPath):
    """The URL of a folder in a store. Unlike a `Path`, it keeps both slashes, and has no methods that look at the disk.

    Example:
        >>> str(OutputUrl("s3://bucket/tokens") / "_rejects.jsonl")
        's3://bucket/tokens/_rejects.jsonl'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)

    def __fspath__(self) -> str:
        return str(self)


def is_url(name: str | os.PathLike[str]) -> bool:
    """Return whether an output is a URL.

    Args:
        name: The output, as it was given.

    Example:
        >>> is_url("s3://bucket/tokens"), is_url("tokens")
        (True, False)
    """
    return _URL.match(os.fspath(name)) is not None


def output_name(name: str | os.PathLike[str]) -> PurePath:
    """Return the name of an output for reports: a `Path`, or an `OutputUrl` without passwords and keys.

    Args:
        name: The output, as it was given.

    Example:
        >>> output_name("memory://bucket/tokens/")
        OutputUrl('memory://bucket/tokens')
    """
    return OutputUrl(shown_name(os.fspath(name))) if is_url(name) else Path(name)


def checked_url(name: str | os.PathLike[str]) -> str:
    """Return the URL of an output.

    Args:
        name: The output, for which `is_url` is true.

    Raises:
        DataError: It is a URL of a file on this machine, or passes through another store.
    """
    url = os.fspath(name)
    scheme = url.partition("://")[0]
    if scheme.lower() in _OF_DISK:
        raise DataError(f"the output {shown_name(url)} is on this machine; give its path without {scheme}://")
    if "::" in url:
        raise DataError(f"the output {shown_name(url)} passes through several stores (`::`); give the URL of one store")
    return url


def check_no_url(name: str | os.PathLike[str]) -> None:
    """Refuse a `Path` that was made of a URL.

    Args:
        name: A folder, for which `is_url` is false.

    Raises:
        DataError: It lost a slash of a URL.
    """
    text = os.fspath(name)
    if isinstance(name, PurePath) and _URL_OF_PATH.match(text) and not Path(text).parent.exists():
        raise DataError(f"{shown_name(text)} is a `Path`, which loses a slash of a URL; give the URL as a string")


def check_here(folder: str | os.PathLike[str]) -> None:
    """Refuse to read an output in a store.

    Args:
        folder: The output.

    Raises:
        DataError: It is a URL.
    """
    if is_url(folder):
        raise DataError(
            f"the output {shown_name(os.fspath(folder))} is not on this machine; copy it into a folder, and give that"
        )
