"""Datasets of the Hub in a config: the files in their card, and the downloaded files."""

from __future__ import annotations

import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from chatmill import DataError, PrepareReport
from chatmill.config.card import card_patterns
from chatmill.config.prepare import prepare_config
from folders import write_byte_tokenizer
from samples import Row, write_rows

CARD = """---
license: mit
configs:
- config_name: main
  default: true
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: [main/test-*, main/more-test-*]
- config_name: socratic
  data_dir: other
  data_files: rows.jsonl
---
# A dataset
"""
ROWS: list[Row] = [{"instruction": f"I{n}", "output": f"O{n}"} for n in range(20)]


def write_dataset(folder: Path) -> Path:
    (folder / "main").mkdir(parents=True)
    (folder / "other").mkdir()
    (folder / "README.md").write_text(CARD, "utf-8")
    write_rows(folder / "main/train-0.jsonl", ROWS[:3])
    write_rows(folder / "main/train-1.jsonl", ROWS[3:5])
    write_rows(folder / "main/test-0.jsonl", ROWS[:7])
    write_rows(folder / "main/more-test-0.jsonl", ROWS[:1])
    write_rows(folder / "other/rows.jsonl", ROWS[:11])
    (folder / "main/train-notes.md").write_text("no rows", "utf-8")
    return folder


class Hub:
    """A replacement of the Hub: a folder from which a download copies the matching files into a cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.reached = True
        self.asked: list[tuple[str, str | None]] = []

    def snapshot_download(
        self,
        hub_id: str,
        *,
        repo_type: str,
        revision: str | None,
        allow_patterns: list[str],
        local_files_only: bool = False,
    ) -> str:
        assert repo_type == "dataset"
        self.asked.append((hub_id, revision))
        if not local_files_only:
            if not self.reached:
                raise OSError("no route to the Hub\nand more")
            for file in self.folder.rglob("*"):
                name = str(file.relative_to(self.folder))
                if file.is_file() and any(fnmatch(name, pattern) for pattern in allow_patterns):
                    (self.cache / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, self.cache / name)
        elif not self.cache.exists():
            raise OSError("not cached")
        return str(self.cache)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub(write_dataset(tmp_path / "hub"), tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    return fake


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with one token per byte: these tests are about files and rows."""
    folder = tmp_path_factory.mktemp("tokenizer") / "bytes"
    write_byte_tokenizer(folder)
    return folder


@pytest.fixture
def run(tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def run(dataset: str, **options: Any) -> PrepareReport:
        text = f"base_model: {tokenizer}\ndatasets:\n  - {{{dataset}, type: alpaca}}\n"
        Path("config.yaml").write_text(text, "utf-8")
        return prepare_config("config.yaml", output="out", overwrite=True, progress=False, **options)

    return run


def cached(hub: Hub) -> set[str]:
    return {str(file.relative_to(hub.cache)) for file in hub.cache.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("dataset", "rows", "files"),
    [
        ("path: org/set", 5, {"main/train-0.jsonl", "main/train-1.jsonl", "main/train-notes.md"}),
        ("path: org/set, split: test", 8, {"main/test-0.jsonl", "main/more-test-0.jsonl"}),
        ('path: org/set, split: "test[2:5]"', 3, {"main/test-0.jsonl", "main/more-test-0.jsonl"}),
        ("path: org/set, name: socratic", 11, {"other/rows.jsonl"}),
        ("path: org/set, data_files: main/test-0.jsonl", 7, {"main/test-0.jsonl"}),
        ("path: org/set, data_dir: other", 11, {"other/rows.jsonl"}),
    ],
)
def test_only_what_is_wanted_is_fetched(dataset: str, rows: int, files: set[str], hub: Hub, run: Any) -> None:
    assert run(f"{dataset}, revision: v1").rows_out == rows
    assert cached(hub) == {"README.md", *files}
    assert set(hub.asked) == {("org/set", "v1")}
    # Without the Hub, the cached files are used.
    hub.reached = False
    assert run(dataset).rows_out == rows


def test_rows_on_disk_go_before_the_hub(hub: Hub, run: Any) -> None:
    assert run("path: org/set, name: socratic", local={"org/set": str(hub.folder)}).rows_out == 11
    assert hub.asked == []
    with pytest.raises(DataError, match=r"config\.yaml:3: datasets\[0\]\.path: .*gone/rows\.jsonl"):
        run("path: gone/rows.jsonl")
    assert hub.asked == []


@pytest.mark.parametrize(
    ("dataset", "key", "reason"),
    [
        ("path: org/set, name: gone", "name", "no configuration 'gone'; use one of main, socratic"),
        ("path: org/set, split: dev", "split", "no split 'dev'; use one of train, test"),
        ("path: org/set, name: socratic, split: test", "split", "no split 'test'; use one of train"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_the_card_does_not_know_is_named(dataset: str, key: str, reason: str, run: Any) -> None:
    with pytest.raises(DataError, match=rf"config\.yaml:3: datasets\[0\]\.{key}: the dataset has {reason}"):
        run(dataset)


def test_no_hub(hub: Hub, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.reached = False
    reason = r"could not be downloaded as a dataset of the Hub \(no route to the Hub\); .*`--local org/set=DIR`"
    with pytest.raises(
        DataError, match=rf"config\.yaml:3: datasets\[0\]\.path: org/set is not a file or folder, and {reason}"
    ):
        run("path: org/set")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"pip install 'chatmill\[hub\]'"):
        run("path: org/set")


def test_cards_of_many_kinds(tmp_path: Path) -> None:
    assert card_patterns(tmp_path, None, "train") is None
    assert card_patterns(tmp_path, "default", "train") is None
    assert card_patterns(tmp_path, "en", "train") == ["en/**/*"]
    card = tmp_path / "README.md"
    for text in (
        "# no front",
        "---\n: [\n---\n",
        "---\n- a\n---\n",
        "---\nconfigs: 3\n---\n",
        "---\nlicense: mit\n---",
    ):
        card.write_text(text, "utf-8")
        assert card_patterns(tmp_path, None, "train") is None, text
    card.write_text(
        "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.jsonl\n---\n"
    )
    with pytest.raises(DataError, match="several configurations; set `name` to one of a, b"):
        card_patterns(tmp_path, None, "train")
    assert card_patterns(tmp_path, "b", "train") == ["b.jsonl"]
    card.write_text("---\nconfigs:\n- {config_name: a, data_dir: x}\n- {config_name: b, data_dir: y}\n---\n", "utf-8")
    assert card_patterns(tmp_path, "a", "test") == ["x/**/*"]
    with pytest.raises(DataError, match="several configurations; set `name` to one of a, b"):
        card_patterns(tmp_path, None, "train")
    for wrong, why in (
        ("data/**train", "lists 'data/\\*\\*train', an unsupported pattern; use `data_files`"),
        ("[{split: train}]", "lists no files for the split 'train'; use `data_files`"),
    ):
        card.write_text(f"---\nconfigs:\n- data_files: {wrong}\n---\n", "utf-8")
        with pytest.raises(DataError, match=why):
            card_patterns(tmp_path, None, "train")
    for outside in ("../x.jsonl", "/x.jsonl"):
        card.write_text(f"---\nconfigs:\n- data_files: {outside}\n---\n", "utf-8")
        with pytest.raises(DataError, match="outside its folder"):
            card_patterns(tmp_path, None, "train")
