"""Compares the tokens of Spark with those of a mill: on random rows, of columns and of JSON, with rows that fail.

    python tests/trainers/spark.py [SEED]

It runs in an environment with pyspark and Java, with chatmill on the path; `recipes.py` starts it.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import chatmill.spark
import pyarrow as pa
import pyarrow.parquet as pq
from job_rows import byte_mill, random_rows, same_rows, write_lines


def main() -> None:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        print("rows of Spark: SKIPPED, because there is no Java")
        return
    from pyspark.sql import SparkSession

    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "170")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        with tempfile.TemporaryDirectory() as folder:
            compare(session, Path(folder), seed)
    finally:
        session.stop()


def compare(session: Any, folder: Path, seed: int) -> None:
    rows = random_rows(seed, 2000)
    pq.write_table(rows, folder / "rows.parquet")
    write_lines(rows, folder / "rows.jsonl")
    table = session.read.parquet(str(folder / "rows.parquet"))
    for partitions in (1, 7):
        for name, options in OPTIONS.items():
            mill = byte_mill(**options)
            tokens = chatmill.spark.tokenize(table.repartition(partitions), mill)
            found, expected = collected(tokens), pa.table(byte_mill(**options, on_error="null")(rows))
            if "row" in expected.column_names:  # which Spark counts in each partition
                found, expected = found.drop_columns("row"), expected.drop_columns("row")
            same_rows(found, expected, f"rows of Spark, {name}, {partitions} partitions")

    # Lines of JSON, whose kept columns are texts; the rows that fail are the same.
    mill = byte_mill(keep_columns=["id"])
    lines = session.read.text(str(folder / "rows.jsonl"))
    made = lines.repartition(5).transform(chatmill.spark.tokenize, mill, json_column="value")
    texts = pa.table({"value": (folder / "rows.jsonl").read_text("utf-8").splitlines()})
    expected = pa.table(byte_mill(keep_columns=["id"], on_error="null")(texts, json_column="value"))
    same_rows(collected(made), expected, "rows of Spark, lines")

    # Kept columns of any type come back as they were.
    typed = session.sql(TYPES).cache()
    mill = byte_mill(keep_columns=[name for name in typed.columns if name != "messages"])
    kept = chatmill.spark.tokenize(typed, mill)
    columns = mill.options["keep_columns"]
    if kept.select(columns).dtypes != typed.select(columns).dtypes:
        raise SystemExit(f"rows of Spark: kept columns have the types {kept.dtypes}")
    if kept.select(columns).collect() != typed.select(columns).collect():
        raise SystemExit("rows of Spark: kept columns have other values")

    compare_jobs(table)
    print(f"rows of Spark: {rows.num_rows} rows are equal, also with samples, weights, kept columns and lines of JSON")


def compare_jobs(table: Any) -> None:
    # Partitions without rows, and a mistake that must be told before the job runs.
    if chatmill.spark.tokenize(table.where("id < 0"), mill=byte_mill()).count() != 0:
        raise SystemExit("rows of Spark: there are tokens of no rows")
    try:
        chatmill.spark.tokenize(table, byte_mill(keep_columns=["name"]))
    except chatmill.DataError as error:
        print(f"rows of Spark: a missing column is told at once: {error}")
    else:
        raise SystemExit("rows of Spark: a missing column was not noticed")
    # One mill in each worker, though there are many partitions.
    function = count_loads(byte_mill(on_error="null", max_length=77))  # which no worker has yet
    told = table.repartition(20).mapInArrow(function, "process long, loads long").collect()
    loads = Counter[int]()
    for row in told:
        loads[row["process"]] += row["loads"]
    if len(told) != 20 or set(loads.values()) != {1}:
        raise SystemExit(f"rows of Spark: {len(told)} partitions loaded the tokenizer, by worker: {loads}")


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"keep_columns": ["id"]},
    "samples": {"keep_columns": ["id"], "split": "per_turn"},
    "weighted": {"keep_columns": ["id"], "labels": {"weights": {"content": 0.5}}, "attention_mask": True},
    "padded": {"keep_columns": ["id"], "padding": "max_length", "max_length": 64, "position_ids": True},
}
TYPES = """
select cast(id as int) as id, '[{"role": "user", "content": "Hi"}]' as messages, cast(id as double) / 7 as score,
       cast(id as decimal(12, 3)) as price, timestamp '2026-11-22 10:00:00' + make_interval(0, 0, 0, id) as time,
       date '2026-11-22' as day, map('a', id) as counts, struct(id as x, array(cast(id as string)) as y) as inner,
       cast('abc' as binary) as bytes, if(id = 3, null, id % 2 = 0) as even
from range(50)
"""


def count_loads(mill: chatmill.Mill) -> Any:
    """A function for `mapInArrow` that tells how often its worker has loaded the mill."""
    parts, options = mill.__getnewargs_ex__()
    pickled = pickle.dumps((parts, options))

    def tokens(batches: Any) -> Any:
        before = chatmill.spark._loaded.cache_info().misses
        for _ in chatmill.spark._tokens(pickled, None, batches):
            pass
        loads = chatmill.spark._loaded.cache_info().misses - before
        yield pa.record_batch({"process": [os.getpid()], "loads": [loads]})

    return tokens


def collected(frame: Any) -> pa.Table:
    """The rows of a DataFrame."""
    table: pa.Table = frame.toArrow()
    return table


if __name__ == "__main__":
    main()
