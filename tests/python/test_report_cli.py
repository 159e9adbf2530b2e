"""`chatmill report` and `chatmill.report`: inputs, options, files, samples, conditions and their exit status."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chatmill
import pytest
from chatmill import DataError
from chatmill.cli.main import app
from chatmill.reporting import job
from chatmill.reporting.model import Report, ReportSample
from chatmill.reporting.shown import ShownReport
from click.testing import CliRunner
from json_schema import violations
from report_example import example_report

Called = list[tuple[Any, dict[str, Any]]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """Reports by hand in place of those of outputs and rows; the calls that asked for them."""
    calls: Called = []

    def made(entry: Any, samples: bool) -> Report:
        name = entry if isinstance(entry, str) else "rows"
        report = example_report(name, packs=())
        return report if samples else replace(report, samples=[])

    def report_of_output(folder: Any, *, samples: bool = True) -> Report:
        calls.append((folder, {}))
        return made(folder, samples)

    def report_of_rows(
        inputs: Any,
        *,
        tokenizer: Any,
        samples: bool = True,
        template: Any = None,
        rebuild: bool = True,
        columns: Any = None,
        max_length: int | None = None,
        truncation: str | None = None,
        labels: Any = "assistant",
        limits: Any = None,
        now: Any = None,
        chat_template_kwargs: Any = None,
        allowed_special_tokens: Sequence[str] = (),
    ) -> Report:
        del tokenizer, template, rebuild, columns, truncation, labels, limits, now, chat_template_kwargs
        del allowed_special_tokens
        calls.append((inputs, {"max_length": max_length}))
        return made(inputs, samples)

    for name, value in (("of_output", report_of_output), ("of_rows", report_of_rows)):
        module = SimpleNamespace(**{f"report_{name}": value})
        monkeypatch.setitem(sys.modules, f"chatmill.reporting.{name}", module)
    return calls


@pytest.fixture
def run(in_tmp_path: Path, called: Called) -> Callable[..., Any]:
    """The command, in a folder with two outputs and a file of rows."""
    for name in ("tokens", "other"):
        (in_tmp_path / name).mkdir()
        (in_tmp_path / name / "_manifest.json").write_text("{}", "utf-8")
    (in_tmp_path / "rows.jsonl").write_text("{}\n", "utf-8")
    (in_tmp_path / "mix.yaml").write_text("datasets: []", "utf-8")
    (in_tmp_path / "folder").mkdir()
    return lambda *arguments: CliRunner(env={"COLUMNS": "200"}).invoke(app, ["report", *arguments])


def test_an_output_is_shown(run: Any, called: Called) -> None:
    done = run("tokens")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("tokens: an output of chatmill 0.1.0")
    assert "\nbad: something is wrong" in done.stdout
    assert called == [("tokens", {})]


def test_several_are_side_by_side(run: Any, called: Called) -> None:
    done = run("tokens", "other", "rows.jsonl", "--tokenizer", "t", "--max-length", "9")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["tokens", "other", "rows.jsonl"]
    assert called == [("tokens", {}), ("other", {}), ("rows.jsonl", {"max_length": 9})]


def test_options_get_their_names_and_types_in_python(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def report_of_rows(inputs: Any, **options: Any) -> Report:
        given.update(options, inputs=inputs)
        return example_report()

    stand_in = SimpleNamespace(report_of_rows=report_of_rows)
    monkeypatch.setitem(sys.modules, "chatmill.reporting.of_rows", stand_in)
    assert run("rows.jsonl", "--tokenizer", "t").exit_code == 0
    assert given == {"inputs": "rows.jsonl", "samples": True, "tokenizer": "t"}
    given.clear()
    options = [
        *("--tokenizer", "t", "--template", "chatml", "--template-fallback", "zephyr", "--tokenizer-json"),
        *("--format", "alpaca", "--map", "answer=a", "--map", "question=q", "--input-format", "jsonl"),
        *("--labels", "last", "--split", "per_turn", "--max-length", "9", "--truncation", "drop"),
        *("--special-tokens", "text", "--allow-special-token", "<a>", "--all-masked", "keep"),
        *("--chat-template-kwargs", '{"x": 1}', "--limits", '{"depth": 9}', "--now", "2026-01-02", "--threads", "2"),
    ]
    assert run("rows.jsonl", *options, "--no-samples").exit_code == 0
    now = given.pop("now")
    assert now.isoformat() == "2026-01-02T00:00:00"
    assert given == {
        "inputs": "rows.jsonl",
        "samples": False,
        "tokenizer": "t",
        "template": "chatml",
        "template_fallback": "zephyr",
        "rebuild": False,
        "format": "alpaca",
        "columns": {"answer": "a", "question": "q"},
        "input_format": "jsonl",
        "labels": "last",
        "split": "per_turn",
        "max_length": 9,
        "truncation": "drop",
        "special_tokens": "text",
        "allowed_special_tokens": ("<a>",),
        "all_masked": "keep",
        "threads": 2,
        "chat_template_kwargs": {"x": 1},
        "limits": {"depth": 9},
    }
    # These are the options that `prepare` has, with their names.
    parameters = signature(chatmill.prepare).parameters
    assert set(given) - {"samples"} <= set(parameters)


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (
            ["rows.jsonl"],
            1,
            "rows.jsonl is not an output of chatmill (it has no _manifest.json), and rows need a tokenizer",
        ),
        (["folder"], 1, "give `--tokenizer`, in Python `tokenizer`, or the folder of an output"),
        (["gone"], 1, "there is no file or folder gone; check the path (the working directory is "),
        (["org/gone"], 1, "there is no file or folder org/gone; check the path, or give `--tokenizer`, in Python "),
        (["gone/*.jsonl"], 1, "gone/*.jsonl is not an output of chatmill"),
        (["mix.yaml"], 1, "mix.yaml is a YAML file, which names data sets and holds no rows; give the files of its"),
        (["s3://bucket/tokens"], 1, "is a URL, so it is read as rows, which need a tokenizer"),
        (["tokens", "rows.jsonl"], 1, "rows.jsonl is not an output of chatmill"),
        ([], 2, "Missing argument"),
        (["tokens", "--tokenizer", "t"], 2, "--tokenizer is only for rows, and the inputs are finished outputs"),
        (["tokens", "--map", "a=b"], 2, "--map is only for rows"),
        (["tokens", "--samples", "3", "--no-samples"], 2, "--samples and --no-samples contradict each other"),
        (["tokens", "--samples", "3"], 2, "--samples is for --html and --json, and the table shows no samples"),
        (["tokens", "--samples", "-1"], 2, "'-1' is not a whole number of 0 or more"),
        (["tokens", "--html", "gone/a.html"], 1, "there is no folder gone for a.html; make it"),
        (["tokens", "--json", "tokens/a.json"], 1, "is within the output"),
        (["tokens", "--html", "tokens"], 1, "tokens is a folder; give the name of a file"),
        (["rows.jsonl", "--tokenizer", "t", "--json", "rows.jsonl"], 1, "is an input, and the report would replace it"),
        (["tokens", "--html", "a", "--json", "./a"], 2, "--html and --json name the same file"),
        (["tokens", "--fail-if", "untraind > 0"], 2, "'untraind', which does not exist; did you mean 'untrained'?"),
        (["tokens", "--fail-if", "untrained"], 2, "is not a condition"),
        (["rows.jsonl", "--tokenizer", "t", "--limits", "3"], 2, "--limits is '3', which is not a JSON object"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes(arguments: list[str], status: int, problem: str, run: Any, called: Called, in_tmp_path: Path) -> None:
    before = sorted(in_tmp_path.rglob("*"))
    failed = run(*arguments)
    assert failed.exit_code == status, failed.stderr
    assert problem in " ".join(failed.stderr.split())
    assert failed.stdout == ""
    assert called == []
    assert sorted(in_tmp_path.rglob("*")) == before


def test_files(run: Any, in_tmp_path: Path) -> None:
    done = run("tokens", "--html", "report.html", "--json", "report.json")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines() == ["written to report.html", "written to report.json"]
    assert done.stdout.startswith("tokens: an output")
    assert Path("report.html").read_text("utf-8").lstrip().lower().startswith("<!doctype html>")
    schema = json.loads(run("--schema").stdout)
    assert violations(json.loads(Path("report.json").read_text("utf-8")), schema) == []
    quiet = run("tokens", "--html", "report.html", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


def test_json_on_stdout_is_all_of_stdout(run: Any) -> None:
    done = run("tokens", "other", "--json", "-", "--html", "report.html")
    assert done.exit_code == 0
    assert [it["run"]["name"] for it in json.loads(done.stdout)["reports"]] == ["tokens", "other"]
    assert done.stderr == "written to report.html\n"


def test_json_on_stdout_hides_nothing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "\x1b[2J\u202e\ud800\n"
    stand_in = SimpleNamespace(report_of_output=lambda *_, **__: example_report(evil))
    monkeypatch.setitem(sys.modules, "chatmill.reporting.of_output", stand_in)
    for options in (["--json", "-"], ["--fail-if", "findings > 0"]):
        done = run("tokens", *options)
        text = done.stdout + done.stderr
        assert not set(text) & {"\x1b", "\u202e", "\ud800"}
    assert "error: --fail-if holds for ␛[2J⟨U+202E⟩⟨U+D800⟩↵: findings > 0: findings is 3\n" in done.stderr
    assert json.loads(run("tokens", "--json", "-").stdout)["reports"][0]["run"]["name"] == "\x1b[2J\u202e\\ud800\n"


def test_the_schema_needs_no_input(run: Any) -> None:
    done = run("--schema")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["title"] == "Reports of chatmill"


def test_samples_can_be_left_out_or_fewer(run: Any) -> None:
    def samples(*options: str) -> list[str]:
        done = run("tokens", "--json", "-", *options)
        return [it["place"] for it in json.loads(done.stdout)["reports"][0]["samples"]]

    assert samples() == ["tokens, line 1", "b.jsonl, line 9"]
    assert samples("--samples", "1") == ["tokens, line 1"]
    assert samples("--samples", "0") == samples("--no-samples") == []
    run("tokens", "--html", "all.html")
    run("tokens", "--html", "none.html", "--no-samples")
    assert "tokens, line 1<" in Path("all.html").read_text("utf-8")
    assert "tokens, line 1<" not in Path("none.html").read_text("utf-8")


def test_conditions_decide_the_status(run: Any) -> None:
    fine = run("tokens", "--fail-if", "rejected > 12", "--fail-if", "truncated_tokens > 6%")
    assert (fine.exit_code, fine.stderr) == (0, "")
    conditions = ["--fail-if", "stop_untrained > 0", "--fail-if", "rejected > 12", "--fail-if", "trained_share < 50%"]
    failed = run("tokens", "other", "--json", "report.json", *conditions)
    assert failed.exit_code == 3
    assert failed.stderr.splitlines() == [
        "written to report.json",
        "error: --fail-if holds for tokens: stop_untrained > 0: stop_untrained is 611 of 22,120 stops (2.76 %)",
        "error: --fail-if holds for tokens: trained_share < 50%: trained_share is 0.3065 (30.6 %)",
        "error: --fail-if holds for other: stop_untrained > 0: stop_untrained is 611 of 22,120 stops (2.76 %)",
        "error: --fail-if holds for other: trained_share < 50%: trained_share is 0.3065 (30.6 %)",
    ]
    assert json.loads(Path("report.json").read_text("utf-8"))["format"] == 1
    quiet = run("tokens", "--quiet", *conditions)
    assert (quiet.exit_code, quiet.stdout, len(quiet.stderr.splitlines())) == (3, "", 2)


def test_a_condition_that_cannot_be_checked_is_no_pass(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = SimpleNamespace(report_of_output=lambda *_, **__: example_report("tokens", regions=None))
    monkeypatch.setitem(sys.modules, "chatmill.reporting.of_output", stand_in)
    failed = run("tokens", "--fail-if", "stop_untrained > 0")
    assert failed.exit_code == 1
    assert "needs `stop_untrained`, which is unknown for tokens" in failed.stderr


def test_python(run: Any, called: Called) -> None:
    del run
    shown = chatmill.report("tokens", Path("other"))
    assert isinstance(shown, chatmill.ShownReport)
    assert [it.run.is_output for it in shown.reports] == [True, True]
    assert (shown.status, shown.report) == ("bad", shown.reports[0])
    assert repr(shown) == "<ShownReport: 'tokens' bad, 'rows' bad>"
    assert str(shown).splitlines()[0].split() == ["tokens", "rows"]
    assert called == [("tokens", {}), (Path("other"), {})]
    assert len(shown.fail_if("stop_untrained > 0", "rejected > 12")) == 2
    assert not shown.fail_if("rejected > 12")


def test_rows_in_memory(run: Any, called: Called) -> None:
    del run
    rows: list[dict[str, Any]] = [{"messages": []}]
    chatmill.report(rows, tokenizer="t", max_length=5, samples=1)
    chatmill.report(["rows.jsonl", "b.jsonl"], tokenizer="t")
    assert called == [(rows, {"max_length": 5}), (["rows.jsonl", "b.jsonl"], {"max_length": None})]
    with pytest.raises(
        DataError, match="a value of the type list holds rows, which need a tokenizer; give `tokenizer`"
    ):
        chatmill.report(rows)
    with pytest.raises(DataError, match="`max_length` is only for rows, but tokens is a finished output"):
        chatmill.report("tokens", max_length=5)
    with pytest.raises(DataError, match="there is nothing to report"):
        chatmill.report()
    with pytest.raises(TypeError, match=r"report\(\) has no option 'max_lenght'; did you mean 'max_length'\?"):
        chatmill.report(rows, tokenizer="t", max_lenght=5)


def test_the_worst_status_counts() -> None:
    good = example_report(findings=[])
    look = example_report(findings=example_report().findings[1:])
    assert ShownReport((good,)).status == "good"
    assert ShownReport((good, look)).status == "look"
    assert ShownReport((good, example_report(), look)).status == "bad"


def test_fewer_samples_in_python(run: Any) -> None:
    del run
    samples: Sequence[ReportSample] = chatmill.report("tokens", samples=1).report.samples
    assert [it.place for it in samples] == ["tokens, line 1"]
    assert chatmill.report("tokens", samples=False).report.samples == ()


@pytest.mark.parametrize("inputs", ["folder", "fol*/*.txt", "folder/a.txt"])
@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_file_of_an_input_folder_is_refused_before_the_counting(
    option: str, inputs: str, run: Any, called: Called
) -> None:
    Path("folder", "a.txt").write_text("{}\n", "utf-8")
    failed = run(inputs, "--tokenizer", "t", "--input-format", "jsonl", option, "folder/a.txt")
    assert (failed.exit_code, failed.stdout, called) == (1, "", [])
    assert "folder/a.txt is an input, and the report would replace it" in failed.stderr
    assert Path("folder", "a.txt").read_text("utf-8") == "{}\n"


def test_a_file_of_an_input_folder_that_is_no_input_is_replaced(run: Any) -> None:
    Path("folder", "a.jsonl").write_text("{}\n", "utf-8")
    Path("folder", "report.html").write_text("earlier", "utf-8")
    assert run("folder", "--tokenizer", "t", "--html", "folder/report.html").exit_code == 0
    assert Path("folder", "report.html").read_text("utf-8") != "earlier"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_or_a_device_is_not_replaced(run: Any, called: Called) -> None:
    os.mkfifo("pipe")
    for option in ("--html", "--json"):
        failed = run("tokens", option, "pipe")
        assert (failed.exit_code, failed.stdout, called) == (1, "", [])
        assert "pipe is a device or a pipe, which a file would replace" in failed.stderr
    assert Path("pipe").is_fifo()


def test_a_file_that_cannot_be_written_leaves_the_report_and_no_rest(
    run: Any, monkeypatch: pytest.MonkeyPatch, in_tmp_path: Path
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    before = sorted(in_tmp_path.rglob("*"))
    monkeypatch.setattr("chatmill.outputs.durable.sync_file", full)
    failed = run("tokens", "--html", "report.html")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: the disk is full")
    assert failed.stdout.startswith("tokens: an output")
    assert sorted(in_tmp_path.rglob("*")) == before


def test_a_closed_pipe_does_not_cost_the_files(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_text: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("chatmill.cli.report.say", closed)
    run("tokens", "--html", "report.html", "--json", "report.json")
    assert Path("report.html").is_file()
    assert Path("report.json").is_file()


@pytest.mark.parametrize("samples", [-1, 1.5, "x", None], ids=repr)
def test_samples_are_a_number_or_none(samples: Any, run: Any, called: Called) -> None:
    del run
    with pytest.raises(DataError, match=r"`samples` is .*; give True, False, or a whole number of 0 or more"):
        chatmill.report("tokens", samples=samples)
    assert called == []


@pytest.mark.parametrize("name", ["output", "inputs", "overwrite", "progress", "max_lenght"])
def test_options_that_no_report_has(name: str, in_tmp_path: Path) -> None:
    del in_tmp_path
    options: dict[str, Any] = {"tokenizer": "t", name: True}
    with pytest.raises(TypeError, match=rf"report\(\) has no option '{name}'"):
        chatmill.report([{"messages": []}], **options)


# The options of `prepare` that say what is written and how. A new option is either here or one of a report.
_WRITTEN = (
    "inputs", "output", "pad_token", "padding", "padding_side", "pad_to_multiple_of", "keep_columns", "attention_mask",
    "position_ids", "shuffle", "seed", "deduplicate", "validation", "overwrite", "progress", "shard_tokens",
    "compression", "max_rejected", "strict", "to", "pack", "resume", "fresh", "cache", "cache_size",
)  # fmt: skip


@pytest.mark.parametrize("name", _WRITTEN)
@pytest.mark.parametrize("entry", ["tokens", [{"messages": []}]], ids=["output", "rows"])
def test_options_without_an_effect_are_refused(name: str, entry: Any, run: Any, called: Called) -> None:
    del run
    options: dict[str, Any] = {name: 1}
    with pytest.raises(TypeError, match=rf"no option '{name}': .* a report writes no output; leave it out"):
        chatmill.report(entry, **options)
    assert called == []


def test_all_other_options_are_those_of_a_report() -> None:
    others = [it for it in signature(chatmill.prepare).parameters if it not in (*_WRITTEN, "tokenizer")]
    assert sorted(others) == sorted(job._OPTIONS)
