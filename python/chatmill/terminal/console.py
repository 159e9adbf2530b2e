"""`new_console`: rich consoles that print all text visibly."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from chatmill.text.visible import visible


class _VisibleConsole(Console):
    """A console that prints all text visibly. The codes for colors are its own, so they stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def new_console(**options: Any) -> Console:
    r"""Make a rich console that prints text visibly.

    Args:
        options: The arguments of `rich.console.Console`.

    Example:
        >>> console = new_console(width=40)
        >>> with console.capture() as capture:
        ...     console.print("a\x1b[2J")
        >>> capture.get()
        'a␛[2J\n'
    """
    return _VisibleConsole(**options)
