"""Labels of rows that become shorter: truncated rows, or one sample per trained turn."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from chatmill import Encoding
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from label_expected import Policy, message_weights, trained_turns
from label_rows import Messages, conversations, encode, flagged, mill, properties, without_flags


@pytest.mark.parametrize("name", ["chatml", "qwen3", "mistral", "falcon"])
@pytest.mark.parametrize("truncation", ["split", "keep_start", "keep_end", "turns"])
def test_what_is_cut_is_a_part_of_the_whole(name: str, truncation: Any) -> None:
    """Labels and weights are made before truncation; the joined pieces equal the row."""
    labels = {"weights": {"closer": 0.5}, "tags": False}

    @properties(25)
    @given(st.lists(conversations(name), min_size=1, max_size=3), st.integers(1, 80))
    def holds(conversations: list[Messages], most: int) -> None:
        wholes = [encode(name, messages, labels=labels) for messages in conversations]
        options: dict[str, Any] = {"labels": labels, "max_length": most, "truncation": truncation, "on_error": "null"}
        lines = [json.dumps({"messages": messages}) for messages in conversations]
        out = mill(name, **options)(pa.table({"row": lines}), json_column="row")
        rows = pa.table(out).to_pylist()
        cut = compared = 0
        for index, whole in enumerate(wholes):
            own = [row for place, row in enumerate(rows) if row.get("row", place) == index]
            if whole is None or own[0]["input_ids"] is None:
                # The row is rejected, or not even one turn fits.
                assert [row["input_ids"] for row in own] == [None]
                assert whole is None or (truncation == "turns" and most < turn_ends(whole)[0])
                continue
            length, parts = len(whole), [row["length"] for row in own]
            start = length - parts[0] if truncation == "keep_end" else 0
            columns: dict[str, list[Any]]
            columns = {"input_ids": whole.input_ids, "labels": whole.labels, "weights": whole.weights or []}
            for column, of_whole in columns.items():
                joined = [value for row in own for value in row[column]]
                assert joined == of_whole[start : start + sum(parts)]
            if truncation == "split":
                assert parts == [most] * (length // most) + [length % most] * (length % most > 0)
            elif truncation == "turns" and length > most:
                assert parts == [max(end for end in turn_ends(whole) if end <= most)]
            else:
                assert parts == [min(length, most)]
            cut += length > most
            compared += 1
        assert out.num_truncated == cut
        assume(compared)

    holds()


def turn_ends(encoding: Encoding) -> list[int]:
    """For each turn, the number of tokens up to its end."""
    # The end of the last region of each.
    ends = {region.message: region.end for region in encoding.regions if region.message is not None}
    return [sum(token.end <= end for token in encoding.tokens) for end in ends.values()]


@pytest.mark.parametrize("name", ["chatml", "qwen3", "mistral", "falcon", "deepseek-r1"])
def test_samples_by_turn_are_rows_that_end_there(name: str) -> None:
    """Each sample is the conversation up to a trained turn, and only that turn is trained."""
    policies = [{}, {"turns": "last"}, {"turns": 1}, {"roles": ["user", "assistant"]}]

    @properties(25)
    @given(flagged(name), st.sampled_from(policies))
    def holds(messages: Messages, policy: Policy) -> None:
        by_turn = mill(name, labels=policy, split="per_turn", on_error="null")
        batch = pa.table({"row": [json.dumps({"messages": messages})]})
        rows = [(row["input_ids"], row["labels"]) for row in pa.table(by_turn(batch, json_column="row")).to_pylist()]
        turns = trained_turns(message_weights(messages, policy))
        through = [
            [{**without_flags(it), "train": it is messages[turn]} for it in messages[: turn + 1]] for turn in turns
        ]
        alone = [encode(name, its) for its in through]
        if not turns or None in alone:
            assert rows == [(None, None)]
            reject()
        assert rows == [(its.input_ids, its.labels) for its in alone if its is not None]

    holds()
