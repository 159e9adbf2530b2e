"""The time of each stage: the tokenizer alone, rendering alone, and the cost of the input format and of the tags."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import contenders
import parts
import pytest

import rows

Make = Callable[[rows.Workload], contenders.Contender]

INPUTS: dict[str, Make] = {
    "arrow_tagged": partial(contenders.of_chatmill, threads=1),
    "json_tagged": partial(contenders.of_chatmill, threads=1, json=True),
    "arrow_untagged": partial(contenders.of_chatmill, threads=1, tagged=False),
    "json_untagged": partial(contenders.of_chatmill, threads=1, json=True, tagged=False),
}


def measure(benchmark: Any, run: Callable[[], None], workload: rows.Workload) -> None:
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(rows=len(workload.rows))


@pytest.mark.benchmark(group="one thread, from rows to labels")
@pytest.mark.parametrize("form", INPUTS)
def test_inputs_and_tags(form: str, workload: rows.Workload, reference: contenders.Columns, benchmark: Any) -> None:
    contender = INPUTS[form](workload)
    measure(benchmark, contender.run, workload)
    ids, labels = contender.result().rows_that_differ(reference)
    benchmark.extra_info.update(ids_equal=ids == 0, labels_equal=labels == 0)
    # Without tags, the labels come from the regions. They are the same for a template that tags answer and stop token.
    assert (ids, labels) == (0, 0)


@pytest.mark.benchmark(group="one thread, from rows to labels")
def test_bare_tokenizer(workload: rows.Workload, benchmark: Any) -> None:
    """The baseline of the whole path: only the fastest tokenizer on the rendered texts."""
    measure(benchmark, parts.bare_tokenizer(workload), workload)
