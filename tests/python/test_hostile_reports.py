"""Hostile rows in reports: they change nothing but their own text, in every view and in every file of an output."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import chatmill
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError
from chatmill.cli.main import app
from chatmill.reporting.audit import audit
from chatmill.reporting.page import page
from chatmill.reporting.shown import ShownReport
from chatmill.terminal.console import new_console
from chatmill.text.visible import visible
from click.testing import CliRunner
from folders import write_byte_tokenizer
from report_values import HOSTILE
from samples import Row, write_rows

pytestmark = pytest.mark.usefixtures("in_tmp_path")

TOKENIZER = byte_tokenizer(pad_token="<s>")
# It prints every text as it is, so a harmless text of as many bytes gives as many tokens.
TEMPLATE = """\
{%- for tool in tools or [] %}{{ tool.function.name }}: {{ tool.function.description }}\n{% endfor -%}
{%- for message in messages -%}
<|im_start|>{{ message.role }}\n{{ message.reasoning_content or '' }}{{ message.content or '' }}
{%- for call in message.tool_calls or [] -%}
{{ call.function.name }}{% for name, value in call.function.arguments.items() %} {{ name }}={{ value }}{% endfor %}
{%- endfor -%}
<|im_end|>\n
{%- endfor -%}
"""
SURROGATES = "half \ud800 and \udcff"
TEXTS = {name: text for name, text in HOSTILE.items() if name != "surrogate"}
CHANGING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class Page(HTMLParser):
    """The elements and the text of a page, or of a part of one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def twin(text: str) -> str:
    """A harmless text of as many bytes, so of as many tokens."""
    return "x" * len(text.encode())


def rows_with(text: str) -> Iterator[Row]:
    """Rows with a text in each place of a row; the last two are rejected."""
    question, answer = {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}
    call = {"type": "function", "function": {"name": text, "arguments": {text: text}}}
    tool = {"type": "function", "function": {"name": text, "description": text, "parameters": {}}}
    yield {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": f"A {text} A"}]}
    yield {"messages": [{"role": "system", "content": text}, question, answer], text: text}
    yield {"messages": [question, {"role": text, "content": text}, answer]}
    yield {"messages": [question, {**answer, "reasoning_content": text, "name": text, text: text}]}
    yield {"messages": [question, {**answer, "tool_calls": [call]}, {"role": "tool", "content": text}, answer]}
    yield {"messages": [question, answer], "tools": [tool], "documents": [{"title": text, "text": text}]}
    yield {"messages": [{"role": "user", "content": f"{text} {number}"} for number in range(3)] + [answer]}
    yield {"messages": text}
    yield {"messages": [{text: text}]}


def prepared(text: str, output: str, *, file: str = "rows.jsonl", **options: Any) -> ShownReport:
    """The report of an output of rows with a text."""
    Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows_with(text)), "utf-8")
    chosen = {"tokenizer": TOKENIZER, "template": ChatTemplate(TEMPLATE), "max_rejected": 1.0, **options}
    chatmill.prepare(file, output=output, progress=False, **chosen)
    return chatmill.report(output)


def without_texts(value: Any) -> Any:
    """A value of JSON whose texts are empty. The keys of roles are texts too."""
    if isinstance(value, str):
        return ""
    if isinstance(value, dict):
        return (
            [without_texts(it) for it in value.values()]
            if "role" in value
            else {name: without_texts(it) for name, it in value.items()}
        )
    return [without_texts(it) for it in value] if isinstance(value, list) else value


def figures(shown: ShownReport) -> Any:
    """All numbers of a report, in its order."""
    (found,) = json.loads(shown.json_text())["reports"]
    # Sequences of roles are ordered by their names too, and the ends of tokens are places in a text.
    found["role_sequences"] = sorted(found["role_sequences"].values())
    for sample in found["samples"]:
        if sample["row"] is not None:
            spans = [it for region in sample["row"].pop("regions") for it in region["spans"]]
            sample["row"]["ids"] = sum(len(it.get("ids", ())) for it in spans)
    found["regions"]["shares"].sort(key=lambda it: (it["tokens"], it["trained_tokens"], it["kind"]))
    for tokens in (found["first_trained"], found["last_trained"]):
        tokens[:] = sorted(it["samples"] for it in tokens)
    return without_texts(found)


