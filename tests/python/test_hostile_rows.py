"""Rows of any bytes and any type: each is one reject with its place, its code and its data, and never ends a run."""

from __future__ import annotations

import json
import os
import stat
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, Mill
from chatmill.inputs.values import plain_row
from folders import write_byte_tokenizer
from hypothesis import given
from hypothesis import strategies as st
from samples import Row, WriteFile, conversation

NOT_UTF8 = b"caf\xe9 \xff\xfe"
SHOWN = "caf\\xe9 \\xff\\xfe"
KINDS = ["a.parquet", "a.arrow", "a.feather"]


@pytest.fixture
def options(in_tmp_path: Path) -> dict[str, Any]:
    """The options of `prepare` besides the inputs."""
    write_byte_tokenizer(in_tmp_path / "bytes")
    return {"tokenizer": "bytes", "template": "chatml", "output": "out", "progress": False}


def as_text(array: pa.Array) -> pa.Array:
    """A column of bytes as strings, without a check that they are UTF-8."""
    kind = pa.large_string() if pa.types.is_large_binary(array.type) else pa.string()
    return pa.Array.from_buffers(kind, len(array), array.buffers())


def messages(contents: list[bytes | None]) -> pa.Array:
    """Conversations whose answers are these bytes."""
    answers = as_text(pa.array([it for content in contents for it in (b"Hi", content)], pa.binary()))
    roles = pa.array(["user", "assistant"] * len(contents))
    items = pa.StructArray.from_arrays([roles, answers], names=["role", "content"])
    return pa.ListArray.from_arrays(pa.array(range(0, 2 * len(contents) + 1, 2), pa.int32()), items)


def write(name: str, table: pa.Table) -> None:
    if name.endswith("parquet"):
        pq.write_table(table, name, store_schema=False)
    else:
        new_writer = pa.ipc.new_stream if name == "a.arrow" else pa.ipc.new_file
        with new_writer(name, table.schema) as writer:
            writer.write_table(table)


def rejects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/_rejects.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", KINDS)
def test_a_string_that_is_not_utf8_fails_its_row_only(name: str, options: dict[str, Any]) -> None:
    write(name, pa.table({"messages": messages([b"one", NOT_UTF8, b"three", b"four"]), "id": [1, 2, 3, 4]}))
    report = chatmill.prepare(name, **options, keep_columns=["id"])
    assert (report.rows_in, dict(report.reasons)) == (4, {"invalid_utf8": 1})
    [reject] = rejects()
    assert (reject["file"], reject["row"], reject["code"]) == (name, 1, "invalid_utf8")
    assert reject["data"]["messages"][1] == {"role": "assistant", "content": SHOWN}
    assert reject["data"]["id"] == 2
    assert pq.read_table("out/train-00000.parquet").column("id").to_pylist() == [1, 3, 4]


@pytest.mark.parametrize("name", KINDS)
def test_a_kept_column_that_is_not_utf8_fails_its_row_only(name: str, options: dict[str, Any]) -> None:
    """Such a string in the output would be refused by its readers."""
    kept = as_text(pa.array([b"a", NOT_UTF8, b"c"], pa.binary()))
    nested = pa.StructArray.from_arrays([as_text(pa.array([NOT_UTF8, b"b", b"c"], pa.binary()))], names=["deep"])
    write(name, pa.table({"messages": messages([b"x"] * 3), "kept": kept, "nested": nested}))
    report = chatmill.prepare(name, **options, keep_columns=["kept", "nested"])
    assert dict(report.reasons) == {"invalid_utf8": 2}
    assert [(it["row"], it["reason"].split("`")[1]) for it in rejects()] == [(0, "nested"), (1, "kept")]
    written = pq.read_table("out/train-00000.parquet")
    written.validate(full=True)
    assert written.column("kept").to_pylist() == ["c"]


def test_json_rows_that_are_not_utf8(options: dict[str, Any], write_file: WriteFile) -> None:
    path = write_file("a.jsonl", [conversation(0)])
    path.write_bytes(path.read_bytes() + b'{"messages": "' + NOT_UTF8 + b'"}\n\x00\x1b[2J\n')
    report = chatmill.prepare("a.jsonl", **options)
    assert dict(report.reasons) == {"invalid_utf8": 1, "invalid_json": 1}
    assert [it["data"] for it in rejects()] == ['{"messages": "' + SHOWN + '"}', "\x00\x1b[2J"]


