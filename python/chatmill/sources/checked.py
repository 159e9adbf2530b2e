"""`readable`: what is loaded can be passed to the core, and errors of the system become errors of chatmill."""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from chatmill._chatmill import ChatmillError

P = ParamSpec("P")
T = TypeVar("T")


def readable(error: type[ChatmillError]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that loads something from its first argument.

    Args:
        error: The class to raise if the system cannot read a file, or if a loaded text is not Unicode.
    """

    def decorate(load: Callable[P, T]) -> Callable[P, T]:
        @wraps(load)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                loaded = load(*args, **kwargs)
            except OSError as cause:
                name = cause.filename or _name(args[0])
                raise error(
                    f"cannot read {name} ({cause.strerror or cause}); check the path and its permissions"
                ) from cause
            wrong = next(filter(None, map(_half_pair, _texts(loaded))), None)
            if wrong is not None:
                raise error(
                    f"{_name(args[0])} has half of a surrogate pair in {wrong!r}, which is not text; correct it"
                )
            return loaded

        return guarded

    return decorate


def _name(source: Any) -> str:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else f"the {type(source).__qualname__}"


def _half_pair(text: str) -> str | None:
    """Return the part of a text that has half of a surrogate pair. JSON can write one, but the core cannot read it."""
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        return text[max(0, cause.start - 20) : cause.end + 20]
    return None


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a loaded value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value):
        for it in fields(value):
            yield from _texts(getattr(value, it.name))
