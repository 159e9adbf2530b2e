"""Rows of formats through a mill as one batch of JSON, with a tokenizer that puts `<s>` before each text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Mill

TOKENIZER = byte_tokenizer(prefix=True, bos_token="<s>", eos_token="</s>")
CHATML = ChatTemplate.named("chatml")

# A row with two answers.
USER = {"role": "user", "content": "U"}
GOOD, BAD = {"role": "assistant", "content": "Good"}, {"role": "assistant", "content": "Bad"}
PAIR = {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}


def milled(rows: Sequence[Any], mill: Mill) -> list[dict[str, Any]]:
    """The samples of rows."""
    batch = pa.record_batch({"row": pa.array([json.dumps(row) for row in rows])})
    found: list[dict[str, Any]] = pa.table(mill(batch, json_column="row")).to_pylist()
    return found
