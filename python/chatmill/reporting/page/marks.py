"""`with_marks`: marks line breaks and unusual spaces in HTML, without a change of its text."""

import re

from chatmill.reporting.page.markup import Markup

# Attributes are escaped, so a `>` ends a tag.
_TAG = re.compile(r"(<[^>]*>)")
# A space between two words needs no mark. At an edge of a line or of a span, or beside another one, it does; so do
# the spaces that look like the usual one.
_SPACES = re.compile(r"^ +| +$| +(?=\n)|(?<=\n) +| {2,}|[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def with_marks(html: str) -> Markup:
    r"""Mark line breaks and unusual spaces in HTML. The style sheet draws the marks; they are not in the text.

    Args:
        html: HTML as `draw_html` makes it.

    Returns:
        The same with `<b></b>` before each line break, unusual spaces in `<i>`, and tabs in `<u>`.

    Example:
        >>> with_marks('<span title="a  b">c d \n\t</span>')
        '<span title="a  b">c d<i> </i><b></b>\n<u>\t</u></span>'
    """
    parts = _TAG.split(html)
    # Texts and tags alternate.
    parts[::2] = [_marked(part) for part in parts[::2]]
    return Markup("".join(parts))


def _marked(part: str) -> str:
    return _SPACES.sub(r"<i>\g<0></i>", part).replace("\n", "<b></b>\n").replace("\t", "<u>\t</u>")
