"""`Conversation`: messages, with the name of the model that they are for."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import DataError


@dataclass(frozen=True)
class Conversation:
    """Messages, with the name of the model that they are for.

    The constructor checks the types and roles of the messages. The template checks their content when it renders them.

    Attributes:
        messages: A list of dicts with `role`, or of ShareGPT turns with `from`, as for `ChatTemplate.render`.
        model: A name that is registered in the formatter, a name of `ChatTemplate.names()`, a model id, a folder or a
            `.jinja` file; None for the formatter's own template.
        tools: JSON schemas or Python functions.
        documents: Documents, for templates that print them.

    Raises:
        DataError: An argument has the wrong type, or a message has no role; the error names the message and the remedy.

    Example:
        >>> Conversation([{"role": "user", "content": "Hi"}], model="zephyr").model
        'zephyr'
        >>> Conversation([{"role": "user", "content": "Hi"}, {"content": "Hello"}])
        Traceback (most recent call last):
        chatmill._chatmill.DataError: message 1: `role` is missing (found content); add one, such as user or assistant
    """

    messages: Sequence[Mapping[str, Any]]
    model: str | os.PathLike[str] | None = None
    tools: Sequence[Any] | None = None
    documents: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.messages, (list, tuple)):
            raise DataError(
                f"`messages` has the type {_kind(self.messages)}; give a list of dicts with role and content"
            )
        if not self.messages:
            raise DataError("the conversation has no messages; add one, or leave the conversation out")
        for index, message in enumerate(self.messages):
            _check_message(index, message)
        for name in ("tools", "documents"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, (list, tuple)):
                raise DataError(f"`{name}` has the type {_kind(value)}; give a list, even for a single item, or None")
        if self.model is not None and not isinstance(self.model, (str, os.PathLike)):
            raise DataError(
                f"`model` has the type {_kind(self.model)}; give a name, a model id or a path, and pass a loaded "
                "template to `Formatter(template)` or `Formatter(templates={…})`"
            )


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, Mapping):
        raise DataError(f"message {index}: it has the type {_kind(message)}; give a dict with role and content")
    role = message.get("role")
    if role is None and message.get("from") is not None:
        return  # a ShareGPT turn; the core maps its speaker to a role
    if role is None:
        fields = ", ".join(str(key) for key in message if key != "role")
        only = f" (found {fields})" if fields else ""
        raise DataError(f"message {index}: `role` is missing{only}; add one, such as user or assistant")
    if not isinstance(role, str):
        raise DataError(f"message {index}: `role` has the type {_kind(role)}; give a string such as user or assistant")


def _kind(value: Any) -> str:
    return type(value).__name__
