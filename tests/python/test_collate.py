"""`collate` and `Collator`: batches equal those of transformers, whatever form the rows have."""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import partial
from typing import Any

import chatmill
import datasets
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from byte_tokenizers import DEFINITION, byte_tokenizer
from chatmill import ChatTemplate, Collator, DataError, Mill, collate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as HfTokenizer
from transformers import DataCollatorForSeq2Seq, PreTrainedTokenizerFast

PAD = 259
ROWS: list[dict[str, Any]] = [
    {"input_ids": [5, 6, 7], "labels": [-100, 6, 7], "length": 3, "id": "a"},
    {"input_ids": [8], "labels": [8], "length": 1, "id": "b"},
]
lists_of_ids = st.lists(st.lists(st.integers(0, 258), min_size=1, max_size=12), min_size=1, max_size=5)


def rows_of(lists: list[list[int]]) -> list[dict[str, list[int]]]:
    return [{"input_ids": ids, "labels": [it if it % 3 else -100 for it in ids]} for ids in lists]


def as_lists(batch: dict[str, Any]) -> dict[str, Any]:
    return {name: column if isinstance(column, list) else column.tolist() for name, column in batch.items()}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lists=lists_of_ids,
    side=st.sampled_from(["left", "right"]),
    multiple=st.sampled_from([None, 1, 4, 8]),
    max_length=st.sampled_from([None, 12, 15]),
    labels=st.booleans(),
)
def test_batches_equal_those_of_transformers(
    lists: list[list[int]], side: Any, multiple: int | None, max_length: int | None, labels: bool
) -> None:
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=HfTokenizer.from_str(DEFINITION), pad_token="</s>", padding_side=side
    )
    assert tokenizer.pad_token_id == PAD
    rows = rows_of(lists)
    if not labels:
        rows = [{"input_ids": row["input_ids"]} for row in rows]
    padding: Any = "longest" if max_length is None else "max_length"
    collator = DataCollatorForSeq2Seq(
        tokenizer, padding=padding, max_length=max_length, pad_to_multiple_of=multiple, return_tensors="np"
    )
    expected = collator([dict(row) for row in rows])
    own = collate(
        rows, pad_id=PAD, padding=padding, padding_side=side, pad_to_multiple_of=multiple, max_length=max_length
    )
    # Without labels, transformers gives `labels` the value None.
    expected = {name: np.asarray(column).tolist() for name, column in expected.items() if column is not None}
    assert expected == as_lists(own)
    assert {column.dtype for column in own.values()} == {np.dtype("int64")}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lists=lists_of_ids,
    side=st.sampled_from(["left", "right"]),
    multiple=st.sampled_from([None, 8]),
    max_length=st.sampled_from([None, 4, 15]),
    truncation=st.sampled_from(["keep_start", "keep_end"]),
    reserve=st.sampled_from([0, 3]),
    position_ids=st.booleans(),
)
def test_lists_equal_arrays_and_what_the_options_say(lists: list[list[int]], **options: Any) -> None:
    options["padding_side"], options["pad_to_multiple_of"] = options.pop("side"), options.pop("multiple")
    if options["max_length"] is None:
        options["reserve"] = 0
    options["mask_reserve"] = bool(options["reserve"])
    rows = rows_of(lists)
    arrays = as_lists(collate(rows, pad_id=PAD, **options))
    assert arrays == collate(rows, pad_id=PAD, return_tensors="list", **options)
    room = 99 if options["max_length"] is None else options["max_length"] - options["reserve"]
    width = max(min(len(ids), room) for ids in lists)
    multiple = options["pad_to_multiple_of"] or 1
    width += -width % multiple
    for at, ids in enumerate(lists):
        kept = ids[:room] if options["truncation"] == "keep_start" else ids[-room:]
        fill = width - len(kept)
        left, right = (fill, 0) if options["padding_side"] == "left" else (0, fill)
        assert arrays["input_ids"][at] == [PAD] * left + kept + [PAD] * right
        assert arrays["labels"][at] == [it if it % 3 and it != PAD else -100 for it in arrays["input_ids"][at]]
        mask = [1] * options["reserve"] + [0] * left + [1] * len(kept) + [0] * right
        assert arrays["attention_mask"][at] == mask
        if options["position_ids"]:
            assert arrays["position_ids"][at] == [0] * left + [*range(len(kept))] + [0] * right


