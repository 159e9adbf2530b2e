"""`Mill`: a mill for `map_batches` of Ray Data. Needs the package `ray`.

Example:
    >>> import chatmill
    >>> import chatmill.ray
    >>> mill = chatmill.Mill.from_pretrained("Qwen/Qwen3-8B", keep_columns=["id"])  # doctest: +SKIP
    >>> tokens = ray.data.read_parquet("s3://bucket/chats").map_batches(  # doctest: +SKIP
    ...     chatmill.ray.Mill,
    ...     fn_constructor_kwargs={"mill": mill},
    ...     batch_format="pyarrow",
    ...     compute=ray.data.ActorPoolStrategy(size=4),
    ...     num_cpus=2,
    ... )
    >>> tokens.write_parquet("s3://bucket/tokens")  # doctest: +SKIP
"""

import sys
from collections.abc import Iterator

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill._chatmill import Mill as CoreMill


class Mill:
    """Turns rows into tokens in an actor of Ray, for `Dataset.map_batches` with `batch_format="pyarrow"`.

    An actor loads the tokenizer once, and works with as many threads as it has CPUs (`num_cpus`). All actors have the
    tokenizer, the template and the options of the mill that they are given; they load nothing else.

    A row that fails is null and has its reason in the column `error`, whatever `on_error` is, because an exception
    would end the job. Ray passes blocks on as they are finished, and a column `row` numbers the rows of a batch; to
    find rows again, keep a column of theirs with `keep_columns`.

    Args:
        mill: The mill, for `fn_constructor_kwargs`.
        json_column: Read each row from this column of strings instead, as one JSON object, such as `"text"` for the
            lines of `ray.data.read_text`.

    Example:
        >>> import pyarrow as pa
        >>> tokenizer, template = chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml")
        >>> in_actor = Mill(chatmill.Mill(tokenizer, template))
        >>> tokens, = in_actor(pa.table({"messages": [[{"role": "user", "content": "Hi"}], None]}))
        >>> tokens.column_names, tokens["length"].to_pylist()
        (['input_ids', 'labels', 'length', 'error'], [10, None])
    """

    def __init__(self, mill: CoreMill, json_column: str | None = None) -> None:
        parts, options = mill.__getnewargs_ex__()
        options["on_error"] = "null"
        options["threads"] = _cpus() or options["threads"]
        self._mill = CoreMill(*parts, **options)
        self._json_column = json_column

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """Make the tokens of a batch.

        Args:
            batch: The rows.

        Yields:
            The columns of a `TokenBatch`, in tables of about 16 MiB.

        Raises:
            DataError: The batch is no table of Arrow, or lacks a column.
        """
        if not isinstance(batch, pa.Table):
            raise DataError(f'the batch is a {type(batch).__name__}; pass batch_format="pyarrow" to `map_batches`')
        tokens = self._mill.stream(batch.to_reader(), json_column=self._json_column)
        is_empty = True
        for part in tokens:
            is_empty = False
            yield pa.Table.from_batches([part])
        if is_empty:  # for its columns
            yield tokens.schema.empty_table()


def _cpus() -> int | None:
    """Return the CPUs of this actor; None outside of Ray."""
    if "ray" not in sys.modules:
        return None
    import ray

    if not ray.is_initialized():
        return None
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
