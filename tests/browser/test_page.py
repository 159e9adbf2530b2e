"""Tests of the page of a report in Chromium: what it asks for, what runs in it, widths, colors, print, names.

They need Chromium and playwright: `make browser` installs both. Elsewhere they are skipped.
"""

from __future__ import annotations

import os
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser_pages import CONTRASTS, OpenPage, need_browser, open_page
from chatmill.text.visible import visible
from report_values import ALL_HOSTILE, full_samples

pytest_plugins = ("browser_fixtures",)
need_browser()

WIDTHS = [320, 375, 640, 768, 1024, 1280, 1920, 2560]
COLORS = ["light", "dark"]


# What the page asks for, and what runs in it


@pytest.mark.parametrize("name", ["one", "two", "long", "none", "audit"])
def test_no_request_and_no_error(opened: OpenPage, name: str) -> None:
    shown = opened(name)
    shown.page.wait_for_timeout(300)
    assert shown.run("() => window.violations") == []


class Server(BaseHTTPRequestHandler):
    """Serves one page, and notes each request."""

    def __init__(self, body: bytes, paths: list[str], *arguments: Any) -> None:
        self.body, self.paths = body, paths
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""


def test_a_server_is_asked_for_the_page_only(browser: Any, pages: Path) -> None:
    paths: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, (pages / "one.html").read_bytes(), paths))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    shown = open_page(browser, address + "report.html")
    # What a text of a row could do if it were HTML, or if it reached the script: the policy forbids it.
    tries = {
        "image": "img-src",
        "script": "script-src-elem",
        "style": "style-src-attr",
        "frame": "frame-src",
        "fetch": "connect-src",
        "handler": "script-src-attr",
    }
    shown.run(
        """async (address) => {
          const add = (html) => document.body.append(document.createRange().createContextualFragment(html));
          add(`<img src="${address}image">`);
          add(`<script>document.title = "taken"</` + `script><script src="${address}script"></` + `script>`);
          add(`<p style="color: red">`);
          add(`<iframe src="${address}frame"></iframe>`);
          add(`<button id="handler" onclick="document.title = 'taken'">`);
          document.getElementById("handler").click();
          await fetch(address + "fetch").catch(() => {});
        }""",
        address,
    )
    shown.page.wait_for_timeout(300)
    assert set(shown.run("() => window.violations")) == set(tries.values())
    assert shown.page.title() == "chatmill: out/train"
    assert paths == ["/report.html"]
    shown.page.context.close()
    server.shutdown()
    server.server_close()


def test_hostile_texts_are_texts(opened: OpenPage) -> None:
    shown = opened()
    assert shown.page.title() == "chatmill: out/train"
    assert shown.run("() => document.querySelectorAll('img, iframe, object, textarea, [onmouseover]').length") == 0
    assert shown.run("() => [document.scripts.length, document.styleSheets.length]") == [1, 1]
    assert shown.run("() => document.querySelectorAll('main a').length") == 1
    text = shown.run("() => document.querySelector('#sample-2 .text').textContent")
    assert text.count(visible(ALL_HOSTILE)) == 2


def test_without_scripts_everything_can_be_read(opened: OpenPage) -> None:
    shown = opened(java_script_enabled=False)
    assert shown.page.locator("article:visible").count() == len(full_samples())
    assert shown.page.locator("#controls:visible, #colors:visible, .more").count() == 0
    assert shown.page.locator("section:visible").count() == 9


# Looks


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("name", ["one", "two", "long", "audit"])
def test_no_width_scrolls_sideways(opened: OpenPage, name: str, color: str) -> None:
    shown = opened(name, color=color)
    seen = []
    for width in WIDTHS:
        shown.page.set_viewport_size({"width": width, "height": 900})
        seen.append(shown.width())
    shown.run("() => document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    shown.press("i")
    shown.page.locator("#switch-kinds").check()
    for width in WIDTHS:
        shown.page.set_viewport_size({"width": width, "height": 900})
        seen.append(shown.width())
    assert seen == [(width, width) for width in WIDTHS] * 2


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("name", ["two", "audit"])
def test_contrast(opened: OpenPage, name: str, color: str) -> None:
    shown = opened(name, color=color)
    shown.run("() => document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    found = shown.run(CONTRASTS)
    assert found["measured"] > 500
    assert found["low"] == []


@pytest.mark.parametrize("color", COLORS)
def test_colors_follow_the_system_and_the_choice(opened: OpenPage, color: str) -> None:
    shown = opened(color=color)
    paper = "() => getComputedStyle(document.body).backgroundColor"
    seen = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 29)"}
    assert shown.run(paper) == seen[color]
    for choice in ("dark", "light"):
        shown.page.locator("#colors").select_option(choice)
        assert shown.run(paper) == seen[choice]
    shown.page.locator("#colors").select_option("")
    assert shown.run(paper) == seen[color]


@pytest.mark.parametrize("color", COLORS)
def test_print(opened: OpenPage, color: str) -> None:
    shown = opened(color=color)
    shown.page.locator("#filter-why").select_option(label="longest")
    shown.page.emulate_media(media="print")
    assert shown.run("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.page.locator("nav:visible, #controls:visible, #colors:visible, button:visible").count() == 0
    assert shown.shown() == [3]
    note = shown.run("() => getComputedStyle(document.querySelector('#sample-3'), '::after').content")
    assert "Show all" in note
    assert shown.page.pdf(format="A4").startswith(b"%PDF")
    assert shown.width() == (1280, 1280)


@pytest.mark.parametrize("name", ["two", "audit"])
def test_everything_that_can_be_used_has_a_name(opened: OpenPage, name: str) -> None:
    shown = opened(name)
    nodes = shown.page.context.new_cdp_session(shown.page).send("Accessibility.getFullAXTree")["nodes"]
    used = {"button", "link", "combobox", "searchbox", "checkbox", "DisclosureTriangle", "region", "img", "image"}
    found = [(it["role"]["value"], it["name"]["value"]) for it in nodes if it.get("role", {}).get("value") in used]
    assert {role for role, _ in found} >= {"button", "link", "combobox", "searchbox", "checkbox", "region"}
    assert [role for role, accessible in found if not accessible.strip()] == []
    focusable = [
        it for it in nodes if any(p["name"] == "focusable" and p["value"]["value"] for p in it.get("properties", []))
    ]
    assert len(focusable) > 30
    assert [it["role"]["value"] for it in focusable if not it["name"]["value"].strip()] == []


def test_pictures_of_the_page(opened: OpenPage, tmp_path: Path) -> None:
    """Pictures to look at: `make browser` leaves them in build/browser/pictures."""
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, color in [
        ("one", 1280, "light"),
        ("one", 1280, "dark"),
        ("one", 320, "light"),
        ("two", 1920, "dark"),
    ]:
        shown = opened(name, width=width, color=color)
        shown.page.screenshot(path=folder / f"{name}-{width}-{color}.png", full_page=True)
        shown.press("i", "j", "j", "j", "j")
        shown.page.locator("#sample-4 .token").first.wait_for()
        shown.page.screenshot(path=folder / f"{name}-{width}-{color}-tokens.png")
    assert len(list(folder.glob("*.png"))) >= 8
