"""`Parsed`: a page of a report as a browser reads it, without a browser."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"br", "input", "link", "meta"}
# What a page may have. Anything else came out of a text.
ELEMENTS = {
    "a", "article", "b", "body", "code", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer", "h1",
    "h2", "h3", "head", "header", "html", "i", "input", "kbd", "label", "li", "line", "link", "main", "meta", "nav",
    "option", "p", "polyline", "rect", "script", "section", "select", "span", "style", "summary", "svg", "table",
    "tbody", "td", "text", "th", "thead", "title", "tr", "u", "ul",
}  # fmt: skip


class Parsed(HTMLParser):
    """A page, read like in a browser: elements that are open, texts, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.cells: list[str] = []
        self.scripts: dict[str, list[str]] = {"script": [], "style": []}
        self.ids: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.stack.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] in self.scripts:
            self.scripts[self.stack[-1]].append(data)
            return
        self.texts.append(data)
        if "td" in self.stack or "th" in self.stack:
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    @property
    def text(self) -> str:
        return "".join(self.texts)
