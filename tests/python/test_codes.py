"""Codes, notes and choices are defined once, in the core. Each code and note has an example and a line in the docs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import DEFINITION
from chatmill import ChatmillError, ChatTemplate, Encoding, Format, Mill, Tokenizer
from chatmill._chatmill import CHOICES, ERROR_CODES, NOTES
from chatmill.lint.warning import CODES as WARNING_CODES
from chatmill.options import choices

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
CASES: dict[str, Any] = json.loads((TESTS / "faults" / "codes.json").read_text("utf-8"))
DOCUMENT = (ROOT / "docs" / "errors.md").read_text("utf-8")
TOKENIZER: dict[str, Any] = json.loads(DEFINITION)


def mill_of(case: dict[str, Any]) -> Mill:
    """The mill of a case: by default with a tokenizer of bytes and the ChatML template of the file."""
    definition = json.dumps(case.get("tokenizer", TOKENIZER))
    tokens = {} if "tokenizer" in case else {"bos_token": "<s>", "eos_token": "<|im_end|>"}
    name = case.get("template_name")
    form = Format.named(case["format"]) if "format" in case else None
    tokenizer = Tokenizer(definition, special_tokens=tokens)
    template = (
        ChatTemplate.named(name) if name else ChatTemplate(case.get("template", CASES["template"]), name="example")
    )
    needs_template = form is None or form.needs_template
    return Mill(tokenizer, template if needs_template else None, format=form, **case.get("options", {}))


def column_of(case: dict[str, Any]) -> pa.Array:
    """The row of a case as a JSON column: of text, of bytes, or of numbers."""
    if "bytes" in case:
        return pa.array([bytes(case["bytes"])], pa.binary())
    if "number" in case:
        return pa.array([case["number"]])
    return pa.array([case["line"] if "line" in case else json.dumps(case["row"])])


def run(case: dict[str, Any]) -> dict[str, int]:
    """The notes of a case."""
    counts: dict[str, int] = mill_of(case)(pa.record_batch({"row": column_of(case)}), json_column="row").counts
    return counts


def fail(case: dict[str, Any]) -> None:
    """Run a failing case: a batch, or the regions of a text."""
    run(case)
    encoding: Encoding = mill_of(case).encode(case["row"]["messages"])
    print(encoding.regions)


@pytest.mark.parametrize("case", CASES["errors"], ids=lambda case: str(case["code"]))
def test_an_example_of_each_error(case: dict[str, Any]) -> None:
    with pytest.raises(ChatmillError) as caught:
        fail(case)
    error: Any = caught.value
    assert (error.code, str(error)) == (case["code"], case["error"])


@pytest.mark.parametrize("case", CASES["notes"], ids=lambda case: str(case["note"]))
def test_an_example_of_each_note(case: dict[str, Any]) -> None:
    assert run(case)[case["note"]] == 1


def test_every_code_has_an_example() -> None:
    elsewhere = {case["code"] for case in CASES["elsewhere"]}
    assert {case["code"] for case in CASES["errors"]} | elsewhere == set(ERROR_CODES)
    assert {case["note"] for case in CASES["notes"]} == set(NOTES)
    for case in CASES["elsewhere"]:
        assert f" {case['test']}(" in (ROOT / case["file"]).read_text("utf-8")


@pytest.mark.parametrize("code", [*ERROR_CODES, *NOTES])
def test_every_code_has_a_line_in_the_documents(code: str) -> None:
    expected = ERROR_CODES[code] if code in ERROR_CODES else NOTES[code].sentence
    lines = re.findall(rf"^\| `{code}` \| (.*)$", DOCUMENT, re.MULTILINE)
    assert any(expected.rstrip(".").replace("|", "\\|") in line for line in lines), (
        f"docs/errors.md: {code}: {expected}"
    )


def test_the_document_has_no_other_codes() -> None:
    about_rows, about_runs = DOCUMENT.split("## Warnings of a run")
    assert set(re.findall(r"^\| `(\w+)` \|", about_rows, re.MULTILINE)) == set(ERROR_CODES) | set(NOTES)
    # The document lists the warnings in their order, the worst first.
    assert tuple(re.findall(r"^\| `(\w+)` \|", about_runs, re.MULTILINE)) == WARNING_CODES


def test_the_types_of_python_list_the_choices_of_the_core() -> None:
    types = {
        "truncation": choices.Truncation,
        "split": choices.Split,
        "strategy": choices.PackStrategy,
        "remainder": choices.Remainder,
        "marks": choices.PackMark,
        "padding": choices.Padding,
        "padding_side": choices.PaddingSide,
        "special_tokens": choices.ControlTokens,
        "all_masked": choices.AllMasked,
        "on_error": choices.OnError,
        "engine": choices.EngineChoice,
        "boundary": choices.Boundary,
        "unproved": choices.Unproved,
        "stop": choices.Stop,
        "compression": choices.Compression,
        "emulate": choices.EmulatedTool,
        "region_kind": choices.RegionKind,
        "row_kind": choices.RowKind,
    }
    assert {name: choices.choices(option) for name, option in types.items()} == dict(CHOICES)
