"""`plot`: the frame of a chart: its axes, its name, and its place in the page.

A plot is as wide as its column. Positions along its width are percentages, so that texts keep their size at every
width; a `viewBox` would shrink them. Marks that must be paths are in an inner SVG, which is stretched.
"""

from collections.abc import Sequence
from itertools import count

from chatmill.reporting.page.markup import Markup, element

#: The height of the area of marks, and the space above it.
HEIGHT = 160
TOP = 12
_BELOW = 24
# Even numbers, because the middle of an axis has a name too.
_TOPS = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80)


def plot(title: str, marks: Sequence[Markup], across: Sequence[tuple[float, str]], up: Sequence[str]) -> Markup:
    """Return a chart.

    Args:
        title: What it shows, in one sentence: its name for screen readers.
        marks: What is drawn.
        across: The places of the names along the width, from 0 to 1, and the names.
        up: The names along the height, evenly spaced from the bottom to the top.
    """
    steps = max(len(up) - 1, 1)
    heights = [TOP + HEIGHT - HEIGHT * at / steps for at in range(len(up))]
    names_up = [
        element("text", name, x="100%", y=f"{y + 4:.0f}", text_anchor="end")
        for name, y in zip(up, heights, strict=True)
    ]
    lines = [element("line", class_="grid", x2="100%", y1=f"{y:.0f}", y2=f"{y:.0f}") for y in heights]
    # Every second name is left out where the window is narrow.
    names = [
        element(
            "text",
            name,
            x=f"{100 * at:.2f}%",
            y=TOP + HEIGHT + 17,
            text_anchor="middle",
            class_="minor" if index % 2 else None,
        )
        for index, (at, name) in enumerate(across)
    ]
    height = TOP + HEIGHT + _BELOW
    scale = element("svg", *names_up, class_="scale", height=height, aria_hidden="true")
    area = element(
        "svg", element("title", title), *lines, *marks, *names, class_="plot", height=height, role="img",
        aria_label=title,
    )  # fmt: skip
    return element("div", scale, area, class_="chart")


def hover(left: float, width: float, says: str) -> Markup:
    """Return an invisible area over the whole height that says something when the pointer is over it.

    Args:
        left: Its left edge, from 0 to 1.
        width: Its width.
        says: What it says.
    """
    shape = element("title", says)
    return element(
        "rect", shape, class_="hover", x=f"{100 * left:.2f}%", y=TOP, width=f"{100 * width:.2f}%", height=HEIGHT
    )


def round_up(number: float) -> int:
    """Return the least number that is not smaller and has one or two digits before its zeros.

    Args:
        number: A number of 0 or more.

    Example:
        >>> round_up(7), round_up(130), round_up(0)
        (8, 160, 2)
    """
    if number <= 8:
        return next(top for top in (2, 4, 6, 8) if number <= top)
    return next(top for power in count() for step in _TOPS if number <= (top := step * int(10**power)))