def titles(shown: ShownReport) -> list[str]:
    """The lines of the terminal view that are not within a section, after those about the run."""
    return [line for line in str(shown).splitlines()[3:] if line and not line.startswith(" ")]


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_changes_no_figure(name: str) -> None:
    assert figures(prepared(TEXTS[name], "hostile")) == figures(prepared(twin(TEXTS[name]), "harmless"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_text_in_all_views(name: str) -> None:
    text = TEXTS[name]
    shown = prepared(text, "out")
    html = page(shown.reports)
    for it in (html, str(shown), shown._repr_html_(), shown.json_text(), repr(shown)):
        assert not CHANGING.search(it)
    plain = prepared(twin(text), "plain")
    assert Page(shown._repr_html_()).elements == Page(plain._repr_html_()).elements
    allowed = {tag for tag, _ in Page(page(plain.reports)).elements}
    assert {tag for tag, _ in Page(html).elements} <= allowed
    assert visible(text).strip() in Page(html).text
    assert titles(shown) == titles(plain)


def spans_of(sample: Any) -> list[str]:
    return [span["text"] for region in sample["row"]["regions"] for span in region["spans"]]


@pytest.mark.parametrize("name", TEXTS)
def test_files_of_an_output_stay_readable(name: str) -> None:
    prepared(TEXTS[name], "out")
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert manifest["statistics"]["rows"]["messages"] == {"2": 3, "3": 2, "4": 2}
    assert any(TEXTS[name][:20] in role for role in manifest["statistics"]["rows"]["regions"])
    samples = [json.loads(line) for line in Path("out/_samples.jsonl").read_bytes().split(b"\n")[:-1]]
    rejects = [json.loads(line) for line in Path("out/_rejects.jsonl").read_bytes().split(b"\n")[:-1]]
    assert len(samples) == 9
    assert len(rejects) == 2
    assert any(text == TEXTS[name] for it in samples if "row" in it for text in spans_of(it))
    assert chatmill.verify("out").is_sound


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_lone_surrogates(kind: str) -> None:
    """JSON holds them as escapes; no UTF-8 file and no terminal does."""
    rows = [*rows_with(SURROGATES), *rows_with("x")]
    given: Any = rows
    if kind == "file":
        given = "rows.jsonl"
        Path(given).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    template = ChatTemplate(TEMPLATE)
    chatmill.prepare(given, tokenizer=TOKENIZER, template=template, output="out", max_rejected=1.0, progress=False)
    shown = chatmill.report("out")
    assert (shown.report.totals.rows_in, shown.report.totals.rejected) == (18, 11)
    assert {it.code: it.rows for it in shown.report.rejects}["invalid_json"] == 9
    for text in (page(shown.reports), str(shown), shown._repr_html_(), shown.json_text()):
        text.encode("utf-8")
    for name in ("_manifest.json", "_samples.jsonl", "_rejects.jsonl"):
        Path("out", name).read_text("utf-8").encode("utf-8")
    assert chatmill.verify("out").is_sound


def test_lines_of_a_megabyte() -> None:
    text = "<script>\u202e\x1b[2J" * 60_000
    shown = prepared(text, "out", max_length=1000)
    assert Path("out/_samples.jsonl").stat().st_size < 4 << 20
    assert Path("out/_manifest.json").stat().st_size < 100_000
    assert len(page(shown.reports).encode()) <= 2_000_000
    assert len(str(shown)) < 20_000
    assert len(shown._repr_html_()) < 20_000
    assert chatmill.verify("out").is_sound


NAMES = [
    '"><img src=x onerror=alert(1)>.jsonl',
    "a\u202elnosj.jsonl",
    "\x1b[31mred\x07.jsonl",
    "two\nverdict: good\n.jsonl",
    "{{ 7 * 7 }} %s {0} .jsonl",
    os.fsdecode(b"caf\xe9 \xff.jsonl"),
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_of_files_and_templates(name: str) -> None:
    """In the manifest, the samples, the places of findings and rejects, the run, and errors of the command."""
    Path(f"{name}.jinja").write_text(ChatTemplate.named("chatml").source, "utf-8")
    shown = prepared("Hi", "out", file=name, template=f"{name}.jinja")
    Path("plain.jinja").write_text(ChatTemplate.named("chatml").source, "utf-8")
    plain = prepared("Hi", "plain", file="plain.jsonl", template="plain.jinja")
    assert figures(shown) == figures(plain)
    for text in (page(shown.reports), str(shown), shown._repr_html_(), shown.json_text(), repr(shown)):
        assert not CHANGING.search(text)
        text.encode("utf-8")
    assert titles(shown) == titles(plain)
    tags, expected = ({tag for tag, _ in Page(page(it.reports)).elements} for it in (shown, plain))
    assert tags == expected
    assert chatmill.verify("out").is_sound
    assert shown.report.sources[0].path == name.encode("utf-8", "backslashreplace").decode().replace("\\udc", "\\x")


def test_the_terminal_with_colors_has_only_its_own_escapes() -> None:
    shown = prepared("\n".join(TEXTS.values()), "out")
    console = new_console(width=100, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(shown)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capture.get())
    assert not CHANGING.search(plain)


def test_the_command() -> None:
    text = "\n".join(TEXTS.values())
    prepared(text, "out")
    done = CliRunner().invoke(app, ["report", "out", "--html", "page.html", "--json", "-"])
    assert done.exit_code == 0
    assert not CHANGING.search(done.stdout)
    assert json.loads(done.stdout)["reports"][0]["run"]["name"] == "out"
    Page(Path("page.html").read_text("utf-8"))


def test_rows_that_are_not_written() -> None:
    text = "\n".join(TEXTS.values())
    prepared(text, "out")
    shown = chatmill.report("rows.jsonl", tokenizer=TOKENIZER, template=ChatTemplate(TEMPLATE))
    assert shown.report.totals == chatmill.report("out").report.totals
    for it in (page(shown.reports), str(shown), shown._repr_html_(), shown.json_text()):
        assert not CHANGING.search(it)


class TestPrivateData:
    """What leaves this machine with a page: with `--no-samples`, no text of a row."""

    SECRET = "Xq7secret"

    @pytest.fixture(params=["output", "rows"])
    def make(self, request: pytest.FixtureRequest) -> Callable[..., ShownReport]:
        prepared(self.SECRET, "out", template="chatml")
        if request.param == "output":
            return lambda **options: chatmill.report("out", **options)
        return lambda **options: chatmill.report("rows.jsonl", tokenizer=TOKENIZER, template="chatml", **options)

    @staticmethod
    def texts(shown: ShownReport) -> list[str]:
        return [page(shown.reports), shown.json_text(), str(shown), shown._repr_html_()]

    def test_no_samples_has_no_text_of_a_row(self, make: Callable[..., ShownReport]) -> None:
        assert all(self.SECRET in it for it in self.texts(make())[:2])
        shown = make(samples=False)
        # The roles of messages stay: they are names, of which the report counts the tokens.
        shown.report.role_sequences.clear()  # type: ignore[attr-defined]
        others = [it for it in shown.report.regions.shares if it.role != self.SECRET]  # type: ignore[union-attr]
        object.__setattr__(shown.report.regions, "shares", others)
        for text in self.texts(shown):
            assert self.SECRET not in text

    def test_places_stay(self, make: Callable[..., ShownReport]) -> None:
        rejects = make(samples=False).report.rejects
        assert [it.place for it in rejects] == [it.place for it in make().report.rejects]
        assert [it.reason for it in rejects] == [""] * len(rejects)
        assert all(it.place.startswith("rows.jsonl, line") for it in rejects)

    def test_the_file_of_samples_may_be_removed(self) -> None:
        shown = prepared(self.SECRET, "out")
        Path("out/_samples.jsonl").unlink()
        with pytest.raises(DataError, match=r"out/_samples\.jsonl is missing, .* or give `--no-samples`"):
            chatmill.report("out")
        assert chatmill.report("out", samples=False).report.totals == shown.report.totals

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
    def test_only_the_owner_reads_texts_of_rows(self) -> None:
        prepared(self.SECRET, "out")
        chatmill.convert("out", "arrow", "converted")
        modes = {
            str(path): stat.S_IMODE(path.stat().st_mode)
            for folder in ("out", "converted")
            for path in sorted(Path(folder).glob("_*.jsonl"))
        }
        assert modes.keys() == {"out/_rejects.jsonl", "out/_samples.jsonl", "converted/_samples.jsonl"}
        assert set(modes.values()) == {0o600}


class TestThePageOfAnAudit:
    """It is written as that of a report: not within an output, not over an input, completely or not at all."""

    @pytest.fixture
    def run(self) -> Callable[[str], Any]:
        rows = [it for it in rows_with("<b>") if isinstance(it["messages"], list)][:-1]
        write_rows(Path("rows.jsonl"), rows)
        write_byte_tokenizer(Path("bytes"))
        chatmill.prepare("rows.jsonl", tokenizer="bytes", template="chatml", output="out", progress=False)
        return lambda html: CliRunner().invoke(app, ["audit", "out", "--trainer", "trl", "--html", html])

    def test_it_is_not_within_the_output(self, run: Callable[[str], Any]) -> None:
        done = run("out/page.html")
        assert done.exit_code == 1
        assert "is within the output" in done.stderr
        assert not Path("out/page.html").exists()

    def test_a_wrong_path_is_found_before_the_rows_are_read(self, run: Callable[[str], Any]) -> None:
        Path("rows.jsonl").unlink()
        assert "there is no folder nowhere" in run("nowhere/page.html").stderr

    def test_it_does_not_replace_an_input_of_the_manifest(
        self, run: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = Path("rows.jsonl").read_bytes()
        # It is found before the rows are read.
        monkeypatch.setattr("chatmill.reporting.audit.audit", None)
        done = run("rows.jsonl")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "rows.jsonl is an input, and the report would replace it" in done.stderr
        assert Path("rows.jsonl").read_bytes() == before

    def test_it_needs_no_samples(self, run: Callable[[str], Any]) -> None:
        Path("out/_samples.jsonl").unlink()
        done = run("page.html")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "trl" in done.stdout
        Page(Path("page.html").read_text("utf-8"))


def test_an_audit_of_hostile_rows() -> None:
    text = "\n".join(TEXTS.values())
    shown = prepared(text, "out")
    found = audit("out", trainer="trl", tokenizer=TOKENIZER)
    html = page(shown.reports, audit=found)
    assert not CHANGING.search(html)
    assert {tag for tag, _ in Page(html).elements} <= {tag for tag, _ in Page(page(shown.reports)).elements} | {"em"}
