"""Statistics of a mill between threads and processes: batches carry theirs, and sums do not depend on who adds them."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Mill, RowStatistics, SampleStatistics, TokenBatch

MILL = Mill(byte_tokenizer(pad_token="<s>"), ChatTemplate.named("chatml"), threads=1)


def batch_of(number: int) -> TokenBatch:
    """A batch of rows that differ from those of other numbers."""
    turns = [{"role": "user", "content": "Q" * number}, {"role": "assistant", "content": "A" * (1 + number % 7)}]
    return MILL([{"messages": turns * (1 + number % 3)}] * 5, statistics=True)


def figures(batch: TokenBatch) -> Any:
    assert batch.statistics is not None
    return json.loads(batch.statistics.to_json())


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_batch_keeps_its_statistics(protocol: int) -> None:
    batch = batch_of(9)
    assert figures(pickle.loads(pickle.dumps(batch, protocol))) == figures(batch)
    assert figures(copy.deepcopy(batch)) == figures(batch)


@pytest.mark.parametrize("kind", [RowStatistics, SampleStatistics])
def test_sums_are_not_pickled(kind: type) -> None:
    """They are counted in one process; batches come from others."""
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(kind())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks by default")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_batches_of_other_processes(method: str) -> None:
    rows, samples = RowStatistics(), SampleStatistics()
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        batches = list(pool.map(batch_of, range(20)))
    for number, batch in enumerate(batches):
        assert batch.statistics is not None
        rows.add(batch.statistics, 5 * number)
        samples.add(batch)
    expected_rows, expected_samples = RowStatistics(), SampleStatistics()
    for number in range(20):
        batch = batch_of(number)
        assert batch.statistics is not None
        expected_rows.add(batch.statistics, 5 * number)
        expected_samples.add(batch)
    assert (rows.to_json(), samples.to_json()) == (expected_rows.to_json(), expected_samples.to_json())
    assert json.loads(samples.to_json())["samples"] == 100


def test_threads_add_to_the_same_sums() -> None:
    batches = [batch_of(number) for number in range(40)]

    def sums(workers: int) -> tuple[Any, Any]:
        rows, samples = RowStatistics(), SampleStatistics()

        def add(batch: TokenBatch) -> None:
            assert batch.statistics is not None
            rows.add(batch.statistics)
            samples.add(batch)
            assert rows.bytes >= batch.statistics.bytes
            repr(rows)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(add, batches))
        counted = json.loads(rows.to_json())
        # Of rows that are alike, the first one that was added is named.
        for name in ("longest", "least_trained", "most_turns"):
            counted[name].pop("row")
        for mark in counted["marks"].values():
            mark.pop("first")
        return counted, json.loads(samples.to_json())

    assert sums(8) == sums(1)


def test_statistics_are_added_to_themselves() -> None:
    statistics = batch_of(3).statistics
    assert statistics is not None
    size = statistics.bytes
    statistics.add(statistics)
    assert statistics.bytes == 2 * size