def test_only_the_owner_reads_the_rejects(options: dict[str, Any], write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(0), {}])
    before = os.umask(0o022)
    try:
        chatmill.prepare("a.jsonl", **options)
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("out/_rejects.jsonl").stat().st_mode) == 0o600
    assert Path("out/_manifest.json").stat().st_mode & 0o044


@pytest.mark.parametrize("name", KINDS)
def test_rejects_hold_values_of_any_type(name: str, options: dict[str, Any]) -> None:
    columns: dict[str, Any] = {
        "date": pa.array([date(2024, 2, 29)]),
        "far": pa.array([2**62], pa.timestamp("us", tz="UTC")),
        "span": pa.array([timedelta(days=3)]),
        "price": pa.array([Decimal("-1.50")], pa.decimal128(10, 2)),
        "huge": pa.array([2**64 - 1], pa.uint64()),
        "nan": pa.array([[float("nan"), float("-inf"), 0.5]]),
        "bytes": pa.array([b"\x00\xff"]),
        "map": pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64())),
        "words": pa.array(["w"]).dictionary_encode(),
        "none": pa.nulls(1),
        "deep": pa.array([[[{"x": [b"\xff"]}]]]),
    }
    if name == "a.parquet":
        del columns["none"]
    # Without messages the row fails; with `keep_columns` all of it is read.
    answered = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'
    twice = {key: column.take(pa.array([0, 0])) for key, column in columns.items()}
    write(name, pa.table({"messages": pa.array([None, answered]), **twice}))
    report = chatmill.prepare(name, **options, keep_columns=list(columns))
    assert (report.rows_in, report.rejected) == (2, 1)
    data = rejects()[0]["data"]
    assert data["date"] == "2024-02-29"
    assert data["far"] == f"{2**62} (timestamp[us, tz=UTC])"
    assert (data["price"], data["huge"], data["bytes"]) == ("-1.50", 2**64 - 1, "\x00\\xff")
    assert data["nan"] == ["NaN", "-Infinity", 0.5]
    assert data["map"] == [["k", 1], ["k", 2]]
    assert data["words"] == "w"
    assert data["deep"] == [[{"x": ["\\xff"]}]]


SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=8), st.dates(), st.datetimes(), st.timedeltas(), st.times(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
)  # fmt: skip


@given(st.recursive(SIMPLE, lambda inner: st.one_of(st.lists(inner, max_size=1), st.fixed_dictionaries({"a": inner}))))
def test_every_value_is_json(value: Any) -> None:
    try:
        array = pa.array([value])
    except (pa.ArrowException, OverflowError):
        return
    text = json.dumps(plain_row(pa.record_batch({"v": array}), 0), allow_nan=False)
    assert list(json.loads(text)) == ["v"]


def test_strange_names_of_fields() -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert plain_row(pa.record_batch({"v": twice}), 0) == {"v": [["a", 1], ["a", 2]]}
    ends = pa.array([[(1, "x")]], pa.map_(pa.int64(), pa.string()))
    assert plain_row(pa.record_batch({"v": ends}), 0) == {"v": [[1, "x"]]}


def test_keys_that_are_not_strings_are_errors_of_their_row(options: dict[str, Any]) -> None:
    message = pa.struct({"role": pa.string(), "content": pa.string(), "extra": pa.map_(pa.int64(), pa.string())})
    rows = [
        [{"role": role, "content": "a", "extra": extra} for role in ("user", "assistant")] for extra in ([], [(1, "x")])
    ]
    write("a.parquet", pa.table({"messages": pa.array(rows, pa.list_(message))}))
    report = chatmill.prepare("a.parquet", **options)
    assert (report.rows_out, report.rejected) == (1, 1)
    assert "a map has an integer as a key; cast the keys to strings" in rejects()[0]["reason"]


@pytest.mark.parametrize("contents", [[b"a", NOT_UTF8], [NOT_UTF8, NOT_UTF8]], ids=["some rows", "all rows"])
def test_detection_and_lint_read_such_rows(contents: list[bytes | None], options: dict[str, Any]) -> None:
    write("a.parquet", pa.table({"messages": messages(contents)}))
    loaded = chatmill.formats.detect.format_of("auto", "a.parquet")
    assert loaded.format is None
    if contents[0] == NOT_UTF8:
        with pytest.raises(DataError, match=r"none of the 2 rows .*\n.*a\.parquet, row 0: a string is not UTF-8"):
            chatmill.prepare("a.parquet", **options)


