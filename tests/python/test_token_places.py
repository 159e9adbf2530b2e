"""Labels do not depend on the engine, although the fast engine computes offsets only near edges of trained text."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import reference
from chatmill import ChatTemplate, Mill, Tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

FAMILIES = ["deepseek-v4", "gpt-oss", "kimi-k2", "llama-3.1", "mistral-nemo", "qwen2.5", "qwen3"]
POLICIES: list[dict[str, Any]] = [
    {"tags": False},
    {"tags": False, "boundary": "contained"},
    {"tags": False, "boundary": "first", "kinds": ["header", "reasoning", "content", "closer"]},
    {"tags": False, "roles": ["user"], "stop": "none"},
    {"tags": False, "weighted": True, "weights": {"closer": 0.5}},
]


def columns(mill: Mill, rows: list[str]) -> dict[str, list[Any]]:
    """The output of the mill for JSON rows."""
    found: dict[str, list[Any]] = pa.table(
        mill(pa.record_batch({"row": pa.array(rows)}), json_column="row")
    ).to_pydict()
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_both_engines_label_real_rows_alike(corpus: Path, family: str) -> None:
    folder = corpus / "tokenizers" / family
    template = ChatTemplate.from_pretrained(folder)
    fast, slow = (Tokenizer.from_pretrained(folder, engine=engine) for engine in ("fast", "reference"))
    rows = [
        json.dumps(row) for name in ("chitchat_en_4k", "smilechat_zh_10k") for row in islice(reference.rows(name), 150)
    ]
    for policy in POLICIES:
        both = [columns(Mill(it, template, labels=policy, on_error="null"), rows) for it in (fast, slow)]
        assert both[0] == both[1], policy
        assert len(both[0]["input_ids"]) == 300


@lru_cache
def engines(folder: Path) -> tuple[Tokenizer, Tokenizer]:
    """A tokenizer with each engine."""
    fast, slow = (Tokenizer.from_pretrained(folder, engine=engine) for engine in ("fast", "reference"))
    return fast, slow


# Complete and incomplete added tokens, white space that is one token, characters of several tokens.
WORDS = [
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜end▁of▁sentence｜>",
    "<｜end",
    "<",
    "｜>",
    "</think>",
    "<think>",
    " ",
    "\n",
    "\n\n",
]
TEXTS = st.lists(st.sampled_from([*WORDS, "a", "Hello", "é", "中文", "👩‍🚀", "\u1a17", "e\u0301"]), max_size=8).map(
    "".join
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(TEXTS, min_size=1, max_size=6),
    st.sampled_from(POLICIES),
    st.sampled_from(["chatml", "vicuna", "deepseek-v3"]),
)
def test_both_engines_label_any_text_alike(
    tokenizer: Path, texts: list[str], policy: dict[str, Any], name: str
) -> None:
    messages = [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(texts)]
    row = json.dumps({"messages": messages}, ensure_ascii=False)
    mills = [Mill(it, ChatTemplate.named(name), labels=policy, on_error="null") for it in engines(tokenizer)]
    both = [columns(mill, [row]) for mill in mills]
    assert both[0] == both[1]
