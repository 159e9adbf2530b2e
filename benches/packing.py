"""How full packs are, on the data sets of the corpus: `chatmill.pack` beside what trainers pack themselves.

    python benches/packing.py

Prints the table of docs/packing.md. Rows are those of Qwen3's template and tokenizer. The packs of TRL
(groups of 1,000 rows) and of axolotl are made by the strategies of `PackPlan`, which equal those of both libraries
(`tests/trainers/packs.py`).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
from chatmill.packing.columns import columns_of_packs
from chatmill.packing.comparison import compared
from chatmill.packing.options import PackChoice

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from corpus_folder import CORPUS

SETS = ("chitchat_en_4k", "gsm8k_train", "sgd_tools_17k", "sky_t1_think", "smilechat_zh_10k", "xquad_12lang")
LENGTHS = (2048, 4096, 8192, 16384)


def lengths_of(name: str) -> pa.ChunkedArray:
    """The lengths of the rows of a data set."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "tokens")
        chatmill.prepare(
            CORPUS / "datasets" / f"{name}.jsonl.xz",
            tokenizer=CORPUS / "tokenizers" / "qwen3",
            output=output,
            format="auto",
            max_rejected="100%",
            progress=False,
        )
        return pq.read_table(output, columns=["length"])["length"]


def main() -> None:
    """Print the table."""
    print("| rows | length | packs | `chatmill pack` | TRL, groups of 1,000 | axolotl | batches of 8, padded |")
    print("|---|---|---|---|---|---|---|")
    for name in SETS:
        lengths = lengths_of(name)
        for length in LENGTHS:
            choice = PackChoice(length)
            plan = choice.plan(lengths, columns_of_packs(None, None))
            mine, _, padded, trl, axolotl = compared(plan, lengths, choice)
            shares = [f"{100 * way.efficiency:.2f} %" for way in (mine, trl, axolotl, padded)]
            assert mine.sequences <= trl.sequences, "TRL packs fuller"
            print(f"| {name}, {len(lengths):,} | {length:,} | {mine.sequences:,} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()
