"""A mill fits the tools around it: rows in memory, `datasets`, pandas, polars, Ray, pools of processes, notebooks."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from chatmill import ChatTemplate, DataError, Mill, TemplateError, TokenBatch, Tokenizer
from folders import configure, write_byte_tokenizer

# It has no types here.
pd: Any = pytest.importorskip("pandas")

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": f"a{number} 你好"}]}
    for number in range(5)
]
TEMPLATE = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder of a model with a template that prints `bos_token`."""
    write_byte_tokenizer(tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(TEMPLATE)
    return tmp_path / "model"


@pytest.fixture
def mill(model: Path) -> Mill:
    return Mill.from_pretrained(model, labels="all")


@pytest.fixture
def expected(mill: Mill) -> pa.Table:
    return pa.table(mill(pa.Table.from_pylist(ROWS)))


def test_rows_in_memory(mill: Mill, expected: pa.Table) -> None:
    columns = {"messages": [row["messages"] for row in ROWS]}
    objects = np.empty(len(ROWS), dtype=object)
    objects[:] = columns["messages"]
    dataset = datasets.Dataset.from_list(ROWS)
    for rows in (
        ROWS,
        tuple(ROWS),
        columns,
        {"messages": objects},
        {"messages": pa.array(columns["messages"])},
        dataset,
        dataset[:],
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
    ):
        assert pa.table(mill(rows)).equals(expected), type(rows)
    assert mill.encode_row(ROWS, 2).input_ids == expected["input_ids"][2].as_py()
    assert mill.template.render_batch(ROWS).__len__() == len(ROWS)


def test_rows_of_dicts_are_read_as_lines_of_json(mill: Mill) -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": {"x": value}}} for value in (1, "1", [1], None)
    ]
    rows = [{**row, "tools": [tool], "id": np.int64(3)} for row, tool in zip(ROWS, tools, strict=False)]
    assert len(mill(rows)) == 4
    kept = Mill(mill.tokenizer, mill.template, keep_columns=["id"])
    assert kept(rows)["id"] == ["3"] * 4


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ROWS[0]["messages"], r"row 0 is a message, so this is one conversation; pass `mill\.encode"),
        ([ROWS[0]["messages"]], "row 0 has the type list, but rows are dicts"),
        (["x"], "row 0 has the type str, but rows are dicts"),
        ([{"messages": {1, 2}}], "row 0 cannot be read .*the type set is no type"),
        ({"messages": "x"}, "column messages has the type str; give a list"),
        ({"messages": [[]], "id": [1, 2]}, r"different numbers of rows \(messages 1, id 2\)"),
        (3, "the type int holds no rows that can be read; pass a list of dicts"),
        ("rows.jsonl", "the type str holds no rows"),
    ],
)
def test_what_is_no_rows_is_an_error(rows: Any, expected: str, mill: Mill) -> None:
    with pytest.raises(DataError, match=expected):
        mill(rows)


def test_map_of_datasets(mill: Mill, expected: pa.Table) -> None:
    dataset = datasets.Dataset.from_list([{**row, "id": number} for number, row in enumerate(ROWS)])
    made = dataset.map(mill, batched=True, batch_size=2, remove_columns=["messages"])
    assert made["id"][:] == list(range(5))
    assert made["input_ids"][:] == expected["input_ids"].to_pylist()
    assert made["labels"][:] == expected["labels"].to_pylist()
    arrow = dataset.with_format("arrow").map(lambda batch: pa.table(mill(batch)), batched=True)
    assert arrow.features["input_ids"].feature.dtype == "int32"


def test_null_fields_of_a_batch_of_datasets_are_left_out(model: Path) -> None:
    """Arrow fills missing fields with nulls; a template must not see them."""
    template = "{% for m in messages %}{{ m.x.a is defined }}{{ m.x.b is defined }}{% endfor %}"
    rows = [
        {"messages": [{"role": "user", "content": "", "x": {"a": 1}}, {"role": "user", "content": "", "x": {"b": 1}}]}
    ]
    mill = Mill(Tokenizer.from_pretrained(model), ChatTemplate(template), labels="all")
    made = datasets.Dataset.from_list(rows).map(mill, batched=True)
    assert mill.tokenizer.decode(made["input_ids"][0]) == "TrueFalseFalseTrue"


