"""Tests of `PackPlan`: the packs of TRL and axolotl, and plans of any lengths. The core tests each strategy alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from chatmill import DataError, PackPlan
from chatmill.arrange.keys import keys
from hypothesis import given
from hypothesis import strategies as st


def cases(corpus: Path, name: str) -> list[dict[str, Any]]:
    lines = (corpus / "reference" / "fixtures" / name).read_text().splitlines()
    assert lines
    return [json.loads(line) for line in lines]


def test_the_packs_of_trl(corpus: Path) -> None:
    for case in cases(corpus, "trl_packing.jsonl"):
        plan = PackPlan.of(case["lengths"], case["seq_length"], case["strategy"])
        assert [[list(piece) for piece in pack] for pack in plan.packs()] == case["rows"], case


def test_the_packs_of_axolotl(corpus: Path) -> None:
    for case in cases(corpus, "axolotl_multipack.jsonl"):
        plan = PackPlan.of(case["lengths"], case["bin_capacity"], "multipack", max_rows=case["bin_size"])
        assert [[row for row, *_ in pack] for pack in plan.packs()] == case["result"], case


@pytest.mark.parametrize(
    "lengths",
    [
        [5, 2, 3, 1],
        (5, 2, 3, 1),
        np.array([5, 2, 3, 1]),
        np.array([5, 2, 3, 1], np.uint16),
        pa.array([5, 2, 3, 1]),
        pa.chunked_array([[5, 2], [], [3, 1]], pa.int32()),
        pa.table({"length": [5, 2, 3, 1]})["length"],
    ],
    ids=lambda lengths: type(lengths).__name__,
)
def test_lengths_of_any_library(lengths: Any) -> None:
    plan = PackPlan.of(lengths, 6)
    assert plan.packs() == [[(0, 0, 5), (3, 0, 1)], [(2, 0, 3), (1, 0, 2)]]
    assert plan.table.to_pydict() == {"pack": [0, 0, 1, 1], "row": [0, 3, 2, 1], "start": [0] * 4, "stop": [5, 1, 3, 2]}
    assert [str(field.type) for field in plan.table.schema] == ["int64", "int64", "int32", "int32"]
    assert (len(plan), plan.efficiency, plan.dropped) == (2, 11 / 12, [])
    assert repr(plan) == "PackPlan(2 packs of 6 tokens, 91.67% full)"


@pytest.mark.parametrize(
    ("lengths", "problem"),
    [
        ([1, -1], "`lengths` cannot be read"),
        ([1, 1 << 32], "`lengths` cannot be read"),
        ([1, None], "`lengths` has nulls; give the number of tokens of each row, or 0"),
        ([1, "a"], "`lengths` cannot be read"),
        ([1.5], "`lengths` holds double; give the number of tokens of each row"),
        ([[1]], "`lengths` holds list"),
        ("abc", "`lengths` "),
        (3, "`lengths` cannot be read"),
        (None, "`lengths` cannot be read"),
    ],
)
def test_lengths_that_are_no_lengths(lengths: Any, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        PackPlan.of(lengths, 6)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_length": 0}, "`max_length` must be a whole number from 1"),
        ({"max_length": 1 << 40}, "`max_length` must be a whole number from 1"),
        ({"max_length": 1 << 100}, "`max_length` must be a whole number from 1"),
        ({"max_length": 2.5}, "`max_length` must be a whole number from 1"),
        ({"seed": -1}, "`seed` must be a whole number from 0"),
        ({"max_length": 1 << 27}, "`max_length` is 134217728; use at most 67108864"),
        ({"strategy": "bfdd"}, '`strategy` is "bfdd"; did you mean `bfd`?'),
        ({"truncation": "drop", "strategy": "bfd_split"}, 'splits longer rows, so `truncation` "drop" has no effect'),
        ({"truncation": "turns"}, "turns are not known after tokenizing"),
        ({"truncation": "raise"}, "row 0 has 9 tokens, but a pack has room for 6; raise `max_length`"),
        ({"truncation": "raise", "align": 4}, "row 0 has 9 tokens, but a pack has room for 4"),
        ({"truncation": "raise", "shifted": True}, "row 0 has 9 tokens, but a pack has room for 7"),
        ({"align": 0}, "`align` must be a whole number from 1"),
        ({"align": 7}, "`align` is 7, but a pack has 6 tokens; use at most the length of a pack"),
        ({"max_rows": 0}, "`max_rows` must be a whole number from 1"),
        ({"group_size": -1}, "`group_size` must be a whole number from 1"),
        ({"multiple_of": 0}, "`multiple_of` must be a whole number from 1"),
        ({"remainder": "keep"}, '`remainder` is "keep"; use one of `pad`, `drop`'),
        ({"strategy": "wrapped", "align": 2}, '`strategy="wrapped"` cuts the tokens of all rows'),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError) as caught:
        PackPlan.of([9, 2], **{"max_length": 6, **options})
    assert problem in str(caught.value)


def test_what_is_lost_is_counted() -> None:
    lengths = [9, 2, 0, 3, 20]
    found = {}
    truncation: Any
    for truncation in ("keep_start", "keep_end", "drop", "split"):
        plan = PackPlan.of(lengths, 6, "sequential", truncation=truncation)
        report = plan.report()
        found[truncation] = (plan.packs(), plan.dropped)
        assert report.tokens + report.cut_tokens + report.dropped_tokens == sum(lengths)
        assert report.empty_rows == 1
    assert found == {
        "keep_start": ([[(0, 0, 6)], [(1, 0, 2), (3, 0, 3)], [(4, 0, 6)]], []),
        "keep_end": ([[(0, 3, 9)], [(1, 0, 2), (3, 0, 3)], [(4, 14, 20)]], []),
        "drop": ([[(1, 0, 2), (3, 0, 3)]], [0, 4]),
        "split": (
            [
                [(0, 0, 6)],
                [(0, 6, 9), (1, 0, 2)],
                [(3, 0, 3)],
                *([(4, start, start + 6)] for start in (0, 6, 12)),
                [(4, 18, 20)],
            ],
            [],
        ),
    }


def test_a_multiple_of_packs() -> None:
    lengths = [4, 4, 4]
    padded = PackPlan.of(lengths, 4, multiple_of=2)
    assert padded.packs() == [[(0, 0, 4)], [(1, 0, 4)], [(2, 0, 4)], []]
    assert (padded.report().empty_packs, padded.efficiency) == (1, 0.75)
    dropped = PackPlan.of(lengths, 4, multiple_of=2, remainder="drop")
    assert (dropped.packs(), dropped.dropped) == ([[(0, 0, 4)], [(1, 0, 4)]], [2])
    assert (dropped.report().dropped_rows, dropped.report().dropped_tokens) == (1, 4)


def test_the_seed_orders_packs_as_prepare_orders_rows() -> None:
    lengths = [5] * 40
    plain = PackPlan.of(lengths, 5).packs()
    for seed in (0, 7, (1 << 64) - 1):
        order = np.argsort(keys(seed, "packs", first=0, rows=40).to_numpy())
        assert PackPlan.of(lengths, 5, seed=seed).packs() == [plain[at] for at in order]
    assert PackPlan.of(lengths, 5, "first_fit_shuffle").packs() == PackPlan.of(lengths, 5, "first_fit_shuffle").packs()
    assert PackPlan.of(lengths, 5, "first_fit_shuffle").packs() != plain


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 30), st.integers(1, 10))
def test_groups_are_packed_alone(lengths: list[int], max_length: int, group_size: int) -> None:
    parts = []
    for first in range(0, len(lengths), group_size):
        own = PackPlan.of(lengths[first : first + group_size], max_length).packs()
        parts += [[(row + first, start, stop) for row, start, stop in pack] for pack in own]
    assert PackPlan.of(lengths, max_length, group_size=group_size).packs() == parts


def test_no_rows() -> None:
    for lengths in ([], pa.array([], pa.int64()), [0, 0]):
        plan = PackPlan.of(lengths, 8, multiple_of=4, seed=1)
        assert (plan.packs(), plan.table.num_rows, plan.efficiency) == ([], 0, 1.0)
        assert plan.report().empty_rows == len(lengths)


def test_a_million_lengths_take_a_moment() -> None:
    lengths = np.minimum(np.random.default_rng(1).lognormal(6, 1, 1_000_000).astype(np.int64), 8192)
    started = time.process_time()
    plan = PackPlan.of(lengths, 8192)
    # It takes 0.2 s; a search of all packs for each row would take hours.
    assert time.process_time() - started < 10
    assert plan.efficiency > 0.99


def test_rows_of_any_lists() -> None:
    plan = PackPlan.of([2, 1], 4)
    ids, labels = [[5, 6], [7]], [[-100, 6], [7]]
    for number in (pa.int32(), pa.int64()):
        table = pa.table({"input_ids": pa.array(ids, pa.list_(number)), "labels": pa.array(labels, pa.list_(number))})
        packs = pa.table(plan.pack(table, ["loss_mask"], pad_id=3, pad_to_max_length=True)).to_pylist()
        assert packs == [{"input_ids": [5, 6, 7, 3], "labels": [-100, 6, -100, -100], "loss_mask": [1, 0, 0, 0]}]


@pytest.mark.parametrize(
    ("rows", "options", "problem"),
    [
        ({"input_ids": [[5, 6], [7]]}, {"pad_id": -1}, "`pad_id` must be a whole number from 0 to 2147483647"),
        ({"input_ids": [[5, 6], [7]]}, {"pad_id": 1 << 31}, "`pad_id` must be a whole number from 0 to 2147483647"),
        ({"input_ids": [[5, 6], [7]]}, {"marks": ["loss_mask"]}, "`loss_mask` needs the column labels"),
        ({"input_ids": [[5, 6], [7, 8]]}, {}, "row 1 has 2 values in the column input_ids, but 1 in the plan"),
        ({"input_ids": [[5, 6], [7]], "labels": [[5, 6], []]}, {}, "row 1 has 0 values in the column labels"),
        ({"input_ids": [[5, 6], None]}, {}, "the column input_ids has nulls"),
        ({"input_ids": [[5, None], [7]]}, {}, "the column input_ids has nulls"),
        ({"input_ids": [[5, 6]]}, {}, "there are 1 rows, but the plan was made for 2"),
        ({"input_ids": [[0.5, 6], [7]]}, {}, "the column input_ids has the type List"),
        ({"input_ids": [[5, 6], [7]], "id": ["a", "b"]}, {}, "the column id has the type Utf8, so it cannot be packed"),
        ({"labels": [[5, 6], [7]]}, {}, "there is no column input_ids"),
    ],
    ids=str,
)
def test_rows_that_do_not_fit_the_plan(rows: dict[str, Any], options: dict[str, Any], problem: str) -> None:
    with pytest.raises(DataError) as caught:
        PackPlan.of([2, 1], 4).pack(pa.table(rows), **options)
    assert problem in str(caught.value)
