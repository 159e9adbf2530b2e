"""`lines`: shares in percent along a logarithmic axis."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log2

from chatmill.reporting.page.charts.plot import HEIGHT, TOP, hover, plot
from chatmill.reporting.page.markup import Markup, element
from chatmill.reporting.page.numbers import short_length

# The inner SVG has 1000 by 100 units, and is stretched to the plot.
_WIDE, _HIGH = 1000, 100
_MOST_NAMES = 12


def lines(
    title: str, numbers: Sequence[int], curves: Mapping[str, Sequence[float]], says: Sequence[str], mark: int | None
) -> Markup:
    """Return a chart of lines with its legend. Each line has a pattern of its own, not only a color.

    Args:
        title: What it shows.
        numbers: The numbers of the axis, ascending, greater than 0.
        curves: The shares at these numbers, from 0 to 1, by the name of the line.
        says: What is said at each number.
        mark: A number that gets a vertical line, if it is within the axis.
    """
    places = [_place(number, numbers) for number in numbers]
    drawn = [
        element("polyline", class_=f"line line-{at}", points=_points(places, shares))
        for at, shares in enumerate(curves.values())
    ]
    marks = [
        element(
            "svg", *drawn, x="0", y=TOP, width="100%", height=HEIGHT, viewBox=f"0 0 {_WIDE} {_HIGH}",
            preserveAspectRatio="none", class_="stretched",
        )
    ]  # fmt: skip
    if mark is not None and numbers[0] <= mark <= numbers[-1]:
        at = f"{100 * _place(mark, numbers):.2f}%"
        marks.append(element("line", class_="mark", x1=at, x2=at, y1=TOP, y2=TOP + HEIGHT))
    borders = [0.0, *((one + next_one) / 2 for one, next_one in pairwise(places)), 1.0]
    marks += [hover(borders[at], borders[at + 1] - borders[at], line) for at, line in enumerate(says)]
    every = -(-len(numbers) // _MOST_NAMES)
    across = [(place, short_length(number)) for place, number in zip(places, numbers, strict=True)][::every]
    return element("div", plot(title, marks, across, ["0 %", "50 %", "100 %"]), _legend(list(curves)))


def _place(number: int, numbers: Sequence[int]) -> float:
    low, high = log2(numbers[0]), log2(numbers[-1])
    return (log2(number) - low) / (high - low) if high > low else 0.5


def _points(places: Sequence[float], shares: Sequence[float]) -> str:
    return " ".join(
        f"{_WIDE * place:.0f},{_HIGH * (1 - min(rate, 1)):.2f}" for place, rate in zip(places, shares, strict=True)
    )


def _legend(names: Sequence[str]) -> Markup:
    keys = (
        element("li", element("svg", element("line", class_=f"line line-{at}", x2="28", y1="5", y2="5"), width="28",
                              height="10", aria_hidden="true"), " ", name)
        for at, name in enumerate(names)
    )  # fmt: skip
    return element("ul", *keys, class_="legend")
