"""`OpenPage`: opens a page of a report in Chromium, and keeps what it says and asks for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

#: The path of Chromium; None if there is none. The variable of this name is another name or path.
CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))

# Chromium reports what the policy of a page forbids as an event, also if nothing is printed.
_WATCH = """() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
}"""
#: The name, role and contrast of what is in a page; see `contrasts.js` for the measure.
CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text("utf-8")


def need_browser() -> None:
    """Skip the tests of a file where playwright or Chromium is missing: one line for the file."""
    if find_spec("playwright") is None or CHROMIUM is None:
        missing = "Chromium; set CHROMIUM to its path" if CHROMIUM is None else "playwright"
        pytest.skip(f"needs {missing}, or run `make browser`", allow_module_level=True)


@dataclass
class Opened:
    """A page in the browser.

    Attributes:
        page: The page of playwright.
        said: What the console printed, and errors of scripts.
        asked: The addresses of all requests.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, script: str, *values: Any) -> Any:
        """Run a script in the page."""
        return self.page.evaluate(script, *values)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def shown(self) -> list[int]:
        """The numbers of the samples that can be seen."""
        found: list[int] = self.run(
            """() => [...document.querySelectorAll("article")]
            .filter((it) => it.checkVisibility()).map((it) => Number(it.id.slice("sample-".length)))"""
        )
        return found

    def focused(self) -> str:
        """The id of the element that has the focus."""
        return str(self.run("() => document.activeElement.id"))

    def width(self) -> tuple[int, int]:
        """The width of the page and of the window."""
        page, window = self.run("() => [document.documentElement.scrollWidth, window.innerWidth]")
        return page, window

    def tab_to(self, name: str) -> None:
        """Press Tab until the element with this id has the focus, as somebody without a mouse does."""
        for _ in range(400):
            if self.focused() == name:
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {name}")


OpenPage = Callable[..., Opened]


def open_page(browser: Any, address: str, *, width: int = 1280, color: str = "light", **options: Any) -> Opened:
    """Open an address in a window of its own; close it with `page.context.close()`."""
    window = {"width": width, "height": 900}
    context = browser.new_context(viewport=window, color_scheme=color, reduced_motion="reduce", **options)
    opened = Opened(context.new_page())
    opened.page.on("console", lambda message: opened.said.append(message.text))
    opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.add_init_script(f"({_WATCH})()")
    opened.page.goto(address)
    return opened
