"""The kind of rows that a format reads and the columns that it needs, derived from its definition.

The core makes the same decisions about a definition. Everything in Python that depends on them is in this file.
"""

from collections.abc import Mapping
from typing import Any

# Columns that rows of messages may have besides those that a format names.
_BESIDE_MESSAGES = ("documents", "chat_template_kwargs")


def has_text(core: Mapping[str, Any]) -> bool:
    """Tell whether rows have a text of their own, so that they need no chat template.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> has_text({"fields": [], "text": "{{ text }}"}), has_text({"fields": []})
        (True, False)
    """
    parts = core.get("answers", {}).get("parts", {})
    return core.get("text") is not None or isinstance(parts.get("prompt"), str)


def has_messages(core: Mapping[str, Any]) -> bool:
    """Tell whether rows become messages for a chat template.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> has_messages({"fields": [], "messages": {"fields": ["messages"]}})
        True
    """
    return core.get("messages") is not None


def has_answers(core: Mapping[str, Any]) -> bool:
    """Tell whether rows have a prompt with answers, so that the output has columns of its own.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> has_answers({"fields": []})
        False
    """
    return "answers" in core


def has_windows(core: Mapping[str, Any]) -> bool:
    """Tell whether rows are texts for pretraining, cut into windows that overlap.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> has_windows({"fields": [], "windows": True})
        True
    """
    return bool(core.get("windows"))


def holds_tokens(core: Mapping[str, Any]) -> bool:
    """Tell whether rows are tokens already.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> holds_tokens({"fields": [], "tokens": True})
        True
    """
    return bool(core.get("tokens"))


def columns(core: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns to read if rows are columns; some of them may be missing in the rows.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> columns({"name": "mine", "fields": [{"name": "text", "column": "body"}]})
        ('body',)
    """
    names = [name for it in core["fields"] for name in (it.get("column", it["name"]), *it.get("others", ()))]
    names.append(core.get("tools"))
    answers = core.get("answers")
    if answers is not None:
        mapping = answers["mapping"]
        names += [answers["prompt"], *(column for _, column in answers["names"]), _label_column(answers)]
        names += [mapping.get("tools", "tools"), mapping.get("system"), *_BESIDE_MESSAGES]
    messages = core.get("messages")
    if isinstance(messages, Mapping):
        names += [*messages["fields"], messages.get("system"), messages.get("tools", "tools"), *_BESIDE_MESSAGES]
    return tuple(dict.fromkeys(filter(None, names)))


def answer_columns(core: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that rows of a prompt with answers add to the output; none for other rows.

    Args:
        core: The definition, in the form that the core reads.

    Example:
        >>> answer_columns({"answers": {"names": [["completion", "reply"]], "label": ["label", "good"]}})
        ('completion', 'label')
    """
    answers = core.get("answers") or {}
    names = [name for name, _ in answers.get("names", ())]
    return (*names, *filter(None, [(answers.get("label") or [None])[0]]))


def _label_column(answers: Mapping[str, Any]) -> str | None:
    label: list[str] | None = answers["label"]
    return None if label is None else label[1]
