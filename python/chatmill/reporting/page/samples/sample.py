"""`draw_sample`: one row with its place, the reasons why it is here, its counts, and its text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from chatmill.drawing.html import CLASSES, draw_html
from chatmill.drawing.row import DrawnRegion, DrawnRow
from chatmill.reporting.model import ReportSample
from chatmill.reporting.page.charts.meter import meter
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.marks import with_marks
from chatmill.reporting.page.markup import Markup, element, joined, text
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.samples.names import Choices, name_of_why, reasons, short_role
from chatmill.reporting.page.samples.shorten import SPAN, Shortened, shortened, size_of


@dataclass(frozen=True)
class Numbered:
    """A sample with its number in the page, from 1, and the index of its report."""

    number: int
    report: int
    sample: ReportSample

    @property
    def id(self) -> str:
        """Its place in the page."""
        return f"sample-{self.number}"

    @property
    def size(self) -> int:
        """The number of its characters, or what its spans count for."""
        return size_of(self.sample.row) if self.sample.row else len(self.sample.data)


def draw_sample(it: Numbered, choices: Choices, limit: int) -> Markup:
    """Return a sample.

    Args:
        it: The sample.
        choices: The values of the filters.
        limit: The greatest number of characters of its text.
    """
    sample = it.sample
    why = reasons(sample)
    badges = [element("li", name_of_why(clipped(name, 100))) for name in why]
    if len(choices.reports) > 1:
        badges.insert(0, element("li", choices.reports[it.report], class_="report"))
    place = joined(element("span", f"{it.number}.", class_="number"), " ", clipped(sample.place))
    row = _row(sample.row, limit) if sample.row else _rejected(sample, limit)
    return element(
        "article",
        element("h3", place, id=f"{it.id}-name"),
        element("ul", *badges, class_="badges", aria_label="Why it is here"),
        element("p", "Answer: ", clipped(sample.answer)) if sample.answer else "",
        row,
        class_="sample",
        id=it.id,
        tabindex="-1",
        aria_labelledby=f"{it.id}-name",
        data_report=it.report,
        data_why=" ".join(str(choices.why.index(name)) for name in why),
        data_source=choices.sources.index(sample.source),
    )


def _row(row: DrawnRow, limit: int) -> Markup:
    part = shortened(row, limit, limit // SPAN)
    notes = [element("li", clipped(note, 500)) for note in row.notes]
    return joined(
        element(
            "p",
            meter(1, 1, trained=row.trained_tokens / row.tokens if row.tokens else 0),
            f" {count(row.tokens)} tokens, {count(row.trained_tokens)} of them trained "
            f"({share(row.trained_tokens, row.tokens)})",
            class_="counts",
        ),
        element("ul", *notes, class_="notes") if notes else "",
        element("div", *_messages(part.first), _gap(part), *_messages(part.last), class_="text"),
    )


def _gap(part: Shortened) -> Markup:
    """What is left out. Only forged rows have many spans without text."""
    if part.left_out:
        what = f"{count(part.left_out)} characters"
    elif part.spans > 0:
        what = f"{count(part.spans)} spans without text"
    else:
        return Markup("")
    return element("p", f"{what} are left out here, to keep the page small.", class_="gap")


def _messages(regions: Sequence[DrawnRegion]) -> list[Markup]:
    """The regions of each message as a block. The style sheet draws its role, so that it is not in the text."""
    blocks = []
    named = (replace(region, role=short_role(region.role)) for region in regions)
    for (message, role), group in groupby(named, key=lambda region: (region.message, region.role)):
        inside = tuple(group)
        drawn = draw_html(DrawnRow(inside, 0, 0), CLASSES, tokens=True)
        name = role or ("template" if inside[0].kind else "")
        number = "" if message is None else f"{message} · "
        blocks.append(
            element(
                "div", with_marks(drawn), class_="message", data_of=role or None, data_name=f"{number}{name}" or None
            )
        )
    return blocks


def _rejected(sample: ReportSample, limit: int) -> Markup:
    data = sample.data
    return joined(
        element(
            "p", element("b", "Rejected: "), element("code", clipped(sample.code)), " ", clipped(sample.reason, 2000)
        ),
        element("div", with_marks(text(_clipped_data(data, limit))), class_="text data") if data else "",
    )


def _clipped_data(data: str, limit: int) -> str:
    """The beginning of the data of a row. The output has only the beginning of long data, with `…` after it."""
    left = len(data) - limit - 1
    if left < 1 or not data.endswith("…"):
        return clipped(data, limit)
    return f"{data[:limit]} … (more than {count(left)} more characters)"