LARGE_LISTS = pa.schema({"input_ids": pa.large_list(pa.int32()), "labels": pa.list_(pa.int32())})
FORMS: dict[str, Any] = {
    "lists": lambda rows: rows,
    "tuples": lambda rows: [{name: tuple(row[name]) for name in ("input_ids", "labels")} for row in rows],
    "arrays": lambda rows: [{name: np.array(it) for name, it in row.items()} for row in rows],
    "int32": lambda rows: [{"input_ids": np.array(it["input_ids"], "int32"), "labels": it["labels"]} for it in rows],
    "a dict of columns": lambda rows: {name: [row[name] for row in rows] for name in rows[0]},
    "a table": pa.Table.from_pylist,
    "a record batch": pa.RecordBatch.from_pylist,
    "chunks": lambda rows: pa.concat_tables([pa.Table.from_pylist([row]) for row in rows]),
    "a slice": lambda rows: pa.Table.from_pylist([rows[1], *rows]).slice(1),
    "large lists of int32": lambda rows: pa.Table.from_pylist(rows).select([0, 1]).cast(LARGE_LISTS),
    "polars": pl.DataFrame,
    "datasets": datasets.Dataset.from_list,
    "a batch of datasets": lambda rows: datasets.Dataset.from_list(rows)[:],
    "a generator": iter,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_all_forms_give_the_same_batch(form: str) -> None:
    expected = {
        "input_ids": [[5, 6, 7], [PAD, PAD, 8]],
        "labels": [[-100, 6, 7], [-100, -100, 8]],
        "attention_mask": [[1, 1, 1], [0, 0, 1]],
    }
    assert as_lists(collate(FORMS[form](ROWS), pad_id=PAD, padding_side="left")) == expected
    assert collate(FORMS[form](ROWS), pad_id=PAD, padding_side="left", return_tensors="list") == expected


def mill(**options: Any) -> Mill:
    template = ChatTemplate(
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    )
    return Mill(byte_tokenizer(pad_token="</s>", eos_token="<|im_end|>"), template, **options)


CHATS = [
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer}]}
    for answer in ("Hello", "How do you do?")
]


def test_a_batch_of_a_mill_and_its_own_padding() -> None:
    plain = collate(mill()(CHATS), pad_id=PAD, position_ids=True)
    padded = collate(mill(padding="longest", position_ids=True)(CHATS), pad_id=PAD)
    assert as_lists(plain) == as_lists(padded)
    assert plain["attention_mask"].sum() == mill()(CHATS).num_tokens
    assert (plain["labels"] != -100).sum() == mill()(CHATS).num_trained_tokens


def test_weights_are_padded_with_zeros() -> None:
    rows = [{**row, "weights": [0.5] * row["length"]} for row in ROWS]
    weights = collate(rows, pad_id=PAD)["weights"]
    assert weights.dtype == np.float32
    assert weights.tolist() == [[0.5] * 3, [0.5, 0, 0]]
    assert as_lists(collate(pa.Table.from_pylist(rows), pad_id=PAD))["weights"] == weights.tolist()
    batch = mill(labels={"weights": {"content": 0.5}})(CHATS)
    assert set(collate(batch, pad_id=PAD)["weights"].ravel().tolist()) == {0, 0.5, 1}


