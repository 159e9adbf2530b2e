"""What an audit finds by itself, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import chatmill
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, convert, pack, prepare
from chatmill.cli.main import app
from chatmill.reporting.audit_source import AuditedOutput
from click.testing import CliRunner, Result
from folders import configure, write_byte_tokenizer
from prepared_outputs import TOKENIZER, edit_manifest, edit_rows, manifest, prepare_rows
from samples import LONG, SHORT, TURN, Row, write_rows

pytestmark = pytest.mark.usefixtures("in_tmp_path")

ENDING = byte_tokenizer(pad_token="<s>", eos_token="</s>")


def audit(**options: Any) -> Any:
    return chatmill.audit("out", **{"trainer": "trl", "tokenizer": TOKENIZER, **options})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def prepare_with_folder(**options: Any) -> None:
    """Prepare two rows with a tokenizer from a folder."""
    write_byte_tokenizer(Path("models"))
    write_rows(Path("a.jsonl"), [SHORT, LONG])
    prepare("a.jsonl", tokenizer="models", template="chatml", output="out", **options)


def test_the_manifest_tells_all() -> None:
    prepare_with_folder(labels="last")
    result = run("out", "--trainer", "trl")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        "row 1 (a.jsonl, line 2): the labels differ\n"
        "  message 1 · assistant · content, 52 to 58: 'Hello!'\n"
        "    output: masked, trl: trained\n"
        "  message 1 · assistant · closer, 58 to 68: '<|im_end|>'\n"
        "    output: masked, trl: trained\n"
        "1 of 2 rows differ from what trl would train: labels 1\n"
        "output: 2 rows, trained 14 of 87 tokens (16.1 %)\n"
        "trl:    2 rows, trained 21 of 87 tokens (24.1 %)\n"
        "trained by both 14, only by the output 0, only by trl 7\n"
        "role       kind     both  only output  only trl\n"
        "assistant  content    12            0         6\n"
        "assistant  closer      2            0         1\n"
        "Both sides have the template of the output, and no max_length. trl may have other limits.\n"
    )


def test_json_is_the_audit() -> None:
    prepare_with_folder()
    result = run("out", "--trainer", "unsloth", "--json", "--show", "1")
    assert result.exit_code == 1
    assert result.stdout.isascii()
    value = json.loads(result.stdout)
    assert value == json.loads(json.dumps(audit(trainer="unsloth", tokenizer=None, show=1).to_dict()))
    assert value["differing_rows"] == value["differing"]["labels"] == 2
    assert value["trained"] == {"both": 21, "only_output": 0, "only_trainer": 3}
    assert value["first"][0]["spans"][0]["kind"] == "trailing"


def test_nothing_differs() -> None:
    prepare_with_folder()
    result = run("out", "--trainer", "trl")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("0 of 2 rows differ from what trl would train\noutput: ")


def test_the_page_has_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_with_folder(labels="last")
    reports, pages = ModuleType("chatmill.reporting.of_output"), ModuleType("chatmill.reporting.page")
    vars(reports)["report_of_output"] = lambda folder, **_: SimpleNamespace(name=f"the report of {folder}", sources=[])
    vars(pages)["page"] = lambda reports, *, audit: f"{reports[0].name} {audit.trained.only_trainer} \ud800"
    monkeypatch.setitem(sys.modules, reports.__name__, reports)
    monkeypatch.setitem(sys.modules, pages.__name__, pages)
    assert run("out", "--trainer", "trl", "--html", "page.html").exit_code == 1
    assert Path("page.html").read_text("utf-8") == "the report of out 7 \\ud800"


@pytest.mark.parametrize("trainer", ["trl", "hf", "axolotl"])
def test_outputs_for_trainers(trainer: str) -> None:
    prepare_with_folder(trainer=trainer, labels="last")
    found = audit(tokenizer=None)
    assert (found.differing, found.of_output.tokens) == ({"labels": 1}, 87)


def test_the_tokenizer_of_an_earlier_version() -> None:
    """Its manifest has only the name, which is the last part of a path; a folder of this name may be there."""
    prepare_with_folder()
    edit_manifest(lambda it: it["options"].pop("tokenizer"))
    assert audit(tokenizer=None).is_equal
    Path("models").rename("others")
    with pytest.raises(
        DataError, match=r"^out was made with the tokenizer 'models', and its manifest does not say where "
    ):
        audit(tokenizer=None)
    assert audit(tokenizer="others").is_equal


def test_the_tokenizer_is_gone_or_another_one() -> None:
    prepare_with_folder()
    Path("models").rename("others")
    with pytest.raises(
        DataError,
        match=r"^cannot load the tokenizer of out: .*models.*; give it as `tokenizer` \(`--tokenizer`\)$",
    ):
        audit(tokenizer=None)
    definition = json.loads(Path("others/tokenizer.json").read_text("utf-8"))
    definition["added_tokens"].pop()
    Path("others/tokenizer.json").write_text(json.dumps(definition), "utf-8")
    with pytest.raises(
        DataError, match=r"^out was made with the tokenizer 'models' \(\w{12}\), but 'others' is now another "
    ):
        audit(tokenizer="others")


def test_the_template_for_tools_comes_from_the_tokenizer() -> None:
    write_byte_tokenizer(Path("models"))
    chatml = ChatTemplate.named("chatml").source
    configure(
        Path("models"),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template=[{"name": "default", "template": chatml}, {"name": "tool_use", "template": chatml}],
    )
    write_rows(Path("a.jsonl"), [SHORT, LONG])
    prepare("a.jsonl", tokenizer="models", output="out")
    assert audit(tokenizer=None).is_equal
    write_byte_tokenizer(Path("plain"))
    with pytest.raises(DataError, match="with the template 'models', which its manifest does not hold completely"):
        audit(tokenizer="plain")


def test_inputs_are_gone_or_have_moved() -> None:
    prepare_with_folder()
    Path("moved").mkdir()
    Path("a.jsonl").rename("moved/a.jsonl")
    result = run("out", "--trainer", "trl")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: cannot find the inputs of out: there is no file a.jsonl; ")
    assert result.stderr.endswith("; give them as inputs (INPUTS…)\n")
    assert run("out", "moved/a.jsonl", "--trainer", "trl").exit_code == 0
    Path("moved/a.jsonl").rename("moved/b.jsonl")
    assert (
        "out was made from a.jsonl, but the inputs are b.jsonl"
        in run("out", "moved/b.jsonl", "--trainer", "trl").stderr
    )


def test_rows_in_memory() -> None:
    prepare([SHORT, LONG], tokenizer=TOKENIZER, template="chatml", output="out")
    with pytest.raises(
        DataError, match=r"^out was made from rows in memory; give the same rows as inputs \(INPUTS…\)$"
    ):
        audit()
    assert audit(inputs=[SHORT, LONG]).is_equal
    with pytest.raises(DataError, match="memory, row 1: this row now gives other tokens or labels than out has"):
        audit(inputs=[SHORT, SHORT])


def test_changed_inputs() -> None:
    prepare_rows(SHORT, LONG)
    text = Path("a.jsonl").read_text("utf-8")
    Path("a.jsonl").write_text(text.replace("Hello!", "Hallo!"), "utf-8")
    with pytest.raises(
        DataError, match=r"^a.jsonl, line 1: this row now gives other tokens or labels than out has, so "
    ):
        audit()
    Path("a.jsonl").write_text(text + "\n", "utf-8")
    with pytest.raises(DataError, match=r"^a.jsonl had 267 bytes and now has 268, so its rows may have changed; give "):
        audit()


def test_other_numbers_of_rows() -> None:
    prepare_rows(SHORT, LONG)
    lines = Path("a.jsonl").read_text("utf-8").splitlines()
    padding = " " * len(lines[1])
    Path("a.jsonl").write_text(f"{lines[0]} {padding}\n", "utf-8")
    with pytest.raises(
        DataError, match=r"a.jsonl has 1 rows, but had 2 when out was made; give the file as it was then"
    ):
        audit()


def test_changed_labels_of_the_output() -> None:
    prepare_rows(SHORT, LONG)
    edit_rows(lambda rows: rows[1].update(labels=[-100] * len(rows[1]["labels"])))
    with pytest.raises(DataError, match=r"a.jsonl, line 2: this row now gives other tokens or labels than out has"):
        audit()


def test_a_row_that_was_rejected_and_is_not_now() -> None:
    prepare_rows(SHORT, {"messages": TURN[:1]})
    edit_manifest(lambda it: it["options"].update(all_masked="keep"))
    with pytest.raises(DataError, match=r"a.jsonl, line 2: this row now gives other tokens"):
        audit()


def shuffled() -> None:
    prepare_rows(SHORT, LONG, shuffle=True)


def packed() -> None:
    prepare_rows(SHORT, LONG)
    Path("out").rename("rows")
    pack("rows", 100, output="out")


def converted() -> None:
    prepare_rows(SHORT, LONG)
    Path("out").rename("rows")
    convert("rows", "mds", "out")


def with_answers() -> None:
    rows = [{"prompt": "a", "chosen": "b", "rejected": "c"}]
    prepare(rows, tokenizer=TOKENIZER, template="chatml", output="out")


def with_text_of_its_own() -> None:
    write_rows(Path("a.jsonl"), [{"instruction": "a", "output": "b"}])
    prepare("a.jsonl", tokenizer=ENDING, format="alpaca", output="out")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (shuffled, "rows in another order than its inputs; compare an output that was made without shuffle"),
        (packed, "out holds packs, which cannot be compared; compare the output that was packed"),
        (converted, "out has the layout mds, which cannot be compared"),
        (with_answers, "out holds rows of a prompt with answers, which cannot be compared"),
        (with_text_of_its_own, r"^out cannot be audited: the format `alpaca` does not support these `labels`, because"),
        (
            lambda: prepare_rows(SHORT, split="per_turn"),
            "one sample for each trained turn, and no trainer makes such samples; audit",
        ),
        (lambda: prepare_rows(SHORT, trainer="nemo"), "the columns of the trainer nemo, which cannot be compared"),
        (lambda: prepare_rows(SHORT, trainer="llama-factory"), "the columns of the trainer llama-factory"),
        (
            lambda: prepare_rows(LONG, trainer="trl", max_length=30, truncation="split"),
            "the columns of the trainer trl, which cannot be compared",
        ),
    ],
)
def test_outputs_that_are_refused(make: Callable[[], Any], reason: str) -> None:
    make()
    with pytest.raises(DataError, match=reason):
        audit(tokenizer=ENDING)


@pytest.mark.parametrize(
    ("trainer", "told"),
    [
        ("trll", "`trainer` is 'trll', whose labels chatmill cannot make; did you mean 'trl'?"),
        ("megatron", "`trainer` is 'megatron', whose labels chatmill cannot make; use one of hf, trl, axolotl,"),
        ("last", "`trainer` is 'last', which is the name of labels and not of a trainer; use one of hf, trl,"),
        ("{turns: last}", "`trainer` is an object without `preset`; write {preset: axolotl, …}, with one of hf,"),
        ("{preset: trl, x: 1}", "labels: options of trl: unknown option `x`; remove it"),
    ],
)
def test_trainers_that_are_refused(trainer: str, told: str) -> None:
    prepare_with_folder()
    result = run("out", "--trainer", trainer)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {told}")


def test_texts_of_rows_cannot_change_the_terminal() -> None:
    rows: list[Row] = [
        {"messages": [TURN[0], {"role": "assistant", "content": "[red]\x1b[31m\u202e\x00<b>", "train": False}]},
        SHORT,
    ]
    write_byte_tokenizer(Path("models"))
    write_rows(Path("a.jsonl"), rows)
    prepare("a.jsonl", tokenizer="models", template="chatml", output="out", all_masked="keep")
    result = run("out", "--trainer", "trl")
    assert result.exit_code == 1
    assert "'[red]\\x1b[31m\\u202e\\x00<b>'" in result.stdout
    assert not {"\x1b", "\u202e", "\x00"} & set(result.stdout)


def test_it_opens_what_the_run_read() -> None:
    Path("b.txt").write_text(json.dumps(SHORT), "utf-8")
    prepare("b.txt", tokenizer=TOKENIZER, template="chatml", output="out", input_format="jsonl", max_length=25)
    opened = AuditedOutput.open("out", tokenizer=TOKENIZER)
    assert [file.path for file in opened.files] == ["b.txt"]
    assert opened.options["max_length"] == manifest()["options"]["max_length"] == 25
    assert audit().is_equal
