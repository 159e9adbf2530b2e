"""Tests of `chatmill why` and `chatmill cache`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chatmill import prepare
from chatmill.cli.main import app
from chatmill.resume.differences import nearest_differences
from click.testing import CliRunner
from resumed import BASE, CHATML, CLOCK, TOKENIZER, definitions, inputs

__all__ = ["definitions", "inputs"]


def explained(other: dict[str, Any]) -> Iterator[str]:
    for name, value in other.items():
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield str(value)


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"max_length": 77}, "max_length is 77, and was not set"),
    ({"labels": "all"}, "labels"),
    ({"split": "per_turn"}, "split is 'per_turn', and was not set"),
    ({"attention_mask": True}, "attention_mask is True, and was False"),
    ({"position_ids": True}, "position_ids is True, and was False"),
    ({"special_tokens": "text"}, "special_tokens is 'text', and was 'allow'"),
    ({"all_masked": "keep"}, "all_masked is 'keep', and was 'reject'"),
    ({"keep_columns": "id"}, "keep_columns is ['id'], and was []"),
    ({"chat_template_kwargs": '{"a": 1}'}, "chat_template_kwargs: a is 1, and was not set"),
    ({"limits": '{"steps": 200}'}, "limits: steps is 200, and was"),
    ({"template": "zephyr"}, "template: its text differs in line 1: '"),
    ({"template": "clock.jinja"}, "the template prints the time: it is "),
    ({"tokenizer": "other.json"}, "tokenizer: added tokens differ: +Hello"),
    ({"tokenizer": "words.json"}, "tokenizer: its tokenizer.json is another one (SHA-256 "),
    ({"tokenizer": "special"}, "tokenizer: special tokens: bos_token is '<s>', and was not set"),
    ({"tokenizer": "stops"}, "tokenizer: stop tokens are ["),
    ({"shuffle": True, "validation": 5, "shard_tokens": 9}, "30 kept blocks can be used where the rows are the same"),
]


@pytest.mark.parametrize(("other", "sentence"), SENTENCES, ids=lambda it: str(it)[:40])
def test_why_names_the_cause(other: dict[str, Any], sentence: str, definitions: None, tmp_path: Path) -> None:
    words = json.loads(TOKENIZER.read_text())
    words["truncation"] = {"direction": "Right", "max_length": 512, "strategy": "LongestFirst", "stride": 0}
    Path("words.json").write_text(json.dumps(words))
    for folder, config in (("special", {"bos_token": "<s>"}), ("stops", {})):
        Path(folder).mkdir()
        shutil.copy(TOKENIZER, Path(folder, "tokenizer.json"))
        Path(folder, "tokenizer_config.json").write_text(json.dumps(config))
    Path("stops/generation_config.json").write_text(json.dumps({"eos_token_id": 258}))
    Path("clock.jinja").write_text(CHATML + CLOCK)
    Path("chatml.jinja").write_text(CHATML)
    before = {"template": "clock.jinja"} if other.get("template") == "clock.jinja" else {"template": "chatml.jinja"}
    options = {**BASE, **before, "now": None}
    prepare("a.jsonl", output="out", cache="cache", **options)
    arguments = {"cache": "cache", "tokenizer": str(TOKENIZER), **before, **other}
    done = CliRunner().invoke(app, ["why", "out", "a.jsonl", "--block-bytes", "4000", *explained(arguments)])
    assert done.exit_code == 0, done.output
    assert sentence.replace("30", str(len(list(Path("cache").rglob("*.block"))))) in done.stdout, done.stdout


def test_what_why_tells_about_inputs(inputs: list[str]) -> None:
    def told(*names: str) -> dict[str, Any]:
        arguments = [
            "why",
            "out",
            *names,
            "--block-bytes",
            "4000",
            *explained({"tokenizer": TOKENIZER, "cache": "cache"}),
        ]
        done = CliRunner().invoke(app, [*arguments, "--template", "chatml", "--json"])
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    assert [it["text"] for it in told(*inputs)["inputs"]] == ["no earlier run on this output left a record of it"] * 2
    prepare(inputs, output="out", cache="cache", **{**BASE, "template": "chatml"})
    found = told(*inputs)
    assert (found["is_complete"], found["kept"], found["causes"]) == (True, found["reusable"], [])
    assert [it["state"] for it in found["inputs"]] == ["unchanged"] * 2
    assert sum(it["blocks"] for it in found["inputs"]) == found["kept"] > 20
    Path("a.jsonl").rename("c.jsonl")
    with Path("b.jsonl").open("a") as file:
        file.write("{}\n")
    Path("new.jsonl").write_text("{}\n")
    states = {it["path"]: it["text"] for it in told("c.jsonl", "b.jsonl", "new.jsonl")["inputs"]}
    assert states["c.jsonl"].startswith("it was a.jsonl; ")
    assert states["b.jsonl"].startswith("it has changed (")
    assert states["new.jsonl"] == "a new file; blocks with the same rows are used"


def test_why_of_an_output_that_keeps_no_blocks(inputs: list[str]) -> None:
    prepare(inputs, output="out", **{**BASE, "template": "chatml"})
    arguments = ["why", "out", *inputs, "--tokenizer", str(TOKENIZER), "--template", "chatml", "--max-length", "50"]
    text = CliRunner().invoke(app, arguments).stdout
    assert (
        "out is complete, but its blocks were not kept (`--cache` keeps them); the run makes all blocks again" in text
    )
    assert "max_length is 50, and was not set" in text


def test_why_counts_the_blocks_of_other_outputs_in_a_cache(inputs: list[str]) -> None:
    prepare(inputs, output="out", cache="cache", **{**BASE, "template": "chatml"})
    blocks = len(list(Path("cache").rglob("*.block")))
    options = ["--tokenizer", str(TOKENIZER), "--template", "chatml", "--block-bytes", "4000", "--cache", "cache"]
    text = CliRunner().invoke(app, ["why", "other", *inputs, *options]).stdout
    assert f"other is not complete; {blocks} kept blocks can be used where the rows are the same" in text
    prepare(inputs, output="other", cache="cache", **{**BASE, "template": "chatml", "max_length": 300})
    text = CliRunner().invoke(app, ["why", "other", *inputs, *options]).stdout
    assert f"other is complete; {blocks} of {2 * blocks} kept blocks can be used where the rows are the same" in text
    assert "max_length is not set, and was 300" in text


def test_why_of_a_single_block(inputs: list[str]) -> None:
    prepare("a.jsonl", output="out", cache="cache", **{**BASE, "template": "chatml", "block_bytes": 1 << 20})
    options = ["--tokenizer", str(TOKENIZER), "--template", "chatml", "--block-bytes", "1048576", "--cache", "cache"]
    text = CliRunner().invoke(app, ["why", "out", "a.jsonl", *options]).stdout
    assert "out is complete; 1 kept block can be used where the rows are the same" in text
    assert "a.jsonl: its only block can be used" in text
    text = CliRunner().invoke(app, ["why", "out", "a.jsonl", *options, "--max-length", "50"]).stdout
    assert "out is complete; 0 of 1 kept block can be used" in text
    assert "a.jsonl: its only block cannot be used" in text


def test_why_of_a_config(inputs: list[str]) -> None:
    Path("config.yaml").write_text("chat_template: chatml\ndatasets: [{path: a.jsonl, type: chat_template}]\n")
    arguments = ["--tokenizer", str(TOKENIZER), "--cache", "cache", "--block-bytes", "4000"]
    assert CliRunner().invoke(app, ["prepare", "config.yaml", "--output", "out", *arguments]).exit_code == 0
    done = CliRunner().invoke(app, ["why", "out", "config.yaml", *arguments, "--max-length", "50"])
    assert done.exit_code == 0, done.output
    assert "max_length is 50, and was 512" in done.stdout


def test_a_cache_is_listed_and_shortened(inputs: list[str]) -> None:
    prepare(inputs, output="out", cache="cache", **BASE)
    prepare(inputs, output="other", cache="cache", **{**BASE, "max_length": 300})
    blocks = list(Path("cache").rglob("*.block"))
    lines = CliRunner().invoke(app, ["cache", "ls", "cache"]).stdout.splitlines()
    assert len(lines) == 3
    assert "max_length 300" in "".join(lines)
    assert lines[-1].startswith(f"{len(blocks):,} blocks, ")
    half = sum(block.stat().st_size for block in blocks) // 2
    text = CliRunner().invoke(app, ["cache", "prune", "cache", "--max-size", str(half)]).stdout
    rest = list(Path("cache").rglob("*.block"))
    assert 0 < sum(block.stat().st_size for block in rest) <= half
    assert text.startswith(f"removed {len(blocks) - len(rest):,} blocks (")
    assert CliRunner().invoke(app, ["cache", "prune", "cache"]).exit_code == 0
    assert not list(Path("cache").rglob("*.block"))
    for arguments, problem in (
        (["gone"], "there is no folder gone"),
        (["cache", "--max-size", "much"], "is not a size"),
    ):
        done = CliRunner().invoke(app, ["cache", "prune", *arguments])
        assert done.exit_code == 1
        assert problem in done.stderr


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        ("a.jsonl", "a.jsonl is a file; give a folder"),
        ("~nobody-of-this-name/cache", "the cache ~nobody-of-this-name/cache cannot be used"),
    ],
)
def test_a_folder_that_cannot_be_a_cache(cache: str, problem: str, inputs: list[str]) -> None:
    options = ["--tokenizer", str(TOKENIZER), "--template", "chatml", "--cache", cache]
    for arguments in (
        ["prepare", "a.jsonl", "--output", "out", *options],
        ["why", "out", "a.jsonl", *options],
        ["cache", "ls", cache],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 1, done.output
        assert problem in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
    assert not Path("out").exists()


def test_each_difference_is_named_once() -> None:
    before = [
        {"options": {"labels": labels, "max_length": size}} for labels, size in (("all", 5), ("all", 6), ("last", 9))
    ]
    now = [{"options": {"labels": labels, "max_length": 9}} for labels in ("all", "none")]
    assert [it.text for it in nearest_differences(before, now)] == [
        "max_length is 9, and was 5",
        "max_length is 9, and was 6",
        "labels is 'all', and was 'last'",
    ]
    assert nearest_differences(before, []) == []
