"""The compiled core of chatmill: tokenizer, chat template, mill. `help()` of each name tells more."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, final

from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.lint.finding import Finding

__all__ = [
    "ChatTemplate",
    "ChatmillError",
    "DataError",
    "Encoding",
    "Engine",
    "Mill",
    "Region",
    "RowError",
    "RowFailure",
    "TemplateError",
    "TextBatch",
    "Token",
    "TokenBatch",
    "Tokenizer",
    "TokenizerError",
    "__version__",
    "_check_format",
    "_check_labels",
]

__version__: str

class ChatmillError(ValueError):
    """The base of every error that chatmill raises.

    Attributes:
        code: A stable word for the kind of failure, such as `template_raised`.
        message: Index of the message the failure belongs to, from 0, or None.
        template_line: Line of the chat template, from 1, or None.

    Only errors of the core have these attributes.
    """

    code: str
    message: int | None
    template_line: int | None

class TemplateError(ChatmillError):
    """A chat template that does not compile, or that fails on a conversation."""

class TokenizerError(ChatmillError):
    """A tokenizer that cannot be loaded, or that cannot encode a text."""

class DataError(ChatmillError):
    """A batch or a row that does not have the form that chatmill reads."""

class RowError(ChatmillError):
    """A row that could not be turned into tokens.

    `failure` says where and why: see `RowFailure`.
    """

    failure: RowFailure

@final
class RowFailure:
    """Why one row has no tokens.

    Attributes:
        row: Index of the row in the input batch, from 0.
        message: Index of the message the failure belongs to, from 0, or None.
        template_line: Line of the chat template, from 1, or None.
        code: A stable word for the kind of failure, such as `template_raised`.
        text: What went wrong and what to do about it, in one sentence or two.
    """

    row: int
    message: int | None
    template_line: int | None
    code: str
    text: str

@final
class Engine:
    """Which tokenizer engine encodes, and why it was chosen.

    Attributes:
        name: `"fast"` (fastokens or tokenizers 1.0) or `"reference"` (tokenizers 0.23).
        reason: One sentence.
        version: Version of the crate behind the engine.
    """

    name: Literal["fast", "reference"]
    reason: str
    version: str

@final
class Tokenizer:
    """A tokenizer, loaded once and shared by all threads.

    Args:
        tokenizer_json: Text of a `tokenizer.json`.
        special_tokens: Names to tokens, such as `{"eos_token": "<|im_end|>"}`; templates see them as variables.
        stop_tokens: Tokens, beside `eos_token`, that end a turn.
        name: What to call the tokenizer in reports.
        engine: `"auto"` takes the fast engine where it proves equal to the reference on a stress text.
    """

    def __new__(
        cls,
        tokenizer_json: str,
        *,
        special_tokens: Mapping[str, str] | None = None,
        stop_tokens: Sequence[str] = (),
        name: str = "tokenizer",
        engine: Literal["auto", "fast", "reference"] = "auto",
    ) -> Tokenizer: ...
    @staticmethod
    def from_pretrained(source: Any, *, engine: Literal["auto", "fast", "reference"] = "auto") -> Tokenizer:
        """Load from a folder, a `tokenizer.json`, a Hub id, or a transformers tokenizer."""
    def encode(self, text: str) -> list[int]: ...
    def decode(self, ids: Sequence[int]) -> str: ...
    def token_to_id(self, token: str) -> int | None: ...
    @property
    def name(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def special_tokens(self) -> dict[str, str]: ...
    @property
    def stop_tokens(self) -> list[str]:
        """Tokens, beside `eos_token`, that end a turn."""
    @property
    def fingerprint(self) -> str:
        """SHA-256 of the tokenizer's definition, as 64 hexadecimal digits."""
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@final
class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja source.
        name: What to call it in errors and reports.
        tool_use: The source for conversations with tools, where they have one of their own.
        special_tokens: Variables such as `bos_token="<s>"`.
    """

    def __new__(
        cls, source: str, *, name: str = "chat_template", tool_use: str | None = None, **special_tokens: str
    ) -> ChatTemplate: ...
    @staticmethod
    def from_pretrained(source: Any, *, name: str | None = None, fallback: str | None = None) -> ChatTemplate:
        """Load a template as transformers finds it.

        `source` is a folder, a `.jinja` file, Jinja text, a Hub id, or a transformers tokenizer or processor. `name`
        picks one of several templates; without it `tool_use` serves conversations with tools and `default` the others.
        `fallback` is the named template to take where the source has none.
        """
    @staticmethod
    def named(name: str, **special_tokens: str) -> ChatTemplate:
        """One of the templates that come with chatmill; `ChatTemplate.names()` lists them."""
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
        """The text of a conversation, byte for byte as transformers renders it.

        `tools` are JSON schemas or Python functions. `continue_final_message` ends the text where the content of the
        last message ends (or the field of that name). `now` is the time that `strftime_now` shows.
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
        """The texts of all rows of a batch (what a `Mill` takes), without the GIL."""
    def regions(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        add_generation_prompt: bool = False,
        now: datetime | None = None,
        **variables: Any,
    ) -> list[Region]:
        """What put each part of the text there, in characters of the text that `render` gives."""
    def keys_read(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        add_generation_prompt: bool = False,
        now: datetime | None = None,
        **variables: Any,
    ) -> dict[str, bool]:
        """The keys of messages that the template asks for, each with whether any message has it."""
    def lint(
        self,
        data: Iterable[Mapping[str, Any]] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        tokenizer: Tokenizer | None = None,
        now: datetime | None = None,
        **variables: Any,
    ) -> list[Finding]:
        """What may be wrong with the template, or surprising in training."""
    def with_special_tokens(self, **special_tokens: str) -> ChatTemplate:
        """The same template with other special tokens; those given here win."""
    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def special_tokens(self) -> dict[str, str]: ...
    @property
    def tool_use(self) -> str | None:
        """The source for conversations with tools, where they have one of their own."""
    @property
    def reads_clock(self) -> bool:
        """Whether the template asks for the time of day, so that its text depends on `now`."""
    @property
    def variables(self) -> list[str]:
        """Names of the variables that the template takes from outside."""
    @property
    def has_generation(self) -> bool:
        """Whether the source carries `{% generation %}`."""
    @property
    def fingerprint(self) -> str:
        """SHA-256 of source and special tokens, as 64 hexadecimal digits."""
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@final
class TextBatch:
    """What `ChatTemplate.render_batch` returns: an Arrow table with one column `text` (large_string)."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Region:
    """A stretch of the rendered text that one part of one message put there.

    Attributes:
        start: First character, an index into `Encoding.text`.
        end: One past the last character.
        message: Index of the message, or None for scaffold.
        role: Role of that message, or None for scaffold.
        kind: `scaffold`, `header`, `prefix`, `reasoning`, `content`, `tool_call`, `tool_result`, `closer` or
            `trailing`.
    """

    start: int
    end: int
    message: int | None
    role: str | None
    kind: str

@final
class Token:
    """One token of an `Encoding`: `id`, its characters `start..end` of the text, and its `label` (-100 if masked)."""

    id: int
    start: int
    end: int
    text: str
    label: int

@final
class Encoding:
    """One conversation, rendered, tokenized and labelled."""

    @property
    def text(self) -> str: ...
    @property
    def input_ids(self) -> list[int]: ...
    @property
    def labels(self) -> list[int]: ...
    @property
    def weights(self) -> list[float] | None:
        """One weight a token, or None where the labels are not weighted."""
    @property
    def notes(self) -> list[str]:
        """What was noted of the row, such as how its labels are proved."""
    @property
    def regions(self) -> list[Region]: ...
    @property
    def tokens(self) -> list[Token]: ...
    def show(self, *, regions: bool = True) -> None:
        """Print the text with its trained part coloured, and with the names of its regions."""
    def _repr_html_(self) -> str: ...
    def __len__(self) -> int: ...

@final
class TokenBatch:
    """What a `Mill` returns: an Arrow table in memory, read by any Arrow library.

    Columns: `input_ids` list<int32>, `labels` list<int32> (-100 masked), with weighted labels `weights` list<float>,
    optional `attention_mask` list<int8>, `length` int32 (without padding), where a row may become several samples `row`
    int64, the kept columns, and with `on_error="null"` a string column `error`.
    """

    def __len__(self) -> int: ...
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
    def num_rows_in(self) -> int:
        """Rows of the input."""
    @property
    def counts(self) -> dict[str, int]:
        """Rows by what was noted of them, such as how their labels are proved."""
    @property
    def num_untrained_rows(self) -> int:
        """Rows that have tokens, but none of them trained."""
    @property
    def failures(self) -> list[RowFailure]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Mill:
    """Turns conversations into token ids with labels, in threads, without the GIL. Safe to share and to pickle."""

    def __new__(
        cls,
        tokenizer: Tokenizer,
        template: ChatTemplate | None = None,
        *,
        format: str | Mapping[str, Any] | Format | None = None,
        labels: str | Mapping[str, Any] | Labels = "assistant",
        split: Literal["per_turn"] | None = None,
        max_length: int | None = None,
        truncation: Literal["keep_start", "keep_end", "turns", "drop", "raise", "split"] = "keep_start",
        segment_length: int | None = None,
        padding: Literal["longest", "max_length"] | None = None,
        special_tokens: Literal["allow", "text", "raise"] = "allow",
        allowed_special_tokens: Sequence[str] = (),
        all_masked: Literal["keep", "reject"] = "keep",
        threads: int | None = None,
        on_error: Literal["raise", "null"] = "raise",
        keep_columns: Sequence[str] = (),
        attention_mask: bool = False,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Mill: ...
    def __call__(self, batch: Any, *, json_column: str | None = None) -> TokenBatch:
        """Process a batch: anything with `__arrow_c_array__` or `__arrow_c_stream__`.

        With `json_column` each row is one JSON object in that string or binary column.
        """
    def encode(
        self,
        messages: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        **variables: Any,
    ) -> Encoding: ...
    def encode_row(self, batch: Any, row: int, *, json_column: str | None = None) -> Encoding:
        """Encode one row of a batch, read in the way that `__call__` reads it."""
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
        """What is worth a warning of the tokenizer with these options."""
    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments that make this mill again."""
    def __getnewargs_ex__(self) -> tuple[tuple[Tokenizer, ChatTemplate | None], dict[str, Any]]: ...

def _check_format(json: str) -> None:
    """Raise a `DataError` if a JSON object is no format."""

def _check_labels(json: str) -> None:
    """Raise a `DataError` if a JSON object names no labels."""
