"""`bars`: a histogram."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatmill.reporting.page.charts.plot import HEIGHT, TOP, hover, plot, round_up
from chatmill.reporting.page.markup import Markup, element
from chatmill.reporting.page.numbers import count, share, short


@dataclass(frozen=True)
class BarNames:
    """The names of the bars.

    Attributes:
        full: The name of each bar, which is said with its figure.
        axis: The number of a bar, and what stands below its left edge, or below its middle.
        are_below_middle: Whether the names of the axis stand below the middle of their bars.
        what: What is counted, such as `samples`.
    """

    full: Sequence[str]
    axis: Sequence[tuple[int, str]]
    are_below_middle: bool
    what: str


def bars(title: str, counts: Sequence[int], names: BarNames) -> Markup:
    """Return a histogram.

    Args:
        title: What it shows.
        counts: The height of each bar.
        names: The names of the bars.
    """
    top = round_up(max(counts, default=0))
    total = sum(counts)
    width = 1 / max(len(counts), 1)
    marks = []
    for at, number in enumerate(counts):
        height = HEIGHT * number / top
        if number:
            marks.append(
                element(
                    "rect",
                    class_="bar",
                    x=f"{100 * width * (at + 0.06):.2f}%",
                    # A bar of one sample among a million is a line, not nothing.
                    y=f"{TOP + HEIGHT - max(height, 1):.1f}",
                    width=f"{100 * width * 0.88:.2f}%",
                    height=f"{max(height, 1):.1f}",
                )
            )
        says = f"{names.full[at]}: {count(number)} {names.what} ({share(number, total)})"
        marks.append(hover(at * width, width, says))
    shift = 0.5 if names.are_below_middle else 0
    across = [((at + shift) * width, name) for at, name in names.axis]
    return plot(title, marks, across, [short(top * step // 2) for step in range(3)])
