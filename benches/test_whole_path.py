"""Rows to ids and labels: transformers' batch call with its mask, the expert's script, chatmill."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import contenders
import pytest

import rows

Make = Callable[[rows.Workload], contenders.Contender]

WHO: dict[str, Make] = {
    "transformers": contenders.of_transformers,
    "expert_segments": partial(contenders.of_expert, whole=False),
    "expert_whole": partial(contenders.of_expert, whole=True),
    "chatmill_1_thread": partial(contenders.of_chatmill, threads=1),
    "chatmill_2_threads": partial(contenders.of_chatmill, threads=2),
}


@pytest.mark.benchmark(group="whole path")
@pytest.mark.parametrize("who", WHO)
def test_whole_path(who: str, workload: rows.Workload, reference: contenders.Columns, benchmark: Any) -> None:
    contender = WHO[who](workload)
    # A round of transformers takes seconds, and it has no cache that must be warmed up.
    slow = who == "transformers"
    benchmark.pedantic(contender.run, rounds=2 if slow else 5, warmup_rounds=0 if slow else 1)
    result = reference if slow else contender.result()
    ids, labels = result.rows_that_differ(reference)
    benchmark.extra_info.update(
        rows=len(workload.rows),
        tokens=result.num_tokens,
        threads=contender.threads,
        ids_equal=ids == 0,
        labels_equal=labels == 0,
        rows_with_other_ids=ids,
        rows_with_other_labels=labels,
    )
    if who.startswith("chatmill"):
        assert (ids, labels) == (0, 0)
