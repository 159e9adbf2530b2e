"""The functions that the compiled core calls in Python; the core imports no other module of this package.

Each hook imports what it needs when it is called, so `import chatmill` stays cheap.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from chatmill._chatmill import ChatTemplate, Encoding, Mill, PackPlan, TokenBatch, Tokenizer
    from chatmill.formats import Format
    from chatmill.labels import Labels
    from chatmill.lint.finding import Finding
    from chatmill.sources.load import TemplateSource, TokenizerSource


def load_tokenizer(source: Any, rebuild: bool) -> "TokenizerSource":
    """Find the definition of a tokenizer, for `Tokenizer.from_pretrained`.

    Args:
        source: A folder, the path of a `tokenizer.json`, a Hub id, or an object of transformers or tokenizers.
        rebuild: Whether to follow the class of transformers if it does not use all of a folder's `tokenizer.json`.

    Raises:
        TokenizerError: There is nothing to load at `source`.
    """
    from chatmill.sources.load import load_tokenizer as load

    return load(source, rebuild)


def load_template(source: Any, name: str | None, fallback: str | None) -> "TemplateSource":
    """Find the source of a chat template, for `ChatTemplate.from_pretrained`.

    Args:
        source: A folder, a `.jinja` file, Jinja source, a Hub id, or a tokenizer or processor of transformers.
        name: The name of the template to use if there are several.
        fallback: The named template to use if `source` has none.

    Raises:
        TemplateError: There is no template, or none of that name, or no such fallback.
    """
    from chatmill.sources.load import load_template as load

    return load(source, name, fallback)


def stream_of(mill: "Mill", rows: Any, json_column: str | None) -> "pa.RecordBatchReader":
    """Make a stream of tokens of a stream of rows, for `Mill.stream`.

    Args:
        mill: The mill.
        rows: A stream of Arrow data.
        json_column: The column that holds whole rows as JSON, or None.

    Raises:
        DataError: It is not a stream of Arrow data, or a column is missing.
    """
    from chatmill.batches.stream import stream_of as stream

    return stream(mill, rows, json_column)


def schemas_of(tools: Sequence[Any]) -> list[Any]:
    """Make JSON schemas of tools that are Python functions.

    Args:
        tools: Functions, methods, and JSON schemas as mappings or text.

    Raises:
        DataError: A tool has another type, or a function lacks a docstring, a description or a type hint.
    """
    from chatmill.tools.schema import schemas_of as schemas

    return schemas(tools)


def lint_template(template: "ChatTemplate", **options: Any) -> "list[Finding]":
    """Check a chat template, for `ChatTemplate.lint`.

    Args:
        template: The template.
        options: The keyword arguments of `chatmill.lint.lint_template`.

    Raises:
        DataError: The data are not conversations.
    """
    from chatmill.lint import lint_template as lint

    return lint(template, **options)


def print_encoding(encoding: "Encoding", *, regions: bool) -> None:
    """Print a conversation with its trained part marked, for `Encoding.show`.

    Args:
        encoding: The conversation.
        regions: Whether to name the regions of the text.
    """
    from chatmill.inspect.show import print_encoding as show

    show(encoding, regions=regions)


def to_html(encoding: "Encoding") -> str:
    """Return a conversation as HTML, for notebooks.

    Args:
        encoding: The conversation.
    """
    from chatmill.inspect.html import to_html as html

    return html(encoding)


def labels_of(given: Any) -> "Labels":
    """Make the labels of a `Mill`.

    Args:
        given: Any form that `Labels.of` reads, or None for the default.

    Raises:
        DataError: The value has none of these forms, or a field is not valid.
    """
    from chatmill.labels import Labels

    return Labels() if given is None else Labels.of(given)


def format_of(given: Any) -> "Format":
    """Make the format of a `Mill`.

    Args:
        given: Any form that `Format.of` reads.

    Raises:
        DataError: The value has none of these forms, or the definition is not valid.
    """
    from chatmill.formats import Format

    return Format.of(given)


def parts_of_mill(source: Any, template: Any, format: Any, *, rebuild: bool) -> "tuple[Tokenizer, ChatTemplate | None]":
    """Load the tokenizer and the template, for `Mill.from_pretrained`.

    Args:
        source: Any value that `Tokenizer.from_pretrained` accepts.
        template: The template, or None for that of the source.
        format: The format of the rows, or None.
        rebuild: As for `Tokenizer.from_pretrained`.

    Raises:
        ChatmillError: The tokenizer or the template cannot be loaded.
    """
    from chatmill.formats import Format
    from chatmill.sources.resolve import resolve_for

    chosen = None if format is None else Format.of(format)
    return resolve_for(chosen, source, template, rebuild=rebuild)


def rows_of(data: Any, json_column: str | None) -> "tuple[pa.Table, str | None] | None":
    """Return rows in memory as an Arrow table, with the name of the column that holds whole rows as JSON.

    Args:
        data: What the caller passed to the mill.
        json_column: The column that the caller names, or None.

    Raises:
        DataError: The rows cannot be read.
    """
    from chatmill.inputs.memory import rows_of as rows

    return rows(data, json_column)


def lengths_of(lengths: Any) -> "pa.Table":
    """Return the lengths of rows as a table with one column of uint32, for `PackPlan.of`.

    Args:
        lengths: A list, a numpy array or an Arrow array of whole numbers.

    Raises:
        DataError: They are not whole numbers from 0 to 2^32 - 1.
    """
    from chatmill.packing.lengths import lengths_of as table

    return table(lengths)


def column_of(batch: "TokenBatch", name: str) -> list[Any]:
    """Return a column as a list, for `TokenBatch` as a mapping.

    Args:
        batch: The batch.
        name: The name of the column.

    Raises:
        KeyError: There is no such column.
    """
    import pyarrow as pa

    if name not in batch.column_names:
        raise KeyError(name)
    column: list[Any] = pa.table(batch)[name].to_pylist()
    return column


def table_of(batch: "TokenBatch | PackPlan") -> "pa.Table":
    """Return a batch or a plan as a table.

    Args:
        batch: The batch or the plan.
    """
    import pyarrow as pa

    # `pa.table` imports pandas if it is installed, which takes 0.2 s.
    return pa.RecordBatchReader.from_stream(batch).read_all()


def batch_to_html(batch: "TokenBatch") -> str:
    """Return a batch as HTML, for notebooks.

    Args:
        batch: The batch.
    """
    from chatmill.inspect.batch import batch_to_html as html

    return html(batch)
