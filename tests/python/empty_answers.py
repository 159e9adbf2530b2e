"""A format for rows whose answers may all be empty. Tests of labels use it, so that they also test such turns."""

from __future__ import annotations

from chatmill import Format

EMPTY_ALLOWED = Format.of({"messages": {"fields": ["messages"], "tools": "tools", "empty_answers": "allowed"}})