def test_a_collator_can_be_pickled_and_a_partial_works_too() -> None:
    collator = Collator(pad_id=PAD, padding_side="left", max_length=8, padding="max_length")
    again = pickle.loads(pickle.dumps(collator))
    assert again == collator
    other = pickle.loads(
        pickle.dumps(partial(collate, pad_id=PAD, padding_side="left", max_length=8, padding="max_length"))
    )
    assert as_lists(again(ROWS)) == as_lists(other(ROWS))
    assert again(ROWS)["input_ids"].shape == (2, 8)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"padding_side": "lfet"}, "`padding_side` is 'lfet'; did you mean 'left'?"),
        ({"truncation": "drop"}, "`truncation` is 'drop'; use one of raise, keep_start, keep_end"),
        ({"return_tensors": "tf"}, "use one of np, pt, list"),
        ({"padding": "max_length"}, "needs `max_length`"),
        ({"pad_to_multiple_of": 0}, "give a whole number of at least 1"),
        ({"max_length": 2.5}, "`max_length` is 2.5; give a whole number of at least 1"),
        ({"pad_id": None}, "`pad_id` is None; give a whole number of at least 0"),
        ({"max_length": 2}, "row 0 of the batch has 3 tokens, more than `max_length` 2; prepare shorter rows"),
        ({"max_length": 4, "reserve": 2}, "more than `max_length` 4 less `reserve` 2"),
        ({"max_length": 4, "reserve": 4}, "`reserve` leaves no room"),
        ({"reserve": 4}, "`reserve` has no effect without `max_length`"),
        ({"mask_reserve": True}, "`mask_reserve` needs `reserve`"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], error: str) -> None:
    with pytest.raises(DataError) as raised:
        collate(ROWS, **{"pad_id": PAD, **options})
    assert error in str(raised.value)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([], "the batch has no rows"),
        (pa.table({"input_ids": pa.array([], pa.list_(pa.int64()))}), "the batch has no rows"),
        ([[1, 2]], "row 0 of the batch is of type list; give a dict with `input_ids`"),
        (7, "the rows are of type int; give a list of dicts"),
        ([{"ids": [1]}], "row 0 of the batch has no `input_ids`"),
        ([{"prompt_ids": [1], "chosen_ids": [2]}], "the collator of the trainer for preferences"),
        ([{"input_ids": [1]}, {"input_ids": None}], "row 1 of the batch: `input_ids` is of type NoneType"),
        ([{"input_ids": [1.5]}], "row 0 of the batch: `input_ids` cannot be read"),
        ([{"input_ids": "12"}], "`input_ids` is of type str; give a list of numbers"),
        ([{"input_ids": [[1]]}], "`input_ids` cannot be read"),
        ([{"input_ids": np.array([[1]])}], "`input_ids` is of type ndarray"),
        ([{"input_ids": [1], "labels": [1, 2]}], "row 0 of the batch: `labels` and `input_ids` have different lengths"),
        ([{"input_ids": [1], "labels": [1]}, {"input_ids": [1]}], "row 1 of the batch has no `labels`"),
        ({"input_ids": [[1], [2]], "labels": [[1]]}, "the batch: `labels` and `input_ids` have different lengths"),
        (pa.table({"input_ids": [[1], None]}), "row 1 of the batch: `input_ids` is null; leave out rows that failed"),
        (pa.table({"input_ids": [None], "error": ["too_long: 9"]}), "`input_ids` is null (too_long: 9)"),
        (pa.table({"input_ids": [[1, None]]}), "nulls"),
        (pa.table({"input_ids": [[1.5]]}), "`input_ids` holds double"),
        (pa.table({"input_ids": [1, 2]}), "`input_ids` cannot be read"),
        ([{"input_ids": [1, 2], "seq_lengths": [1, 1]}], "has a column `seq_lengths`, so its rows are packs"),
        ([{"input_ids": [1, 2], "position_ids": [0, 0]}], "the rows are packs"),
        ([{"input_ids": [1, 2], "attention_mask": [1, 2]}], "its rows are packs"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(rows: Any, error: str) -> None:
    returned: Any
    for returned in ("np", "list"):
        with pytest.raises(DataError) as raised:
            collate(rows, pad_id=PAD, return_tensors=returned)
        assert error in str(raised.value)


def test_lists_need_no_numpy_and_nothing_needs_torch() -> None:
    check = (
        "import sys; sys.modules['numpy'] = sys.modules['torch'] = None\n"
        "import chatmill\n"
        "rows = [{'input_ids': [1, 2]}, {'input_ids': [3]}]\n"
        "assert chatmill.collate(rows, pad_id=0, return_tensors='list')['input_ids'] == [[1, 2], [3, 0]]\n"
        "assert not {'torch', 'pyarrow', 'numpy'} & {name for name, module in sys.modules.items() if module}\n"
        "for returned in ('np', 'pt'):\n"
        "    try: chatmill.collate(rows, pad_id=0, return_tensors=returned)\n"
        "    except chatmill.DataError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.count("numpy, which cannot be imported") == 2


def test_the_names_are_those_of_the_package() -> None:
    assert chatmill.collate is collate
    assert {"Collator", "collate", "split_between"} <= set(chatmill.__all__)
