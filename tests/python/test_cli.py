"""Tests of the command: its options, its exit status and its output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import indent
from typing import Any

import chatmill
import pytest
from chatmill.cli.main import app
from chatmill.inspect.show import show_encoding
from click.testing import CliRunner
from processes import DEADLINE, seconds_until_end, start_chatmill
from samples import Row, WriteFile, conversation, to_lines


@pytest.fixture
def run(tokenizer: Path, in_tmp_path: Path) -> Any:
    """Run a command; commands with the option --tokenizer get a tokenizer."""

    def run(*arguments: str, template: str | None = "chatml") -> Any:
        options = ["--tokenizer", str(tokenizer)] if arguments[0] in {"prepare", "show"} else []
        options += ["--template", template] if options and template else []
        return CliRunner().invoke(app, [*arguments, *options])

    return run


def test_version_templates_and_help(run: Any) -> None:
    assert run("--version").stdout == f"chatmill {chatmill.__version__}\n"
    assert run("templates").stdout.split() == chatmill.ChatTemplate.names()
    assert "prepare" in run("--help").stdout
    assert run("-h").stdout == run("--help").stdout
    assert "--chat-template-kwargs" in run("prepare", "--help").stdout


def test_prepare(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    Path("a.jsonl").write_text(Path("a.jsonl").read_text("utf-8") + "{\n", "utf-8")
    done = run(
        *("prepare", "*.jsonl", "--output", "out", "--labels", "all", "--max-length", "30", "--threads", "2"),
        *("--keep-columns", "id", "--attention-mask", "--position-ids", "--chat-template-kwargs", '{"x": [1]}'),
        *("--shard-tokens", "100", "--compression", "none", "--block-bytes", "500", "--no-progress"),
    )
    assert (done.exit_code, done.stderr) == (0, "")
    for text in ("rows in", "21", "invalid_json", "a.jsonl, line 21", "trained", "100.0 %"):
        assert text in done.stdout
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    expected = {"labels": "all", "max_length": 30, "threads": 2, "attention_mask": True, "position_ids": True}
    assert {**expected, "shard_tokens": 100, "compression": "none"}.items() <= manifest["options"].items()
    assert list(manifest["options"]["keep_columns"]) == ["id"]
    assert manifest["options"]["chat_template_kwargs"] == {"x": [1]}
    again = run("prepare", "a.jsonl", "--output", "out")
    assert again.exit_code == 1
    assert again.stderr.startswith("error: ")
    assert "--overwrite" in again.stderr
    assert "Traceback" not in again.stderr
    assert run("prepare", "a.jsonl", "--output", "out", "--overwrite").exit_code == 0


def test_the_fallback_and_the_clock(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    fallback = ("--template-fallback", "chatml")
    done = run("prepare", "a.jsonl", "--output", "out", *fallback, "--now", "2001-02-03T04:05", template=None)
    assert done.exit_code == 0, done.stderr
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert manifest["template"]["name"] == "chatml"
    assert {"template_fallback": "chatml", "now": "2001-02-03T04:05:00"}.items() <= manifest["options"].items()
    failed = run("prepare", "a.jsonl", "--output", "other", "--now", "soon")
    assert failed.exit_code == 2
    assert "--now is 'soon'" in failed.stderr


def test_show_takes_the_fallback(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    shown = run("show", "a.jsonl", "--template-fallback", "chatml", template=None)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout == run("show", "a.jsonl").stdout
    failed = run("show", "a.jsonl", "--template-fallback", "chatlm")
    assert failed.exit_code == 1
    assert "no template 'chatlm' to use as the fallback; did you mean 'chatml'?" in failed.stderr


def test_progress_can_be_forced(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    done = run("prepare", "a.jsonl", "--output", "out", "--progress")
    assert done.exit_code == 0
    assert "20 rows" in done.stderr
    assert "tokens/s" in done.stderr


def test_errors_are_one_message(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    failed = run("prepare", "gone.jsonl", "--output", "out")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: there is no file gone.jsonl")
    traced = run("prepare", "gone.jsonl", "--output", "out", "--traceback")
    assert isinstance(traced.exception, chatmill.DataError)
    write_file("a.jsonl", conversations)
    assert "no chat template" in run("prepare", "a.jsonl", "--output", "out", template=None).stderr
    for value in ("{", "[1]"):
        failed = run("prepare", "a.jsonl", "--output", "out", "--chat-template-kwargs", value)
        assert failed.exit_code == 2
        assert "--chat-template-kwargs" in failed.stderr
    assert run("prepare", "--output", "out").exit_code == 2
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("prepare", "a.jsonl"), 2, "--output is missing; give the output folder"),
        (("prepare", "a.jsonl", "--output", "out", "--local", "a=a.jsonl"), 2, "--local is only for a YAML file"),
        (
            ("prepare", "a.jsonl", "--output", "out", "--truncation", "left"),
            2,
            "'left' is not a valid value; give one of keep_start, keep_end, turns, drop, raise, split",
        ),
        (
            ("prepare", "a.jsonl", "--output", "out", "--compression", "gzip"),
            2,
            "'gzip' is not a valid value; give one of zstd, snappy, none",
        ),
        (
            ("prepare", "a.jsonl", "--output", "out", "--format", "alpaka"),
            1,
            "there is no format 'alpaka'; did you mean 'alpaca'?",
        ),
        *(
            ((*command, "a.yaml"), 1, "a.yaml is a YAML file, which names data sets and holds no rows; give the files")
            for command in (("show",), ("lint", "chatml", "--data"))
        ),
        (("prepare", "a.txt", "--output", "out"), 1, "a.txt has the unsupported file type .txt; supported are "),
        (
            ("prepare", "a.txt", "--output", "out", "--input-format", "jsnl"),
            2,
            "'jsnl' is not a valid value; did you mean 'jsonl'?",
        ),
        (("templates", "chatlm"), 1, 'no template named "chatlm"; did you mean `chatml`?'),
    ],
)
def test_mistakes_are_explained(
    arguments: tuple[str, ...], status: int, message: str, run: Any, write_file: WriteFile, conversations: list[Row]
) -> None:
    write_file("a.jsonl", conversations)
    Path("a.txt").write_text("messages\n", "utf-8")
    Path("a.yaml").write_text("datasets: []\n", "utf-8")
    failed = run(*arguments)
    assert failed.exit_code == status
    assert message in " ".join(failed.stderr.split())
    assert not Path("out").exists()


def test_a_missing_tokenizer_is_named(write_file: WriteFile, conversations: list[Row], in_tmp_path: Path) -> None:
    write_file("a.jsonl", conversations)
    failed = CliRunner().invoke(app, ["prepare", "a.jsonl", "--output", "out"])
    assert failed.exit_code == 2
    assert "--tokenizer is missing; give a folder, a tokenizer.json or a Hub id" in " ".join(failed.stderr.split())


def test_a_kept_column_that_no_row_has_is_an_error(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    failed = run("prepare", "a.jsonl", "--output", "out", "--keep-columns", "id", "--keep-columns", "idd")
    assert failed.exit_code == 1
    assert "no row has the column 'idd' to keep (`keep_columns`); did you mean 'id'?" in failed.stderr
    assert not Path("out").exists()


@pytest.mark.parametrize("block_bytes", ["100", "1000000"])
def test_a_kept_column_of_nulls_is_a_warning(
    block_bytes: str, run: Any, write_file: WriteFile, conversations: list[Row]
) -> None:
    # The name also occurs as a value, and as a key of another object, which do not count.
    others = [{**row, "id": "note", "more": {"note": 1}} for row in conversations]
    write_file("a.jsonl", [*others, {**conversations[0], "note": None}])
    keep = ("--keep-columns", "note", "--block-bytes", block_bytes)
    done = run("prepare", "a.jsonl", "--output", "out", *keep)
    assert done.exit_code == 0, done.stderr
    assert "'note' is null in all rows, so this column holds only nulls; check the name" in " ".join(
        done.stdout.split()
    )
    write_file("a.jsonl", others)
    failed = run("prepare", "a.jsonl", "--output", "other", *keep)
    assert failed.exit_code == 1
    assert "no row has the column 'note' to keep (`keep_columns`); use one of id, messages, more" in failed.stderr


def _with_broken_lines(rows: list[Row], broken: int) -> None:
    Path("a.jsonl").write_bytes(to_lines(rows) + b"{\n" * broken)


def test_more_rejects_than_allowed_are_status_3(run: Any, conversations: list[Row]) -> None:
    _with_broken_lines(conversations, 2)
    failed = run("prepare", "a.jsonl", "--output", "out")
    assert failed.exit_code == 3
    assert "2 of 22 rows (9.1 %) are rejected, more than `max_rejected` (5%)" in failed.stderr
    assert "most often invalid_json (2 rows, first a.jsonl, line 21: " in failed.stderr
    assert "The output is complete, and out/_rejects.jsonl has the rejected rows" in failed.stderr
    assert failed.stderr.endswith("`--max-rejected 10%`\n")
    assert "rows in" in failed.stdout
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert (manifest["counts"]["rows_out"], manifest["counts"]["rejected"]) == (20, 2)
    assert manifest["options"]["max_rejected"] == "5%"
    # The shards are rows of tokens, which can be shown.
    assert "What is 0 + 1?" in run("show", "out/train-00000.parquet", template=None).stdout


@pytest.mark.parametrize(
    ("limit", "status"),
    [("10%", 0), ("9%", 3), ("9.1%", 0), ("0.1", 0), (".09", 3), ("2", 0), ("1", 3), ("0", 3), ("100%", 0)],
)
def test_the_limit_of_rejects_is_a_share_or_a_number(
    limit: str, status: int, run: Any, conversations: list[Row]
) -> None:
    _with_broken_lines(conversations, 2)
    assert run("prepare", "a.jsonl", "--output", "out", "--max-rejected", limit).exit_code == status


@pytest.mark.parametrize("limit", ["many", "-1", "101%", "5 percent", "", "1.5", "%"])
def test_a_wrong_limit_of_rejects_is_wrong_usage(limit: str, run: Any, conversations: list[Row]) -> None:
    _with_broken_lines(conversations, 2)
    failed = run("prepare", "a.jsonl", "--output", "out", "--max-rejected", limit)
    assert failed.exit_code == 2
    assert f"--max-rejected is {limit!r}; give a percentage such as 5%" in " ".join(failed.stderr.split())
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst", "a.parquet", "a.arrow"])
def test_show(name: str, run: Any, write_file: WriteFile) -> None:
    write_file(name, [conversation(number) for number in range(200)])
    shown = run("show", name, "--row", "150")
    assert shown.exit_code == 0, shown.stderr
    assert "What is 150 + 1? 你好 👋" in shown.stdout
    assert shown.stdout.count("⟦") == 2, "one trained turn and the legend"
    assert "⟦It is 151." in shown.stdout
    assert "tokens" in shown.stdout.splitlines()[-1]
    failed = run("show", name, "--row", "200")
    assert failed.exit_code == 1
    assert "there is no row 200; the inputs have 200 rows" in failed.stderr


def test_show_names_the_place_of_a_bad_row(run: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "a.jsonl").write_text('{"messages": null}\n\n{\n[1]\n')
    for row, text in enumerate(
        [
            "a.jsonl, line 1: `messages` is null; remove the row",
            "a.jsonl, line 3: the row is not JSON",
            "a.jsonl, line 4: the row must be a JSON object, found a list",
        ]
    ):
        failed = run("show", "a.jsonl", "--row", str(row))
        assert failed.exit_code == 1
        assert text in failed.stderr


def test_a_shown_encoding_is_its_text(loaded: chatmill.Tokenizer) -> None:
    encoding = chatmill.Mill(loaded, chatmill.ChatTemplate.named("chatml")).encode(conversation(7)["messages"])
    plain = str(show_encoding(encoding, color=False))
    assert plain.replace("⟦", "").replace("⟧", "").startswith(encoding.text)
    trained = sum(label != -100 for label in encoding.labels)
    assert plain.splitlines()[-1].startswith(f"⟦trained⟧ {trained} of {len(encoding)} tokens")
    colored = show_encoding(encoding)
    assert colored.plain.startswith(encoding.text)
    green = "".join(colored.plain[span.start : span.end] for span in colored.spans if span.style == "green")
    assert green.startswith("It is 8.")


# Seconds. Without the signal, the run takes minutes.
SOON = 2.0


def test_the_command_in_a_process_of_its_own(tokenizer: Path, write_file: WriteFile, in_tmp_path: Path) -> None:
    write_file("a.jsonl", [conversation(0)])
    common = ("--tokenizer", str(tokenizer), "--template", "chatml", "--output", "out")
    with start_chatmill("prepare", "a.jsonl", *common, cwd=in_tmp_path) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "rows out" in out
    with start_chatmill("prepare", "a.jsonl", *common, cwd=in_tmp_path) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("sent", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_it_soon_and_leaves_only_blocks(
    sent: str, status: int, tokenizer: Path, write_file: WriteFile, in_tmp_path: Path
) -> None:
    if signal.getsignal(signal.Signals[sent]) is signal.SIG_IGN:
        pytest.skip(f"{sent} is ignored here, as `nohup` does, and stays ignored in the command")
    write_file("a.jsonl", [conversation(number) for number in range(5000)])
    common = ("--tokenizer", str(tokenizer), "--template", "chatml", "--output", "out", "--block-bytes", "1000")
    with start_chatmill("prepare", *["a.jsonl"] * 200, *common, cwd=in_tmp_path) as process:
        end = time.monotonic() + DEADLINE
        while not list(in_tmp_path.glob(".chatmill-*/output/*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "nothing is written"
            time.sleep(0.05)
        process.send_signal(signal.Signals[sent])
        seconds = seconds_until_end(process)
        _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == status, err
    assert seconds < SOON
    assert "Traceback" not in err
    *blocks, rows = sorted(path.name for path in in_tmp_path.iterdir())
    assert rows == "a.jsonl"
    # What is made within the first second is not kept.
    assert [name.endswith(".blocks") and name.startswith(".chatmill-") for name in blocks] == [True] * len(blocks)
    assert len(blocks) == err.count("the same command goes on with them") <= 1


#: What the command does instead of its work, and what it prints. A library may lose the exception of the signal.
ENDINGS = {
    "lost": ("try:\n  end()\nexcept SystemExit:\n  pass\nsleep(20)", ""),
    "lost twice": ("for _ in range(2):\n  try:\n    end()\n  except SystemExit:\n    pass\nsleep(20)", ""),
    "removing files": ("try:\n  end()\nfinally:\n  sleep(2.5)\n  print('removed')", "removed\n"),
    "removing files after an error": (
        "try:\n  end()\nfinally:\n  try:\n    open('gone')\n  except OSError:\n    sleep(2.5)\n    print('removed')",
        "removed\n",
    ),
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers of POSIX")
@pytest.mark.parametrize("name", ENDINGS)
def test_the_exception_of_a_signal_is_not_lost(name: str) -> None:
    work, printed = ENDINGS[name]
    source = (
        "import os, signal\nfrom time import sleep\nfrom chatmill.cli import main\n"
        "def end():\n  os.kill(os.getpid(), signal.SIGTERM)\n  sleep(20)\n"
        f"def app():\n{indent(work, '  ')}\nmain.app = app\nmain.main()"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert (done.returncode, done.stdout) == (143, printed), done.stderr
    assert time.monotonic() - begin < 15


def test_importing_chatmill_is_cheap() -> None:
    check = (
        "import sys, chatmill; print([name for name in ('pyarrow', 'click', 'rich', 'fsspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
