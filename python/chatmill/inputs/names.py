"""`finding`: errors of finding inputs become errors of chatmill."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from chatmill._chatmill import ChatmillError, DataError
from chatmill.text.secrets import without_secrets
from chatmill.text.source_name import shown_name

T = TypeVar("T")


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
