"""`section` and `of_each`: a section of the page, and what it shows once for each report."""

from collections.abc import Sequence

from chatmill.reporting.model import Report
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element


def section(name: str, title: str, *inner: object) -> Markup:
    """Return a section with its heading.

    Args:
        name: The name of its place in the page.
        title: Its heading.
        inner: What it holds.
    """
    return element(
        "section", element("h2", title, id=f"{name}-title"), *inner, id=name, aria_labelledby=f"{name}-title"
    )


def of_each(names: Sequence[str], shown: Sequence[object]) -> Markup:
    """Return what is shown once for each report: side by side, under the names of the reports if there are several.

    Args:
        names: The names of the reports.
        shown: What is shown for each of them.
    """
    if len(names) == 1:
        return element("div", shown[0])
    figures = (element("figure", element("figcaption", name), inner) for name, inner in zip(names, shown, strict=True))
    return element("div", *figures, class_="each")


def pair(names: Sequence[str], *tables: Markup) -> Markup:
    """Return tables side by side if they have the columns of one report only; otherwise one below the other.

    Args:
        names: The names of the reports.
        tables: The tables.
    """
    return element("div", *tables, class_="pair" if len(names) == 1 else None)


def names_of(reports: Sequence[Report]) -> list[str]:
    """Return a different name for each report.

    Args:
        reports: The reports.

    Returns:
        The names of the runs; those that are there before have a number.
    """
    names: list[str] = []
    for report in reports:
        name = clipped(report.run.name, 120)
        earlier = sum(other.run.name == report.run.name for other in reports[: len(names)])
        names.append(f"{name} ({earlier + 1})" if earlier else name)
    return names
