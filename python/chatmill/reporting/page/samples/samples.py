"""`samples`: the section of the rows that were chosen to be looked at."""

from collections.abc import Mapping, Sequence

from chatmill.drawing.html import CLASSES, mark
from chatmill.reporting.choose import some_samples
from chatmill.reporting.model import Report
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count
from chatmill.reporting.page.samples.controls import controls
from chatmill.reporting.page.samples.fit import fitting
from chatmill.reporting.page.samples.names import choices_of
from chatmill.reporting.page.samples.sample import Numbered, draw_sample
from chatmill.reporting.page.sections.section import section

# An output has about thirty, or more if its rows have many answers.
_MOST_SAMPLES = 500


def numbered(reports: Sequence[Report]) -> list[Numbered]:
    """Return the samples that the page shows with their numbers: at most 500 of all reports, but one of each.

    Args:
        reports: The reports.
    """
    most = max(1, _MOST_SAMPLES // len(reports))
    of_report = ((at, sample) for at, report in enumerate(reports) for sample in some_samples(report.samples, most))
    return [Numbered(number, at, sample) for number, (at, sample) in enumerate(of_report, start=1)]


def links(reports: Sequence[Report]) -> list[Mapping[str, str]]:
    """Return, for each report, the place of the first sample for each reason.

    Args:
        reports: The reports.
    """
    places: list[dict[str, str]] = [{} for _ in reports]
    for it in numbered(reports):
        for why in (*it.sample.why, it.sample.code):
            places[it.report].setdefault(why, it.id)
    return list(places)


def samples(reports: Sequence[Report], names: Sequence[str], most_bytes: int) -> Markup:
    """Return the section; it says so if there are no samples.

    Args:
        reports: The reports.
        names: Their names.
        most_bytes: The greatest number of bytes of the samples.
    """
    every = numbered(reports)
    if not every:
        return section("samples", "Samples", element("p", "This report has no samples.", class_="remark"))
    choices = choices_of([it.sample for it in every], names)
    more = sum(len(it.samples) for it in reports) - len(every)
    drawn = fitting([it.size for it in every], lambda at, limit: draw_sample(every[at], choices, limit), most_bytes)
    left_out = f"{count(more)} more samples are left out, to keep the page small."
    rest = element("p", left_out, class_="remark") if more else ""
    return section("samples", "Samples", _legend(), controls(choices), *map(Markup, drawn), rest)


def _legend() -> Markup:
    marks = [
        (Markup(mark("trained", CLASSES, CLASSES.trained)), "a label; the model learns it"),
        (Markup(mark("weighted", CLASSES, CLASSES.weighted)), "a label with a weight other than 1"),
        (Markup(mark("masked", CLASSES, CLASSES.masked)), "no label; the model only reads it"),
        (Markup(mark("cut", CLASSES, CLASSES.cut)), "cut off by max_length"),
    ]
    entries = (element("div", element("dt", it), element("dd", what)) for it, what in marks)
    about = (
        "A dot is a space at an edge or beside another one, ⇥ a tab, ⏎ a line break. Signs such as ␛ and ⟨U+202E⟩ "
        "stand for invisible characters. Point at a text to see its region."
    )
    return joined(element("dl", *entries, class_="marks"), element("p", about, class_="remark"))
