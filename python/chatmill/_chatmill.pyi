"""The compiled core of chatmill: tokenizer, chat template, mill. `help()` of each name has the details."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Literal, final

from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.lint.finding import Finding
from chatmill.options.choices import (
    AllMasked,
    ControlTokens,
    EngineChoice,
    EngineName,
    OnError,
    PackMark,
    PackStrategy,
    PackTruncation,
    Padding,
    PaddingSide,
    RegionKind,
    Remainder,
    RowKind,
    Split,
    Truncation,
)

__all__ = [
    "CHOICES",
    "ERROR_CODES",
    "LENGTH_LIMITS",
    "NOTES",
    "ChatTemplate",
    "ChatmillError",
    "CutLines",
    "DataError",
    "Encoding",
    "Engine",
    "FormatInfo",
    "LineCutter",
    "Mill",
    "NoteInfo",
    "PackBatch",
    "PackPlan",
    "PackReport",
    "PackRows",
    "ParquetEncoder",
    "Region",
    "RowError",
    "RowFailure",
    "RowStatistics",
    "RowStore",
    "SampleStatistics",
    "TemplateError",
    "TextBatch",
    "Token",
    "TokenBatch",
    "Tokenizer",
    "TokenizerError",
    "__version__",
    "check_arrow",
    "check_labels",
    "encode_rows",
    "exchange_files",
    "find_in_vocabulary",
    "format_info",
    "lines_digest",
    "masked_batch",
    "outline_of",
    "replace_outline",
    "restore_batch",
]

__version__: str

CHOICES: Mapping[str, tuple[str, ...]]
"""The values of each option that is a choice, by the name of the option."""

LENGTH_LIMITS: list[int]
"""The lengths at which a report tries out `max_length`, ascending."""
ERROR_CODES: Mapping[str, str]
"""The meaning of each error code, as a sentence."""

NOTES: Mapping[str, NoteInfo]
"""The meaning of each note, in the order in which reports list notes."""

@final
class NoteInfo:
    """The meaning of a note, such as `proved`.

    Attributes:
        rows: The phrase after a number of rows, such as `rows with verified labels`.
        sentence: A sentence about one row.
        is_about_labels: Whether the note says how the labels were made. All other notes are worth a look.
    """

    rows: str
    sentence: str
    is_about_labels: bool

@final
class FormatInfo:
    """What a format reads.

    Attributes:
        kind: The kind of its rows.
        columns: The columns that it reads; some may be optional.
        needs_template: Whether the chat template renders its rows.
        has_messages: Whether its rows hold messages, or become messages.
        answers: The names of the answers in the output, for rows with answers.
        label: The name of the label column in the output, for rows of one answer with a label (KTO); else None.
    """

    kind: RowKind
    columns: list[str]
    needs_template: bool
    has_messages: bool
    answers: list[str]
    label: str | None

class ChatmillError(ValueError):
    """The base class of all errors that chatmill raises.

    Attributes:
        code: A stable word for the kind of failure, such as `template_raised`.
        text: The problem and its remedy, without the place.
        message: Index of the message, from 0, or None.
        template_line: Line of the chat template, from 1, or None.

    Only errors that the compiled core raises have these attributes; errors that Python code raises do not.
    """

    code: str
    text: str
    message: int | None
    template_line: int | None

class TemplateError(ChatmillError):
    """A chat template does not compile, cannot be found, or fails on a conversation."""

class TokenizerError(ChatmillError):
    """A tokenizer cannot be loaded, or cannot encode a text."""

class DataError(ChatmillError):
    """A batch, a row or an option is not valid."""

class RowError(ChatmillError):
    """A row of a batch failed.

    `failure` holds the place and the reason; see `RowFailure`.
    """

    failure: RowFailure

@final
class RowFailure:
    """The reason why one row has no tokens.

    Attributes:
        row: Index of the row in the input batch, from 0.
        message: Index of the message, from 0, or None.
        template_line: Line of the chat template, from 1, or None.
        code: A stable word for the kind of failure, such as `template_raised`.
        text: The problem and its remedy, in one or two sentences.
    """

    row: int
    message: int | None
    template_line: int | None
    code: str
    text: str

@final
class Engine:
    """The engine of a tokenizer, and the reason why it was chosen.

    Attributes:
        name: `"fast"` (fastokens or tokenizers 1.0) or `"reference"` (tokenizers 0.23).
        reason: The reason for this engine, as one sentence.
        version: Version of the crate behind the engine.
        rules: The class of transformers that made the definition from the vocabulary, or `tokenizer.json`.
    """

    name: EngineName
    reason: str
    version: str
    rules: str

@final
class Tokenizer:
    """A tokenizer, loaded once and shared by all threads.

    Args:
        tokenizer_json: Text of a `tokenizer.json`.
        special_tokens: Special tokens by name, such as `{"eos_token": "<|im_end|>"}`; they are variables of templates.
        stop_tokens: Tokens, besides `eos_token`, that end a turn.
        name: The name of the tokenizer in reports and errors.
        engine: `"auto"` uses the fast engine if its ids equal those of the reference engine on a self-test at load.
    """

    def __new__(
        cls,
        tokenizer_json: str,
        *,
        special_tokens: Mapping[str, str] | None = None,
        stop_tokens: Sequence[str] = (),
        name: str = "tokenizer",
        engine: EngineChoice = "auto",
        rules: str = "tokenizer.json",
        warnings: Sequence[str] = (),
        verdict: str | None = None,
    ) -> Tokenizer: ...
    @staticmethod
    def from_pretrained(source: Any, *, engine: EngineChoice = "auto", rebuild: bool = True) -> Tokenizer:
        """Load from a folder, a `tokenizer.json`, a Hub id, or a transformers tokenizer.

        The ids are those of `transformers.AutoTokenizer`. Some of its classes make the tokenizer from the vocabulary
        and do not follow all of `tokenizer.json`; with `rebuild=False` the file is taken as it is.
        """
    def encode(self, text: str) -> list[int]: ...
    def load_soon(self) -> None:
        """Begin to load the engine for many texts, on a thread. Otherwise the first batch loads it."""
    def decode(self, ids: Sequence[int]) -> str: ...
    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """The text of each token on its own."""
    def token_to_id(self, token: str) -> int | None: ...
    @property
    def name(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def special_tokens(self) -> dict[str, str]: ...
    @property
    def stop_tokens(self) -> list[str]:
        """Tokens, besides `eos_token`, that end a turn."""
    @property
    def rules(self) -> str:
        """The class of transformers that made the definition from the vocabulary, or `tokenizer.json`."""
    @property
    def warnings(self) -> list[str]:
        """Why ids may differ from those of `transformers.AutoTokenizer`, as sentences."""
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the tokenizer's definition, as 64 hexadecimal digits."""
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@final
class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja source.
        name: The name of the template in errors and reports.
        tool_use: The source for conversations with tools, if it is a different one.
        limits: What one render may use: `steps`, bytes of `memory`, `depth`, and bytes of `output`.
        special_tokens: Variables such as `bos_token="<s>"`.
    """

    def __new__(
        cls,
        source: str,
        *,
        name: str = "chat_template",
        tool_use: str | None = None,
        # A mapping of str to int. With that type, type checkers would refuse `**tokenizer.special_tokens`.
        limits: Any = None,
        **special_tokens: str,
    ) -> ChatTemplate: ...
    @staticmethod
    def from_pretrained(
        source: Any,
        *,
        name: str | None = None,
        fallback: str | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> ChatTemplate:
        """Load a template by the rules of transformers.

        `source` is a folder, a `.jinja` file, Jinja text, a Hub id, or a transformers tokenizer or processor. `name`
        selects one of several templates; by default `tool_use` is used for conversations with tools and `default` for
        all others. `fallback` is the named template to use if the source has none.
        """
    @staticmethod
    def named(name: str, *, limits: Any = None, **special_tokens: str) -> ChatTemplate:
        """Return a template that comes with chatmill; `ChatTemplate.names()` lists them."""
    @staticmethod
    def names() -> list[str]: ...
    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool | str = False,
        now: datetime | None = None,
        **variables: Any,
    ) -> str:
        """Return the text of a conversation, byte for byte the text of transformers.

        `tools` are JSON schemas or Python functions. `continue_final_message` ends the text at the end of the last
        message's content (or of the field of that name). `now` is the time that `strftime_now` prints.
        """
    def render_batch(
        self,
        batch: Any,
        *,
        json_column: str | None = None,
        add_generation_prompt: bool = False,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> TextBatch:
        """Render all rows of a batch, in any form that a `Mill` reads, without the GIL."""
    def regions(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        add_generation_prompt: bool = False,
        now: datetime | None = None,
        **variables: Any,
    ) -> list[Region]:
        """Return the regions of the text from `render`: the message and the kind of each range of characters."""
    def keys_read(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        add_generation_prompt: bool = False,
        now: datetime | None = None,
        **variables: Any,
    ) -> dict[str, bool]:
        """Return the message keys that the template reads; the value tells whether a message has the key."""
    def lint(
        self,
        data: Iterable[Mapping[str, Any]] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        tokenizer: Tokenizer | None = None,
        now: datetime | None = None,
        **variables: Any,
    ) -> list[Finding]:
        """Check the template for errors and for problems in training."""
    def with_special_tokens(self, **special_tokens: str) -> ChatTemplate:
        """Return the same template with these special tokens added; they replace tokens of the same name."""
    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def special_tokens(self) -> dict[str, str]: ...
    @property
    def limits(self) -> dict[str, int]:
        """The limits on one render: `steps`, `memory` and `output` in bytes, `depth`."""
    @property
    def tool_use(self) -> str | None:
        """The source for conversations with tools, if it is a different one."""
    @property
    def reads_clock(self) -> bool:
        """Whether the template reads the clock, so that its text depends on `now`."""
    @property
    def variables(self) -> list[str]:
        """Names of the variables that the template reads and does not set."""
    @property
    def has_generation(self) -> bool:
        """Whether the source has `{% generation %}` tags."""
    @property
    def fingerprint(self) -> str:
        """The SHA-256 of source and special tokens, as 64 hexadecimal digits."""
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@final
class TextBatch:
    """The result of `ChatTemplate.render_batch`: an Arrow table with one column `text` (large_string)."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class PackBatch:
    """The result of `PackPlan.pack`: an Arrow table with a row for each pack.

    Attributes:
        trained_tokens: The number of trained tokens of each pack: those whose label is not -100. Without labels there
            are none.
    """

    @property
    def trained_tokens(self) -> list[int]: ...
    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class RowStore:
    """A place for the rows of a plan, which `PackPlan.store` made. Threads append rows in any order.

    Example:
        >>> import pyarrow as pa
        >>> ids = pa.array([[5, 6], [7]], pa.list_(pa.int32()))
        >>> store = chatmill.PackPlan.of([2, 1], 4).store(["input_ids"])
        >>> store.append(0, pa.record_batch({"input_ids": ids}))
        >>> store.finish()
        PackRows(input_ids)
    """

    def append(self, first_row: int, rows: Any) -> None:
        """Append consecutive rows.

        Args:
            first_row: The number of the first row.
            rows: Arrow data with the columns of the store: lists of float32 for `weights`, of int32 for others.

        Raises:
            DataError: Rows have other lengths than in the plan, a column is missing, or the file cannot be written.
        """

    def finish(self) -> PackRows:
        """Return the rows, after all were appended.

        Raises:
            DataError: A row of the plan was not appended, or more than once.
        """

