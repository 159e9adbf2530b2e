"""`tokenize`: a DataFrame of Spark with rows as one with tokens. Needs the package `pyspark`.

Example:
    >>> import chatmill
    >>> import chatmill.spark
    >>> mill = chatmill.Mill.from_pretrained("Qwen/Qwen3-8B", keep_columns=["id"])  # doctest: +SKIP
    >>> rows = spark.read.parquet("s3a://bucket/chats")  # doctest: +SKIP
    >>> chatmill.spark.tokenize(rows, mill).write.parquet("s3a://bucket/tokens")  # doctest: +SKIP
"""

import pickle
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from chatmill._chatmill import Mill

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


def tokenize(df: "DataFrame", mill: Mill, json_column: str | None = None) -> "DataFrame":
    """Turn the rows of a DataFrame into tokens, with `mapInArrow`. Nothing runs before Spark needs the result.

    The executors need chatmill too. Each Python worker loads the tokenizer once, and works with as many threads as its
    task has CPUs (`spark.task.cpus`).

    A row that fails is null and has its reason in the column `error`, whatever `on_error` is, because an exception
    would end the job. A column `row` numbers the rows of a partition; to find rows again, keep a column of theirs with
    `keep_columns`.

    Args:
        df: The rows.
        mill: The mill.
        json_column: Read each row from this column of strings instead, as one JSON object, such as `"value"` for the
            lines of `spark.read.text`.

    Returns:
        The columns of a `TokenBatch`. Kept columns keep their types; those of JSON rows are strings.

    Raises:
        DataError: A column is missing, or the options and the rows do not fit together.

    Example:
        >>> lines = spark.read.text("chats/*.jsonl.gz")  # doctest: +SKIP
        >>> tokens = lines.transform(chatmill.spark.tokenize, mill, json_column="value")  # doctest: +SKIP
        >>> tokens.where("error is null").drop("error").write.parquet("tokens")  # doctest: +SKIP
    """
    parts, options = mill.__getnewargs_ex__()
    options["on_error"] = "null"
    schema = _schema_of(df, Mill(*parts, **options), json_column)
    return df.mapInArrow(partial(_tokens, pickle.dumps((parts, options)), json_column), schema)


def _tokens(pickled: bytes, json_column: str | None, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Make the tokens of a partition, in a worker."""
    from pyspark import TaskContext

    task = TaskContext.get()
    mill = _loaded(pickled, None if task is None else max(1, int(task.cpus())))
    rows = iter(batches)
    for first in rows:  # a partition may be empty
        yield from mill.stream(_with_first(first, rows), json_column=json_column)


def _with_first(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


# Spark uses a worker for many partitions.
@lru_cache(maxsize=1)
def _loaded(pickled: bytes, threads: int | None) -> Mill:
    parts, options = pickle.loads(pickled)  # noqa: S301  # Spark sends it as it sends the function itself
    return Mill(*parts, **{**options, "threads": threads or options["threads"]})


def _schema_of(df: "DataFrame", mill: Mill, json_column: str | None) -> "StructType":
    """Return the columns of the result."""
    from pyspark.sql import types

    def typed(kind: pa.DataType) -> Any:
        if pa.types.is_list(kind):
            return types.ArrayType(typed(kind.value_type))
        names = {
            pa.int8(): types.ByteType,
            pa.int32(): types.IntegerType,
            pa.int64(): types.LongType,
            pa.float32(): types.FloatType,
            pa.bool_(): types.BooleanType,
            pa.string(): types.StringType,
        }
        return names[kind]()

    # A mill tells its columns for a batch without rows. Texts stand for columns of any type, for messages are JSON too.
    nothing = pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in df.columns], names=df.columns)
    made = pa.schema(mill(nothing, json_column=json_column))
    kept = [] if json_column is not None else mill.options["keep_columns"]
    kinds = [df.schema[it.name].dataType if it.name in kept else typed(it.type) for it in made]
    return types.StructType([types.StructField(it.name, kind) for it, kind in zip(made, kinds, strict=True)])
