"""`table`: a table of figures, with the columns of each report side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatmill.reporting.page.markup import Markup, element


@dataclass(frozen=True)
class Column:
    """A column: its name, and whether it holds text."""

    name: str
    is_text: bool = False


#: The cells of one report in a row; None if the report has no such row.
Cells = Sequence[object] | None

#: A row: what it is about, and the cells of each report.
Row = tuple[Sequence[str], Sequence[Cells]]


def table(
    caption: str,
    keys: Sequence[str],
    columns: Sequence[Column],
    names: Sequence[str],
    rows: Iterable[Row],
) -> Markup:
    """Return a table. It scrolls on its own where the window is narrower, so that the page does not.

    Args:
        caption: What the table shows.
        keys: The names of the first columns, which tell what a row is about.
        columns: The columns of figures of each report.
        names: The names of the reports.
        rows: The rows.

    Example:
        >>> shown = table("Totals", ["What"], [Column("number")], ["run"], [(["rows"], [["12"]])])
        >>> '<th scope="row">rows</th><td class="number">12</td>' in shown
        True
    """
    body = [
        element("tr", *(element("th", key, scope="row") for key in row), *_cells(columns, cells)) for row, cells in rows
    ]
    shown = element(
        "table",
        element("thead", *_heads(keys, columns, names)),
        element("tbody", *body),
        aria_label=caption,
    )
    # The caption is outside of the table, because it would be as wide as the table, or scroll with it.
    scroll = element("div", shown, class_="scroll", role="region", aria_label=caption, tabindex="0")
    return element("div", element("p", caption, class_="caption"), scroll, class_="titled")


def _heads(keys: Sequence[str], columns: Sequence[Column], names: Sequence[str]) -> list[Markup]:
    """One line of names; two if each report has several columns."""
    if len(names) == 1:
        return [element("tr", *(_head(key, is_text=True) for key in keys), *map(_column, columns))]
    if len(columns) == 1:
        named = (_head(name, is_text=columns[0].is_text) for name in names)
        return [element("tr", *(_head(key, is_text=True) for key in keys), *named)]
    first = [element("th", key, scope="col", rowspan="2") for key in keys]
    above = [element("th", name, scope="colgroup", colspan=len(columns), class_="group") for name in names]
    return [element("tr", *first, *above), element("tr", *(_column(column) for _ in names for column in columns))]


def _column(column: Column) -> Markup:
    return _head(column.name, is_text=column.is_text)


def _head(name: str, *, is_text: bool) -> Markup:
    return element("th", name, scope="col", class_=None if is_text else "number")


def _cells(columns: Sequence[Column], of_reports: Sequence[Cells]) -> list[Markup]:
    return [
        element("td", value, class_=None if column.is_text else "number")
        for cells in of_reports
        for column, value in zip(columns, cells or ["–"] * len(columns), strict=True)
    ]


def folded(summary: str, *inner: object) -> Markup:
    """Return something that is shown when its line is clicked.

    Args:
        summary: The line.
        inner: What is folded.
    """
    return element("details", element("summary", summary), *inner)
