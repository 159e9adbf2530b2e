"""Tests of outputs in a store of fsspec: their files are those of a local output, and the manifest comes last."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chatmill
import fsspec
import pytest
from buckets import Bucket
from chatmill import DataError, prepare
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from chatmill.outputs.claim import MARKER, Claim
from chatmill.outputs.destination import new_output
from chatmill.outputs.object_store import ObjectStore
from chatmill.outputs.remote import local_place
from chatmill.outputs.url import OutputUrl
from click.testing import CliRunner
from resumed import BASE, RUN_OPTIONS, TOKENIZER, Made, files_of, inputs, keeping, made, rows
from samples import write_rows
from shelves import Shelf

__all__ = ["inputs", "keeping", "made"]

OPTIONS: dict[str, dict[str, Any]] = {
    **RUN_OPTIONS,
    "shards and validation": {"shard_tokens": 900, "validation": 0.2, "shuffle": True},
    "packs for a trainer": {"pack": 256, "trainer": "trl"},
    "mds": {"to": "mds", "shard_tokens": 3000},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache: the place of locks and unfinished files."""
    monkeypatch.setenv("CHATMILL_CACHE", str(tmp_path / "user"))
    return tmp_path / "user" / "outputs"


@pytest.fixture
def store(bucket: Bucket) -> ObjectStore:
    return ObjectStore(f"{bucket.url}/out")


@pytest.fixture
def steps() -> Iterator[list[tuple[str, str]]]:
    """The steps of a `Shelf`."""
    found: list[tuple[str, str]] = []
    Shelf.before = staticmethod(lambda name, path: found.append((name, Path(path).name)))
    yield found
    Shelf.before = None


