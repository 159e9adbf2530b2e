"""`controls`: the filters, the search and the switches above the samples. They are hidden until the script runs."""

from collections.abc import Iterable, Sequence

from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count
from chatmill.reporting.page.samples.names import Choices, name_of_why

_KEYS = (
    ("j", "next sample"), ("k", "previous sample"), ("→", "next sample"), ("←", "previous sample"), ("/", "search"),
    ("Enter", "next place of the search; with Shift, the previous one"),
    ("t", "borders of tokens"), ("i", "ids of tokens"), ("Esc", "leave the search, or clear all filters"),
)  # fmt: skip

# Nobody finds anything in a longer list, and only forged rows have so many roles.
_MOST_VALUES = 200


def controls(choices: Choices) -> Markup:
    """Return the controls.

    Args:
        choices: The values of the filters.
    """
    by_number = [(str(at), name_of_why(name)) for at, name in enumerate(choices.why)]
    filters = [
        _select("report", "Report", "all reports", _numbered(choices.reports)) if len(choices.reports) > 1 else "",
        _select("why", "Reason", "all reasons", by_number),
        _select("source", "Source", "all sources", _numbered(choices.sources)),
        _select("role", "Role", "all roles", [(role, role) for role in choices.roles]),
    ]
    search = element("label", "Search ", element("input", type="search", id="search", autocomplete="off"))
    switches = [
        _switch("tokens", "borders of tokens"),
        _switch("ids", "ids of tokens"),
        _switch("kinds", "names of regions"),
    ]
    keys = (joined(element("dt", element("kbd", key)), element("dd", what)) for key, what in _KEYS)
    return element(
        "div",
        element("div", search, *filters, class_="filters"),
        element("div", *switches, element("span", "", role="status", id="shown"), class_="switches"),
        element("details", element("summary", "Keys"), element("dl", *keys)),
        id="controls",
        role="search",
        aria_label="Find samples",
        hidden=True,
    )


def _numbered(texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    return ((str(at), text) for at, text in enumerate(texts))


def _select(name: str, title: str, every: str, values: Iterable[tuple[str, str]]) -> Markup:
    options = [element("option", every, value="")]
    # A value is escaped, and an option shows the beginning of a long text.
    shown = list(values)
    options += [element("option", clipped(text, 80) or "–", value=value) for value, text in shown[:_MOST_VALUES]]
    if len(shown) > _MOST_VALUES:
        rest = f"… and {count(len(shown) - _MOST_VALUES)} more, which are left out"
        options.append(element("option", rest, disabled=True))
    return element("label", f"{title} ", element("select", *options, id=f"filter-{name}"))


def _switch(name: str, title: str) -> Markup:
    return element("label", element("input", type="checkbox", id=f"switch-{name}"), f" {title}")
