"""The words of a report that several views share: its verdict, what was made, the names of bins."""

from collections.abc import Mapping

from rich.text import Text

from chatmill.reporting.foreign import on_one_line
from chatmill.reporting.model import Report, Run, Status

#: The colors of the statuses.
STATUS_STYLES: Mapping[Status, str] = {"good": "bold green", "look": "bold yellow", "bad": "bold red"}
#: The names of the numbers of `Report.trained_shares`.
SHARE_NAMES = ("none", *(f"to {share} %" for share in range(10, 100, 10)), "above 90 %", "all")

_VERDICTS: Mapping[Status, str] = {
    "good": "nothing was found",
    "look": "a person should check it",
    "bad": "something is wrong",
}


def verdict_text(report: Report) -> str:
    """Return the verdict of a report as a sentence.

    Args:
        report: The report.
    """
    counts = [(sum(it.status == status for it in report.findings), what) for status, what in _COUNTED]
    parts = ", ".join(f"{number:,} {what}" for number, what in counts if number)
    return f"{report.status}: {_VERDICTS[report.status]}{f' ({parts})' if parts else ''}"


_COUNTED: tuple[tuple[Status, str], ...] = (("bad", "bad"), ("look", "to look at"))


def verdict(report: Report) -> Text:
    """Return the verdict of a report in its color.

    Args:
        report: The report.
    """
    return Text(verdict_text(report), style=STATUS_STYLES[report.status])


def run_lines(run: Run) -> list[str]:
    """Return what was made, and how, as lines that are safe to print.

    Args:
        run: What was made.
    """
    made = f"an output of chatmill {run.chatmill}" if run.is_output else "rows, without an output"
    when = f"{made}, made {run.created}" if run.created else made
    files = f"{when}, {run.layout}" if run.layout else when
    limit = "" if run.max_length is None else f"{run.max_length:,} ({run.truncation})"
    engine = f"{run.tokenizer} ({run.engine})" if run.engine else run.tokenizer
    options = {"tokenizer": engine, "template": run.template, "labels": run.labels, "max_length": limit}
    return [
        f"{on_one_line(run.name)}: {on_one_line(files)}",
        ", ".join(f"{name} {on_one_line(value)}" for name, value in options.items() if value),
    ]


def describe_run(run: Run) -> Text:
    """Return what was made, and how, for the terminal.

    Args:
        run: What was made.
    """
    first, second = run_lines(run)
    return Text.assemble((first, "bold"), "\n", (second, "dim"))


def quantile_text(lengths: Mapping[str, int]) -> str:
    """Return the quantiles of lengths as a text.

    Args:
        lengths: The lengths by `"50"` … `"max"`, as `quantiles` returns them.

    Example:
        >>> quantile_text({"50": 512, "max": 2048})
        '50 %: 512, max: 2,048'
    """
    return ", ".join(f"{name if name == 'max' else f'{name} %'}: {length:,}" for name, length in lengths.items())
