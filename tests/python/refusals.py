"""What counts as a refusal, where a test compares with transformers: an error of the template, and no other error."""

from __future__ import annotations

import re
from typing import Any

from chatmill import ChatmillError, ChatTemplate

# A template does not compile, calls `raise_exception`, or fails. No other code counts, so that a defect of chatmill
# (`internal`) does not pass for a refusal.
_CODES = {"template_syntax", "template_raised", "template_failed"}
# Words of the limits that chatmill sets itself. A template that reaches one is not refused as Python refuses it.
_LIMITS = re.compile(r"\blimit of\b|more than \d+ (operators|branches)|levels deep|maximum recursion limits")


def compiled_or_none(source: str, **special_tokens: str) -> ChatTemplate | None:
    """The template, or None if it does not compile."""
    try:
        return ChatTemplate(source, **special_tokens)
    except ChatmillError as error:
        check_refusal(error)
    return None


def text_or_none(template: ChatTemplate | None, /, **row: Any) -> str | None:
    """The text of a row, or None if the template refuses it or did not compile."""
    try:
        return None if template is None else template.render(**row)
    except ChatmillError as error:
        check_refusal(error)
    return None


def check_refusal(error: ChatmillError, *, by_limit: bool = False) -> None:
    """Check that an error is a refusal, and not a defect of chatmill; and whether a limit of chatmill is the reason."""
    is_refusal = error.code in _CODES and bool(_LIMITS.search(error.text)) == by_limit
    assert is_refusal, f"{error.code}: {error}"
