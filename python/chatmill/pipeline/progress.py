"""`run_shown`: a run with its progress bar, and with what it says about earlier runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from chatmill.inputs import Block, InputFile
from chatmill.pipeline.counts import Counts
from chatmill.pipeline.planned import PlannedRun
from chatmill.pipeline.report import PrepareReport
from chatmill.pipeline.run import run_parts
from chatmill.terminal.console import new_console
from chatmill.terminal.lines import say_note
from chatmill.text.numbers import short_number


def run_shown(run: PlannedRun) -> PrepareReport:
    """Do a run, and show its progress on stderr.

    Args:
        run: The run.

    Returns:
        Counts, rejects and files.
    """
    return run_parts(run.parts, run.options, watch=partial(progress_bar, show=run.progress), say=say_note)


@contextmanager
def progress_bar(files: Sequence[InputFile], counts: Counts, *, show: bool | None) -> Iterator[Callable[[Block], None]]:
    """Show a progress bar on stderr: rows, tokens per second, and the time left, estimated from bytes.

    Args:
        files: The files of the run.
        counts: The running totals to show.
        show: Whether to show the bar; None shows it if stderr is a terminal.

    Yields:
        A function to call with each finished block, in the order of the blocks.
    """
    sizes = [file.size or 0 for file in files]
    bytes_before = [sum(sizes[:position]) for position in range(len(sizes))]
    started = time.monotonic()
    console = new_console(stderr=True, force_terminal=True if show else None)
    is_shown = console.is_terminal if show is None else show
    columns: list[ProgressColumn] = [
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]} rows"),
        TextColumn("{task.fields[speed]} tokens/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
    ]
    bars = Progress(*columns, console=console, disable=not is_shown, transient=True)
    # Some stores do not report file sizes. Without a total, the bar only pulses.
    total = float(sum(sizes)) if all(file.size is not None for file in files) else None
    task = bars.add_task("", total=total, rows="0", speed="0")

    def advance(block: Block) -> None:
        bars.update(
            task,
            completed=bytes_before[block.file.position] + block.bytes_read,
            rows=f"{counts.rows_in:,}",
            speed=short_number(counts.tokens / max(time.monotonic() - started, 1e-9)),
        )

    with bars:
        yield advance
