"""Rows whose answers may all be empty: tests of labels use this format, so that such turns are tested too."""

from __future__ import annotations

from chatmill import Format

EMPTY_ALLOWED = Format.of({"messages": {"fields": ["messages"], "tools": "tools", "empty_answers": "allowed"}})
