"""`parse_json`: JSON from files, with one kind of error."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Parse JSON text.

    Args:
        text: The text.

    Raises:
        ValueError: The text is not JSON, is not UTF-8, or is nested too deeply.

    Example:
        >>> parse_json("[" * 100_000)
        Traceback (most recent call last):
        ValueError: lists and objects are nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists and objects are nested too deeply") from None
