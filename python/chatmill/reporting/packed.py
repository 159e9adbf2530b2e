"""`packed_splits`: what packing made of the rows of an output, from its manifest. `packing_findings`: what it lost."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatmill.reporting.model import PackedSplit, ReportFinding
from chatmill.statistics.read import RunFigures
from chatmill.text.numbers import percent


def packed_splits(packing: Mapping[str, Any] | None, figures: RunFigures) -> list[PackedSplit]:
    """Return the packs of an output.

    Args:
        packing: What the manifest has under `packing` in its options; None if the output has rows.
        figures: The statistics of the rows before they were packed.

    Raises:
        KeyError: A value is missing.
    """
    return [] if packing is None else [_split(split, packing, figures) for split in packing["report"]]


def _split(split: str, packing: Mapping[str, Any], figures: RunFigures) -> PackedSplit:
    report, trained = packing["report"][split], packing["trained"][split]["tokens"]
    is_lost = report["cut_tokens"] + report["dropped_tokens"] > 0
    # Packing also masks the first token of each row, which loses no text.
    lost = max(0, figures.samples[split].trained_tokens - trained) if is_lost else 0
    names = ("packs", "tokens", "room", "rows", "cut_rows", "cut_tokens", "dropped_rows", "dropped_tokens")
    return PackedSplit(
        split=split,
        length=packing["max_length"],
        trained_tokens=trained,
        lost_trained_tokens=lost,
        **{name: report[name] for name in names},
    )


def packing_findings(packs: Sequence[PackedSplit]) -> Iterator[ReportFinding]:
    """Say what packing cut off and left out.

    Args:
        packs: The packs.

    Yields:
        At most one finding for each of the two.
    """
    rows = sum(it.rows for it in packs)
    before = sum(it.tokens + it.lost_tokens for it in packs)
    for code, cut, tokens, what, remedy in (
        (
            "packing_cut",
            sum(it.cut_rows for it in packs),
            sum(it.cut_tokens for it in packs),
            "are longer than a pack, so packing cut off",
            'use longer packs, or put the parts of a long row into several packs (`truncation="split"` of `pack`)',
        ),
        (
            "packing_dropped",
            sum(it.dropped_rows for it in packs),
            sum(it.dropped_tokens for it in packs),
            "are in no pack, so the packs lack",
            'use longer packs, or let `pack` cut long rows (`truncation`) and keep the last packs (`remainder="pad"`)',
        ),
    ):
        if cut:
            text = f"{cut:,} of {rows:,} rows {what} {tokens:,} tokens ({percent(tokens, before)})"
            yield ReportFinding(code, "look", text, cut, rows, "", remedy)
