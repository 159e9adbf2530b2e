"""Tokenizers with one token per byte and the control tokens of ChatML, so that labels are exact to the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from chatmill import Tokenizer

DEFINITION = (Path(__file__).parents[1] / "data" / "byte_tokenizer.json").read_text("utf-8")
# Puts `<s>` before each text.
_PREFIX = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [258], "tokens": ["<s>"]}},
}


def byte_tokenizer(*, prefix: bool = False, stop_tokens: Sequence[str] = (), **special_tokens: str) -> Tokenizer:
    """The tokenizer with these special tokens, loaded once; with `prefix`, `<s>` comes before each text."""
    return _load(prefix, tuple(stop_tokens), tuple(special_tokens.items()))


def prefixed_definition() -> str:
    """The definition of the tokenizer that puts `<s>` before each text."""
    return json.dumps({**json.loads(DEFINITION), "post_processor": _PREFIX})


@lru_cache
def _load(prefix: bool, stop_tokens: tuple[str, ...], special_tokens: tuple[tuple[str, str], ...]) -> Tokenizer:
    definition = prefixed_definition() if prefix else DEFINITION
    return Tokenizer(definition, special_tokens=dict(special_tokens), stop_tokens=stop_tokens)
