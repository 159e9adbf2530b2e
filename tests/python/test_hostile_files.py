"""Files that are not what they should be: YAML, tokenizers, names, links and folders. Each is a clear error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chatmill
import pytest
from chatmill import ChatmillError, ChatTemplate, DataError, TemplateError, Tokenizer, TokenizerError
from chatmill.config import parse_config
from chatmill.formats import Format
from chatmill.labels import Labels
from chatmill.text.yaml_text import read_yaml
from folders import write_byte_tokenizer, write_json, write_tiny
from samples import Row, WriteFile, conversation

POSIX = pytest.mark.skipif(os.name == "nt", reason="names, links and permissions of POSIX")


def aliases(levels: int = 12) -> str:
    """A few lines that stand for 9 ** levels values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int = 12) -> str:
    """As `aliases`, with merge keys."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}" for level in range(1, levels)]
    return "\n".join(lines)


BAD_YAML = {
    "aliases": aliases(),
    "merges": merges(),
    "long aliases": "s: &s '" + "x" * 1_000_000 + "'\nl: [" + ", ".join(["*s"] * 50) + "]",
    "itself": "a: &a [*a]",
    "lists": "a:\n" + "[" * 3000,
    "objects": "a: " + "{" * 3000,
    "blocks": "- " * 3000 + "x",
    "keys": "? " * 3000,
    "101 levels": "a: " + "[" * 101 + "]" * 101,
    "number": "a: " + "9" * 100_000,
    "base 60": "a: 1" + ":1" * 100_000,
    "date": "b: 1\na: 2024-99-99",
    "tag": "a: !!int x",
    "time": "a: !!timestamp x",
    "python": "a: !!python/object/apply:os.system ['true']",
    "open": "a: [1",
    "tab": "a:\n\t- 1",
    "anchor": "a: *missing",
    "control": "a: \x07",
    "escape": 'a: "\\U7fffffff"',
    "two": "--- a\n--- b",
    "version": "%YAML 9.9\n---\na: 1",
    "long": "a: 1\n" * 1_000_000,
    "key": "? [a]\n: b",
}


@pytest.mark.parametrize("kind", BAD_YAML)
def test_yaml_is_refused_everywhere(kind: str, in_tmp_path: Path) -> None:
    text = BAD_YAML[kind]
    Path("x.yaml").write_text(text, encoding="utf-8")
    started = time.monotonic()
    readers: dict[str, Any] = {
        "x.yaml": lambda: read_yaml(text, name="x.yaml"),
        "labels": lambda: Labels.of("x.yaml"),
        "format": lambda: Format.of("x.yaml"),
        "config": lambda: chatmill.config.read_config("x.yaml"),
    }
    for name, read in readers.items():
        if name == "config":  # unknown keys of a config have no effect, so their values are not read
            Path("x.yaml").write_text(text.replace("a: ", "datasets: ", 1), encoding="utf-8")
        with pytest.raises(DataError) as caught:
            read()
        assert str(caught.value).startswith("x.yaml"), (name, str(caught.value))
    assert time.monotonic() - started < 60
    if kind != "long":
        assert str(caught.value).split(":")[1].isdigit(), str(caught.value)


def test_the_limits_leave_room() -> None:
    text = aliases(5)
    assert len(read_yaml(text, name="x.yaml")) == 5
    assert read_yaml("a: " + "[" * 99 + "]" * 99, name="x.yaml")
    assert read_yaml("a: &a [1]\nb: *a\nc: {<<: {x: *a}}", name="x") == {"a": [1], "b": [1], "c": {"x": [1]}}


def test_variables_of_a_config_have_no_alias_bomb() -> None:
    text = "datasets: [{path: a.jsonl}]\n" + aliases() + "\nchat_template_kwargs: {x: *a11}"
    with pytest.raises(DataError, match=r"config\.yaml:\d+: with all aliases written out"):
        parse_config(text, name="config.yaml")


def definition(**changes: Any) -> str:
    """A tokenizer with changed parts."""
    path = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
    return json.dumps({**json.loads(path.read_text("utf-8")), **changes})


LOAD = """
import resource, sys, chatmill
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
try:
    chatmill.Tokenizer.from_pretrained(sys.argv[1])