@final
class PackRows:
    """The rows of a plan, in memory or in a file.

    Example:
        >>> import pyarrow as pa
        >>> ids = pa.array([[5, 6], [7]], pa.list_(pa.int32()))
        >>> store = chatmill.PackPlan.of([2, 1], 4).store(["input_ids"])
        >>> store.append(0, pa.record_batch({"input_ids": ids}))
        >>> pa.table(store.finish().pack([])).to_pydict()
        {'input_ids': [[5, 6, 7]]}
    """

    def pack(
        self,
        marks: Sequence[PackMark] | None = None,
        start: int = 0,
        stop: int | None = None,
        *,
        pad_id: int | None = None,
        pad_to_max_length: bool = False,
    ) -> PackBatch:
        """Pack rows, as `PackPlan.pack` does. Only the rows of these packs are read.

        Args:
            marks: The columns that tell where the rows of a pack are. Default: `seq_lengths`.
            start: The first pack.
            stop: The pack after the last one; None for all.
            pad_id: The token id of padding.
            pad_to_max_length: Whether to fill each pack up to `max_length`.

        Returns:
            One row for each pack.

        Raises:
            DataError: A file cannot be read, or there is no `pad_id` where one is needed.
        """

@final
class PackPlan:
    """A plan of packs: for each pack, which tokens of which rows it has.

    Attributes:
        table: The packs as a table of pyarrow with the columns `pack` (int64), `row` (int64), `start` and `stop`
            (int32), in the order of the packs and their tokens. A pack without rows has no line.
        efficiency: The share of the packs that tokens fill.
        dropped: The rows of which tokens are in no pack, in ascending order: they are too long, or their pack was
            dropped. Rows that were only cut are not among them.
    """

    @staticmethod
    def of(
        lengths: Any,
        max_length: int,
        strategy: PackStrategy = "bfd",
        *,
        seed: int | None = None,
        truncation: PackTruncation = "keep_start",
        max_rows: int | None = None,
        align: int = 1,
        shifted: bool = False,
        group_size: int | None = None,
        multiple_of: int = 1,
        remainder: Remainder = "pad",
    ) -> PackPlan:
        """Plan packs for rows of these lengths. See the class for the plan, and `docs/packing.md` for the strategies.

        Args:
            lengths: The number of tokens of each row: a list, a numpy array, or an Arrow array of whole numbers.
            max_length: The length of a pack in tokens.
            strategy: How rows are distributed over packs.
            seed: The seed of the order of packs, and of rows for `"first_fit_shuffle"`. Without it packs are in the
                order in which they were opened.
            truncation: What happens to rows that are longer than a pack; `"turns"` is not possible.
            max_rows: The most rows of a pack.
            align: The length of each row is rounded up to a multiple of this number.
            shifted: Whether a row counts without one token.
            group_size: Only rows of one group of this many rows share packs.
            multiple_of: The number of packs is made a multiple of this number.
            remainder: How: by packs without rows, or by dropping the last packs.

        Raises:
            DataError: Options contradict each other, a length is not valid, or a row is too long.
        """

    def packs(self) -> list[list[tuple[int, int, int]]]:
        """Return the packs: for each one its rows as `(row, start, stop)`, in the order of its tokens."""

    @property
    def table(self) -> Any: ...
    @property
    def efficiency(self) -> float: ...
    @property
    def dropped(self) -> list[int]: ...
    def lengths(self, *, pad_to_max_length: bool = False) -> list[int]:
        """Return the number of tokens of each pack.

        Args:
            pad_to_max_length: Whether packs are filled up to `max_length`.
        """

    def store(self, columns: Sequence[str], file: str | PathLike[str] | None = None) -> RowStore:
        """Make a place for rows that several threads read, or that do not fit into memory.

        `PackRows.pack` then reads only the rows of the packs that it makes.

        Args:
            columns: The columns, such as `input_ids` and `labels`.
            file: The path of a new file for the rows; None to keep them in memory.

        Raises:
            DataError: There is no `input_ids`, or the file cannot be created.
        """

    def pack(
        self,
        rows: Any,
        marks: Sequence[PackMark] | None = None,
        start: int = 0,
        stop: int | None = None,
        *,
        pad_id: int | None = None,
        pad_to_max_length: bool = False,
    ) -> PackBatch:
        """Pack rows: put the lists of the rows of each pack one after the other.

        The label of the first token of each row becomes -100, since no token before it belongs to its row.

        Args:
            rows: Arrow data with all rows of the plan, in its order: lists of numbers, such as `input_ids` and
                `labels`. `length` and `row` are left out.
            marks: The columns that tell where the rows of a pack are. Default: `seq_lengths`.
            start: The first pack.
            stop: The pack after the last one; None for all.
            pad_id: The token id of padding, which is needed for `align`, `pad_to_max_length` and packs without rows.
            pad_to_max_length: Whether to fill each pack up to `max_length`.

        Returns:
            One row for each pack.

        Raises:
            DataError: A column holds no lists of numbers, rows have other lengths than in the plan, or there is no
                `pad_id`.
        """

    def report(self) -> PackReport:
        """Return the figures of the plan."""

    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class PackReport:
    """The figures of a plan. Tokens are those of rows, without padding.

    Attributes:
        rows: The number of rows.
        packs: The number of packs.
        empty_packs: The packs without rows, which make the number of packs a multiple.
        tokens: The tokens in packs.
        room: The tokens of as many full packs.
        efficiency: `tokens / room`; 1 if there is no pack.
        pieces: The rows, or parts of rows, in packs.
        most_rows: The most of them in one pack.
        squared_lengths: The sum of the squares of their lengths: what attention costs, since it does not cross rows.
        dropped_rows: The rows of `PackPlan.dropped`.
        dropped_tokens: The tokens that were dropped with them.
        cut_rows: The rows that lost tokens at their start or end.
        cut_tokens: The tokens that they lost.
        empty_rows: The rows without tokens, which are in no pack.
    """

    @property
    def rows(self) -> int: ...
    @property
    def packs(self) -> int: ...
    @property
    def empty_packs(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def room(self) -> int: ...
    @property
    def efficiency(self) -> float: ...
    @property
    def pieces(self) -> int: ...
    @property
    def most_rows(self) -> int: ...
    @property
    def squared_lengths(self) -> int: ...
    @property
    def dropped_rows(self) -> int: ...
    @property
    def dropped_tokens(self) -> int: ...
    @property
    def cut_rows(self) -> int: ...
    @property
    def cut_tokens(self) -> int: ...
    @property
    def empty_rows(self) -> int: ...

@final
class Region:
    """A range of the rendered text that comes from one part of one message.

    Attributes:
        start: First character, an index into `Encoding.text`.
        end: One past the last character.
        message: Index of the message, from 0, or None for scaffold.
        role: Role of that message, or None for scaffold.
        kind: `scaffold`, `header`, `prefix`, `reasoning`, `content`, `tool_call`, `tool_result`, `closer` or
            `trailing`.
    """

    start: int
    end: int
    message: int | None
    role: str | None
    kind: RegionKind

@final
class Token:
    """One token of an `Encoding`: its `id`, its characters `start` to `end` of the text, its `label` (-100: masked)."""

    id: int
    start: int
    end: int
    text: str
    label: int

@final
class Encoding:
    """One row, rendered, tokenized and labeled. If the row becomes several samples, this is the first one."""

    @property
    def text(self) -> str: ...
    @property
    def input_ids(self) -> list[int]: ...
    @property
    def labels(self) -> list[int]: ...
    @property
    def weights(self) -> list[float] | None:
        """One weight per token, or None if the labels are not weighted."""
    @property
    def notes(self) -> list[str]:
        """Notes on the row, such as `proved`: its labels are verified."""
    @property
    def samples(self) -> list[Encoding]:
        """All samples of the row; at least this one."""
    @property
    def answer(self) -> str | None:
        """The name of the answer, such as `chosen`, for rows of a prompt with answers."""
    @property
    def regions(self) -> list[Region]: ...
    @property
    def offsets(self) -> list[tuple[int, int]]:
        """The characters that each token covers, at least in part: the first one, and one past the last one."""
    @property
    def tokens(self) -> list[Token]: ...
    def show(self, *, regions: bool = True) -> None:
        """Print the text with its trained part in color, and with the names of its regions."""
    def _repr_html_(self) -> str: ...
    def __len__(self) -> int: ...

@final
class RowStatistics:
    """What a mill counts of rows: messages, roles, regions, turns, stop tokens, and lengths before rows are cut."""

    def __new__(cls) -> RowStatistics: ...
    def add(self, other: RowStatistics, first_row: int = 0) -> None:
        """Add the statistics of later rows, of which the first one has the number `first_row`."""
    def add_regions(self, other: RowStatistics, rows: Sequence[int]) -> None:
        """Add what regions tell of some of the rows, which have these numbers among all rows."""
    @property
    def region_rows(self) -> int:
        """Rows whose regions are known."""
    @property
    def bytes(self) -> int:
        """Bytes of the texts of the rows that became samples, before any cut."""
    @property
    def text_tokens(self) -> int:
        """Tokens of these texts."""
    @property
    def first_rows(self) -> dict[str, int]:
        """The first row with each mark or note, by its code."""
    @property
    def extremes(self) -> dict[str, tuple[float, int]]:
        """The rows with the longest sample, the least trained share and the most turns: name to value and row."""
    def to_json(self) -> str: ...

@final
class SampleStatistics:
    """Counts of samples, from their columns: lengths, trained shares, first and last trained tokens, duplicates."""

    def __new__(cls, bos_id: int | None = None, padding_side: PaddingSide = "right") -> SampleStatistics: ...
    def add(self, samples: Any, answers: Sequence[str] = ()) -> None:
        """Count samples: `input_ids` and `labels`, or `prompt_ids` and the columns of `answers`."""
    def to_json(self) -> str: ...

@final
class TokenBatch:
    """The result of a `Mill`: an Arrow table in memory that any Arrow library reads.

    Columns: `input_ids` list<int32>, `labels` list<int32> (-100: masked), `weights` list<float> if labels are weighted,
    optional `attention_mask` list<int8> and `position_ids` list<int32>, `length` int32 (without padding), `row` int64
    if a row may become several samples, the kept columns, and with `on_error="null"` a string column `error`.

    It is a mapping too: `batch["labels"]` is a column as a list. `len` is the number of rows.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, key: str, /) -> list[Any]: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def keys(self) -> list[str]: ...
    def values(self) -> list[list[Any]]: ...
    def items(self) -> list[tuple[str, list[Any]]]: ...
    def get(self, name: str, default: Any = None) -> Any: ...
    @property
    def tokenizer(self) -> Tokenizer | None:
        """The tokenizer that made the ids; None for a batch that was pickled."""
    @property
    def column_names(self) -> list[str]: ...
    @property
    def num_tokens(self) -> int: ...
    @property
    def num_trained_tokens(self) -> int: ...
    @property
    def num_truncated(self) -> int:
        """Rows cut to `max_length`."""
    @property
    def num_cut_tokens(self) -> int:
        """Tokens of the rows in the output that `max_length` cut off; without those of `segment_length`."""
    @property
    def num_assistant_turns(self) -> int:
        """Assistant turns in the rows in the output; 0 if the labels are those of another tool."""
    @property
    def num_trained_turns(self) -> int:
        """Assistant turns of which a trained token is left after the cut to `max_length`."""
    @property
    def num_rows_in(self) -> int:
        """Rows of the input."""
    @property
    def counts(self) -> dict[str, int]:
        """Rows by note, such as `proved`: rows with verified labels."""
    @property
    def num_untrained_rows(self) -> int:
        """Rows that have tokens, but no trained token."""
    @property
    def statistics(self) -> RowStatistics | None:
        """The statistics of the rows, if the mill was called with `statistics=True`."""
    @property
    def failures(self) -> list[RowFailure]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __reduce__(self) -> tuple[Any, tuple[Any, str]]: ...
    def _repr_html_(self) -> str: ...

@final
class Mill:
    """Turns conversations into token ids and labels, in threads, without the GIL. Safe to share between threads."""

    def __new__(
        cls,
        tokenizer: Tokenizer,
        template: ChatTemplate | None = None,
        *,
        format: str | Mapping[str, Any] | Format | None = None,
        labels: str | Mapping[str, Any] | Labels = "assistant",
        split: Split | None = None,
        max_length: int | None = None,
        reserve: int = 0,
        truncation: Truncation = "keep_start",
        segment_length: int | None = None,
        padding: Padding | None = None,
        padding_side: PaddingSide = "right",
        pad_to_multiple_of: int | None = None,
        special_tokens: ControlTokens = "allow",
        allowed_special_tokens: Sequence[str] = (),
        all_masked: AllMasked = "keep",
        threads: int | None = None,
        on_error: OnError = "raise",
        keep_columns: Sequence[str] = (),
        attention_mask: bool = False,
        position_ids: bool = False,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        limits: Mapping[str, int] | None = None,
        now: datetime | None = None,
    ) -> Mill: ...
    @staticmethod
    def from_pretrained(source: Any, template: Any = None, *, rebuild: bool = True, **options: Any) -> Mill:
        """Load the tokenizer of a model, its template and its special tokens, and make a mill of them.

        `template` is a name or anything `ChatTemplate.from_pretrained` reads; None for that of the model. `options` are
        those of `Mill`.
        """
    def __call__(
        self, batch: Any, *, json_column: str | None = None, statistics: bool | Literal["all"] | None = None
    ) -> TokenBatch:
        """Process rows: a list of dicts, a dict of columns, Arrow data, or a batch of `datasets`.

        With `json_column` each row is one JSON object in that string or binary column. With `statistics` the batch has
        `statistics`; with `"all"` these have the regions of all rows.
        """
    def stream(self, rows: Any, *, json_column: str | None = None) -> Any:
        """Process a stream of Arrow data as a stream, a `pyarrow.RecordBatchReader`.

        A batch is read and processed when the consumer asks for the next one. A column `row` counts all rows.
        """
    def encode(
        self,
        messages: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        **variables: Any,
    ) -> Encoding: ...
    def encode_row(self, batch: Any, row: int, *, json_column: str | None = None) -> Encoding:
        """Encode one row of a batch, in any form that `__call__` reads."""
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def template(self) -> ChatTemplate: ...
    @property
    def format(self) -> Format | None: ...
    @property
    def labels(self) -> Labels: ...
    @property
    def warnings(self) -> list[str]:
        """Warnings about the tokenizer with these options."""
    @property
    def profiles_learned(self) -> int:
        """The number of learned template profiles: one per combination of the variables that the template reads."""
    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments that make an equal mill."""
    def __getnewargs_ex__(self) -> tuple[tuple[Tokenizer, ChatTemplate | None], dict[str, Any]]: ...

def format_info(json: str) -> FormatInfo:
    """Read a format from JSON and return what it reads. Raise a `DataError` if it is not valid."""

def check_arrow(batch: Any) -> None:
    """Raise a `DataError` if a column of Arrow data is damaged.

    Strings that are not UTF-8 are no damage: they fail only their rows.
    """

def encode_rows(
    mill: Mill, batch: Any, rows: Sequence[int], *, json_column: str | None = None
) -> list[Encoding | None]:
    """Encode some rows of one record batch, as `Mill.encode_row` does; None for a row without tokens."""

def check_labels(json: str) -> None:
    """Raise a `DataError` if a JSON object does not describe labels."""

@final
class LineCutter:
    """Cuts text into lines, as `chatmill.inputs` reads JSONL. The text comes in chunks.

    Args:
        column: The name of the column for the lines.
        max_line_bytes: The size of the longest line that is read, in bytes. A longer one is skipped and needs no
            memory.
        is_first: Whether the text begins with the beginning of a file.
    """

    def __new__(cls, column: str, max_line_bytes: int, *, is_first: bool) -> LineCutter: ...
    def cut(self, chunk: bytes) -> list[CutLines]:
        """Take a chunk of text, and return the lines that end in it. A skipped line is a piece of its own."""

    def finish(self) -> CutLines | None:
        """Return the last line, if it lacks its end; otherwise None."""

@final
class ParquetEncoder:
    """Makes the bytes of a Parquet file. Token columns take less time and room than with pyarrow.

    Args:
        schema: The columns, as a schema of pyarrow that the encoder `knows`.
        compression: `"zstd"`, `"snappy"` or `"none"`.
        statistics: The columns whose least and greatest values are written.

    Raises:
        DataError: A column has another type, or `compression` is not valid.
    """

    def __new__(cls, schema: object, compression: str, statistics: list[str]) -> ParquetEncoder: ...
    @staticmethod
    def knows(schema: object) -> bool:
        """Return whether all columns of a schema have types that the encoder writes.

        These are numbers, booleans, texts, bytes, and lists and structs of these.
        """

    def row_group(self, rows: object) -> bytes:
        """Add rows as a row group, and return the next bytes of the file."""

    def finish(self) -> bytes:
        """End the file, and return its last bytes."""

@final
class CutLines:
    """Some lines of a text without the blank ones, as Arrow data with one column of binary values.

    A line that is too long is null.
    """

    @property
    def total(self) -> int:
        """The number of lines, with the blank ones."""

    @property
    def places(self) -> list[int] | None:
        """The place of each line among all of them, from 0; None if no line is blank."""

    @property
    def long(self) -> list[tuple[int, int, bytes]]:
        """The lines that are too long: the row of each, the number of its bytes, and its first bytes."""

    @property
    def start(self) -> bytes:
        """The beginning of the text if these are the first lines of a file; otherwise empty."""

    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]: ...

def lines_digest(kind: str, lines: Any) -> str:
    """Return the BLAKE3 checksum of lines, in hexadecimal digits. Where they are in memory does not count."""

def exchange_files(one: str | PathLike[str], other: str | PathLike[str]) -> None:
    """Swap two files or folders of one filesystem in one step. Raise an `OSError` if they cannot be swapped."""

def restore_batch(table: Any, counts: str) -> TokenBatch:
    """Make a pickled batch again."""

def masked_batch(batch: TokenBatch) -> TokenBatch:
    """Return a batch whose labels are one bit for each token, where they are nothing but the ids of trained tokens.

    It is smaller to pickle, and `restore_batch` makes the labels again.
    """

def outline_of(tokenizer_json: str) -> str:
    """Return the text of a `tokenizer.json` without its vocabulary and merges, as JSON."""

def replace_outline(tokenizer_json: str, outline: str) -> str:
    """Return the text of a `tokenizer.json` with another outline; vocabulary and merges stay."""

def find_in_vocabulary(tokenizer_json: str, tokens: Sequence[str]) -> tuple[int, list[tuple[int, float | None] | None]]:
    """Return the number of tokens of a vocabulary; and for each of `tokens` its id and score, or None."""
