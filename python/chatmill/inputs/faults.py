"""`reading`: errors of the libraries that read files become errors of chatmill, which name the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chatmill._chatmill import ChatmillError, DataError
from chatmill.inputs.file import InputFile
from chatmill.text.secrets import without_secrets


@contextmanager
def reading(file: InputFile, place: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn every error into a `DataError` with the file. Used in a `with` block that only reads the file.

    Args:
        file: The file.
        place: A function that returns the place in the file, such as `row group 3`; None if it is unknown.

    Yields:
        Nothing.
    """
    try:
        yield
    except ChatmillError as error:
        # Such as the error about a damaged column, which does not know the file.
        if file.path in str(error):
            raise
        raise _error(file, place, error) from error
    # A damaged file may raise anything: pyarrow has KeyError, ValueError and UnicodeDecodeError besides its own errors,
    # and each store of fsspec has other errors.
    except Exception as cause:  # noqa: BLE001
        # The cause may show the secrets of a URL in a traceback.
        raise _error(file, place, cause) from (cause if file.is_local else None)


def _error(file: InputFile, place: Callable[[], str] | None, cause: Exception) -> DataError:
    at = "" if place is None else f", {place()}"
    reason = without_secrets(str(cause)) or type(cause).__name__
    return DataError(f"cannot read {file.path}{at}{_likely_fault(file, cause)}: {reason}")


def _likely_fault(file: InputFile, cause: Exception) -> str:
    """Return the likely cause why a file cannot be read, in parentheses."""
    form: Any = file.compression or {"parquet": "Parquet", "ipc": "Arrow IPC"}.get(file.kind)
    if form is None or isinstance(cause, (PermissionError, FileNotFoundError, IsADirectoryError)):
        return ""
    return f" (the file is damaged, truncated or not a {form} file; download it again, or correct its suffix)"
