"""`PackedOutputReport`: the result of packing an output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from chatmill._chatmill import PackReport
from chatmill.packing.comparison import WayToBatch, table_of
from chatmill.packing.trained import TrainedShare

_FIGURES = (
    *("rows", "packs", "empty_packs", "tokens", "room", "pieces", "most_rows", "squared_lengths", "dropped_rows"),
    *("dropped_tokens", "cut_rows", "cut_tokens", "empty_rows"),
)


def figures(report: PackReport) -> dict[str, Any]:
    """Return the figures of a plan, for the manifest.

    Args:
        report: The figures.
    """
    return {**{name: getattr(report, name) for name in _FIGURES}, "efficiency": report.efficiency}


@dataclass(frozen=True)
class PackedOutputReport:
    """The result of packing an output. `str` gives its lines.

    Attributes:
        output: The new output, or the index file.
        max_length: The length of a pack.
        splits: The figures of each split.
        seconds: The time of the run.
        left_out: The kept columns of the rows, which packs cannot have.
        how_to_train: The lines by which a trainer opens the packs; empty without a trainer.
        trained: The trained tokens of the packs of each split; empty for an index.
        ways: The figures of these packs and of other ways to batch the same rows, for each split; empty without
            `compare`.
        notes: What the layout of the files does not hold, as sentences.
    """

    output: PurePath
    max_length: int
    splits: dict[str, PackReport]
    seconds: float
    left_out: tuple[str, ...] = ()
    how_to_train: str = ""
    trained: Mapping[str, TrainedShare] = field(default_factory=dict)
    ways: Mapping[str, Sequence[WayToBatch]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the lines of the figures."""
        lines = []
        for split, it in self.splits.items():
            name = "" if len(self.splits) == 1 else f"{split}: "
            full = "no row is in a pack, so there is nothing to train"
            if it.packs:
                mean = it.pieces / it.packs
                full = f"{100 * it.efficiency:.2f} % full, {mean:.1f} rows a pack (at most {it.most_rows:,})"
            lines.append(f"{name}{it.packs:,} packs of {self.max_length:,} tokens from {it.rows:,} rows; {full}")
            lost = [
                (it.cut_rows, f"were longer than a pack and lost {it.cut_tokens:,} tokens"),
                (
                    it.dropped_rows,
                    f"were dropped, with {it.dropped_tokens:,} tokens",
                ),
                (it.empty_rows, "have no tokens, so they are in no pack"),
            ]
            lines += [f"  {count:,} rows {what}" for count, what in lost if count]
            if it.empty_packs:
                lines.append(f"  {it.empty_packs:,} packs are all padding")
            lines += self._trained(split, it.tokens)
            if split in self.ways:
                lines += [f"  {line}".rstrip() for line in table_of(self.ways[split]).splitlines()]
        if self.left_out:
            lines.append(f"  left out, because packs hold tokens alone: {', '.join(self.left_out)}")
        return [*lines, *self.notes]

    def __str__(self) -> str:
        place = f"written to {self.output} in {self.seconds:.1f} s"
        # As in the summary of `prepare`, a blank line comes before what is copied.
        return "\n".join([*self.lines(), place, *(["", self.how_to_train] if self.how_to_train else [])])

    def _trained(self, split: str, tokens: int) -> Iterator[str]:
        share = self.trained.get(split)
        if share is None or not tokens:
            return
        yield (
            f"  {100 * share.tokens / tokens:.1f} % of the tokens are trained; of a pack at least "
            f"{100 * share.lowest:.1f} %, in the median {100 * share.median:.1f} %"
        )
        if share.packs_without:
            yield f"  {share.packs_without:,} packs have no trained token"