def test_a_batch_is_a_mapping(mill: Mill, expected: pa.Table) -> None:
    batch = mill(ROWS)
    assert isinstance(batch, Mapping)
    assert list(batch) == batch.keys() == batch.column_names
    assert batch["labels"] == batch.get("labels") == expected["labels"].to_pylist()
    assert dict(batch) == {**batch} == dict(batch.items()) == expected.to_pydict()
    assert batch.values() == list(expected.to_pydict().values())
    assert "labels" in batch
    assert "x" not in batch
    assert 3 not in batch
    assert batch.get("x", 7) == 7
    with pytest.raises(KeyError, match="x"):
        batch["x"]
    assert len(batch) == len(ROWS)
    assert pl.DataFrame(batch).height == len(ROWS)
    # Ray takes mappings whose values are lists or arrays.
    assert all(isinstance(column, list) for column in batch.values())


def test_a_batch_pickles(model: Path) -> None:
    mill = Mill.from_pretrained(model, on_error="null")
    batch = mill([*ROWS, {"messages": [{"role": 3}]}])
    again: TokenBatch = pickle.loads(pickle.dumps(batch))
    assert pa.table(again).equals(pa.table(batch))
    assert repr(again) == repr(batch)
    assert again.counts == batch.counts != {}
    assert [repr(it) for it in again.failures] == [repr(it) for it in batch.failures]
    assert (again.num_rows_in, again.num_truncated, again.num_untrained_rows) == (6, 0, batch.num_untrained_rows)
    turns = (batch.num_assistant_turns, batch.num_trained_turns, batch.num_cut_tokens)
    assert (again.num_assistant_turns, again.num_trained_turns, again.num_cut_tokens) == turns
    assert turns[0] > 0
    assert again.tokenizer is None


def test_pools_map_a_mill(mill: Mill, expected: pa.Table) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(mill, [ROWS[:2], ROWS[2:]])
    assert pa.concat_tables([pa.table(it) for it in made]).equals(expected)


def test_notebooks_show_a_batch(model: Path) -> None:
    mill = Mill.from_pretrained(model)
    html = mill(
        [{"messages": [{"role": "user", "content": "1 < 2"}, {"role": "assistant", "content": "yes" * 300}]}]
    )._repr_html_()
    assert "1 &lt; 2" in html
    assert "more tokens" in html
    assert "1 rows, " in html
    assert "<script" not in html
    assert "rgba(46, 160, 67" in html


def test_from_pretrained(model: Path) -> None:
    mill = Mill.from_pretrained(model)
    assert mill.encode(ROWS[0]["messages"]).text.startswith("<s><user>")
    assert mill.template.special_tokens == mill.tokenizer.special_tokens
    assert not any("special tokens" in warning for warning in mill.warnings)
    named = Mill.from_pretrained(model, "chatml", max_length=7)
    assert (named.template.name, named.options["max_length"]) == ("chatml", 7)
    assert Mill.from_pretrained(model, format="alpaca").format is not None
    assert Mill.from_pretrained(model, rebuild=False).tokenizer.rules == "tokenizer.json"
    (model / "chat_template.jinja").unlink()
    with pytest.raises(TemplateError, match="has no chat template"):
        Mill.from_pretrained(model)
    with pytest.raises(DataError, match=r"Mill\.from_pretrained"):
        Mill(str(model))  # type: ignore[arg-type]


def test_a_template_without_special_tokens_gets_those_of_the_tokenizer(model: Path) -> None:
    tokenizer = Tokenizer.from_pretrained(model)
    mill = Mill(tokenizer, ChatTemplate(TEMPLATE))
    assert mill.encode(ROWS[0]["messages"]).text.startswith("<s><user>")
    (warning,) = (it for it in mill.warnings if "special tokens" in it)
    assert warning.startswith("the template chat_template has no special tokens: bos_token is taken from the tokenizer")
    own = Mill(tokenizer, ChatTemplate(TEMPLATE, bos_token=""))
    assert own.encode(ROWS[0]["messages"]).text.startswith("<user>")
    configure(model, eos_token="</s>")
    silent = Mill(Tokenizer.from_pretrained(model), ChatTemplate("{{ messages[0].content }}"))
    assert not any("special tokens" in it for it in silent.warnings)