def offsets(*values: int) -> pa.Buffer:
    return pa.array(values, pa.int32()).buffers()[1]


def damaged() -> dict[str, pa.Array]:
    """Columns whose parts do not fit together, although all their buffers are long enough."""
    text = pa.py_buffer(b"[]" * 50)
    words = pa.array(["a", "b"])
    view = pa.array(["a text that is longer than a view", "x"], pa.string_view())
    views = bytearray(view.buffers()[1].to_pybytes())
    views[8:12] = (77).to_bytes(4, "little")
    items = pa.array([1, 2, 3])
    return {
        "falling": pa.Array.from_buffers(pa.string(), 3, [None, offsets(0, 50, 2, 60), text]),
        "negative": pa.Array.from_buffers(pa.string(), 3, [None, offsets(0, -50, 2, 60), text]),
        "bytes": pa.Array.from_buffers(pa.binary(), 3, [None, offsets(0, 2000, 2, 60), text]),
        "list": pa.Array.from_buffers(pa.list_(pa.int64()), 3, [None, offsets(0, 3, 1, 3)], children=[items]),
        "key": pa.DictionaryArray.from_arrays(pa.array([0, 1, 9], pa.int8()), words, safe=False),
        "below": pa.DictionaryArray.from_arrays(pa.array([0, -1, 1], pa.int8()), words, safe=False),
        "view": pa.Array.from_buffers(pa.string_view(), 2, [None, pa.py_buffer(bytes(views)), *view.buffers()[2:]]),
        "list view": pa.Array.from_buffers(
            pa.list_view(pa.int64()), 2, [None, offsets(0, 2), offsets(1, 9)], children=[items]
        ),
    }  # fmt: skip


@pytest.mark.parametrize("kind", damaged())
def test_damaged_columns_in_memory(kind: str, options: dict[str, Any]) -> None:
    mill = Mill(chatmill.Tokenizer.from_pretrained("bytes"), chatmill.ChatTemplate.named("chatml"))
    for column in (damaged()[kind], pa.StructArray.from_arrays([damaged()[kind]], names=["inner"])):
        with pytest.raises(DataError, match="the column `messages` is damaged"):
            mill(pa.table({"messages": column}))
        with pytest.raises(DataError, match="the column `other` is damaged"):
            mill(pa.table({"messages": ["[]"] * len(column), "other": column}))


@pytest.mark.parametrize("name", ["a.arrow", "a.feather"])
def test_names_of_fields_that_are_not_utf8(name: str, options: dict[str, Any]) -> None:
    """Arrow's C structures end names at a zero byte, so such a name can look like another one."""
    write(name, pa.table({"messages": messages([b"x", NOT_UTF8])}))
    content = Path(name).read_bytes()
    broken = content.replace(b"\x07\0\0\0content\0", b"\x07\0\0\0con\0\xff\xfet\0")
    assert broken != content
    Path(name).write_bytes(broken)
    with pytest.raises(DataError, match=rf"cannot read {name}"):
        chatmill.prepare(name, **options, format=None)


def test_rows_around_damaged_batches_are_named(options: dict[str, Any], conversations: list[Row]) -> None:
    """The second record batch is damaged: the error names the file and the batch."""
    table = pa.Table.from_pylist(conversations).select(["messages"])
    with pa.ipc.new_file("a.feather", table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    content = Path("a.feather").read_bytes()
    with pa.ipc.open_file("a.feather") as reader:
        offsets_of_roles = reader.get_batch(1).column(0).values.field("role").buffers()[1].to_pybytes()
    place = content.rindex(offsets_of_roles)
    # The last offset stays, so the sizes of all buffers fit.
    broken = content[: place + 8] + (2**31 - 5).to_bytes(4, "little") + content[place + 12 :]
    Path("a.feather").write_bytes(broken)
    with pytest.raises(DataError, match=r"cannot read a\.feather, record batch 1 \(the file is damaged.*`messages`"):
        chatmill.prepare("a.feather", **options)
    assert not Path("out").exists()
