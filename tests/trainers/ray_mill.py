"""Compares the tokens of Ray Data with those of a mill: on random rows, of columns and of JSON, with rows that fail.

    python tests/trainers/ray_mill.py [SEED]

It runs in an environment with ray, with chatmill on the path; `recipes.py` starts it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import chatmill.ray
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from job_rows import byte_mill, random_rows, same_rows, write_lines

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"keep_columns": ["id"]},
    "samples": {"keep_columns": ["id"], "split": "per_turn"},
    "weighted": {"keep_columns": ["id"], "labels": {"weights": {"content": 0.5}}, "attention_mask": True},
    "padded": {"keep_columns": ["id"], "padding": "max_length", "max_length": 64, "position_ids": True},
}


class Inside(chatmill.ray.Mill):
    """Tells of each batch in which actor it was, and with how many threads."""

    def __call__(self, batch: pa.Table) -> Any:
        rows = sum(tokens.num_rows for tokens in super().__call__(batch))
        yield pa.table({"process": [os.getpid()], "threads": [self._mill.options["threads"]], "rows": [rows]})


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    ray.init(
        num_cpus=2, include_dashboard=False, object_store_memory=300 << 20, log_to_driver=False, logging_level="ERROR"
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), seed)
    finally:
        ray.shutdown()


def tokens_of(rows: Any, mill: chatmill.Mill, actor: type = chatmill.ray.Mill, cpus: int = 1, **options: Any) -> Any:
    return rows.map_batches(
        actor,
        fn_constructor_kwargs={"mill": mill, **options},
        batch_format="pyarrow",
        batch_size=170,
        compute=ray.data.ActorPoolStrategy(size=2 // cpus),
        num_cpus=cpus,
    )


def compare(folder: Path, seed: int) -> None:
    rows = random_rows(seed, 2000)
    (folder / "rows").mkdir()
    for at in range(4):
        pq.write_table(rows.slice(500 * at, 500), folder / "rows" / f"{at}.parquet", row_group_size=100)
    # All CPUs are for the actors, so the blocks are read before.
    read = ray.data.read_parquet(str(folder / "rows")).repartition(8).materialize()
    for name, options in OPTIONS.items():
        found = collected(tokens_of(read, byte_mill(**options)))
        expected = pa.table(byte_mill(**options, on_error="null")(rows))
        if "row" in expected.column_names:  # which counts the rows of a batch
            found, expected = found.drop_columns("row"), expected.drop_columns("row")
        same_rows(found, expected, f"rows of Ray, {name}")

    # Lines of JSON, whose kept columns are texts.
    write_lines(rows, folder / "rows.jsonl")
    mill = byte_mill(keep_columns=["id"])
    lines = ray.data.read_text(str(folder / "rows.jsonl")).materialize()
    found = collected(tokens_of(lines, mill, json_column="text"))
    texts = pa.table({"text": (folder / "rows.jsonl").read_text("utf-8").splitlines()})
    expected = pa.table(byte_mill(keep_columns=["id"], on_error="null")(texts, json_column="text"))
    same_rows(found, expected, "rows of Ray, lines")

    # What is written is what was made.
    tokens_of(read, mill).materialize().write_parquet(str(folder / "tokens"))
    expected = pa.table(byte_mill(keep_columns=["id"], on_error="null")(rows))
    same_rows(pq.read_table(folder / "tokens"), expected, "rows of Ray, written")

    for cpus in (1, 2):
        told = tokens_of(read, byte_mill(), actor=Inside, cpus=cpus).take_all()
        threads, actors = {row["threads"] for row in told}, {row["process"] for row in told}
        if threads != {cpus} or len(actors) != 2 // cpus or sum(row["rows"] for row in told) != rows.num_rows:
            raise SystemExit(f"rows of Ray: {len(actors)} actors of {cpus} CPUs have {threads} threads")
    print(f"rows of Ray: {rows.num_rows} rows are equal, also with samples, weights, kept columns and lines of JSON")


def collected(data: Any) -> pa.Table:
    """The rows of a dataset. Its blocks come as they are finished."""
    return pa.concat_tables(list(data.iter_batches(batch_size=None, batch_format="pyarrow")))


if __name__ == "__main__":
    main()
