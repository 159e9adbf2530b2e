"""`shards`, `shards_idx` and `preprocess_shards` of a config: the rows that axolotl takes, in its order."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, PrepareReport, Tokenizer
from chatmill.config.prepare import prepare_config
from samples import Row, write_rows

ROWS: list[Row] = [{"instruction": f"I{n}", "input": "", "output": f"O{n}."} for n in range(103)]
IN_ORDER = "shuffle_merged_datasets: false\nsequence_len: 100\n"

Run = Callable[..., PrepareReport]


@pytest.fixture
def run(loaded: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a config in a fresh folder with rows in files of several kinds."""
    monkeypatch.chdir(tmp_path)
    write_rows(Path("rows.jsonl"), ROWS)
    write_rows(Path("rows.parquet"), ROWS)
    Path("data").mkdir()
    write_rows(Path("data/train-00000.parquet"), ROWS[:40])
    write_rows(Path("data/train-00001.parquet"), ROWS[40:41])
    write_rows(Path("data/train-00002.parquet"), ROWS[41:])

    def run(text: str, **options: Any) -> PrepareReport:
        Path("config.yaml").write_text(text, "utf-8")
        given = {"tokenizer": loaded, "output": "out", "overwrite": True, "progress": False, "block_bytes": 700}
        return prepare_config("config.yaml", **{**given, **options})

    return run


def numbers(folder: str, loaded: Tokenizer, split: str = "train") -> list[int]:
    """The numbers of the rows in an output, in its order."""
    files = sorted(Path(folder).glob(f"**/{split}-*.parquet"))
    texts = [loaded.decode(row["input_ids"]) for file in files for row in pq.read_table(file).to_pylist()]
    return [int(re.findall(r"O(\d+)\.", text)[0]) for text in texts]


def of_axolotl(path: str, *, split: str = "train", seed: int = 42, shards: int, index: int = 0) -> list[int]:
    """The numbers of the rows that axolotl 0.19 takes, with the calls of `datasets` that it makes."""
    kind = "json" if path.endswith(".jsonl") else "parquet"
    files = f"{path}/*.parquet" if path == "data" else path
    rows = datasets.load_dataset(kind, data_files=files, split=split, cache_dir="cache")
    taken = rows.shuffle(seed=seed).shard(num_shards=shards, index=index)
    return [int(row["instruction"][1:]) for row in taken]


@pytest.mark.parametrize("path", ["rows.jsonl", "rows.parquet", "data"])
@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ("shards: 10", {"shards": 10}),
        ("shards: 10, shards_idx: 2", {"shards": 10, "index": 2}),
        ("shards: 10, shards_idx: 9", {"shards": 10, "index": 9}),
        ("shards: 1", {"shards": 1}),
        ("shards: 103, shards_idx: 102", {"shards": 103, "index": 102}),
        ('shards: 4, shards_idx: 1, split: "train[10:50%]"', {"shards": 4, "index": 1, "split": "train[10:50%]"}),
        ("preprocess_shards: 7", {"shards": 1}),
        ("shards: 3", {"shards": 3, "seed": 0}),
        ("shards: 3", {"shards": 3, "seed": 12345678901}),
    ],
)
def test_the_rows_are_those_of_axolotl_in_its_order(
    run: Run, loaded: Tokenizer, path: str, keys: str, options: dict[str, Any]
) -> None:
    seed = f"seed: {options['seed']}\n" if "seed" in options else ""
    report = run(f"{IN_ORDER}{seed}datasets: [{{path: {path}, type: alpaca, {keys}}}]\n")
    expected = of_axolotl(path, **options)
    assert numbers("out", loaded) == expected
    assert (report.rows_in, report.rows_out, report.rejected) == (len(expected), len(expected), 0)


def test_all_shards_together_are_all_rows(run: Run, loaded: Tokenizer) -> None:
    every = "".join(f"  - {{path: rows.jsonl, type: alpaca, shards: 5, shards_idx: {index}}}\n" for index in range(5))
    run(f"{IN_ORDER}datasets:\n{every}")
    assert numbers("out", loaded) == of_axolotl("rows.jsonl", shards=1)


def test_other_datasets_keep_their_order(run: Run, loaded: Tokenizer) -> None:
    run(
        f"{IN_ORDER}datasets:\n  - {{path: rows.jsonl, type: alpaca}}\n"
        "  - {path: rows.parquet, type: alpaca, shards: 20, weight: 2}\n  - {path: data, type: alpaca}\n"
    )
    copies = [number for number in of_axolotl("rows.parquet", shards=20) for _ in range(2)]
    assert numbers("out", loaded) == [*range(103), *copies, *range(103)]


def test_shuffled_rows_are_the_same_rows(run: Run, loaded: Tokenizer) -> None:
    run("datasets: [{path: data, type: alpaca, shards: 4, shards_idx: 3}]")
    found, expected = numbers("out", loaded), of_axolotl("data", shards=4, index=3)
    assert sorted(found) == sorted(expected)
    assert found != expected
    run("datasets: [{path: data, type: alpaca, preprocess_shards: 4}]")
    assert sorted(numbers("out", loaded)) == list(range(103))


