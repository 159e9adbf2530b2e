"""Descriptions of failures and errors: their place in a row, and their reason without the place."""

from typing import Protocol

# The words for places in the core's error texts, in their order.
_MESSAGE, _LINE = "message", "template line"


class Failure(Protocol):
    """The reason why a row has no tokens: a `RowFailure`, or a record of one in `_rejects.jsonl`."""

    @property
    def code(self) -> str:
        """The stable word for the kind of failure."""

    @property
    def text(self) -> str:
        """The reason, without the place."""

    @property
    def message(self) -> int | None:
        """Index of the message, from 0."""

    @property
    def template_line(self) -> int | None:
        """Line of the chat template, from 1."""


def place_in_row(failure: Failure) -> str:
    """Describe the place of a failure inside its row.

    Args:
        failure: The failure.

    Returns:
        Such as `message 0, template line 8`; empty if no place is known.

    Example:
        >>> from types import SimpleNamespace
        >>> place_in_row(SimpleNamespace(code="x", text="no", message=0, template_line=8))
        'message 0, template line 8'
    """
    return _join((_MESSAGE, failure.message), (_LINE, failure.template_line))


def describe_failure(failure: Failure) -> str:
    """Describe a failure in one line: its code, its place in the row, and its reason.

    Args:
        failure: The failure.

    Returns:
        Such as `template_raised (message 0): roles must alternate`.

    Example:
        >>> from types import SimpleNamespace
        >>> describe_failure(SimpleNamespace(code="too_long", text="9 tokens", message=None, template_line=None))
        'too_long: 9 tokens'
    """
    place = place_in_row(failure)
    return f"{failure.code}{f' ({place})' if place else ''}: {failure.text}"


def reason_of(error: Exception) -> str:
    """Return the text of an error without its place.

    Errors of the core have it as the attribute `text`. For an error that Python code raises, it is the whole text.

    Args:
        error: Any error of chatmill.

    Example:
        >>> import chatmill
        >>> try:
        ...     chatmill.ChatTemplate("{{ raise_exception('no') }}").render([{"role": "user", "content": "Hi"}])
        ... except chatmill.TemplateError as error:
        ...     print(error, "->", reason_of(error))
        template line 1: no -> no
    """
    text: str | None = getattr(error, "text", None)
    return str(error) if text is None else text


def _join(*places: tuple[str, int | None]) -> str:
    return ", ".join(f"{name} {index}" for name, index in places if index is not None)
