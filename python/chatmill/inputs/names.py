"""`shown_name`: the name of an input in reports, manifests and errors; `finding`: errors of finding inputs."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from chatmill._chatmill import ChatmillError, DataError
from chatmill.text.secrets import without_secrets

T = TypeVar("T")


def shown_name(path: str) -> str:
    r"""Return the name of an input for people and files: without passwords and keys of a URL, and as UTF-8.

    Bytes of a file name that are not UTF-8 become escapes such as `\xff`.

    Args:
        path: The path or URL.

    Example:
        >>> shown_name("ftp://me:pw@host/a.jsonl"), shown_name("a\udcff.jsonl")
        ('ftp://***@host/a.jsonl', 'a\\xff.jsonl')
    """
    name = without_secrets(path)
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no name of a file has these characters
        return name.encode("utf-8", "backslashreplace").decode()


def finding(function: Callable[..., T]) -> Callable[..., T]:
    """Decorate a function that finds inputs: all its errors are errors of chatmill, without the secrets of URLs.

    Args:
        function: A function whose first argument is an input.
    """

    @wraps(function)
    def guarded(given: Any, *more: Any, **options: Any) -> T:
        try:
            return function(given, *more, **options)
        except ChatmillError as error:
            text = str(error)
            if without_secrets(text) == text:
                raise
            # The cause would show the same URL in a traceback.
            raise type(error)(without_secrets(text)) from None
        # Each store of fsspec has errors of its own.
        except Exception as cause:  # noqa: BLE001
            name = shown_name(os.fspath(given)) if isinstance(given, (str, os.PathLike)) else "the inputs"
            reason = without_secrets(str(cause)) or type(cause).__name__
            raise DataError(f"cannot open {name}: {reason}; check the path, and the access to its store") from None

    return guarded
