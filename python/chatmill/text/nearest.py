"""`nearest` and `suggestion`: suggestions for misspelled names."""

from collections.abc import Iterable
from difflib import get_close_matches

# The similarity of "chatlm" and "chatml" is 0.83, of "chat-ml" and "chatml" 0.92, of "titel" and "title" 0.8.
_CUTOFF = 0.75


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is most similar to a given name.

    Args:
        name: The name that a user gave.
        known: The valid names.

    Returns:
        The most similar name, or None if no name is similar enough.

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
        otherwise: The text to return if no name is similar enough.

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
