"""What packing made of the rows of an output, and what it lost."""

from collections.abc import Callable, Sequence

from chatmill.reporting.model import PackedSplit, Report
from chatmill.reporting.page.markup import Markup, element
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.section import section
from chatmill.reporting.page.tables import Column, Row, table

_Count = Callable[[PackedSplit], int]

# Names with their values, and with what is 100 % of them.
_ROWS: Sequence[tuple[str, _Count, _Count | None]] = (
    ("packs", lambda it: it.packs, None),
    ("length of a pack in tokens", lambda it: it.length, None),
    ("tokens that the packs have room for", lambda it: it.room, None),
    ("tokens in packs", lambda it: it.tokens, lambda it: it.room),
    ("trained tokens in packs", lambda it: it.trained_tokens, lambda it: it.tokens),
    ("rows that were packed", lambda it: it.rows, None),
    ("rows that packing cut", lambda it: it.cut_rows, lambda it: it.rows),
    ("tokens that packing cut off", lambda it: it.cut_tokens, lambda it: it.tokens + it.lost_tokens),
    ("rows that packing dropped", lambda it: it.dropped_rows, lambda it: it.rows),
    ("tokens that packing dropped", lambda it: it.dropped_tokens, lambda it: it.tokens + it.lost_tokens),
    ("trained tokens that packing lost", lambda it: it.lost_trained_tokens,
     lambda it: it.trained_tokens + it.lost_trained_tokens),
)  # fmt: skip


def packs(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on packs; nothing if no output has packs.

    Args:
        reports: The reports.
        names: Their names.
    """
    of_reports = [{it.split: it for it in report.packs} for report in reports]
    splits = list(dict.fromkeys(split for of in of_reports for split in of))
    if not splits:
        return Markup("")
    rows: list[Row] = [
        ([split, name], [_cells(of.get(split), value, whole) for of in of_reports])
        for split in splits
        for name, value, whole in _ROWS
    ]
    about = "Only this section describes the packs. All other sections describe the rows before they were packed."
    return section(
        "packs",
        "Packs",
        element("p", about, class_="remark"),
        table("What packing made of the rows", ["split", "what"], [Column("number"), Column("share")], names, rows),
    )


def _cells(split: PackedSplit | None, value: _Count, whole: _Count | None) -> list[str] | None:
    if split is None:
        return None
    return [count(value(split)), "" if whole is None else share(value(split), whole(split))]
