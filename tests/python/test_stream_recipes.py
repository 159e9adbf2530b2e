"""The recipes of docs/streams.md run as they are, and give the tokens of a mill."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.dataset as pad
import pyarrow.parquet as pq
import pytest
import reference
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Mill
from samples import conversation

PAGE = (reference.ROOT / "docs" / "streams.md").read_text("utf-8")
PARTS = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", PAGE, re.MULTILINE))
ROWS = pa.Table.from_pylist([conversation(number) for number in range(250)])
# A row without messages.
ROWS = pa.concat_tables([ROWS, pa.table({"id": [250], "messages": pa.nulls(1, ROWS.schema.field("messages").type)})])
MILL = Mill(
    byte_tokenizer(eos_token="</s>"), ChatTemplate.named("chatml"), threads=2, on_error="null", keep_columns=["id"]
)
EXPECTED = pa.table(MILL(ROWS))
# What a recipe leaves behind, as a table.
RESULTS: dict[str, Callable[[dict[str, Any]], pa.Table]] = {
    "duckdb": lambda _: pq.read_table("tokens.parquet"),
    "polars": lambda names: names["found"].to_arrow().cast(EXPECTED.schema),
    "Writer of pyarrow": lambda _: pad.dataset("tokens").to_table(),
    "datasets": lambda names: names["found"],
}
ELSEWHERE = {"lance", "Spark", "Ray Data"}


def code(part: str) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", PARTS[part], re.MULTILINE | re.DOTALL))


def test_every_recipe_is_known() -> None:
    assert set(PARTS) == set(RESULTS) | ELSEWHERE


def ran(part: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run a recipe in a folder with rows in three files, and return its names."""
    (folder / "chats").mkdir()
    for at in range(3):
        pq.write_table(ROWS.slice(100 * at, 100), folder / "chats" / f"{at}.parquet", row_group_size=30)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
    names: dict[str, Any] = {"mill": MILL}
    exec(code(part), names)
    return names


@pytest.mark.parametrize("part", RESULTS)
def test_recipes(part: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = RESULTS[part](ran(part, monkeypatch, tmp_path))
    # The recipe of duckdb leaves the failed row out, and its writer changes the types of lists.
    expected = EXPECTED.slice(0, 250) if part == "duckdb" else EXPECTED
    assert sorted(found.to_pylist(), key=lambda row: row["id"]) == expected.to_pylist()


def test_map_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The recipe of datasets has two parts; the stream is the second one."""
    source = code("datasets").split("rows = load_dataset")
    assert len(source) == 3
    monkeypatch.setitem(PARTS, "datasets", f"```python\n{'rows = load_dataset'.join(source[:2])}```\n")
    names = ran("datasets", monkeypatch, tmp_path)
    assert names["tokens"].with_format(None)[:] == EXPECTED.to_pydict()


def test_the_beginning_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(PARTS, "beginning", PAGE.split("All recipes use")[0])
    names = ran("beginning", monkeypatch, tmp_path)
    assert names["first"].equals(EXPECTED.slice(0, 30).combine_chunks().to_batches()[0])
