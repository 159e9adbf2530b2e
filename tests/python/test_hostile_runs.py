"""Tests of caches and plans that are damaged, forged or in the way: no crash, and no file of others is lost."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, prepare
from chatmill.cli.main import app
from chatmill.distributed.merge import merge
from chatmill.distributed.plan import DistributedPlan, make_plan
from chatmill.distributed.unit import run_unit
from chatmill.inputs.file import Span
from chatmill.resume.cache import cache_lines, prune_cache
from chatmill.resume.cache_folder import cache_folder
from chatmill.resume.cache_size import parse_size
from chatmill.resume.disk_folder import DiskFolder
from click.testing import CliRunner
from resumed import BASE, Made, files_of, inputs, keeping, made, rows
from samples import write_rows
from test_distributed import ARGUMENTS

__all__ = ["inputs", "keeping", "made"]

KEPT: dict[str, Any] = {**BASE, "keep_columns": ["id"]}


def sealed(table: pa.Table) -> bytes:
    """A block of a table, with the right checksum."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body + zlib.crc32(body).to_bytes(4, "little")


def of_other_type(name: str) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), name, pa.array(["x"] * table.num_rows))

    return change


def with_nulls(table: pa.Table) -> pa.Table:
    at = table.column_names.index("labels")
    return table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, table.schema.field(at).type))


def with_counts(counts: bytes) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.replace_schema_metadata({**table.schema.metadata, b"chatmill.counts": counts})


def with_short_labels(table: pa.Table) -> pa.Table:
    at = table.column_names.index("labels")
    return table.set_column(
        at, table.schema.field(at), pa.array([[True]] * table.num_rows, table.schema.field(at).type)
    )


