"""`Conversation`: messages, and the model that they are for."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import DataError


@dataclass(frozen=True)
class Conversation:
    """Messages, and the model that they are for.

    The form of the messages is checked when a conversation is made; what stands in them is for the template to judge.

    Attributes:
        messages: A list of dicts with `role`, and ShareGPT turns with `from`, as `ChatTemplate.render` takes them.
        model: A model that the formatter has a template for, a name of `ChatTemplate.names()`, a model id, a folder or
            a `.jinja` file; None for the formatter's own template.
        tools: JSON schemas or Python functions.
        documents: Documents, for templates that show them.

    Raises:
        DataError: Something has not the form that it must have; the text says which message, and what to do.

    Example:
        >>> Conversation([{"role": "user", "content": "Hi"}], model="zephyr").model
        'zephyr'
        >>> Conversation([{"role": "user", "content": "Hi"}, {"content": "Hello"}])
        Traceback (most recent call last):
        chatmill.DataError: message 1: the message has no role, only content; give it one such as user or assistant
    """

    messages: Sequence[Mapping[str, Any]]
    model: str | os.PathLike[str] | None = None
    tools: Sequence[Any] | None = None
    documents: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.messages, (list, tuple)):
            raise DataError(f"messages must be a list of dicts with role and content, not {_kind(self.messages)}")
        if not self.messages:
            raise DataError("the conversation has no messages; leave such rows out")
        for index, message in enumerate(self.messages):
            _check_message(index, message)
        for name in ("tools", "documents"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, (list, tuple)):
                raise DataError(f"{name} must be a list or None, not {_kind(value)}: put a single one into a list")
        if self.model is not None and not isinstance(self.model, (str, os.PathLike)):
            raise DataError(
                f"model must be a name, a model id or a path, not {_kind(self.model)}: a loaded template goes to "
                "`Formatter(template)` or `Formatter(templates={…})`"
            )


def _check_message(index: int, message: Any) -> None:
    if not isinstance(message, Mapping):
        raise DataError(f"message {index}: a message must be a dict with role and content, not {_kind(message)}")
    role = message.get("role")
    if role is None and message.get("from") is not None:
        return  # a ShareGPT turn: the core knows which speaker has which role
    if role is None:
        fields = ", ".join(str(key) for key in message if key != "role")
        only = f", only {fields}" if fields else ""
        raise DataError(f"message {index}: the message has no role{only}; give it one such as user or assistant")
    if not isinstance(role, str):
        raise DataError(f"message {index}: role must be a string such as user or assistant, not {_kind(role)}")


def _kind(value: Any) -> str:
    return type(value).__name__
