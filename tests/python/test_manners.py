"""Manners of the command: quiet runs, keys of a config on the command line, and rows of all formats to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from chatmill import ChatTemplate
from chatmill.cli.main import app
from click.testing import CliRunner
from folders import write_byte_tokenizer
from samples import Row, WriteFile, conversation, to_lines

USER, GOOD, BAD = (
    {"role": role, "content": text} for role, text in [("user", "Q"), ("assistant", "G"), ("assistant", "B")]
)
CONFIG = """
base_model: bytes
chat_template: chatml
datasets: [{path: a.jsonl, type: chat_template}]
sequence_len: 4096
val_set_size: 0.2
seed: 7
chat_template_kwargs: {x: 1, y: 2}
max_rejected: 10%
"""


@pytest.fixture
def run(in_tmp_path: Path) -> Any:
    write_byte_tokenizer(in_tmp_path / "bytes")
    return lambda *arguments: CliRunner(env={"COLUMNS": "1000"}).invoke(app, [*arguments])


def prepared(*more: str) -> tuple[str, ...]:
    return ("prepare", "a.jsonl", "--tokenizer", "bytes", "--template", "chatml", "--output", "out", *more)


def manifest() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    return read


def test_a_quiet_run_prints_only_warnings_and_errors(run: Any, write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(20)])
    done = run(*prepared("--quiet", "--progress"))
    assert (done.exit_code, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("warning: ") for line in lines), "the tokenizer has no <|im_start|>"
    Path("a.jsonl").write_bytes(Path("a.jsonl").read_bytes() + b"{\n{\n")
    failed = run(*prepared("-q", "--overwrite"))
    assert (failed.exit_code, failed.stdout) == (3, "")
    assert failed.stderr.splitlines()[-1].startswith("error: 2 of 22 rows (9.1 %) are rejected")


def test_options_replace_keys_of_a_config(run: Any, write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(20)])
    Path("c.yaml").write_text(CONFIG, "utf-8")
    assert run("prepare", "c.yaml", "--output", "out").exit_code == 0
    assert manifest()["options"]["max_length"] == 4096
    assert manifest()["options"]["max_rejected"] == "10%"
    assert manifest()["counts"]["arranged"]["validation"]["rows"] == 4
    done = run(
        *("prepare", "c.yaml", "--output", "out", "--overwrite", "--max-length", "60", "--truncation", "keep_start"),
        *("--validation", "0", "--no-shuffle", "--seed", "9", "--chat-template-kwargs", '{"y": 3}'),
        *("--template", "{% for m in messages %}{{ m.role }}{{ x }}{{ y }}{{ m.content }}{{ eos_token }}{% endfor %}"),
        *("--labels", "all", "--quiet", "--max-rejected", "1"),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    options = manifest()["options"]
    assert (options["max_length"], options["truncation"], options["max_rejected"]) == (60, "keep_start", "1")
    assert options["chat_template_kwargs"] == {"x": 1, "y": 3}
    assert "arranged" not in manifest()["counts"]
    rows = pq.read_table("out/train-00000.parquet").to_pylist()
    assert [row["length"] for row in rows] == [60] * 20
    failed = run("prepare", "c.yaml", "--output", "other", "--truncation", "turns")
    assert failed.exit_code == 2
    assert "--truncation turns cannot be combined with a YAML file of datasets; use one of keep_start" in failed.stderr
    failed = run("prepare", "c.yaml", "--output", "other", "--map", "a=b")
    assert failed.exit_code == 2
    assert "--map cannot be combined with a YAML file of datasets" in failed.stderr
    Path("d.yaml").write_text(CONFIG.replace("val_set_size: 0.2", "test_datasets: [{path: a.jsonl}]"), "utf-8")
    failed = run("prepare", "d.yaml", "--output", "other", "--validation", "3")
    assert failed.exit_code == 2
    assert "--validation cannot be combined with `test_datasets` of d.yaml" in failed.stderr


def test_the_source_of_a_named_template(run: Any) -> None:
    assert run("templates", "chatml").stdout.rstrip("\n") == ChatTemplate.named("chatml").source.rstrip("\n")


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (
            {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
            ["chosen:", "⟦G<|im_end|>", "rejected:", "⟦B<|im_end|>"],
        ),
        ({"prompt": [USER], "completion": [GOOD], "label": True}, ["completion:", "⟦G<|im_end|>"]),
        ({"input_ids": [72, 105, 33], "labels": [-100, 105, 33]}, ["H⟦i!⟧"]),
        ({"text": "plain"}, ["⟦plain"]),
    ],
)  # fmt: skip
def test_rows_of_all_kinds_can_be_shown(row: Row, shown: list[str], run: Any) -> None:
    Path("a.jsonl").write_bytes(to_lines([row]))
    needs = ("--template", "chatml") if "input_ids" not in row and "text" not in row else ()
    done = run("show", "a.jsonl", "--tokenizer", "bytes", *needs)
    assert done.exit_code == 0, done.stderr
    places = [done.stdout.index(text) for text in shown]
    assert places == sorted(places)


def test_lint_reads_rows_of_formats(run: Any) -> None:
    rows = [{"question": "Why?", "answer": "So."}, {"question": "Why?", "answer": ""}]
    Path("a.jsonl").write_bytes(to_lines(rows))
    content = "{{ 'x' if m.role == 'user' else m.content }}"
    source = f"{{% for m in messages %}}<|im_start|>{{{{ m.role }}}}\n{content}<|im_end|>\n{{% endfor %}}"
    done = run("lint", source, "--data", "a.jsonl", "--json")
    found = {finding["code"]: finding for finding in json.loads(done.stdout)}
    assert found["content-dropped"]["example"] == "a.jsonl, line 1, field question"
    assert found["rows-fail"]["text"] == "1 of 2 rows fail"
    assert found["rows-fail"]["example"].startswith("a.jsonl, line 2: the field `answer` is empty")
    assert "template-tokens" not in found, "there is no tokenizer whose tokens are known"
    mapped = run("lint", source, "--data", "a.jsonl", "--map", "prompt=question", "--map", "response=answer", "--json")
    assert "content-dropped" in mapped.stdout
    named = run("lint", source, "--data", "a.jsonl", "--format", "question_answer:messages", "--rows", "1", "--json")
    assert "rows-fail" not in named.stdout


def test_lint_reads_several_data_files(run: Any) -> None:
    bad = {"messages": [{"role": "user", "content": "Hi", "colour": "red"}, GOOD]}
    Path("a.jsonl").write_bytes(to_lines([{"messages": [USER, GOOD]}]))
    Path("b.jsonl").write_bytes(to_lines([bad, bad]))
    for arguments in (
        ["--data", "a.jsonl", "b.jsonl"],
        ["--data", "a.jsonl", "--data", "b.jsonl"],
        ["--data", "?.jsonl"],
    ):
        done = run("lint", "chatml", *arguments, "--json")
        found = {finding["code"]: finding for finding in json.loads(done.stdout)}
        assert found["key-unread"]["text"] == "the template never reads the key 'colour' (in 2 messages)"
        assert {finding["template"] for finding in json.loads(done.stdout)} == {"chatml"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "a.jsonl", "--tokenizer", "bytes", "--row", "-1"), "'-1' is not a whole number of 0 or more"),
        (("show", "a.jsonl", "--tokenizer", "bytes", "--row", "1.5"), "'1.5' is not a whole number of 0 or more"),
        (prepared("--max-length", "0"), "Invalid value for '--max-length': '0' is not a whole number of 1 or more"),
        (("shwo",), "No such command 'shwo'. Did you mean 'show'?"),
        (("pack", "x", "--otput", "8"), "No such option '--otput'. Did you mean '--output'?"),
        (("diff", "a.jsonl"), "Missing option '--tokenizer'."),
        (("templates", "a", "\x1b[2J"), "unexpected extra argument (␛[2J)"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], complaint: str, run: Any) -> None:
    failed = run(*arguments)
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert complaint in failed.stderr
    assert "--help' for help." in failed.stderr


def test_a_command_without_arguments_prints_its_help(run: Any) -> None:
    assert run().output == run("-h").output
    assert run().exit_code == 2
    names = [line.split()[0] for line in run("--help").stdout.partition("Commands:\n")[2].splitlines()]
    runs = ["prepare", "why", "cache", "plan", "run-unit", "merge", "pack", "convert", "verify"]
    assert names == [*runs, "report", "show", "diff", "audit", "lint", "templates", "schema", "formats"]


def test_the_help_of_a_command_names_arguments_and_defaults(run: Any) -> None:
    shown = " ".join(run("show", "-h").stdout.split())
    assert "Usage: chatmill show [OPTIONS] INPUT..." in shown
    assert "INPUT... Paths, folders, globs or URLs" in shown
    assert "--row N Index of the row, from 0. [default: 0; at least 0]" in shown
    assert "[default: no-regions]" in shown


def test_an_interrupt_outside_of_a_run_has_its_status(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatmill.config.config_schema", interrupt)
    assert run("schema").exit_code == 130
