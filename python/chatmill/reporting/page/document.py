"""`page`: the whole page: its head with the policy, its sections, its style sheet and its script."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

from chatmill.reporting.audit_model import Audit
from chatmill.reporting.model import Report
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.samples.samples import links, samples
from chatmill.reporting.page.sections.audit import audited
from chatmill.reporting.page.sections.conversations import conversations
from chatmill.reporting.page.sections.lengths import lengths, packing
from chatmill.reporting.page.sections.overview import overview
from chatmill.reporting.page.sections.packs import packs
from chatmill.reporting.page.sections.section import names_of
from chatmill.reporting.page.sections.sources import rejects, sources
from chatmill.reporting.page.sections.training import training

#: The greatest size of a page with 50 samples, in bytes.
MOST_BYTES = 2_000_000
_SPARE = 20_000

_TITLES: Mapping[str, str] = {
    "overview": "Overview",
    "packs": "Packs",
    "audit": "Audit",
    "lengths": "Lengths",
    "training": "What is trained",
    "conversations": "Conversations",
    "packing": "Packing",
    "sources": "Sources",
    "rejects": "Rejected rows",
    "samples": "Samples",
}


def page(reports: Sequence[Report], *, audit: Audit | None = None) -> str:
    """Return reports as one HTML page. It loads nothing, and it forbids the browser to load anything.

    Texts of rows stay texts: all of them are escaped, and no script but the page's own can run. Long samples are
    shortened so that the page has at most 2 MB.

    Args:
        reports: The reports. The figures of several are side by side.
        audit: What a trainer would have trained on the same rows, which gets a section.

    Raises:
        ValueError: There is no report.

    Example:
        >>> page(reports)  # doctest: +SKIP
        '<!DOCTYPE html>…'
    """
    if not reports:
        raise ValueError("there is no report to show; give at least one")
    names = names_of(reports)
    parts = {
        "overview": overview(reports, names, links(reports)),
        "packs": packs(reports, names),
        "audit": Markup("") if audit is None else audited(audit),
        "lengths": lengths(reports, names),
        "training": training(reports, names),
        "conversations": conversations(reports, names),
        "packing": packing(reports, names),
        "sources": sources(reports, names),
        "rejects": rejects(reports, names),
    }
    used = len(_document(parts, names).encode("utf-8"))
    parts["samples"] = samples(reports, names, MOST_BYTES - _SPARE - used)
    return _document(parts, names)


def _document(parts: Mapping[str, Markup], names: Sequence[str]) -> str:
    shown = {name: part for name, part in parts.items() if part}
    title = f"chatmill: {', '.join(names)}"
    body = element("body", _header(shown, names), element("main", *shown.values(), id="main"), _footer(), _script())
    return "<!DOCTYPE html>\n" + element("html", _head(title), body, lang="en") + "\n"


def _head(title: str) -> Markup:
    style, script = _file("page.css"), _file("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        # The policy is first: it holds for what comes after it.
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        # An empty icon: without one a browser asks the server of the page for it.
        element("link", rel="icon", href="data:,"),
        element("style", Markup(style)),
    )


def _header(shown: Mapping[str, Markup], names: Sequence[str]) -> Markup:
    entries = (element("li", element("a", _TITLES[name], href=f"#{name}")) for name in shown)
    colors = [
        element("option", name, value=value) for name, value in (("system", ""), ("light", "light"), ("dark", "dark"))
    ]
    return joined(
        element("a", "Skip to the report", href="#main", class_="skip"),
        element(
            "header",
            element("h1", "chatmill report"),
            element("p", ", ".join(names), class_="names"),
            element("label", "Colors ", element("select", *colors, id="colors"), id="colors-label", hidden=True),
        ),
        element("nav", element("ul", *entries), aria_label="Sections"),
    )


def _footer() -> Markup:
    about = "Made by chatmill. This page loads nothing and sends nothing. Its samples are texts of your rows."
    return element("footer", element("p", about))


def _script() -> Markup:
    return element("script", Markup(_file("page.js")))


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")


def _file(name: str) -> str:
    """A file of the package. Browsers compute the hash of it with a line feed at each line end, so it is read so."""
    return (files(__package__) / name).read_text(encoding="utf-8")
