"""`meter`: a small bar beside a number."""

from chatmill.reporting.page.markup import Markup, element


def meter(parts: float, whole: float, *, trained: float = 0.0) -> Markup:
    """Draw a small bar beside a figure. It repeats the figure, so it is hidden from screen readers.

    Args:
        parts: The length of the bar.
        whole: The length of the longest bar.
        trained: How much of it is trained.
    """
    if not whole:
        return Markup("")
    bars = [_bar("bar-masked", parts / whole), _bar("bar-trained", trained / whole)]
    return element("svg", *bars, class_="meter", width="96", height="10", aria_hidden="true")


def _bar(name: str, rate: float) -> Markup:
    return element("rect", class_=name, width=f"{100 * min(rate, 1):.2f}%", height="10") if rate else Markup("")
