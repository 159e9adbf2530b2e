"""Tests of outputs and their inputs: both are apart, and an input that changes during a run fails the run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chatmill.inputs.mill
import fsspec
import pytest
from chatmill import DataError, Tokenizer, prepare
from chatmill.config.prepare import prepare_config
from chatmill.outputs.manifest import write_manifest
from samples import Row, WriteFile, conversation, to_lines
from staged_outputs import content_of


@pytest.fixture
def run(loaded: Tokenizer, in_tmp_path: Path) -> Callable[..., Any]:
    """Run `prepare` with a tokenizer and a template."""

    def run(*inputs: Any, output: str = "out", **options: Any) -> Any:
        return prepare(list(inputs), tokenizer=loaded, template="chatml", output=output, **options)

    return run


def refusal(run: Callable[..., Any], *inputs: Any, **options: Any) -> str:
    """The error of a run that must not read anything, and change nothing."""
    before = content_of(Path())
    patch = pytest.MonkeyPatch()
    with patch.context() as reading, pytest.raises(DataError) as caught:
        reading.setattr("chatmill.inputs.read.opened", lambda file: pytest.fail(f"{file.path} was read"))
        run(*inputs, **options)
    assert content_of(Path()) == before
    return str(caught.value)


def test_an_output_must_not_hold_its_inputs(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    run("a.jsonl", output="data", shard_tokens=200)
    for inputs in (["data/*.parquet"], ["a.jsonl", "data/train-00001.parquet"], [Path("data").resolve() / "*.parquet"]):
        message = refusal(run, *inputs, output="data", overwrite=True, format="tokens")
        assert "the output data holds the input " in message
        assert "train-0000" in message
        assert "so a run would change or delete its own inputs; choose another output" in message
    Path("folder").mkdir()
    shutil.copy("a.jsonl", "folder/a.jsonl")
    foreign = "has files that no manifest of chatmill lists (a.jsonl"
    assert foreign in refusal(run, "folder/*.jsonl", output="folder", overwrite=True)
    assert foreign in refusal(run, "a.jsonl", output=".", overwrite=True)
    assert "it is a file" in refusal(run, "a.jsonl", output="a.jsonl", overwrite=True)
    assert "cannot create" in refusal(run, "a.jsonl", output="a.jsonl/out", overwrite=True)


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_other_names_of_an_input_are_noticed(run: Any, write_file: WriteFile, conversations: list[Row]) -> None:
    write_file("a.jsonl", conversations)
    run("a.jsonl", output="data")
    Path("link").symlink_to("data")
    Path("one.parquet").symlink_to("data/train-00000.parquet")
    Path("two.parquet").hardlink_to("data/train-00000.parquet")
    for inputs, output in (
        ("data/*.parquet", "link"),
        ("link/*.parquet", "data"),
        ("one.parquet", "data"),
        ("two.parquet", "data"),
        ("two.parquet", "link"),
    ):
        assert f"the output {output} holds the input" in refusal(
            run, inputs, output=output, overwrite=True, format="tokens"
        )


def test_a_config_keeps_its_output_apart(
    loaded: Tokenizer, in_tmp_path: Path, write_file: WriteFile, conversations: list[Row]
) -> None:
    write_file("rows/a.jsonl", conversations)
    base = "base_model: x\nchat_template: chatml\nval_set_size: 0\ndatasets:\n"
    config = Path("config.yaml")

    def run(output: str) -> Any:
        return prepare_config(config, tokenizer=loaded, output=output, overwrite=True)

    config.write_text(f"{base}  - path: rows\n    type: chat_template\n")
    for output in ("rows/prepared", "rows/deep/er", "rows/../rows/prepared"):
        message = refusal(run, output)
        assert "config.yaml:5: datasets[0].path: " in message
        assert "lies in the input folder rows" in message
    prepared = "rows/prepared/*.parquet"
    config.write_text(f"{base}  - path: rows/a.jsonl\n    type: chat_template\n    split: train[:50%]\n")
    assert run("rows/prepared").rows_out == 10
    assert run("other").rows_out == 10
    config.write_text(f"{base}  - path: {prepared}\n    type: chat_template\n    split: train[:50%]\n")
    assert "holds the input rows/prepared/train-00000.parquet" in refusal(run, "rows/prepared")


def rewritten(path: Path) -> None:
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replaced(path: Path) -> None:
    status = path.stat()
    path.with_name("other").write_bytes(path.read_bytes())
    path.with_name("other").replace(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n" * 3)


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "emptied": (lambda path: path.write_bytes(b""), "bytes and has 0 bytes)"),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 1), "bytes and has "),
    "grown": (grown, "bytes and has "),
    "rewritten": (rewritten, "its mtime changed"),
    "touched": (lambda path: os.utime(path, ns=(1, 1)), "its mtime changed"),
    "replaced": (replaced, "its inode changed"),
    "deleted": (lambda path: path.unlink(), "it is gone"),
}


def at_block(number: int, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Act when a block is about to be processed."""
    seen = 0
    milled = chatmill.inputs.mill.mill_block

    def acting(*arguments: Any, **options: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            act()
        return milled(*arguments, **options)

    monkeypatch.setattr("chatmill.resume.run.mill_block", acting)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet", "a.arrow"])
@pytest.mark.parametrize("change", CHANGES)
def test_an_input_that_changes_during_the_run(
    change: str, name: str, run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(name, [conversation(number) for number in range(40)])
    # Other rows, because equal blocks are processed once.
    write_file("b.jsonl", [conversation(number) for number in range(40, 80)])
    spoil, how = CHANGES[change]
    # The block is one of the next file, so the file has been read by then.
    at_block(2, lambda: spoil(path), monkeypatch)
    with pytest.raises(DataError) as caught:
        run(name, "b.jsonl")
    assert f"{name} changed during the run (" in str(caught.value)
    assert how in str(caught.value)
    assert "so nothing was written; run it again" in str(caught.value)
    assert not Path("out").exists()
    assert not list(Path().glob(".chatmill-*"))


@pytest.mark.parametrize("size", [-500, 500])
def test_a_file_that_is_cut_or_grows_while_it_is_read(
    size: int, run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file("a.jsonl", [conversation(number) for number in range(4000)])
    whole, status = path.read_bytes(), path.stat()

    def change() -> None:
        with path.open("r+b") as file:
            file.truncate(len(whole) + size)

    def restore() -> None:
        path.write_bytes(whole)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    at_block(1, change, monkeypatch)
    at_end = chatmill.inputs.check_unchanged

    def restored(*arguments: Any) -> None:
        restore()
        at_end(*arguments)

    monkeypatch.setattr("chatmill.pipeline.run.check_unchanged", restored)
    with pytest.raises(DataError, match=r"a\.jsonl changed during the run \([0-9,]+ bytes were read, but it has"):
        run("a.jsonl", block_bytes=1000)


def test_an_input_that_changes_after_the_format_was_detected(
    run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file("a.jsonl", [conversation(number) for number in range(9)])
    resolve = chatmill.pipeline.planned.resolve_rows

    def late(*arguments: Any, **options: Any) -> Any:
        found = resolve(*arguments, **options)
        path.write_bytes(to_lines([conversation(number) for number in range(5)]))
        return found

    monkeypatch.setattr("chatmill.pipeline.planned.resolve_rows", late)
    with pytest.raises(DataError, match=r"a\.jsonl changed during the run \(it had [0-9,]+ bytes and has"):
        run("a.jsonl")


def test_a_remote_input_that_changes(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fsspec.filesystem("memory")
    lines = to_lines([conversation(number) for number in range(9)])
    for changed, how in ((lines[:-1], "bytes and has"), (lines, "changed")):
        store.pipe("/bucket/changing.jsonl", lines)
        at_block(1, lambda changed=changed: store.pipe("/bucket/changing.jsonl", changed), monkeypatch)  # type: ignore[misc]
        with pytest.raises(DataError, match=rf"changing\.jsonl changed during the run \(.*{how}"):
            run("memory://bucket/changing.jsonl")
        monkeypatch.undo()


BLANKS = [b"", b"\n", b"\n" * 5000, b" \r\n\t\n", b"\n\n \x0c"]


@pytest.mark.parametrize("blanks", BLANKS, ids=range(len(BLANKS)))
def test_unchanged_inputs_of_any_end_pass(
    blanks: bytes, run: Any, write_file: WriteFile, conversations: list[Row]
) -> None:
    path = write_file("a.jsonl", conversations)
    path.write_bytes(path.read_bytes().rstrip() + blanks)
    Path("empty.jsonl").touch()
    Path("blank.jsonl").write_bytes(blanks)
    Path("mark.jsonl").write_bytes(b"\xef\xbb\xbf" + blanks)
    for block_bytes in (100, 1 << 20):
        report = run("empty.jsonl", "a.jsonl", "blank.jsonl", "mark.jsonl", block_bytes=block_bytes, overwrite=True)
        assert report.rows_out == 20


def test_a_shard_that_is_deleted_during_the_run(
    run: Any, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file("a.jsonl", [conversation(number) for number in range(300)])

    def delete() -> None:
        (shard,) = Path().glob(".chatmill-*/output/train-00000.parquet")
        shard.unlink()

    at_block(20, delete, monkeypatch)
    with pytest.raises(DataError, match=r"train-00000\.parquet was changed after chatmill wrote it \(No such file"):
        run("a.jsonl", block_bytes=1000, shard_tokens=100, threads=1)
    assert [path.name for path in Path().iterdir()] == ["a.jsonl"]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    manifest = {"inputs": [{"path": os.fsdecode(b"caf\xe9/\xc3\xa9.jsonl")}]}
    write_manifest(tmp_path, manifest)
    written = json.loads((tmp_path / "_manifest.json").read_text("utf-8"))
    assert len(written.pop("sha256")) == 64
    assert written == manifest