except chatmill.TokenizerError as error:
    print(error)
# The peak of `getrusage` counts the memory of the process before it became this one.
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("token_id", [4294967295, 2**31, 5_000_000])
@pytest.mark.parametrize("place", ["vocabulary", "added"])
def test_ids_far_beyond_the_tokens(token_id: int, place: str, in_tmp_path: Path) -> None:
    given = json.loads(definition())
    if place == "vocabulary":
        given["model"]["vocab"]["far"] = token_id
    else:
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        given["added_tokens"].append({"id": token_id, "content": "far", **flags, "special": True})
    write_json(Path("tokenizer.json"), given)
    done = subprocess.run([sys.executable, "-c", LOAD, "."], capture_output=True, text=True, check=False)
    message, memory = done.stdout.splitlines()
    assert f"has the token id {token_id}, but only" in message
    assert int(memory) < 300


def test_real_tokenizers_have_no_such_ids(corpus: Path) -> None:
    for folder in sorted((corpus / "tokenizers").iterdir()):
        if (folder / "tokenizer.json").is_file():
            Tokenizer((folder / "tokenizer.json").read_text("utf-8"), engine="reference")


CONFIGS: dict[str, Any] = {
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "number": '{"a": ' + "9" * 10_000 + "}",
    "list": "[]",
    "null": "null",
    "decoder list": '{"added_tokens_decoder": []}',
    "decoder text": '{"added_tokens_decoder": "x"}',
    "decoder key": '{"added_tokens_decoder": {"x": {"content": "a"}}}',
    "decoder digits": '{"added_tokens_decoder": {"' + "9" * 5000 + '": {"content": "a"}}}',
    "decoder superscript": '{"added_tokens_decoder": {"²": {"content": "a"}}}',
    "decoder value": '{"added_tokens_decoder": {"1": 7}}',
    "decoder content": '{"added_tokens_decoder": {"1": {"content": ["a"]}}}',
    "half a pair": '{"eos_token": "\\ud800"}',
    "template number": '{"chat_template": 7}',
    "template list": '{"chat_template": [1, 2]}',
    "template names": '{"chat_template": [{"name": ["x"], "template": {"a": 1}}]}',
    "template half": '{"chat_template": "{{ \\"\\ud800\\" }}"}',
    "latin-1": b'{"eos_token": "\xe9"}',
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_strange_configs_name_the_file(kind: str, folder: Path) -> None:
    content = CONFIGS[kind]
    path = folder / "tokenizer_config.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ChatmillError) as caught:
        Tokenizer.from_pretrained(folder)
        ChatTemplate.from_pretrained(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{}",
        '{"added_tokens": ' + "[" * 100_000,
        '{"added_tokens": [{"id": [1], "content": {}}], "model": {}}',
        '{"added_tokens": [7, null], "model": {"vocab": [[], 7, {"a": 1}]}}',
        '{"added_tokens": [], "model": {"vocab": {"a": "b"}}}',
        '{"added_tokens": [], "model": {"vocab": 7}}',
        '{"added_tokens": [], "model": 7}',
    ],
)
def test_strange_definitions_of_tokenizers(text: str, folder: Path) -> None:
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {"added_tokens_decoder": {"300": {"content": "new"}}})
    write_json(folder / "generation_config.json", {"eos_token_id": [[1], {"a": 1}, None, 5]})
    with pytest.raises(TokenizerError, match=r"tokenizer\.json|tokenizer tiny"):
        Tokenizer.from_pretrained(folder)


@pytest.fixture
def options(in_tmp_path: Path) -> dict[str, Any]:
    """The options of `prepare` besides the inputs."""
    write_byte_tokenizer(in_tmp_path / "bytes")
    return {"tokenizer": "bytes", "template": "chatml", "progress": False}


