"""`chatmill.ray.Mill` without Ray; `tests/trainers/ray_mill.py` runs it in actors."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import chatmill.ray
import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Mill
from samples import conversation

ROWS = [*(conversation(number) for number in range(500)), {"id": 500, "messages": None}]
TABLE = pa.Table.from_pylist(ROWS)


def mill(**options: Any) -> Mill:
    return Mill(byte_tokenizer(eos_token="</s>"), ChatTemplate.named("chatml"), threads=2, **options)


@pytest.mark.parametrize(
    "options", [{}, {"keep_columns": ["id"]}, {"split": "per_turn"}, {"on_error": "null"}], ids=str
)
def test_rows_that_fail_stay(options: dict[str, Any]) -> None:
    expected = pa.table(mill(**{**options, "on_error": "null"})(TABLE))
    parts = list(chatmill.ray.Mill(mill(**options))(TABLE))
    assert len(parts) > 1
    assert pa.concat_tables(parts).equals(expected)
    assert expected["error"].null_count == expected.num_rows - 1


def test_rows_of_json() -> None:
    lines = pa.table({"text": [json.dumps(row) for row in ROWS]})
    made = chatmill.ray.Mill(mill(), json_column="text")
    assert pa.concat_tables(made(lines)).equals(pa.table(mill(on_error="null")(lines, json_column="text")))


def test_a_batch_without_rows_has_the_columns() -> None:
    (tokens,) = chatmill.ray.Mill(mill(keep_columns=["id"]))(TABLE.slice(0, 0))
    assert (tokens.num_rows, tokens.column_names) == (0, ["input_ids", "labels", "length", "id", "error"])


def test_another_batch_format_is_refused() -> None:
    with pytest.raises(DataError, match='the batch is a dict; pass batch_format="pyarrow"'):
        list(chatmill.ray.Mill(mill())({"messages": []}))


def test_the_class_pickles_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(chatmill.ray.Mill)) is chatmill.ray.Mill


def test_the_modules_import_neither_ray_nor_spark() -> None:
    check = "import sys, chatmill.ray, chatmill.spark; print({'ray', 'pyspark'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
