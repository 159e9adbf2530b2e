"""Suggestions for misspelled names."""

from collections.abc import Iterable
from difflib import get_close_matches

# "chatlm" and "chatml" have a ratio of 0.83, "chat-ml" and "chatml" of 0.92, "titel" and "title" of 0.8.
_CUTOFF = 0.75


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is most like a given one.

    Args:
        name: The name that a user gave.
        known: The valid names.

    Returns:
        The most similar name, or None if none is similar.

    Example:
        >>> nearest("alpacca", ["alpaca", "sharegpt"]), nearest("x", ["alpaca"])
        ('alpaca', None)
    """
    found = get_close_matches(name, list(known), n=1, cutoff=_CUTOFF)
    return found[0] if found else None


def suggestion(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return the end of an error message that names the nearest valid name.

    Args:
        name: The name that a user gave.
        known: The valid names.
        otherwise: The text to return if no name is similar.

    Returns:
        A question such as `did you mean 'alpaca'?`, or `otherwise`.

    Example:
        >>> suggestion("alpacca", ["alpaca", "sharegpt"])
        "did you mean 'alpaca'?"
        >>> suggestion("x", ["alpaca"], otherwise="valid names: alpaca")
        'valid names: alpaca'
    """
    near = nearest(name, known)
    return otherwise if near is None else f"did you mean {near!r}?"
