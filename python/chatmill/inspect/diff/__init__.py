"""Differences row by row: between two mills, and between a mill and a finished output of `prepare`."""

from chatmill.inspect.diff.mills import diff_rows
from chatmill.inspect.diff.outputs import OUTPUT_NAMES, OutputReport, diff_output
from chatmill.inspect.diff.report import DiffReport, RowDifference
from chatmill.inspect.diff.show import show_difference, show_output_summary, show_summary
from chatmill.inspect.diff.spans import Aspect, DifferingSpan

__all__ = [
    "OUTPUT_NAMES",
    "Aspect",
    "DiffReport",
    "DifferingSpan",
    "OutputReport",
    "RowDifference",
    "diff_output",
    "diff_rows",
    "show_difference",
    "show_output_summary",
    "show_summary",
]
