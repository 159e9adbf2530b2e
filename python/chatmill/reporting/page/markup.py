"""`Markup` and `element`: HTML whose texts are escaped where it is made, so that no caller can forget it."""

from html import escape

from chatmill.text.visible import visible

# Elements without content and without an end tag.
_VOID = frozenset({"br", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already. All other text is escaped when it gets into an element."""

    __slots__ = ()


def text(value: object) -> Markup:
    r"""Escape a text, and make visible what it hides: control characters, marks of direction, lone surrogates.

    Args:
        value: A text or number. `Markup` stays as it is.

    Example:
        >>> text("a < b\u202e")
        'a &lt; b⟨U+202E⟩'
    """
    return value if isinstance(value, Markup) else Markup(escape(visible(str(value))))


def joined(*parts: object) -> Markup:
    """Return parts one after the other; those that are not `Markup` are escaped.

    Args:
        parts: Texts, numbers and `Markup`.
    """
    return Markup("".join(map(text, parts)))


def element(name: str, /, *inner: object, **attributes: object) -> Markup:
    """Return an element.

    Args:
        name: Its name.
        inner: What is in it; texts are escaped.
        attributes: Its attributes. A `_` in a name stands for `-`, and one at the end is left out: `class_`. True is an
            attribute without a value; None and False are no attribute.

    Example:
        >>> element("p", "1 < 2", class_="note", hidden=True, data_row=None)
        '<p class="note" hidden>1 &lt; 2</p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    end = "" if name in _VOID else f"</{name}>"
    return Markup(f"<{name}{written}>{joined(*inner)}{end}")


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    # Markup may hold quotes, and an attribute holds no elements: it is escaped like every text.
    return f" {name}" if value is True else f' {name}="{escape(visible(str(value)))}"'
