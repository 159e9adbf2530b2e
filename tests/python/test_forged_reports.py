"""Outputs that somebody changed: a report is a `DataError`, or shows the values as text, in little time and memory."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import chatmill
import pytest
from chatmill import DataError
from chatmill.cli.main import app
from chatmill.reporting.figures import FIGURES
from chatmill.reporting.limits import length_limits, packings
from chatmill.reporting.page import page
from chatmill.reporting.shown import ShownReport
from chatmill.reporting.terminal import report_text
from click.testing import CliRunner
from hostile_outputs import change_value
from tampered_outputs import MakeSound, manifest_of, seal_again

MOST = 2**53
# The slowest takes 4 s on two cores.
SECONDS = 30


def show(shown: ShownReport) -> None:
    """Draw all views, and ask for all figures."""
    page(shown.reports)
    report_text([*shown.reports, *shown.reports])
    for text in (str(shown), shown._repr_html_(), shown.json_text()):
        text.encode("utf-8")
    for name, figure in FIGURES.items():
        for limit in ("1", "1%") if figure.base or figure.is_share else ("1",):
            try:
                shown.fail_if(f"{name} > {limit}")
            except DataError as error:
                assert "is unknown for" in str(error)  # noqa: PT017  # others fail the test


def refused(output: Path) -> str:
    """The error of the command, which is one line without a traceback."""
    done = CliRunner().invoke(app, ["report", str(output)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ["plain", "datasets", "packs", "validation to mds"])
def test_random_changes(name: str, sound: MakeSound) -> None:
    output = sound(name)
    chance = random.Random(name)
    good = (output / "_manifest.json").read_bytes()
    shown = []
    for _ in range(120):
        groups = ["statistics", "statistics", "counts", "warnings", "options", "inputs", "template", "tokenizer"]
        what = change_value(output, chance, [it for it in groups if it in manifest_of(output)])
        try:
            shown.append(chatmill.report(output))
            show(shown[-1])
        except DataError as error:
            assert len(str(error)) < 500, what  # noqa: PT017
        except Exception as error:
            raise AssertionError(what) from error
        (output / "_manifest.json").write_bytes(good)
    assert 10 < len(shown) < 110


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    """A change of a value of a manifest."""

    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = value

    return change


ROWS = ("statistics", "rows")
TRAIN = ("statistics", "samples", "train")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (put("statistics", value=[]), "of another version"),
        (put("statistics", value={"version": 1}), "they are damaged"),
        (put("statistics", "version", value=2), "of another version"),
        (put(*ROWS, "bytes", value=-1), "-1 is not a count"),
        (put(*ROWS, "bytes", value=float("nan")), "a value is float"),
        (put(*ROWS, "bytes", value=MOST), "is not a count"),
        (put(*ROWS, "bytes", value=True), "True is not a count"),
        (put(*ROWS, "lengths", value="5:-1"), "'-1' is not a count"),
        (put(*ROWS, "lengths", value=f"{MOST + 1}:1"), "is not a count"),
        (put(*ROWS, "lengths", value="1:1 " * (1 << 20)), "it has more than 1,048,576 numbers"),
        (put(*ROWS, "trained_cells", value="0 " * 99 + "0"), "trained_cells has 100 numbers"),
        (put(*ROWS, "regions", value={f"role {it}": {} for it in range(100_000)}), "`regions` has 100,000 entries"),
        (put(*ROWS, "regions", value={"user": {"<b>": {"tokens": 1, "trained": 0}}}), "a kind that is not known"),
        (put(*ROWS, "roles", value=dict.fromkeys(map(str, range(2000)), 1)), "`roles` has 2,000 entries"),
        (put(*ROWS, "turns", value=[{"turns": 1, "tokens": 1, "trained": 1}] * 17), "`turns` has 17 entries"),
        (put(*ROWS, "messages", value={"two": 1}), "invalid literal for int"),
        (put(*TRAIN, "trained_shares", value="1 2"), "trained_shares has 2 numbers, not 12"),
        (put(*TRAIN, "duplicates_are_exact", value=1), "a value is int"),
        (put("statistics", "token_texts", value={"1": 5}), "a value is int"),
        (put("counts", "rows_in", value=float("inf")), "`counts.rows_in`"),
        (put("counts", "notes", value={"truncated": "x"}), "`counts.notes`"),
        (put("counts", "rejected_by_reason", value={"x": -1}), "`counts.rejected_by_reason`"),
        (put("counts", "rejected_by_reason", value=dict.fromkeys(map(str, range(2000)), 1)), "`counts.rejected_by"),
        (put("warnings", value=[{"text": 5}]), "`warnings.0.text`"),
        (put("warnings", value=["x"]), "`warnings.0.text`"),
        (put("options", "max_length", value="9"), "`options.max_length`"),
        (put("options", "labels", value=[1]), "`options.labels`"),
        (put("inputs", value=[{"path": None}]), "`inputs.0.path`"),
        (put("template", value="chatml"), "`template`"),
        (put("tokenizer", "engine", value=None), "`tokenizer.engine`"),
    ],
)
def test_wrong_values(change: Callable[[Any], None], problem: str, sound: MakeSound) -> None:
    output = sound("plain")
    seal_again(output, change)
    assert problem in refused(output).replace("\n", " ")


PACKING = ("options", "packing")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (put(*PACKING, "max_length", value="9"), "`options.packing.max_length`"),
        (put(*PACKING, "report", value=[]), "`options.packing.report`"),
        (put(*PACKING, "report", "train", "cut_tokens", value=-1), "`options.packing.report.train.cut_tokens`"),
        (put(*PACKING, "report", "train", value={}), "is damaged (KeyError"),
        (put(*PACKING, "report", "other", value={}), "is damaged (KeyError"),
        (put(*PACKING, "trained", value={}), "is damaged (KeyError"),
        (put(*PACKING, "trained", "train", "tokens", value=1.5), "`options.packing.trained.train.tokens`"),
    ],
)
def test_wrong_values_of_packs(change: Callable[[Any], None], problem: str, sound: MakeSound) -> None:
    output = sound("packs")
    seal_again(output, change)
    assert problem in refused(output).replace("\n", " ")


@pytest.mark.parametrize(
    "change",
    [
        put(*TRAIN, "lengths", value=" ".join(f"{it}:{it}" for it in range(1, 1 << 20))),
        put(*ROWS, "lengths", value=" ".join(f"{it}:{it}" for it in range(1, 1 << 20))),
        put(*TRAIN, "lengths", value=" ".join(f"{(1 << 40) + it}:{1 << 50}" for it in range(9999))),
        put(*ROWS, "lengths", value=f"{MOST}:{MOST}"),
        put(*TRAIN, "lengths", value=f"1:{MOST} 2048:{MOST}"),
        put(*TRAIN, "lengths", value="0:5"),
        put(*TRAIN, "lengths", value=""),
        put(*TRAIN, "first_trained", value=" ".join(f"{it}:1" for it in range(1 << 20))),
        put("statistics", "samples", value={}),
        put("statistics", "sources", value=[]),
        put("statistics", "token_texts", value={"1": "<b>" * 1_000_000}),
        put(*ROWS, "roles", value={"user " * 200_000: 1}),
        put("warnings", value=[{"text": f"<b>{it}"} for it in range(3000)]),
        put("counts", "rows_out", value=0),
        put("options", "max_length", value=0),
    ],
)
def test_large_and_small_numbers(change: Callable[[Any], None], sound: MakeSound) -> None:
    output = sound("plain")
    seal_again(output, change)
    before = process_time()
    shown = chatmill.report(output)
    page(shown.reports)
    assert len(str(shown)) < 100_000
    assert len(shown._repr_html_()) < 100_000
    assert process_time() - before < SECONDS


def test_limits_and_packs_of_forged_lengths() -> None:
    for lengths in ({1 << 40: 1 << 40}, {0: MOST}, {1: MOST, 32768: MOST}, {MOST: 1, 1: 1}):
        limits = length_limits(lengths, [5, 3])
        assert all(it.cut >= 0 and it.lost_tokens >= 0 and it.lost_trained_tokens >= 0 for it in limits)
        assert all(0 <= it.efficiency <= 1 and 0 <= it.batch_efficiency <= 1.000001 for it in packings(lengths))


def kept(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "_samples.jsonl").read_text("utf-8").splitlines()]


def link_to_zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def named_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\n", "line 1: it is damaged"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\0", "line 1: it is damaged"),
        (b'{"why": ["\xff"]}', "line 1: it is damaged"),
        (b"5", "it is not an object"),
        (b'{"why": "random"}', "`why` is not a list of short texts"),
        (b'{"why": [5]}', "`why` is not a list of short texts"),
        (json.dumps({"why": ["x" * 101]}).encode(), "`why` is not a list of short texts"),
        (b'{"why": [], "place": 5}', "`place` is not a text"),
        (json.dumps({"why": [], "code": "x" * 101}).encode(), "`code` is too long"),
        (b'{"why": []}', "the row is null"),
        (b'{"why": [], "row": {"tokens": -1}}', "tokens is another number"),
        (b'{"why": [], "row": {"tokens": NaN}}', "tokens is another number"),
        (b"[" + b"[]," * 800_000 + b"[]]", "chatmill did not write it"),
        (b'{"why": [], "code": "x"}\n' * 1001, "chatmill did not write it"),
        (b"x" * (17 << 20), "has more than 16,777,216 bytes"),
        (b"\n".join(b'{"why": ["%d"], "code": "x"}' % it for it in range(300)), "more than 200 reasons"),
    ],
    ids=range(17),
)
def test_damaged_samples(content: bytes, problem: str, sound: MakeSound) -> None:
    output = sound("plain")
    (output / "_samples.jsonl").write_bytes(content)
    assert problem in refused(output).replace("\n", " ")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")
@pytest.mark.parametrize("replace", [link_to_zeros, named_pipe, folder])
def test_samples_that_are_no_file(replace: Callable[[Path], None], sound: MakeSound) -> None:
    output = sound("plain")
    replace(output / "_samples.jsonl")
    assert "cannot read out/_samples.jsonl" in refused(output)


def test_forged_samples_are_texts(sound: MakeSound) -> None:
    output = sound("plain")
    text = "</script><img src=x>\u202e\x1b[2J"
    region = {"message": 0, "role": text[:100], "kind": "content", "spans": [{"text": text}]}
    record = {"why": [text], "place": text, "source": text, "answer": text}
    row = {"tokens": 5, "trained_tokens": 1, "notes": [text], "regions": [region] * 50}
    rejected = {**record, "code": text, "reason": text, "data": text}
    lines = [json.dumps(it) + "\n" for it in [{**record, "row": row}, rejected] * 20]
    (output / "_samples.jsonl").write_text("".join(lines), "utf-8")
    shown = chatmill.report(output)
    show(shown)
    html = page(shown.reports)
    assert "<img" not in html
    assert html.count("<script>") == html.count("</script>") == 1
    assert "\u202e" not in html + shown.json_text() + str(shown)


def test_a_row_of_many_messages(in_tmp_path: Path, tokenizer: Path) -> None:
    """Its regions are searched once for each span; the file keeps a part of them."""
    turn = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    row = {"messages": turn * 20_000}
    before = process_time()
    chatmill.prepare([row] * 2, tokenizer=str(tokenizer), template="chatml", output="out", progress=False)
    assert process_time() - before < SECONDS
    assert 0 < Path("out/_samples.jsonl").stat().st_size < 4 << 20
    assert {it.source for it in chatmill.report("out").report.samples} == {"memory"}