@POSIX
def test_names_that_are_not_utf8(options: dict[str, Any], conversations: list[Row], write_file: WriteFile) -> None:
    def odd(name: str, suffix: str = "") -> str:
        return os.fsdecode(name.encode() + b"\xff\xe9" + suffix.encode())

    content = write_file("a.jsonl", [*conversations, {}]).read_bytes()
    Path(odd("rows", ".jsonl")).write_bytes(content)
    Path(odd("template", ".jinja")).write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    write_tiny(Path("tiny"))
    Path("tiny").rename(odd("tokenizer"))
    given = {**options, "tokenizer": odd("tokenizer"), "template": odd("template", ".jinja")}
    report = chatmill.prepare(odd("rows", ".jsonl"), output="out", **given)
    assert (report.rows_out, report.rejected) == (20, 1)
    assert "rows\\xff\\xe9.jsonl, line 21" in str(report)
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert manifest["inputs"][0]["path"] == "rows\\xff\\xe9.jsonl"
    assert manifest["tokenizer"]["name"] == "tokenizer\\xff\\xe9"
    assert manifest["template"]["name"] == "template\\xff\\xe9"
    reject = json.loads(Path("out/_rejects.jsonl").read_text("utf-8"))
    assert reject["file"] == "rows\\xff\\xe9.jsonl"
    arguments = ["prepare", odd("rows", ".jsonl"), "--output", odd("out"), "--tokenizer", "bytes", "--template", "x"]
    done = subprocess.run([sys.executable, "-m", "chatmill", *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: cannot write to out\\xff\\xe9, because the path is not UTF-8")


def loads_of(name: str, options: dict[str, Any]) -> list[Callable[[], Any]]:
    """Functions that each read `name` as one kind of file: rows, template, tokenizer, labels and format."""
    return [
        lambda: chatmill.prepare(f"{name}.jsonl", output="out", **options),
        lambda: chatmill.prepare("a.jsonl", output="out", **{**options, "template": f"{name}.jinja"}),
        lambda: chatmill.prepare("a.jsonl", output="out", **{**options, "tokenizer": name}),
        lambda: chatmill.prepare("a.jsonl", output="out", **options, labels=f"{name}.yaml"),
        lambda: chatmill.prepare("a.jsonl", output="out", **options, format=f"{name}.yaml"),
    ]


@POSIX
def test_links_that_lead_back_to_themselves(options: dict[str, Any], write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(0)])
    for name in ("loop", "loop.jsonl", "loop.jinja", "loop.yaml"):
        Path(name).symlink_to(name)
    for output in ("loop", "loop/inside"):
        with pytest.raises(DataError, match=r"cannot write to loop.*choose another output"):
            chatmill.prepare("a.jsonl", output=output, **options)
    for read in loads_of("loop", options):
        with pytest.raises(ChatmillError, match="loop"):
            read()


@POSIX
def test_folders_in_place_of_files(options: dict[str, Any], write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(0)])
    for name in ("d.jsonl", "d.yaml", "d.jinja", "d/tokenizer.json", "d/tokenizer_config.json"):
        Path(name).mkdir(parents=True)
    reads = loads_of("d", options)
    reads.append(lambda: chatmill.config.read_config("d.yaml"))
    for read in reads:
        with pytest.raises(ChatmillError, match="d"):
            read()


@POSIX
def test_a_path_of_the_kernel_that_cannot_be_read(options: dict[str, Any]) -> None:
    """Permission is denied to all users, and reading fails although the file can be opened."""
    Path("memory.jsonl").symlink_to("/proc/self/mem")
    with pytest.raises(DataError, match=r"cannot read memory\.jsonl"):
        chatmill.prepare("memory.jsonl", output="out", **options)
    Path("template.jinja").symlink_to("/proc/self/mem")
    with pytest.raises(TemplateError, match="cannot read"):
        ChatTemplate.from_pretrained("template.jinja")
    with pytest.raises(TemplateError, match="no-such-user"):
        ChatTemplate.from_pretrained("~no-such-user/x.jinja")
    with pytest.raises(TokenizerError):
        Tokenizer.from_pretrained("x" * 5000)
