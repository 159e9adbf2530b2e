"""Rendering alone, three families: transformers, chatmill row by row, chatmill a batch at a time."""

from __future__ import annotations

from typing import Any

import pytest
import rendering

import rows


@pytest.mark.benchmark(group="rendering")
@pytest.mark.parametrize("who", ["transformers", "chatmill, row by row", "chatmill, batch"])
@pytest.mark.parametrize("family", rendering.LEAST)
def test_rendering(family: str, who: str, workload: rows.Workload, benchmark: Any) -> None:
    runs = rendering.contenders(family, workload)
    benchmark.pedantic(runs[who], rounds=3, warmup_rounds=1)
    same = rendering.equal(runs)
    benchmark.extra_info.update(rows=len(workload.rows), texts_equal=same)
    assert same
