"""`split_between`: parts of rows for processes. `tests/trainers/recipes.py` compares them with those of accelerate."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Mill, split_between
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(length=st.integers(0, 40), world=st.integers(1, 9))
def test_parts_are_even_and_together_all_rows(length: int, world: int) -> None:
    rows = list(range(length))
    parts = [split_between(rows, rank, world) for rank in range(world)]
    assert [row for part in parts for row in part] == rows
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)
    padded = [split_between(rows, rank, world, pad_last=True) for rank in range(world)]
    assert {len(part) for part in padded} == {max(lengths)}
    for part, own in zip(padded, parts, strict=True):
        assert part == own + [length - 1] * (max(lengths) - len(own))


NUMBERS = [5, 6, 7]
FORMS: dict[str, tuple[Any, Any]] = {
    "a list": (NUMBERS, lambda part: part),
    "a tuple": (tuple(NUMBERS), list),
    "an array": (np.array([[it] for it in NUMBERS]), lambda part: part[:, 0].tolist()),
    "a dict": ({"a": NUMBERS}, lambda part: part["a"]),
    "a dict in a dict": ({"a": {"b": NUMBERS}}, lambda part: part["a"]["b"]),
    "a dict of arrays": ({"a": np.array(NUMBERS), "b": NUMBERS}, lambda part: part["a"].tolist()),
    "a table": (pa.table({"a": NUMBERS}), lambda part: part["a"].to_pylist()),
    "a record batch": (pa.record_batch({"a": NUMBERS}), lambda part: part["a"].to_pylist()),
    "a dataset": (datasets.Dataset.from_dict({"a": NUMBERS}), lambda part: list(part["a"])),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_rows(form: str) -> None:
    rows, numbers = FORMS[form]
    assert [numbers(split_between(rows, rank, 2)) for rank in range(2)] == [[5, 6], [7]]
    assert [numbers(split_between(rows, rank, 2, pad_last=True)) for rank in range(2)] == [[5, 6], [7, 7]]
    assert [numbers(split_between(rows, rank, 5, pad_last=True)) for rank in range(5)] == [[5], [6], [7], [7], [7]]
    part = split_between(rows, 0, 2)
    assert isinstance(part, pa.Table if "record" in form else type(rows))


def test_a_batch_of_a_mill() -> None:
    template = ChatTemplate("{% for message in messages %}{{ message.content }}{% endfor %}")
    mill = Mill(byte_tokenizer(), template, labels="all")
    batch = mill([{"messages": [{"role": "user", "content": text}]} for text in ("a", "bc", "def")])
    part = split_between(batch, 1, 2, pad_last=True)
    assert part["length"].to_pylist() == [3, 3]
    assert part["input_ids"].to_pylist() == [[100, 101, 102]] * 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([1], 2, 2), "there is no process 2 of 2"),
        (([1], -1, 2), "there is no process -1 of 2"),
        (([1], 0, 0), "there is no process 0 of 0"),
        (([1], "0", 2), "`rank` is '0'; give a whole number"),
        (({"a": [1], "b": [1, 2]}, 0, 2), "the columns differ in length: a has 1, b has 2"),
        ((7, 0, 2), "rows of type int cannot be divided"),
        (("text", 0, 2), "rows of type str cannot be divided"),
    ],
)
def test_what_is_refused(arguments: Any, error: str) -> None:
    with pytest.raises(DataError) as raised:
        split_between(*arguments)
    assert error in str(raised.value)
