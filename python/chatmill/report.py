"""`PrepareReport`: what a run did, with its progress bar and its summary table."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from chatmill._chatmill import Engine, TokenBatch
from chatmill.arrange import Arranged
from chatmill.inputs import Block, InputFile
from chatmill.rejects import REJECTS, Reject
from chatmill.shards import Shard


@dataclass(frozen=True)
class PrepareReport:
    """What `prepare` did.

    Attributes:
        output: The folder it made.
        rows_in: Rows read; `rows_out + rejected`.
        rows_out: Rows that became samples.
        rejected: Rows without; they are in `rejects.jsonl`.
        reasons: Rejected rows by the code of the failure, most frequent first.
        examples: The first rejected row of each code.
        tokens: Tokens written.
        trained_tokens: Those of them with a label.
        samples: Samples written; more than `rows_out` where rows become several.
        untrained: Samples written without a single trained token.
        notes: Rows by what was noted of them: how their labels are proved (`proved`, `proved_by_prefixes`, `tagged`,
            `like_another_tool`), turns left out (`value_dropped`, `other_role`, `header_mismatch`, `merged`,
            `unanchored`),
            `missing_stop`, `doubled_bos`, `control_text`, `empty_answer`, `truncated`, `pieces_left_out`.
        warnings: What is worth a warning of the tokenizer with these options, and of the template that was taken.
        seconds: From start to end.
        shards: The files of tokens.
        labels: The policy that chose the trained tokens; a list where parts of the run have several.
        format: What the rows were taken for, None for messages; a list where parts have several.
        engine: What encoded, and why.
        format_reason: Why the rows were taken for that, where nobody said it.
        validation_shards: The files of tokens for validation.
        arranged: What became of the samples where they did not stay as they came: duplicates, validation, weights.
    """

    output: Path
    rows_in: int
    rows_out: int
    rejected: int
    reasons: Mapping[str, int]
    examples: Mapping[str, Reject]
    tokens: int
    trained_tokens: int
    samples: int
    untrained: int
    notes: Mapping[str, int]
    warnings: Sequence[str]
    seconds: float
    shards: Sequence[Shard]
    labels: str | Mapping[str, Any] | Sequence[Any]
    format: str | Sequence[str | None] | None
    engine: Engine
    format_reason: str = ""
    validation_shards: Sequence[Shard] = ()
    arranged: Arranged | None = None

    @property
    def tokens_per_second(self) -> float:
        """Tokens written by the second of the whole run."""
        return self.tokens / max(self.seconds, 1e-9)

    @property
    def truncated(self) -> int:
        """Rows cut to `max_length`."""
        return self.notes.get("truncated", 0)

    def counts(self) -> dict[str, Any]:
        """The counts alone, as `manifest.json` holds them."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "rejected": self.rejected,
            "rejected_by_reason": dict(self.reasons),
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "samples": self.samples,
            "untrained": self.untrained,
            "notes": dict(self.notes),
            **({} if self.arranged is None else {"arranged": self.arranged.counts()}),
        }

    def __rich__(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(justify="right")
        table.add_column(overflow="fold")
        table.add_row("rows in", f"{self.rows_in:,}")
        cut = f"{self.truncated:,} cut to max_length" if self.truncated else ""
        several = f"{self.samples:,} samples" if self.samples != self.rows_out else ""
        table.add_row("rows out", f"{self.rows_out:,}", ", ".join(filter(None, [several, cut])))
        table.add_row("rejected", f"{self.rejected:,}", Text(str(self.output / REJECTS) if self.rejected else ""))
        for code, count in self.reasons.items():
            example = self.examples[code]
            table.add_row(Text(f"  {code}", style="red"), f"{count:,}", Text(f"{example.place}: {example.reason}"))
        table.add_row("tokens", f"{self.tokens:,}", f"{_short(self.tokens_per_second)} a second, {self.seconds:.1f} s")
        share = f"{100 * self.trained_tokens / max(1, self.tokens):.1f} %"
        none = f", none in {self.untrained:,} rows" if self.untrained and self.labels != "none" else ""
        table.add_row("trained", f"{self.trained_tokens:,}", share + none)
        for code, meaning in _NOTES.items():
            if rows := self.notes.get(code):
                table.add_row(Text(f"  {code}", style=_STYLES.get(code, "yellow")), f"{rows:,}", Text(meaning))
        size = decimal(sum(shard.bytes for shard in self.shards))
        if isinstance(self.format, str) or self.format_reason:
            name = self.format if isinstance(self.format, str) else "messages"
            table.add_row("format", "", Text(f"{name}; {self.format_reason}" if self.format_reason else name))
        if self.arranged is not None:
            for row in _arranged_rows(self.arranged):
                table.add_row(*row)
        table.add_row("shards", f"{len(self.shards):,}", Text(f"{size} in {self.output}"))
        table.add_row("engine", self.engine.name, Text(f"{self.engine.version}; {self.engine.reason}"))
        return Group(table, *(Text(warning, style="yellow") for warning in self._warnings()))

    def __str__(self) -> str:
        console = Console(width=160, color_system=None)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    def _warnings(self) -> list[str]:
        if self.rows_in == 0:
            return ["The inputs have no rows: the output has one shard without rows."]
        if self.trained_tokens == 0 and self.labels != "none":
            return ["No token is trained: see `chatmill show` for a row, and the roles of its messages."]
        return list(self.warnings)


def _arranged_rows(arranged: Arranged) -> Iterator[tuple[str, str, str]]:
    if arranged.duplicates:
        yield "duplicates", f"{arranged.duplicates:,}", "samples left out, since their ids and labels were there before"
    if arranged.validation.rows:
        yield "validation", f"{arranged.validation.rows:,}", f"samples, {arranged.validation.tokens:,} tokens"
    yield "training", f"{arranged.training.rows:,}", f"samples, {arranged.training.tokens:,} tokens"


# How labels were made, and what is worth a look; `truncated` stands with the rows.
_NOTES = {
    "proved": "rows whose labels one render proves",
    "proved_by_prefixes": "rows whose labels the prompts of their turns prove",
    "tagged": "rows with the labels of {% generation %}",
    "like_another_tool": "rows labelled as another tool does",
    "value_dropped": "rows with a turn that the template does not print; it is not trained",
    "other_role": "rows with a turn that the template prints under a user's header; it is not trained",
    "header_mismatch": "rows with a turn whose header is not the generation prompt; it is not trained",
    "merged": "rows with a turn that has no place of its own; it is not trained",
    "unanchored": "rows with a turn without words, whose end is not sure; it is not trained",
    "missing_stop": "rows with a trained turn that does not end in a stop token",
    "doubled_bos": "rows that begin with two begin-of-text tokens",
    "control_text": "rows with control tokens in texts of messages, encoded as plain text",
    "empty_answer": "rows with an answer without words: what the template puts around it is trained",
    "pieces_left_out": "rows with samples left out: without a trained token, or too long",
}
_STYLES = {"proved": "green", "proved_by_prefixes": "green", "tagged": "green", "like_another_tool": "green"}


@dataclass
class Counts:
    """Running totals of a run; only the thread that writes changes them.

    Attributes:
        rows_by_file: Rows read of each input file.
        rows_out: Rows that became samples.
        samples: Samples written.
        tokens: Tokens written.
        trained_tokens: Those of them with a label.
        untrained: Samples written without a single trained token.
        notes: Rows by what was noted of them.
    """

    rows_by_file: list[int]
    rows_out: int = 0
    samples: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    untrained: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def rows_in(self) -> int:
        """Rows read of all files."""
        return sum(self.rows_by_file)

    def add(self, block: Block, tokens: TokenBatch, *, samples: int) -> None:
        """Count a block.

        Args:
            block: What was read.
            tokens: What the mill made of it.
            samples: How many of these were written.
        """
        self.rows_by_file[block.file.position] += block.batch.num_rows
        self.rows_out += block.batch.num_rows - len(tokens.failures)
        self.samples += samples
        self.tokens += tokens.num_tokens
        self.trained_tokens += tokens.num_trained_tokens
        self.untrained += tokens.num_untrained_rows
        self.notes.update(tokens.counts)


class Progress:
    """A progress bar on stderr: rows, tokens a second, and the time left by bytes. Used in a `with` block.

    Args:
        files: What will be read.
        counts: The running totals it shows.
        show: Whether to show it; None for: if stderr is a terminal.
    """

    def __init__(self, files: Sequence[InputFile], counts: Counts, *, show: bool | None) -> None:
        sizes = [file.size or 0 for file in files]
        self._bytes_before = [sum(sizes[:position]) for position in range(len(sizes))]
        self._counts = counts
        self._started = time.monotonic()
        console = Console(stderr=True, force_terminal=True if show else None)
        is_shown = console.is_terminal if show is None else show
        columns: list[ProgressColumn] = [
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rows]} rows"),
            TextColumn("{task.fields[speed]} tokens/s"),
            TimeRemainingColumn(),
            TextColumn("left"),
        ]
        self._bars = Bars(*columns, console=console, disable=not is_shown, transient=True)
        # Some stores do not tell sizes; the bar then only pulses.
        total = float(sum(sizes)) if all(file.size is not None for file in files) else None
        self._task = self._bars.add_task("", total=total, rows="0", speed="0")

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def advance(self, block: Block) -> None:
        """Show that a block is done.

        Args:
            block: The block; all before it are done too.
        """
        self._bars.update(
            self._task,
            completed=self._bytes_before[block.file.position] + block.bytes_read,
            rows=f"{self._counts.rows_in:,}",
            speed=_short(self._counts.tokens / max(time.monotonic() - self._started, 1e-9)),
        )


def _short(number: float) -> str:
    """A number with three digits or so: 12.3 M."""
    if number < 1000:
        return f"{number:.0f}"
    power = min(4, int(math.log10(number)) // 3)
    scaled = number / 1000**power
    return f"{scaled:.0f} {' kMGT'[power]}" if scaled >= 100 else f"{scaled:.1f} {' kMGT'[power]}"
