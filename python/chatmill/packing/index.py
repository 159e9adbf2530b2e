"""`write_index`: a plan as a Parquet file, with the shard of each row."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chatmill._chatmill import PackPlan
from chatmill.outputs.checksums import WrittenFile, sha256_of
from chatmill.outputs.durable import sync_file, sync_folder
from chatmill.packing.seal import SEAL, UNSEALED, seal
from chatmill.packing.source import TokenSource

#: The names of the plans in a packed output.
INDEX, VALIDATION_INDEX = "_packs.parquet", "_packs_validation.parquet"

#: The key of the metadata of the file.
ABOUT = "chatmill"


def write_index(path: Path, plan: PackPlan, source: TokenSource, about: dict[str, Any]) -> WrittenFile:
    """Write a plan: the columns of `PackPlan.table`, and `shard` (int32) and `shard_row` (int64).

    Args:
        path: The file.
        plan: The plan of the rows of the source.
        source: The rows.
        about: What the metadata of the file say, under `chatmill`: options and shards with their checksums.

    Returns:
        A record of the file.
    """
    table = plan.table
    starts = [0]
    for rows in source.rows_by_shard():
        starts.append(starts[-1] + rows)
    shard = _shards(table["row"], starts)
    first = pc.take(pa.array(starts, pa.int64()), shard)
    table = table.append_column("shard", pc.cast(shard, pa.int32()))
    table = table.append_column("shard_row", pc.subtract(table["row"], first))
    table = table.replace_schema_metadata({ABOUT: json.dumps(about)})
    # Until it is complete, it has another name.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".chatmill-") as folder:
        written = Path(folder) / path.name
        with pq.ParquetWriter(written, table.schema, compression="zstd") as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({SEAL: UNSEALED})
        seal(written)
        sync_file(written)
        written.replace(path)
    sync_folder(path.parent)
    return WrittenFile(path.name, table.num_rows, path.stat().st_size, sha256_of(path))


def is_index(path: Path) -> bool:
    """Return whether a file is a plan that chatmill wrote.

    Args:
        path: The file.
    """
    try:
        return ABOUT.encode() in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False


def _shards(rows: pa.ChunkedArray, starts: list[int]) -> pa.Array:
    """Return the index of the shard of each row. There are few shards, so each is compared with all rows."""
    shard = pa.repeat(pa.scalar(0, pa.int64()), len(rows))
    for start in starts[1:-1]:
        shard = pc.add(shard, pc.cast(pc.greater_equal(rows, start), pa.int64()))
    return shard