FORGED: dict[str, Callable[[pa.Table], pa.Table]] = {
    "a column is missing": lambda table: table.drop_columns(["labels"]),
    "a kept column is missing": lambda table: table.drop_columns(["id"]),
    "another name": lambda table: table.rename_columns(["ids", *table.column_names[1:]]),
    "another order": lambda table: table.select(table.column_names[::-1]),
    "another type": of_other_type("input_ids"),
    "errors without a failure": of_other_type("error"),
    "nulls": with_nulls,
    "short labels": with_short_labels,
    "fewer rows": lambda table: table.slice(1),
    "more rows": lambda table: pa.concat_tables([table, table]),
    "no rows": lambda table: table.slice(0, 0),
    "counts are a list": with_counts(b"[]"),
    "counts are no JSON": with_counts(b"{"),
    "counts are no text": with_counts(b"\xff"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_block_is_made_again(name: str, inputs: list[str], made: Made) -> None:
    prepare(inputs, output="first", cache="cache", **KEPT)
    path = sorted(Path("cache").rglob("*.block"))[3]
    table = pa.ipc.open_stream(path.read_bytes()[:-4]).read_all()
    path.write_bytes(sealed(table))
    assert made.by(lambda: prepare(inputs, output="same", cache="cache", **KEPT)) == 0
    path.write_bytes(sealed(FORGED[name](table)))
    assert made.by(lambda: prepare(inputs, output="out", cache="cache", **KEPT)) == 1
    assert files_of("out") == files_of("first")


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[" * 100_000, b"[]", b'{"fields": 3}', b'{"fields": {"options": [1]}}', b"\xff"]
)
def test_damaged_keys_and_records(content: bytes, inputs: list[str], made: Made) -> None:
    prepare(inputs, output="out", cache="cache", **BASE)
    count = len(list(Path("cache").rglob("*.block")))
    (key,) = Path("cache").glob("*/key.json")
    (record,) = Path("cache").glob("runs/*.json")
    whole = files_of("out")
    key.write_bytes(content)
    record.write_bytes(content)
    lines = list(cache_lines("cache"))
    assert "without a `key.json` that can be read" in lines[0]
    assert lines[-1].startswith(f"{count} blocks, ")
    # The blocks themselves are sound.
    assert made.by(lambda: prepare(inputs, output="out", cache="cache", overwrite=True, **BASE)) == 0
    assert files_of("out") == whole
    record.write_bytes(json.dumps({"output": 1, "now": "2026-01-01T00:00:00+02:00", "inputs": [{}]}).encode())
    assert made.by(lambda: prepare(inputs, output="out", cache="cache", overwrite=True, **BASE)) == 0


@pytest.mark.parametrize("key", ["options", "tokenizer", "template"])
def test_a_key_of_another_kind(key: str, inputs: list[str]) -> None:
    prepare(inputs, output="out", cache="cache", **BASE)
    (path,) = Path("cache").glob("*/key.json")
    found = json.loads(path.read_text())
    found["fields"][key] = ["x"]
    path.write_text(json.dumps(found))
    assert "without a `key.json`" in next(cache_lines("cache"))


@pytest.mark.parametrize("cache", ["out", "out/cache", "out/../out/validation", "link"])
def test_a_cache_in_the_output(cache: str, inputs: list[str]) -> None:
    Path("link").symlink_to("out")
    with pytest.raises(DataError, match=r"lies in the output out, which is replaced as a whole; choose another folder"):
        prepare(inputs, output="out", cache=cache, **BASE)
    with pytest.raises(DataError, match="lies in the output out"):
        make_plan({**ARGUMENTS, "inputs": inputs, "cache": cache})
    assert not Path("out").exists()


def test_caches_that_cannot_be(inputs: list[str]) -> None:
    Path("data").mkdir()
    write_rows(Path("data/a.jsonl"), rows(3))
    Path("loop").symlink_to("loop")
    for cache, problem in (
        ("data/cache", "lies in the input folder data, which is read"),
        ("", "the cache has no name"),
        ("a.jsonl", "is a file; give a folder"),
        ("loop", "the cache loop cannot be used"),
        ("x\0", "cannot be used"),
        ("x\udcff", "cannot be used"),
    ):
        with pytest.raises(DataError, match=problem):
            prepare("data", output="out", cache=cache, **BASE)
    assert cache_folder("other") == Path("other").resolve()


def test_a_cache_with_other_files(inputs: list[str], made: Made) -> None:
    foreign = {"mine.txt": b"1", "runs/mine.json": b"2", "0" * 32 + "/ab/mine.block": b"3", "deep/er/key.json": b"4"}
    for name, content in foreign.items():
        Path("cache", name).parent.mkdir(parents=True, exist_ok=True)
        Path("cache", name).write_bytes(content)
    os.mkfifo("cache/pipe")
    Path("cache/outside").symlink_to(Path("a.jsonl").resolve())
    before = Path("a.jsonl").read_bytes()
    prepare(inputs, output="out", cache="cache", **BASE)
    assert made.by(lambda: prepare(inputs, output="again", cache="cache", **BASE)) == 0
    assert prune_cache("cache", 0).removed > 10
    assert not [path for path in Path("cache").rglob("*.block") if path.name != "mine.block"]
    DiskFolder(Path("cache")).remove_all()
    left = [path for path in Path("cache").rglob("*") if path.suffix]
    assert {str(path.relative_to("cache")): path.read_bytes() for path in left} == foreign
    assert Path("cache/outside").read_bytes() == before
    assert not list(Path("cache").glob("runs/????????????????.json"))


def test_a_run_shortens_its_cache(inputs: list[str]) -> None:
    prepare(inputs[:1], output="first", cache="cache", **BASE)
    earlier = {path: path.stat().st_size for path in Path("cache").rglob("*.block")}
    prepare(inputs, output="second", cache="cache", cache_size=f"{sum(earlier.values())}B", **BASE)
    sizes = [path.stat().st_size for path in Path("cache").rglob("*.block")]
    assert 0 < sum(sizes) <= sum(earlier.values())
    prepare(inputs, output="third", cache="cache", cache_size=0, **BASE)
    assert not list(Path("cache").rglob("*.block"))
    prepare(inputs, output="whole", resume=False, **BASE)
    assert files_of("third") == files_of("second") == files_of("whole")
    with pytest.raises(DataError, match=r"`cache_size` \(`--cache-size`\) limits `cache` .*; give the folder"):
        prepare(inputs, output="out", cache_size="1GB", **BASE)
    with pytest.raises(DataError, match="'1 apple' is not a size; give one such as 20GB"):
        prepare(inputs, output="out", cache="cache", cache_size="1 apple", **BASE)
    with pytest.raises(
        DataError, match="`cache_size` is -1; give a size such as '50GB', or a number of bytes, or None"
    ):
        prepare(inputs, output="out", cache="cache", cache_size=-1, **BASE)


def test_a_cache_that_cannot_be_shortened(
    inputs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match="have no rows"):
        prepare("empty.jsonl", output="empty", cache="never", cache_size="1GB", **BASE)
    assert not Path("never").exists()

    def fails(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("chatmill.pipeline.resumable.prune_cache", fails)
    assert prepare(inputs, output="out", cache="cache", cache_size="1GB", **BASE).rows_out > 0
    assert (
        "the cache could not be shortened (the disk is gone); run `chatmill cache prune` on it"
        in capsys.readouterr().err
    )


def test_a_plan_has_no_limit_of_its_cache(inputs: list[str]) -> None:
    with pytest.raises(DataError, match="a plan has no `cache_size`, because its merge needs all blocks"):
        make_plan({**ARGUMENTS, "inputs": inputs, "cache": "cache", "cache_size": "1GB"})


def test_a_block_that_is_a_pipe(inputs: list[str], made: Made) -> None:
    prepare(inputs, output="out", cache="cache", **BASE)
    path = next(iter(Path("cache").rglob("*.block")))
    path.unlink()
    os.mkfifo(path)
    assert made.by(lambda: prepare(inputs, output="again", cache="cache", **BASE)) == 1
    assert path.is_file()


def test_a_cache_is_shortened_while_a_run_uses_it(inputs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(inputs, output="first", cache="cache", **BASE)
    mark_used = DiskFolder.mark_used

    def shortened(folder: DiskFolder, name: str) -> None:
        mark_used(folder, name)
        prune_cache("cache", 0)

    monkeypatch.setattr(DiskFolder, "mark_used", shortened)
    prepare(inputs, output="out", cache="cache", **BASE)
    assert files_of("out") == files_of("first")


def test_unfinished_files_of_killed_runs(inputs: list[str]) -> None:
    prepare(inputs, output="out", cache="cache", **BASE)
    block = next(iter(Path("cache").rglob("*.block")))
    old, new = (block.with_name(f".{block.name}.{digit * 16}") for digit in "01")
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    prune_cache("cache", 10**9)
    assert (old.exists(), new.exists(), block.exists()) == (False, True, True)
    assert parse_size("9" * 400 + "TB") > 10**18


def plan_of(inputs: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(make_plan({**ARGUMENTS, "inputs": inputs}, unit_bytes=9000).to_json())
    return found


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "another folder": lambda it: it.update(blocks=str(Path("victim").resolve())),
    "a folder of a cache": lambda it: it.update(blocks="victim", keeps_blocks=True),
    "no folder": lambda it: it.update(blocks=5),
    "kept by a text": lambda it: it.update(keeps_blocks="no"),
    "no arguments": lambda it: it.update(arguments=[]),
    "no inputs": lambda it: it["arguments"].pop("inputs"),
    "no keys": lambda it: it.update(keys=[]),
    "keys of another kind": lambda it: it.update(keys=[{"fields": {"tokenizer": [1], "options": 3}, "names": {}}]),
    "no units": lambda it: it.update(units=[]),
    "units by name": lambda it: it.update(units={}),
    "a file after the last": lambda it: it.update(units=[[99, None]]),
    "a negative file": lambda it: it.update(units=[[-1, None]]),
    "a file by a text": lambda it: it.update(units=[["0", None]]),
    "true": lambda it: it.update(units=[[True, None]]),
    "a span backwards": lambda it: it.update(units=[[0, [10, 5]]]),
    "a span of texts": lambda it: it.update(units=[[0, [1.5, "a"]]]),
    "a span beyond the file": lambda it: it.update(units=[[0, [0, 10**30]]]),
    "a part after the last": lambda it: it["files"][0].update(part=7),
    "a size by a text": lambda it: it["files"][0].update(size="1"),
    "a file too much": lambda it: it["files"][0].update(more=1),
    "a block size by a text": lambda it: it["arguments"].update(block_bytes="4000"),
    "a block of no bytes": lambda it: it["arguments"].update(block_bytes=0),
    "lines of half a byte": lambda it: it["arguments"].update(max_line_bytes=0.5),
    "shards of no tokens": lambda it: it["arguments"].update(shard_tokens=None),
    "no version": lambda it: it.update(chatmill=None),
    "no time": lambda it: it.update(now=5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_plans(name: str, inputs: list[str]) -> None:
    Path("victim").mkdir()
    Path("victim/mine.txt").write_text("mine")
    found = plan_of(inputs)
    assert DistributedPlan.parse(json.dumps(found)).blocks == str(Path("out.blocks").resolve())
    HOSTILE[name](found)
    Path("plan.json").write_text(json.dumps(found))
    for arguments in (["run-unit", "plan.json", "0"], ["merge", "plan.json"]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 1
        assert "error: plan.json is not a plan of `chatmill plan`, or damaged (" in done.stderr
    assert Path("victim/mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [{"nope": 1}, {"threads": "x"}, {"output": 5}, {"now": 5}, {"now": "x"}, {"columns": 5}, {"config": 5}],
)
def test_plans_with_hostile_arguments(arguments: dict[str, Any], inputs: list[str]) -> None:
    found = plan_of(inputs)
    found["arguments"].update(arguments)
    plan = DistributedPlan.parse(json.dumps(found))
    with pytest.raises(DataError, match=r"argument.* of the plan .*; make the plan again"):
        run_unit(plan, 0)


@pytest.mark.parametrize("span", [[0, 8001], [1, 8000], [7999, 8001]])
def test_units_with_parts_of_blocks(span: list[int], inputs: list[str]) -> None:
    found = plan_of(inputs)
    assert DistributedPlan.parse(json.dumps(found)).units[0].span == Span(0, 8000)
    found["units"][0][1] = span
    plan = DistributedPlan.parse(json.dumps(found))
    with pytest.raises(
        DataError, match=r"unit 0 of the plan does not begin and end with blocks of .*a\.jsonl; make the"
    ):
        run_unit(plan, 1)


def test_a_span_of_a_file_that_is_read_as_a_whole(inputs: list[str]) -> None:
    Path("rows.jsonl.gz").write_bytes(gzip.compress(Path("a.jsonl").read_bytes()))
    found = plan_of(["rows.jsonl.gz"])
    assert found["units"] == [[0, None]]
    found["units"] = [[0, [0, 100]]]
    with pytest.raises(DataError, match="unit 0 of the plan does not begin and end with blocks"):
        run_unit(DistributedPlan.parse(json.dumps(found)), 0)


@pytest.mark.parametrize("size", [0, -1, 1.5, "4000"])
def test_a_plan_with_a_wrong_block_size(size: Any, inputs: list[str]) -> None:
    with pytest.raises(DataError, match=r"`block_bytes` is .*, which is not a whole number of at least 1"):
        make_plan({**ARGUMENTS, "inputs": inputs, "block_bytes": size})


def test_a_plan_of_a_file_without_rows(inputs: list[str]) -> None:
    schema = pa.schema({"messages": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))})
    pq.ParquetWriter("empty.parquet", schema).close()
    assert pq.ParquetFile("empty.parquet").num_row_groups == 0
    files = [*inputs, "empty.parquet"]
    plan = DistributedPlan.parse(make_plan({**ARGUMENTS, "inputs": files}).to_json())
    assert plan.units[-1].span == Span(0, 0)
    for number in range(len(plan.units)):
        run_unit(plan, number)
    merge(plan)
    prepare(files, output="whole", **BASE)
    assert files_of("out") == files_of("whole")


def test_a_plan_nested_too_deeply() -> None:
    with pytest.raises(DataError, match="is not a plan of `chatmill plan`, or damaged"):
        DistributedPlan.parse("[" * 100_000)


@pytest.mark.parametrize(
    ("units", "problem"),
    [
        ("9-3", "the range 9-3 ends before it begins; give 3-9"),
        ("500-600", "there is no unit 500; the plan has the units 0 to "),
        ("99", "there is no unit 99; the plan has the units 0 to "),
        ("9" * 5000, "is not a number of a unit; give numbers such as 0"),
        ("0-" + "9" * 5000, "is not a number of a unit; give numbers such as 0"),
        ("²", "is not a number of a unit; give numbers such as 0"),
        ("-1", "is not a number of a unit; give numbers such as 0"),
        ("1--2", "is not a number of a unit; give numbers such as 0"),
    ],
)
def test_numbers_that_are_no_units(units: str, problem: str, inputs: list[str]) -> None:
    Path("plan.json").write_text(json.dumps(plan_of(inputs)))
    done = CliRunner().invoke(app, ["run-unit", "plan.json", "--", "0", units])
    assert done.exit_code == 2
    assert problem in " ".join(done.stderr.replace("│", " ").split())
    assert not Path("out.blocks").exists()
