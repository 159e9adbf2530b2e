"""What the command prints: no character of rows, files, names and options may control the terminal or hide text."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import chatmill
import fsspec
import pytest
from chatmill.cli.main import app
from chatmill.terminal.console import new_console
from chatmill.text.secrets import without_secrets
from chatmill.text.visible import visible, visible_json
from click.testing import CliRunner
from folders import write_byte_tokenizer
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text
from samples import Row, WriteFile

EVIL = "\x1b]0;owned\x07\x1b[2J\x08\x7f\x9b31m\x9d\u202eevil\u2066\u200b\u200f\ufeff\u2028\U000e0041\r"
# The characters that must not be printed; the codes of rich for colors and cursors are removed before.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
OWN_CODES = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\r(?=\n|\x1b|$)")


def test_all_such_characters_are_visible() -> None:
    shown = visible(EVIL + "\ud800\udcff\t\n")
    assert HIDDEN.search(shown) is None
    assert "⟨U+202E⟩evil⟨U+2066⟩⟨U+200B⟩" in shown
    assert shown.endswith("⟨U+D800⟩\\xff\t\n")
    assert json.loads(visible_json(json.dumps(EVIL, ensure_ascii=False))) == EVIL
    assert HIDDEN.search(visible_json(json.dumps(EVIL, ensure_ascii=False))) is None


@given(st.text())
def test_visible_text_can_be_printed(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert HIDDEN.search(shown) is None
    assert visible(shown) == shown


def test_a_console_prints_any_renderable_visibly() -> None:
    table = Table(EVIL)
    table.add_row(EVIL, EVIL)
    for color in (None, "truecolor"):
        console = new_console(force_terminal=True, color_system=color, width=200)
        with console.capture() as capture:
            console.print(table, Text(EVIL, style="red"), EVIL, markup=False)
        text = capture.get()
        assert HIDDEN.search(OWN_CODES.sub("", text)) is None
        assert ("\x1b[31m" in text) == (color is not None)


def on_terminal(*arguments: str) -> str:
    """Run the command on a terminal, and return what it printed."""
    import pty  # noqa: PLC0415  # Windows lacks it

    command = [sys.executable, "-m", "chatmill", *arguments]
    environment = {**os.environ, "COLUMNS": "500", "TERM": "xterm-256color"}
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower, env=environment) as process:
        os.close(follower)
        read = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            read += piece
        os.close(leader)
        process.wait(60)
    return read.decode().replace("\r\n", "\n")


def filled(arguments: list[str], rows: Path) -> list[str]:
    """Fill in the names of files, and the hostile text."""
    found: list[str] = []
    for argument in arguments:
        found += ["--tokenizer", "bytes", "--template"] if argument == "T" else [argument]
    evil = f"t{EVIL}.jinja"
    return [evil if it == "EVIL.jinja" else it.replace("ROWS", str(rows)).replace("EVIL", EVIL) for it in found]


@pytest.fixture
def hostile(in_tmp_path: Path, write_file: WriteFile) -> Path:
    """A folder in which all names and all texts are hostile."""
    write_byte_tokenizer(in_tmp_path / "bytes")
    rows: list[Row] = [
        {"messages": [{"role": "user", "content": EVIL}, {"role": "assistant", "content": f"a{EVIL}"}]},
        {"messages": [{"role": EVIL, "content": EVIL}, {"role": "assistant", "content": EVIL, EVIL: [EVIL]}]},
        {EVIL: EVIL},
        {"messages": EVIL},
    ]
    name = f"rows{EVIL.replace('/', '')}.jsonl"
    write_file(name, rows)
    Path("broken.jsonl").write_text(EVIL + "\n" + json.dumps({EVIL: EVIL}) + "\n", encoding="utf-8")
    raising = "{{ raise_exception('" + EVIL.replace("\r", "") + "' + messages[0].content) }}"
    Path(f"t{EVIL}.jinja").write_text(raising, encoding="utf-8")
    Path("plain.jinja").write_text(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}" + f"{{# {EVIL} #}}", encoding="utf-8"
    )
    Path("bad.jinja").write_text(f"{{% if {EVIL} %}}", encoding="utf-8")
    Path("config.yaml").write_text(
        f"base_model: bytes\ndatasets:\n- path: {json.dumps(name)}\n  {json.dumps(EVIL)}: 1\n", encoding="utf-8"
    )
    Path("labels.yaml").write_text(f"{json.dumps(EVIL)}: 1\n", encoding="utf-8")
    Path("format.yaml").write_text(f"{json.dumps(EVIL)}: [\n", encoding="utf-8")
    return Path(name)


COMMANDS: list[list[str]] = [
    ["show", "ROWS", *("T", "plain.jinja"), "--format", "messages"],
    ["show", "ROWS", *("T", "plain.jinja"), "--regions", "--format", "messages"],
    ["show", "ROWS", *("T", "plain.jinja"), "--row", "1", "--format", "messages"],
    ["show", "ROWS", *("T", "plain.jinja"), "--row", "2", "--format", "messages"],
    ["show", "ROWS", *("T", "plain.jinja"), "--row", "99", "--format", "messages"],
    ["show", "ROWS", *("T", "EVIL.jinja"), "--format", "messages"],
    ["show", "gone-EVIL.jsonl", *("T", "chatml")],
    ["show", "ROWS", "--tokenizer", "gone-EVIL", "--template", "chatml"],
    ["show", "ROWS", *("T", "gone-EVIL")],
    ["show", "ROWS", *("T", "chatml"), "--labels", "EVIL"],
    ["show", "ROWS", *("T", "chatml"), "--labels", "labels.yaml"],
    ["show", "ROWS", *("T", "chatml"), "--format", "EVIL"],
    ["show", "ROWS", *("T", "chatml"), "--format", "format.yaml"],
    ["show", "ROWS", *("T", "chatml"), "--rows-EVIL"],
    ["show", "ROWS", *("T", "chatml"), "--row", "EVIL"],
    ["show", "ROWS", *("T", "chatml"), "--chat-template-kwargs", "EVIL"],
    ["prepare", "ROWS", *("T", "plain.jinja"), "--format", "messages", "--output", "out-EVIL", "--debug", "2"],
    ["prepare", "ROWS", *("T", "plain.jinja"), "--format", "messages", "--output", "out", "--progress"],
    ["prepare", "ROWS", *("T", "plain.jinja"), "--format", "messages", "--output", "o", "--keep-columns", "EVIL"],
    ["prepare", "ROWS", *("T", "EVIL.jinja"), "--format", "messages", "--output", "out2"],
    ["prepare", "broken.jsonl", *("T", "chatml"), "--output", "out3"],
    ["prepare", "ROWS", *("T", "chatml"), "--output", "bytes/tokenizer.json/EVIL"],
    ["prepare", "ROWS", *("T", "chatml"), "--output", "out4", "--split", "EVIL"],
    ["prepare", "config.yaml", "--output", "out5"],
    ["prepare", "gone-EVIL.yaml", "--output", "out5"],
    ["diff", "ROWS", *("T", "plain.jinja"), "--format", "messages", "--labels", "all", "--labels", "last"],
    ["diff", "ROWS", *("T", "plain.jinja"), "--template", "EVIL.jinja", "--format", "messages"],
    ["diff", "ROWS", "--tokenizer", "bytes", "--against", "gone-EVIL"],
    ["lint", "EVIL.jinja", "plain.jinja", "bad.jinja"],
    ["lint", "EVIL.jinja", "plain.jinja", "bad.jinja", "--json"],
    ["lint", "plain.jinja", "--data", "ROWS"],
    ["lint", "plain.jinja", "--data", "broken.jsonl"],
    ["report", "gone-EVIL"],
    ["report", "ROWS", "--tokenizer", "bytes", "--html", "gone-EVIL/a.html"],
    ["report", "ROWS", "--tokenizer", "bytes", "--fail-if", "EVIL > 0"],
    ["report", "ROWS", "--tokenizer", "bytes", "--fail-if", "tokens > EVIL"],
    ["formats", "EVIL"],
    ["templates", "EVIL"],
    ["EVIL"],
]


@pytest.mark.skipif(os.name == "nt", reason="names and terminals of POSIX")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_hidden_is_printed(arguments: list[str], hostile: Path) -> None:
    done = CliRunner(env={"COLUMNS": "500"}).invoke(app, filled(arguments, hostile))
    text = done.stdout + done.stderr
    assert text
    assert isinstance(done.exception, (SystemExit, type(None))), done.exception
    # A progress bar has codes of its own.
    text = OWN_CODES.sub("", text) if "--progress" in arguments else text
    assert HIDDEN.search(text) is None, (done.exit_code, ascii(text))


@pytest.mark.skipif(os.name == "nt", reason="names and terminals of POSIX")
@pytest.mark.parametrize(
    "arguments",
    [*(COMMANDS[number] for number in (0, 1, 17, 25, 28)), ["lint", "gone-EVIL", "--traceback"]],
    ids=" ".join,
)
def test_nothing_hidden_is_printed_on_a_terminal(arguments: list[str], hostile: Path) -> None:
    text = on_terminal(*filled(arguments, hostile))
    assert text
    assert HIDDEN.search(OWN_CODES.sub("", text)) is None, ascii(text)


def test_every_encoding_of_the_terminal_prints(hostile: Path) -> None:
    arguments = ["show", str(hostile), "--tokenizer", "bytes", "--template", "plain.jinja", "--format", "messages"]
    done = subprocess.run(
        [sys.executable, "-m", "chatmill", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u27e6" in done.stdout


SECRETS: list[tuple[str, str]] = [
    ("https://me:pa55@host/a.jsonl", "https://***@host/a.jsonl"),
    ("s3://AK:se/cr+et@bucket/x.jsonl", "s3://***@bucket/x.jsonl"),
    ("ftp://me:p@55@host/x", "ftp://***@host/x"),
    ("simplecache::https://me:pa55@host/a?sig=a%2Fb", "simplecache::https://***@host/a?sig=***"),
    ("http://h/a?access_token=1#KEY=2", "http://h/a?access_token=***#KEY=***"),
    ("az://c/f?sv=1&sig=abc&se=2", "az://c/f?sv=1&sig=***&se=2"),
    ("http://h/a?X-Amz-Credential=x&X-Amz-Date=y&page=3", "http://h/a?X-Amz-Credential=***&X-Amz-Date=***&page=3"),
    ("http://h/a?%74oken=x&Password=y", "http://h/a?%74oken=***&Password=***"),
    ("(http://a:b@c/d) and http://e:f@g/h?token=1", "(http://***@c/d) and http://***@g/h?token=***"),
    ("hf://datasets/me/set@main/f.jsonl", "hf://datasets/me/set@main/f.jsonl"),
    ("http://host:8080/a@b", "http://host:8080/a@b"),
    ("data/me:x@y.jsonl, a@b.c, t=1?", "data/me:x@y.jsonl, a@b.c, t=1?"),
]


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_secrets_of_urls_are_removed(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown


@pytest.mark.parametrize("text", ["://a:", "://", "://a:b@@", "@x", "?a=", "://1:2/"])
@pytest.mark.parametrize("end", ["", "@host"])
def test_long_texts_are_searched_in_linear_time(text: str, end: str) -> None:
    started = time.process_time()
    without_secrets(text * 200_000 + end)
    assert time.process_time() - started < 5


def test_no_secret_is_written_or_printed(in_tmp_path: Path, write_file: WriteFile, conversations: list[Row]) -> None:
    """The URL of a store with a user and a password: neither the manifest nor the rejects nor errors show it."""

    class Store(MemoryFileSystem):  # type: ignore[misc]
        protocol = "guarded"

        @classmethod
        def _strip_protocol(cls, path: Any) -> Any:
            return super()._strip_protocol(re.sub(r"^guarded://[^@]*@", "memory://", str(path)))

    fsspec.register_implementation("guarded", Store, clobber=True)
    write_byte_tokenizer(in_tmp_path / "bytes")
    content = write_file("a.jsonl", [*conversations, {}]).read_bytes()
    fsspec.filesystem("memory").pipe("/bucket/a.jsonl", content)
    url = "guarded://me:pa55@bucket/"
    options: dict[str, Any] = {"tokenizer": "bytes", "template": "chatml", "progress": False}
    report = chatmill.prepare(f"{url}a.jsonl", output="out", **options)
    assert report.rejected == 1
    for path in Path("out").glob("*.json*"):
        assert "guarded://***@bucket/a.jsonl" in path.read_text("utf-8")
        assert "pa55" not in path.read_text("utf-8")
    assert "pa55" not in str(report)
    fsspec.filesystem("memory").pipe("/bucket/b.parquet", b"no such file")
    for wrong in ("gone.jsonl", "*.txt", "a.jsonl?token=pa55", "b.parquet", "a.pdf"):
        with pytest.raises(chatmill.DataError) as caught:
            chatmill.prepare(url + wrong, output="out2", **options)
        shown: BaseException | None = caught.value
        while shown is not None:
            assert "pa55" not in str(shown)
            shown = None if shown.__suppress_context__ else shown.__cause__ or shown.__context__
    fsspec.filesystem("memory").rm("/bucket", recursive=True)
