"""Word problems as in PEFT's example for GSM8K: question and answer in one text, padded on the left.

Question and padding are masked. It needs `pip install chatmill numpy`.

    python examples/word_problems/gsm8k.py MODEL [ROWS]

MODEL is the folder or the Hub id of a model whose tokenizer has a pad token. ROWS is a file of JSON lines.
"""

import sys
from pathlib import Path
from typing import Any

import pyarrow.json
from chatmill import Collator, Mill

HERE = Path(__file__).parent
MAX_LENGTH = 384


def batch_of(model: str, rows: str | Path = HERE / "rows.jsonl") -> dict[str, Any]:
    mill = Mill.from_pretrained(
        model, HERE / "gsm8k.jinja", format=str(HERE / "gsm8k.yaml"), max_length=MAX_LENGTH, truncation="keep_end"
    )
    tokenizer = mill.tokenizer
    pad_id: Any = tokenizer.token_to_id(tokenizer.special_tokens["pad_token"])
    collator = Collator(pad_id=pad_id, padding="max_length", padding_side="left", max_length=MAX_LENGTH)
    return collator(mill(pyarrow.json.read_json(rows)))


if __name__ == "__main__":
    for name, column in batch_of(*sys.argv[1:3]).items():
        print(name, column.shape, column.dtype)