def fetched(store: ObjectStore, folder: str = "fetched") -> dict[str, bytes]:
    """The files of an output in a store, as `files_of` those of a local one."""
    for name in store.sizes():
        place = Path(folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(store.read(name) or b"")
    return files_of(folder)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_files_are_those_of_a_local_output(
    name: str, inputs: list[str], store: ObjectStore, cache: Path, bucket: Bucket
) -> None:
    options = {**BASE, **OPTIONS[name]}
    prepare(inputs, output="whole", **options)
    report = prepare(inputs, output=f"{bucket.url}/out", **options)
    assert fetched(store) == files_of("whole")
    assert report.output == OutputUrl(f"{bucket.url}/out")
    assert list(cache.iterdir()) == []


def test_each_shard_leaves_this_machine_when_it_is_complete(
    inputs: list[str], bucket: Bucket, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    put, here = ObjectStore.put, []

    def counted(store: ObjectStore, path: Path, name: str) -> None:
        here.append(len(list(cache.rglob("*.parquet"))))
        put(store, path, name)

    monkeypatch.setattr(ObjectStore, "put", counted)
    report = prepare(inputs, output=f"{bucket.url}/out", shuffle=True, **{**BASE, "shard_tokens": 900})
    assert len(report.shards) > 20
    assert len(here) == len(report.shards) + 3  # rejects, rows to look at, manifest
    # Two that are put, one that is complete, and one that another thread has not removed yet.
    assert max(here) <= 4


def test_the_manifest_comes_last(inputs: list[str], tmp_path: Path, steps: list[tuple[str, str]]) -> None:
    options = {**BASE, "shard_tokens": 9000}
    prepare(inputs, output=f"shelf://{tmp_path}/store/out", **options)
    puts = [name for step, name in steps if step == "put_file"]
    assert len(puts) > 4
    assert puts[-1] == "_manifest.json"
    assert steps[-1] == ("rm_file", MARKER)
    steps.clear()
    prepare(inputs, output=f"shelf://{tmp_path}/store/out", overwrite=True, **options, validation=5)
    names = [name for _, name in steps]
    # The earlier output is whole until all new files are ready to be put.
    assert steps[names.index("_manifest.json")] == ("rm_file", "_manifest.json")
    assert [step for step, _ in steps[: names.index("_manifest.json")]] == ["pipe_file", "pipe_file"]
    assert [name for step, name in steps if step == "put_file"][-1] == "_manifest.json"
    prepare(inputs, output="whole", **options, validation=5)
    assert files_of(tmp_path / "store" / "out") == files_of("whole")


def test_convert_pack_and_configs(inputs: list[str], bucket: Bucket) -> None:
    prepare(inputs, output="rows", **BASE, validation=9)
    chatmill.convert("rows", "megatron", "converted")
    report = chatmill.convert("rows", "megatron", f"{bucket.url}/converted")
    assert str(report).count(f"written to {bucket.url}/converted ") == 1
    assert fetched(ObjectStore(f"{bucket.url}/converted"), "1") == files_of("converted")
    chatmill.pack("rows", 256, "packed", trainer="trl")
    packs = chatmill.pack("rows", 256, f"{bucket.url}/packed", trainer="trl")
    assert f'"{bucket.url}/packed' in packs.how_to_train
    assert fetched(ObjectStore(f"{bucket.url}/packed"), "2") == files_of("packed")
    Path("config.yaml").write_text(
        f"chat_template: chatml\nval_set_size: 30\ndataset_prepared_path: {bucket.url}/config\n"
        "datasets: [{path: a.jsonl, type: chat_template}]\n"
    )
    options = {"tokenizer": TOKENIZER, "now": BASE["now"]}
    prepare_config("config.yaml", output="config", **options)
    prepare_config("config.yaml", **options)
    assert fetched(ObjectStore(f"{bucket.url}/config"), "3") == files_of("config")


def test_what_is_replaced(inputs: list[str], bucket: Bucket, store: ObjectStore) -> None:
    def run(**options: Any) -> None:
        prepare(inputs, output=f"{bucket.url}/out", **{**BASE, **options})

    run(shard_tokens=9000, validation=5)
    with pytest.raises(DataError, match=f"{bucket.url}/out is not empty; choose another output, or replace it with"):
        run()
    run(overwrite=True)
    prepare(inputs, output="whole", **BASE)
    assert fetched(store) == files_of("whole")
    for name, content, problem in (
        ("foreign", b"mine", r"has files that its _manifest\.json does not list \(foreign\)"),
        ("train-00000.parquet", b"mine", r"have changed since chatmill wrote them \(train-00000\.parquet\)"),
        ("train-00000.parquet", b"?", r"have changed since chatmill wrote them \(train-00000\.parquet\)"),
        ("_manifest.json", b"{}", r"_manifest\.json is not a manifest of chatmill with a checksum"),
        ("_manifest.json", b"{", r"_manifest\.json is not a manifest of chatmill \("),
        (
            "_manifest.json",
            None,
            r"has files that no manifest of chatmill lists \(_rejects\.jsonl, _samples\.jsonl, train-00000",
        ),
    ):
        before = store.read(name)
        if content is None:
            store.remove(name)
        elif content == b"?":
            assert before is not None
            store.write(name, before[:-1] + b"?")
        else:
            store.write(name, content)
        found = {it: store.read(it) for it in store.sizes()}
        with pytest.raises(DataError, match=problem):
            run(overwrite=True)
        assert {it: store.read(it) for it in store.sizes()} == found
        store.remove(name) if before is None else store.write(name, before)
    run(overwrite=True)


class Refusing:
    """A store that takes some files and then no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.error: Exception = OSError()
        memory = fsspec.get_filesystem_class("memory")
        put = memory.put_file

        def refusing(files: Any, path: str, place: str, **options: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise self.error
            put(files, path, place, **options)

        monkeypatch.setattr(memory, "put_file", refusing)

    def after(self, files: int, error: Exception) -> None:
        self.left, self.error = files, error


@pytest.mark.parametrize("files", [0, 3, 24, 25])
def test_a_store_that_refuses(
    files: int, inputs: list[str], bucket: Bucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    options = {**BASE, "shard_tokens": 1700}
    whole = made.by(lambda: prepare(inputs, output="whole", **options))
    count = len(files_of("whole"))
    assert count == 27
    refusing = Refusing(monkeypatch)
    refusing.after(files, PermissionError(13, "Access Denied by s3://key:secret@bucket/x?X-Amz-Signature=abc"))
    with pytest.raises(DataError) as caught:
        prepare(inputs, output=f"{bucket.url}/out", **options)
    text = str(caught.value)
    assert text.startswith(f"cannot write {bucket.url}/out/")
    assert text.endswith("check the URL, the access to its store, and the network")
    assert "secret" not in text
    assert "abc" not in text
    assert store.sizes() == {}
    refusing.after(1000, OSError())
    again = made.by(lambda: prepare(inputs, output=f"{bucket.url}/out", **options))
    assert again < whole if files < 24 else again == 0
    assert fetched(store) == files_of("whole")


def test_an_earlier_output_when_the_store_refuses(
    inputs: list[str], bucket: Bucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, refusing = f"{bucket.url}/out", Refusing(monkeypatch)
    refusing.after(1000, OSError())
    prepare(inputs, output=place, **BASE)
    before = fetched(store)
    with pytest.raises(DataError, match="none of the 1 rows gave tokens"):
        prepare([{"messages": []}], output=place, overwrite=True, **BASE)
    assert fetched(store) == before
    refusing.after(2, TimeoutError("too slow"))
    options = {**BASE, "shard_tokens": 1700, "overwrite": True}
    with pytest.raises(DataError, match=r"too slow; .* is no longer complete; run the same command again"):
        prepare(inputs, output=place, **options)
    assert "_manifest.json" not in store.sizes()
    refusing.after(1000, OSError())
    prepare(inputs, output=place, **options)
    prepare(inputs, output="whole", **{**options, "overwrite": False})
    assert fetched(store, "new") == files_of("whole")


def test_a_file_that_the_store_has_only_in_part(
    inputs: list[str], bucket: Bucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.get_filesystem_class("memory")
    monkeypatch.setattr(memory, "put_file", lambda files, _path, place, **_: files.pipe_file(place, b"PAR1"))
    with pytest.raises(
        DataError, match=r"train-00000\.parquet: it has [\d,]+ bytes, but the store reports 4; run the same"
    ):
        prepare(inputs, output=f"{bucket.url}/out", **BASE)
    assert store.sizes() == {}


@pytest.mark.parametrize("name", ["train-00003.parquet", "foreign", "_manifest.json"])
def test_files_that_appear_during_the_run(
    name: str, inputs: list[str], bucket: Bucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ObjectStore.put

    def and_another(self: ObjectStore, path: Path, file: str) -> None:
        put(self, path, file)
        if file == "train-00000.parquet":
            self.write(name, b"mine")

    monkeypatch.setattr(ObjectStore, "put", and_another)
    with pytest.raises(DataError, match=rf"files appeared in {bucket.url}/out during the run \({name}\), so nothing"):
        prepare(inputs, output=f"{bucket.url}/out", **BASE, shard_tokens=900)
    assert {it: store.read(it) for it in store.sizes()} == {name: b"mine"}


def test_a_run_on_another_machine(inputs: list[str], bucket: Bucket, store: ObjectStore, tmp_path: Path) -> None:
    other = Claim("00", 7, "elsewhere", "/cache", "2026-01-01T00:00:00+00:00").with_files({"train-00000.parquet": 4})
    other.write(store)
    store.write("train-00000.parquet", b"mine")
    place = f"{bucket.url}/out"
    who = r"another run of chatmill \(process 7 on elsewhere, started at 2026-01-01T00:00:00\+00:00\)"
    with pytest.raises(DataError, match=f"{who} writes to {place}, or was killed; wait until it has ended, or replace"):
        prepare(inputs, output=place, **BASE)
    assert store.read("train-00000.parquet") == b"mine"
    store.write("train-00001.parquet", b"mine too")
    with pytest.raises(DataError, match=r"did not write, or wrote only in part \(train-00001\.parquet\)"):
        prepare(inputs, output=place, **BASE, overwrite=True)
    store.remove("train-00001.parquet")
    # It takes over, and the other one notices.
    with new_output(place, overwrite=True) as output:
        other.write(store)
        (output.folder / "_manifest.json").write_text("{}")
        with pytest.raises(DataError, match=r"another run \(process 7 on elsewhere.*\) writes there now"):
            output.commit([])
    assert list(store.sizes()) == [MARKER]
    with pytest.raises(DataError, match=f"its {MARKER} is gone"), new_output(place, overwrite=True) as output:
        store.remove(MARKER)
        (output.folder / "_manifest.json").write_text("{}")
        output.commit([])
    store.write(MARKER, b"{}")
    with pytest.raises(DataError, match=f"{MARKER} is damaged"):
        prepare(inputs, output=place, **BASE, overwrite=True)


def test_two_runs_on_this_machine(inputs: list[str], bucket: Bucket) -> None:
    place = f"{bucket.url}/out"
    held = rf"another run of chatmill \(process {os.getpid()} on .*\) writes to {place}; wait until it has ended"
    with new_output(place), pytest.raises(DataError, match=held):
        prepare(inputs, output=place, **BASE, overwrite=True)


@pytest.mark.parametrize("variable", ["off", "", None])
def test_where_unfinished_files_are(variable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "xdg"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("CHATMILL_CACHE") if variable is None else monkeypatch.setenv("CHATMILL_CACHE", variable)
    places = [local_place(ObjectStore(f"memory://{name}")).folder for name in ("a/out", "a/out/", "b/out")]
    assert places[0] == places[1] != places[2]
    base = places[0].relative_to(tmp_path).parts[:-1]
    if variable is None:
        assert base == ("xdg", "chatmill", "outputs")
    else:
        assert base == (next(path.name for path in tmp_path.glob("chatmill-*")), "outputs")
        # Nobody else may prepare the folder.
        assert os.name == "nt" or (tmp_path / base[0]).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("file:///tmp/out", "the output file:///tmp/out is on this machine; give its path without file://"),
        ("local:///tmp/out", "the output local:///tmp/out is on this machine; give its path without local://"),
        ("simplecache::memory://b/out", r"passes through several stores \(`::`\); give the URL of one store"),
        ("nothing://b/out", "cannot open nothing://b/out: Protocol not known: nothing; give a URL that fsspec knows"),
        ("memory://", "memory:// names no folder; give a URL such as s3://bucket/folder"),
        (Path("s3://bucket/out"), "s3:/bucket/out is a `Path`, which loses a slash of a URL; give the URL"),
    ],
)
def test_urls_that_cannot_be(output: Any, problem: str, inputs: list[str]) -> None:
    with pytest.raises(DataError, match=problem):
        prepare(inputs, output=output, **BASE)
    assert sorted(path.name for path in Path().iterdir()) == ["a.jsonl", "b.jsonl"]


def test_an_output_that_holds_its_input(bucket: Bucket, in_tmp_path: Path) -> None:
    write_rows(Path("a.jsonl"), rows(3))
    bucket.write("outer.jsonl", Path("a.jsonl").read_bytes())
    prepare("a.jsonl", output=f"{bucket.url}/out", **BASE)
    with pytest.raises(DataError, match=f"the output {bucket.url}/out holds the input memory"):
        prepare(f"{bucket.url}/out/*.parquet", output=f"{bucket.url}/out/", **BASE, overwrite=True)
    prepare(f"{bucket.url}/outer.jsonl", output=f"{bucket.url}/outer", **BASE)


def test_outputs_in_a_store_are_not_read(inputs: list[str], bucket: Bucket) -> None:
    prepare(inputs, output=f"{bucket.url}/out", **BASE)
    place = f"{bucket.url}/out"
    for read in (
        lambda: chatmill.open(place),
        lambda: chatmill.verify(place),
        lambda: chatmill.pack(place, 64, "packs"),
        lambda: chatmill.convert(place, "hf", "converted"),
    ):
        with pytest.raises(DataError, match=f"the output {place} is not on this machine; copy it into a folder"):
            read()
    with pytest.raises(DataError, match="writes one file on this machine; give a path"):
        prepare(inputs, output="out", **BASE)
        chatmill.pack("out", 64, f"{place}.parquet", index_only=True)


def test_on_the_command_line(inputs: list[str], bucket: Bucket, made: Made, store: ObjectStore) -> None:
    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == status, done.output
        return " ".join((done.stdout if status == 0 else done.stderr).split())

    place = f"{bucket.url}/out"
    options = ["--tokenizer", str(TOKENIZER), "--template", "chatml", "--block-bytes", "4000"]
    made.until(9, lambda: prepare(inputs, output=place, **{**BASE, "template": "chatml", "now": None}))
    text = run("why", place, *inputs, *options)
    assert re.search(rf"{place} is not complete; \d kept blocks can be used where the rows are the same", text)
    assert f"in {place}" in run("prepare", *inputs, *options, "--output", place)
    assert f"{place} is complete" in run("why", place, *inputs, *options)
    assert "is not empty" in run("prepare", *inputs, *options, "--output", place, status=1)
    flags = ["--output", place, "--overwrite", "--debug", "1"]
    assert "--debug cannot print an output that is not on this" in run("prepare", *inputs, *options, *flags, status=2)
    assert "is not on this machine" in run("verify", place, status=1)
    assert not Path("memory:").exists()
    assert "_manifest.json" in store.sizes()