def test_the_first_duplicate_in_that_order_is_kept(run: Run, loaded: Tokenizer) -> None:
    write_rows(Path("twice.jsonl"), [*ROWS, *ROWS])
    run(f"{IN_ORDER}dataset_exact_deduplication: true\ndatasets: [{{path: twice.jsonl, type: alpaca, shards: 2}}]")
    assert numbers("out", loaded) == list(dict.fromkeys(of_axolotl("twice.jsonl", shards=2)))


def test_rows_of_several_samples_stay_together(run: Run, loaded: Tokenizer) -> None:
    write_rows(Path("texts.jsonl"), [{"instruction": f"I{n}", "text": f"O{n}. " * (1 + n % 9)} for n in range(60)])
    run(
        "shuffle_merged_datasets: false\nsequence_len: 8\n"
        "datasets: [{path: texts.jsonl, type: completion, shards: 2, shards_idx: 1}]"
    )
    texts = [loaded.decode(row["input_ids"]) for row in pq.read_table("out/train-00000.parquet").to_pylist()]
    whole = "".join(texts).replace("<｜begin▁of▁sentence｜>", "").replace("<｜end▁of▁sentence｜>", "")
    expected = of_axolotl("texts.jsonl", shards=2, index=1)
    assert len(texts) > len(expected)
    assert whole == "".join(f"O{n}. " * (1 + n % 9) for n in expected)


def test_no_rows_have_no_order(run: Run) -> None:
    Path("none.jsonl").write_text("")
    with pytest.raises(DataError, match=r"the inputs have no rows \(none.jsonl\), so nothing was written"):
        run(f"{IN_ORDER}datasets: [{{path: none.jsonl, type: alpaca, preprocess_shards: 4}}]")


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_rejects_have_their_place_in_the_file(run: Run, loaded: Tokenizer, suffix: str) -> None:
    path = f"bad.{suffix}"
    bad: list[Row] = [{**row, "output": None} if n % 3 == 0 else row for n, row in enumerate(ROWS)]
    write_rows(Path(path), bad)
    report = run(f"{IN_ORDER}max_rejected: 100%\ndatasets: [{{path: {path}, type: alpaca, shards: 2}}]")
    taken = of_axolotl(f"rows.{suffix}", shards=2)
    assert numbers("out", loaded) == [number for number in taken if number % 3]
    rejects = [json.loads(line) for line in Path("out/_rejects.jsonl").read_text("utf-8").splitlines()]
    found = [it["line"] - 1 if suffix == "jsonl" else it["row"] for it in rejects]
    assert found == sorted(number for number in taken if number % 3 == 0)
    assert report.rejected == len(found)


def test_rows_for_evaluation(run: Run, loaded: Tokenizer) -> None:
    run(
        f"{IN_ORDER}datasets: [{{path: rows.jsonl, type: alpaca, shards: 9}}]\n"
        "test_datasets: [{path: rows.jsonl, type: alpaca, split: train, shards: 9, shards_idx: 8}]\n"
    )
    assert numbers("out", loaded) == of_axolotl("rows.jsonl", shards=9)
    assert numbers("out", loaded, "validation") == of_axolotl("rows.jsonl", shards=9, index=8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "datasets:\n- path: rows.jsonl\n  type: alpaca\n  shards: 200\n  shards_idx: 150\n",
            "config.yaml:4: datasets[0].shards: part 150 of 200 has no rows, because there are only 103; use a smaller",
        ),
        (
            "datasets:\n- path: rows.jsonl\n  type: chat_template.default\n  shards: 4\nrl: dpo\n",
            (
                "config.yaml:4: datasets[0].shards: axolotl 0.19 ignores this key with `rl`, and uses all rows; remove "
                "`shards`, or use a part of the split, such as `split: train[:25%]`"
            ),
        ),
        (
            "pretraining_dataset:\n- path: rows.jsonl\n  type: pretrain\n  shards: 4\n",
            "config.yaml:4: pretraining_dataset[0].shards: axolotl 0.19 ignores this key in `pretraining_dataset`; ",
        ),
        (
            "streaming: true\ndatasets:\n- path: rows.jsonl\n  shards: 4\n",
            "config.yaml:4: datasets[0].shards: with `streaming: true` axolotl 0.19 divides files, not rows; ",
        ),
    ],
)
def test_faults_name_file_line_and_key(run: Run, text: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        run(text)
    assert not Path("out").exists()


@pytest.mark.parametrize("key", ["shards", "preprocess_shards"])
def test_without_numpy_the_error_says_what_to_install(run: Run, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_numpy(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "numpy":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_numpy)
    with pytest.raises(DataError, match=rf"config.yaml:3: datasets\[0\].{key}: .* run `pip install numpy`"):
        run(f"{IN_ORDER}datasets: [{{path: rows.jsonl, type: alpaca, {key}: 2}}]")
