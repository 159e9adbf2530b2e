"""chatmill turns chat data into training tokens: it renders the template, tokenizes and labels in one pass over Arrow.

Example:
    >>> import chatmill
    >>> tokenizer = chatmill.Tokenizer.from_pretrained("Qwen/Qwen3-8B")  # doctest: +SKIP
    >>> template = chatmill.ChatTemplate.from_pretrained("Qwen/Qwen3-8B")  # doctest: +SKIP
    >>> mill = chatmill.Mill(tokenizer, template, max_length=8192)  # doctest: +SKIP
    >>> batch = mill(table)  # a table of pyarrow, polars or datasets  # doctest: +SKIP
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatmill._chatmill import (
    ChatmillError,
    ChatTemplate,
    DataError,
    Encoding,
    Engine,
    Mill,
    PackBatch,
    PackPlan,
    PackReport,
    PackRows,
    Region,
    RowError,
    RowFailure,
    RowStatistics,
    RowStore,
    SampleStatistics,
    TemplateError,
    TextBatch,
    Token,
    TokenBatch,
    Tokenizer,
    TokenizerError,
    __version__,
)

if TYPE_CHECKING:
    from chatmill.batches import Collator, collate, split_between
    from chatmill.formats import Format
    from chatmill.formatter import Conversation, Formatter
    from chatmill.labels import Labels
    from chatmill.layouts.convert import ConvertedReport, convert
    from chatmill.layouts.opened import TokenRow, TokenRows
    from chatmill.layouts.opened import open as open  # noqa: A004
    from chatmill.lint import Finding
    from chatmill.packing.job import pack
    from chatmill.packing.report import PackedOutputReport
    from chatmill.pipeline.job import prepare
    from chatmill.pipeline.report import PrepareReport
    from chatmill.prompts import Prompt
    from chatmill.reporting.audit import audit
    from chatmill.reporting.audit_model import Audit
    from chatmill.reporting.job import report
    from chatmill.reporting.shown import ShownReport
    from chatmill.verification.job import verify
    from chatmill.verification.report import VerifyReport

__all__ = [
    "Audit",
    "ChatTemplate",
    "ChatmillError",
    "Collator",
    "Conversation",
    "ConvertedReport",
    "DataError",
    "Encoding",
    "Engine",
    "Finding",
    "Format",
    "Formatter",
    "Labels",
    "Mill",
    "PackBatch",
    "PackPlan",
    "PackReport",
    "PackRows",
    "PackedOutputReport",
    "PrepareReport",
    "Prompt",
    "Region",
    "RowError",
    "RowFailure",
    "RowStatistics",
    "RowStore",
    "SampleStatistics",
    "ShownReport",
    "TemplateError",
    "TextBatch",
    "Token",
    "TokenBatch",
    "TokenRow",
    "TokenRows",
    "Tokenizer",
    "TokenizerError",
    "VerifyReport",
    "__version__",
    "audit",
    "collate",
    "convert",
    "pack",
    "prepare",
    "report",
    "split_between",
    "verify",
]

# datasets and Ray take only mappings as batches.
Mapping.register(TokenBatch)

# These need pyarrow or YAML. Importing pyarrow takes longer than all of chatmill, and a mill over batches in memory
# does not need it.
_LAZY = {
    "Audit": "chatmill.reporting.audit_model",
    "audit": "chatmill.reporting.audit",
    "Collator": "chatmill.batches",
    "Conversation": "chatmill.formatter",
    "ConvertedReport": "chatmill.layouts.convert",
    "Finding": "chatmill.lint",
    "Format": "chatmill.formats",
    "Formatter": "chatmill.formatter",
    "Labels": "chatmill.labels",
    "PrepareReport": "chatmill.pipeline.report",
    "Prompt": "chatmill.prompts",
    "collate": "chatmill.batches",
    "TokenRow": "chatmill.layouts.opened",
    "TokenRows": "chatmill.layouts.opened",
    "convert": "chatmill.layouts.convert",
    # Not in `__all__`: after `from chatmill import *` it would hide the `open` of Python.
    "open": "chatmill.layouts.opened",
    "pack": "chatmill.packing.job",
    "PackedOutputReport": "chatmill.packing.report",
    "prepare": "chatmill.pipeline.job",
    "report": "chatmill.reporting.job",
    "ShownReport": "chatmill.reporting.shown",
    "split_between": "chatmill.batches",
    "VerifyReport": "chatmill.verification.report",
    "verify": "chatmill.verification.job",
}


def __getattr__(name: str) -> Any:
    """Import a name that is outside the core on its first use."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "open"]
