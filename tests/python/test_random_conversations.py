"""Random conversations in every template of the corpus: texts and refusals are those of transformers."""

from __future__ import annotations

from typing import Any

import pytest
import reference
from random_conversations import Maker
from refusals import compiled_or_none, text_or_none

CONVERSATIONS = 16


@reference.needs_corpus
def test_random_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    reference.freeze_clock(monkeypatch)
    tokens: dict[str, Any] = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    conversations = [Maker(seed).conversation() for seed in range(CONVERSATIONS)]
    equal = 0
    for path in sorted((reference.CORPUS / "corpus" / "templates").rglob("*.jinja")):
        source = path.read_bytes().decode("utf-8")
        template = compiled_or_none(source, **tokens)
        for row in conversations:
            try:
                expected = reference.render(source, **row, **tokens)
            except Exception:  # noqa: BLE001  (jinja2, TypeError, KeyError: a template may fail in any way)
                expected = None
            text = text_or_none(template, **row, now=reference.NOW)
            assert text == expected, (path.name, row)
            equal += text is not None
    assert equal == 8_239
