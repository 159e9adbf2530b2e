"""Fixtures: Chromium, and pages of reports in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from browser_pages import CHROMIUM, Opened, OpenPage, open_page
from chatmill.reporting.page import page
from report_values import AUDIT, full_report, long_samples, other_report


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = import_module("playwright.sync_api")
    with playwright.sync_playwright() as running:
        # A sandbox of its own does not start for root in a container.
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages in files, by their names."""
    folder = tmp_path_factory.mktemp("pages")
    reports = {
        "one": [full_report()],
        "two": [full_report("out/a"), other_report("out/b")],
        "long": [replace(full_report(), samples=long_samples(50, 8_000))],
        "none": [full_report(with_samples=False)],
    }
    for name, shown in reports.items():
        (folder / f"{name}.html").write_text(page(shown), encoding="utf-8")
    (folder / "audit.html").write_text(page([full_report()], audit=AUDIT), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser: Any, pages: Path) -> Iterator[OpenPage]:
    """Open pages; at the end, none of them may have asked for anything, or have said anything."""
    every: list[Opened] = []

    def open_named(name: str = "one", **options: Any) -> Opened:
        every.append(open_page(browser, (pages / f"{name}.html").as_uri(), **options))
        return every[-1]

    yield open_named
    for it in every:
        assert it.said == []
        assert [address for address in it.asked if not address.startswith("data:")] == [it.page.url.partition("#")[0]]
        it.page.context.close()
