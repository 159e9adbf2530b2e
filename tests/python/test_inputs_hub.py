"""Tests of data sets of the Hub and of web addresses as inputs, with stand-ins for the network."""

from __future__ import annotations

import builtins
import gzip
import importlib
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from chatmill import DataError
from chatmill.inputs import find_inputs
from fsspec.implementations.memory import MemoryFileSystem
from input_rows import ROWS, complaint, expected, read, recorded_inputs, rejects, run, values_of, written
from samples import to_lines, write_rows


class StandIn(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files of the Hub or of the web, in memory. The path of a file is its address, with its query."""

    protocol: Any = ("hf", "https")
    cachable = False
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("hf://").removeprefix("https://").strip("/")

    def unstrip_protocol(self, name: str) -> str:
        return f"hf://{name.lstrip('/')}"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setattr(StandIn, "store", {})
    monkeypatch.setattr(StandIn, "pseudo_dirs", [""])
    registry = importlib.import_module("fsspec.registry")
    for protocol in StandIn.protocol:
        monkeypatch.setitem(registry._registry, protocol, StandIn)
    return StandIn()


def test_files_of_the_hub(stand_in: StandIn, in_tmp_path: Path) -> None:
    stand_in.pipe("/datasets/org/name/data/train.jsonl", to_lines(ROWS[:9]))
    stand_in.pipe("/datasets/org/name/data/train2.jsonl.gz", gzip.compress(to_lines(ROWS[9:])))
    stand_in.pipe("/datasets/org/name/README.md", b"")
    for given in ("hf://datasets/org/name", "hf://datasets/org/name/data/*", "hf://datasets/org/name/**/*.jsonl*"):
        files = find_inputs(given)
        assert [file.path.rsplit("/", 1)[1] for file in files] == ["train.jsonl", "train2.jsonl.gz"]
        assert all(file.path.startswith("hf://") for file in files)
        assert values_of(read(files)) == ROWS
    run("hf://datasets/org/name")
    assert written() == expected()


def test_files_of_the_hub_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Any:
        raise ImportError("Install huggingface_hub to access HfFileSystem")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    message = complaint("hf://datasets/org/name/a.jsonl")
    assert message == (
        "cannot open hf://datasets/org/name/a.jsonl: Install huggingface_hub to access HfFileSystem; "
        "`pip install 'chatmill[hub]'` installs it"
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A stand-in for `datasets.load_dataset`, and what it was asked for."""
    datasets = pytest.importorskip("datasets")
    asked: list[tuple[Any, ...]] = []

    def load(name: str, split: str, streaming: bool) -> Any:
        asked.append((name, split, streaming))
        if name != "org/name":
            raise FileNotFoundError(f"no data set {name}")
        return datasets.Dataset.from_list(ROWS).to_iterable_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load)
    return asked


def test_data_sets_by_id(asked: list[tuple[Any, ...]], in_tmp_path: Path) -> None:
    run("org/name", keep_columns=["id"])
    assert [{**row, "id": None} for row in written()] == [{**row, "id": None} for row in expected()]
    assert asked == [("org/name", "train", True)]
    (record,) = recorded_inputs()
    assert (record["path"], record["rows"], record["hub"], record["split"]) == ("org/name", 20, "org/name", "train")
    assert rejects()[0]["file"] == "org/name"
    find_inputs(["org/name:test"])
    assert asked[-1] == ("org/name", "test", True)


def test_paths_come_first(asked: list[tuple[Any, ...]], in_tmp_path: Path) -> None:
    write_rows(Path("org/name/a.jsonl"), ROWS)
    assert values_of(read("org/name")) == ROWS
    # A folder with this name makes it a path, which may be misspelled.
    assert "there is no file org/nam;" in complaint("org/nam")
    for name in ("a/b/c", "./org2/name", "org2/name with a space", "org2/a.jsonl"):
        assert f"there is no file {name}" in complaint(name)
    assert asked == [("org2/a.jsonl", "train", True)]


def test_a_data_set_that_is_not_there(asked: list[tuple[Any, ...]], in_tmp_path: Path) -> None:
    message = complaint("org/nane")
    assert message.startswith(
        "there is no file org/nane, and as a data set of the Hub it cannot be read (FileNotFoundE"
    )
    assert "no data set org/nane); check the path, or the id and its split" in message


def test_data_sets_without_their_library(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    message = complaint("org/name")
    assert "there is no file org/name, and as a data set of the Hub it cannot be read without the package" in message
    assert "`pip install datasets`" in message
    assert "hf://datasets/org/name/**/*.parquet (`pip install 'chatmill[hub]'`)" in message


@pytest.mark.parametrize("query", ["", "?download=true", "?a=1&path=x/y.txt", "?token=secret#part", "?v=[1]"])
def test_web_addresses_with_a_query(query: str, stand_in: StandIn) -> None:
    stand_in.pipe(f"/host/a.jsonl{query}", to_lines(ROWS))
    stand_in.pipe(f"/host/b.csv.gz{query}", gzip.compress(b"messages\n[]\n"))
    (file,) = find_inputs(f"https://host/a.jsonl{query}")
    assert (file.kind, "secret" in file.path) == ("jsonl", False)
    assert values_of(read(file)) == ROWS
    assert values_of(read(f"https://host/b.csv.gz{query}")) == [{"messages": "[]"}]


def test_web_addresses_without_a_file(stand_in: StandIn) -> None:
    with pytest.raises(DataError, match=r"there is no file https://host/gone.jsonl\?x=1; check the path"):
        find_inputs("https://host/gone.jsonl?x=1")
