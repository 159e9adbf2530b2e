"""chatmill turns chat data into training tokens: render the template, tokenize, label, in one pass over Arrow memory.

Example:
    >>> import chatmill
    >>> tokenizer = chatmill.Tokenizer.from_pretrained("Qwen/Qwen3-8B")  # doctest: +SKIP
    >>> template = chatmill.ChatTemplate.from_pretrained("Qwen/Qwen3-8B")  # doctest: +SKIP
    >>> mill = chatmill.Mill(tokenizer, template, max_length=8192)  # doctest: +SKIP
    >>> batch = mill(table)  # pyarrow, polars, datasets; any Arrow table  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from chatmill._chatmill import (
    ChatmillError,
    ChatTemplate,
    DataError,
    Encoding,
    Engine,
    Mill,
    Region,
    RowError,
    RowFailure,
    TemplateError,
    TextBatch,
    Token,
    TokenBatch,
    Tokenizer,
    TokenizerError,
    __version__,
)

if TYPE_CHECKING:
    from chatmill.formats import Format
    from chatmill.formatter import Conversation, Formatter
    from chatmill.job import prepare
    from chatmill.labels import Labels
    from chatmill.lint import Finding
    from chatmill.report import PrepareReport

__all__ = [
    "ChatTemplate",
    "ChatmillError",
    "Conversation",
    "DataError",
    "Encoding",
    "Engine",
    "Finding",
    "Format",
    "Formatter",
    "Labels",
    "Mill",
    "PrepareReport",
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
    "prepare",
]

# Files are read and written with pyarrow, which takes longer to import than everything else here together;
# who only mills batches in memory should not wait for it.
_LAZY = {
    "Conversation": "chatmill.formatter",
    "Finding": "chatmill.lint",
    "Format": "chatmill.formats",
    "Formatter": "chatmill.formatter",
    "Labels": "chatmill.labels",
    "PrepareReport": "chatmill.report",
    "prepare": "chatmill.job",
}


def __getattr__(name: str) -> Any:
    """Import what lives outside the core on first use."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
