"""Fixtures of the benchmarks: one workload, and the ids and labels of transformers for it, made once per session."""

from __future__ import annotations

import contenders
import pytest

import rows


@pytest.fixture(scope="session")
def workload() -> rows.Workload:
    return rows.load()


@pytest.fixture(scope="session")
def reference(workload: rows.Workload) -> contenders.Columns:
    """Return the ids and labels of transformers, with which all contenders are compared."""
    return contenders.of_transformers(workload).result()
