"""`ShownReport`: the reports of outputs or rows, which show themselves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from chatmill.outputs.durable import write_durably
from chatmill.reporting.as_json import json_text
from chatmill.reporting.fail_if import Held, held
from chatmill.reporting.model import Report, Status
from chatmill.reporting.notebook import notebook_html
from chatmill.reporting.target import checked_target
from chatmill.reporting.terminal import report_text, show_reports


@dataclass(frozen=True)
class ShownReport:
    """The result of `chatmill.report`. `print` shows it as a table, a notebook as a small summary.

    Attributes:
        reports: The report of each input, with all values.
    """

    reports: Sequence[Report]

    @property
    def report(self) -> Report:
        """The report of the first input."""
        return self.reports[0]

    @property
    def status(self) -> Status:
        """The worst status of all reports: `good`, `look` or `bad`."""
        order: Sequence[Status] = ("bad", "look")
        return next((it for it in order if any(report.status == it for report in self.reports)), "good")

    def fail_if(self, *conditions: str) -> tuple[Held, ...]:
        """Return the conditions that hold, as `chatmill report --fail-if` checks them.

        Args:
            conditions: Conditions, such as `"stop_untrained > 0"`.

        Returns:
            One entry for each condition and report; nothing if no condition holds.

        Raises:
            DataError: A text is no condition, or a report does not know the figure.

        Example:
            >>> assert not chatmill.report("tokens").fail_if("truncated_tokens > 2%")  # doctest: +SKIP
        """
        return held(self.reports, conditions)

    def json_text(self) -> str:
        """Return the reports as JSON text; `chatmill report --schema` prints its schema."""
        return json_text(self.reports)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the reports as JSON, completely or not at all.

        Args:
            path: The file; an earlier one is replaced.

        Raises:
            DataError: The file is an input, or within an output.
            OSError: The file cannot be written.
        """
        write_durably(self._target(path), self.json_text().encode())

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write the reports as one page that needs no other file, completely or not at all.

        Args:
            path: The file; an earlier one is replaced.

        Raises:
            DataError: The file is an input, or within an output.
            OSError: The file cannot be written.
        """
        from chatmill.reporting.page import page

        write_durably(self._target(path), page(self.reports).encode("utf-8", "backslashreplace"))

    def __str__(self) -> str:
        return report_text(self.reports)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(f'{it.run.name!r} {it.status}' for it in self.reports)}>"

    def __rich__(self) -> RenderableType:
        return show_reports(self.reports)

    def _repr_html_(self) -> str:
        return notebook_html(self.reports)

    def _target(self, path: str | os.PathLike[str]) -> Path:
        return checked_target(path, (source.path for report in self.reports for source in report.sources))
