"""The report as JSON: its schema names each field of a report, and every reader can read it."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import polars as pl
import pytest
from chatmill import DataError
from chatmill.drawing.row import DrawnRow
from chatmill.reporting.as_json import json_text, report_schema, to_json
from chatmill.reporting.figures import FIGURES
from chatmill.reporting.model import Report
from chatmill.reporting.shown import ShownReport
from json_schema import violations
from report_example import empty_report, example_report
from report_values import full_report

EVIL = "\ud800\x00\x1b\x9b\u202e\u2028</script>\"'"


def closed(schema: Any) -> Any:
    """The schema, without room for keys that it does not name."""
    if isinstance(schema, list):
        return [closed(it) for it in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(it) for name, it in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema
    return {**found, "additionalProperties": False} if is_object else found


def classes_in(kind: Any) -> list[Any]:
    """The dataclasses in a type."""
    if get_origin(kind) in (Union, UnionType):
        return [it for part in get_args(kind) if part is not NoneType for it in classes_in(part)]
    if is_dataclass(kind):
        return [kind]
    return [it for part in get_args(kind) for it in classes_in(part)]


def check_names(kind: Any, schema: Any, more: set[str]) -> int:
    """Compare the names of a class with those of its schema; return the number of classes."""
    names = {it.name for it in fields(kind)}
    assert set(schema["properties"]) == names | more, kind
    if not kind.__name__.startswith("Drawn"):
        assert set(schema["required"]) == names | more, kind
    assert all(it["description"] for it in schema["properties"].values())
    checked = 1
    for name, hint in get_type_hints(kind).items():
        for part in classes_in(hint):
            inner = schema["properties"][name]
            checked += check_names(part, inner.get("items", inner), set())
    return checked


@pytest.mark.parametrize("text", ["tokens", EVIL], ids=["plain", "hostile"])
def test_reports_keep_the_schema(text: str) -> None:
    for report in (example_report(text), empty_report(), full_report()):
        value = json.loads(json_text([report, example_report()]))
        assert violations(value, closed(report_schema())) == []


def test_the_schema_refuses_what_is_no_report() -> None:
    value = json.loads(json_text([example_report()]))
    changes: tuple[dict[str, Any], ...] = (
        {"status": "fine"},
        {"lengths": {"3": 1}},
        {"lengths": [[1, 2, 3]]},
        {"totals": {}},
        {"regions": 3},
        {"trained_shares": [-1]},
        {"unknown": 1},
    )
    for change in changes:
        changed = {**value, "reports": [{**value["reports"][0], **change}]}
        assert violations(changed, closed(report_schema())), change


def test_the_schema_names_every_field() -> None:
    schema = report_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    report = schema["properties"]["reports"]["items"]
    # 14 classes of the model, one of them in two places, and the three of a drawn row.
    assert check_names(Report, report, {"status", "figures"}) == 20
    assert list(report["properties"]["figures"]["properties"]) == list(FIGURES)
    assert report["properties"]["figures"]["required"] == list(FIGURES)


def test_the_values_are_those_of_the_report() -> None:
    report = example_report()
    value = json.loads(json_text([report]))["reports"][0]
    assert value == to_json(report)
    assert value["totals"] == vars(report.totals)
    assert value["lengths"] == [
        [19, 3], [64, 101], [65, 7], [127, 211], [300, 2003], [511, 3001], [800, 2811], [1500, 2039], [2048, 431],
    ]  # fmt: skip
    assert value["role_sequences"] == {"user assistant": 3607, "system (user assistant)+": 6841, "tokens": 153}
    assert value["figures"]["stop_untrained"] == 611
    assert value["status"] == "bad"
    row = value["samples"][0]["row"]
    assert DrawnRow.from_dict(row) == report.samples[0].row
    assert value["samples"][1]["row"] is None
    assert to_json(report, samples=False)["samples"] == []


def test_lone_surrogates_are_escapes_that_other_readers_take(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    ShownReport((example_report(EVIL),)).to_json(path)
    text = path.read_text("utf-8")
    # It may also be printed.
    assert not set(text) & {"\x00", "\x1b", "\x9b", "\u202e", "\u2028"}
    value = json.loads(text)
    assert value["reports"][0]["run"]["name"] == EVIL.replace("\ud800", "\\ud800")
    assert pl.read_json(path)["reports"][0][0]["totals"]["tokens"] == 7_654_321


def test_files_are_written_as_a_whole_and_never_over_an_input(tmp_path: Path) -> None:
    rows = tmp_path / "tokens.jsonl"
    rows.write_text("{}", "utf-8")
    output = tmp_path / "output"
    (output / "train").mkdir(parents=True)
    (output / "_manifest.json").write_text("{}", "utf-8")
    shown = ShownReport((example_report(str(rows)),))
    for path, problem in (
        (rows, "is an input, and the report would replace it"),
        (output / "report.json", "is within the output"),
        (output / "train" / "report.json", "is within the output"),
        (tmp_path / "gone" / "report.json", "there is no folder"),
        (output, "is a folder"),
        ("s3://bucket/report.json", "is a URL"),
    ):
        for write in (shown.to_json, shown.to_html):
            with pytest.raises(DataError, match=problem):
                write(path)
    shown.to_json(tmp_path / "report.json")
    shown.to_json(tmp_path / "report.json")
    assert {it.name for it in tmp_path.iterdir()} == {"tokens.jsonl", "output", "report.json"}
    assert rows.read_text("utf-8") == "{}"
