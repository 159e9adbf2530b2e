"""Fixtures of the benchmarks: one workload, and what transformers makes of it, once a session."""

from __future__ import annotations

import contenders
import pytest

import rows


@pytest.fixture(scope="session")
def workload() -> rows.Workload:
    return rows.load()


@pytest.fixture(scope="session")
def reference(workload: rows.Workload) -> contenders.Columns:
    """Ids and labels of transformers, which everybody is compared with."""
    return contenders.of_transformers(workload).result()
