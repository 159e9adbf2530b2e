"""Tests of the page of a report in Chromium: requests, errors, filters and search by keyboard, widths, colors, print.

They need Chromium and playwright: `make browser` installs both. Elsewhere they are skipped.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser_pages import CHROMIUM, CONTRASTS, Opened, OpenPage, open_page
from chatmill.reporting.model import ReportSample
from chatmill.reporting.page import page
from chatmill.text.visible import visible
from report_values import ALL_HOSTILE, AUDIT, AWKWARD, HOSTILE, full_report, full_samples, long_samples, other_report

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright; run `make browser`")
if CHROMIUM is None:
    pytest.skip("needs Chromium; run `make browser`, or set CHROMIUM to its path", allow_module_level=True)

SAMPLES = full_samples()
NUMBERS = list(range(1, len(SAMPLES) + 1))
WIDTHS = [320, 375, 640, 768, 1024, 1280, 1920, 2560]
COLORS = ["light", "dark"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        # A sandbox of its own does not start for root in a container.
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    assert shown.page.locator("article:visible").count() == len(SAMPLES)
    assert shown.page.locator("#controls:visible, #colors:visible, .more").count() == 0
    assert shown.page.locator("section:visible").count() == 8


# Samples by keyboard


def test_search_by_keyboard(opened: OpenPage) -> None:
    shown = opened()
    assert shown.shown() == NUMBERS
    shown.press("/")
    assert shown.focused() == "search"
    shown.page.keyboard.type("CAPITAL of")
    assert shown.shown() == [1]
    assert shown.page.locator("#shown").text_content() == "1 of 8 samples"
    assert shown.run("() => [...CSS.highlights.get('found')].map(String)") == ["capital of"]
    # Escape empties the search and gives the focus back, so that keys work again.
    shown.press("Escape")
    assert shown.shown() == NUMBERS
    assert shown.focused() != "search"
    assert not shown.run("() => CSS.highlights.has('found')")


def test_search_finds_a_text_over_several_regions(opened: OpenPage) -> None:
    shown = opened()
    shown.press("/")
    shown.page.keyboard.insert_text("user\nWhat is the capital of France?<|im_end|>")
    assert shown.shown() == []
    shown.press("Control+a")
    shown.page.keyboard.insert_text("France?<|im_end|>")
    assert shown.shown() == [1]
    assert shown.run("() => [...CSS.highlights.get('found')].map(String)") == ["France?<|im_end|>"]


def test_enter_goes_from_place_to_place(opened: OpenPage) -> None:
    shown = opened()
    shown.press("/")
    shown.page.keyboard.type("haystack")
    assert shown.run("() => CSS.highlights.get('found').size") == 120
    place = "() => [...CSS.highlights.get('here')][0].getBoundingClientRect().top"
    tops = []
    for key in ("Enter", *["Shift+Enter"] * 2, "Enter"):
        shown.press(key)
        # It is in the window, also if it was folded before; the window shows the first, the last, …
        assert 150 < shown.run(place) < 850
        tops.append(shown.run("() => window.scrollY"))
    first, last, before_last, last_again = tops
    assert first < before_last <= last == last_again
    assert shown.page.get_by_role("button", name="Show less of sample 3").count() == 1
    assert shown.focused() == "search"


def test_every_turn_of_a_long_sample_can_be_seen(opened: OpenPage) -> None:
    shown = opened()
    assert [it.is_visible() for it in shown.page.locator("#sample-3 .message").all()] == [True, True]
    boxes = [it.bounding_box() for it in shown.page.locator("#sample-3 .message").all()]
    assert [box["height"] <= 160 for box in boxes] == [True, True]
    assert shown.page.locator("#sample-3 .message.long").count() == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_search_for_hostile_texts(opened: OpenPage, name: str) -> None:
    shown = opened()
    shown.press("/")
    shown.page.keyboard.insert_text(visible(HOSTILE[name]))
    assert {2, 8} <= set(shown.shown())
    assert shown.run("() => CSS.highlights.get('found').size") >= 3


def test_a_search_without_a_result_says_so(opened: OpenPage) -> None:
    shown = opened()
    shown.press("/")
    shown.page.keyboard.type("no such words")
    assert shown.shown() == []
    assert "No sample fits" in shown.page.locator("#shown").text_content()
    shown.press("Escape", "j")
    assert shown.focused() == "sample-1"


def numbers_with(filter_name: str, value: str) -> list[int]:
    """The numbers of the samples that a filter leaves, from the report."""
    names = {"picked at random": "random", "least trained": "least_trained", "most turns": "most_turns"}
    wanted = names.get(value, value)
    has: dict[str, Callable[[ReportSample], bool]] = {
        "why": lambda it: wanted in (*it.why, it.code),
        "source": lambda it: it.source.startswith(value),
        "role": lambda it: it.row is not None and any(region.role == value for region in it.row.regions),
    }
    return [number for number, sample in enumerate(SAMPLES, start=1) if has[filter_name](sample)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("why", it) for it in ("picked at random", "control_text", "longest", "least trained", "most turns")),
        *(("why", it) for it in ("truncated", "rejected", "row_json", "hostile")),
        *(("source", it) for it in ("chats.jsonl", "more.jsonl", "<script>")),
        *(("role", it) for it in ("user", "assistant", "system", "tool")),
    ],
)
def test_each_filter_by_keyboard(opened: OpenPage, name: str, value: str) -> None:
    shown = opened()
    expected = numbers_with(name, value)
    assert expected
    assert len(expected) < len(SAMPLES)
    shown.tab_to(f"filter-{name}")
    # A letter chooses an option that begins with it, in a list that is closed.
    shown.page.keyboard.type(value[:12])
    assert shown.page.locator(f"#filter-{name} option:checked").text_content().startswith(value)
    assert shown.shown() == expected
    assert shown.page.locator("#shown").text_content() == f"{len(expected)} of 8 samples"
    shown.press("Escape")
    assert shown.shown() == NUMBERS


def test_a_role_leaves_only_its_texts(opened: OpenPage) -> None:
    shown = opened()
    shown.page.locator("#filter-role").select_option("tool")
    assert shown.shown() == [4]
    assert shown.page.locator("#sample-4 .region:visible").all_text_contents() == ["4"]
    shown.page.locator("#filter-role").select_option("")
    assert shown.page.locator("#sample-4 .region:visible").count() == 8


def test_filters_and_search_together(opened: OpenPage) -> None:
    shown = opened()
    shown.page.locator("#filter-why").select_option(label="picked at random")
    assert shown.shown() == [1, 2, 6]
    shown.page.locator("#filter-source").select_option(label="chats.jsonl")
    assert shown.shown() == [1, 2]
    shown.press("/")
    shown.page.keyboard.type("paris")
    assert shown.shown() == [1]
    shown.press("Escape")
    assert shown.shown() == [1, 2]
    shown.press("Escape")
    assert shown.shown() == NUMBERS


def test_reports_are_a_filter(opened: OpenPage) -> None:
    shown = opened("two")
    assert len(shown.shown()) == 10
    shown.page.locator("#filter-report").select_option(label="out/b")
    assert shown.shown() == [9, 10]


@pytest.mark.parametrize(("onward", "back"), [("j", "k"), ("ArrowRight", "ArrowLeft")])
def test_from_sample_to_sample(opened: OpenPage, onward: str, back: str) -> None:
    shown = opened()
    places = []
    for key in (onward, onward, onward, back, *[onward] * 9, back):
        shown.press(key)
        places.append(shown.focused())
    assert places == [f"sample-{number}" for number in (1, 2, 3, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 7)]
    box = shown.page.locator("#sample-7").bounding_box()
    controls = shown.page.locator("#controls").bounding_box()
    # The sample is in the window, below the controls that stay at its top.
    assert controls["y"] + controls["height"] <= box["y"] < 900
    shown.page.locator("#filter-source").select_option(label="chats.jsonl")
    shown.run("() => document.activeElement.blur()")
    shown.press(onward)
    assert shown.focused() == "sample-1"


def test_letters_in_a_field_are_letters(opened: OpenPage) -> None:
    shown = opened()
    shown.press("/")
    shown.page.keyboard.type("jk/ti")
    assert shown.page.locator("#search").input_value() == "jk/ti"
    assert shown.page.locator("#switch-tokens").is_checked() is False


def test_a_link_leads_to_a_sample_that_a_filter_hides(opened: OpenPage) -> None:
    shown = opened()
    shown.page.locator("#filter-why").select_option(label="longest")
    shown.page.get_by_role("link", name="See a row").press("Enter")
    shown.page.locator("#sample-4:focus").wait_for()
    assert shown.shown() == NUMBERS


def test_long_samples_open_by_keyboard(opened: OpenPage) -> None:
    shown = opened()
    button = shown.page.get_by_role("button", name="Show all of sample 3. chats.jsonl:3")
    before = shown.page.locator("#sample-3 .text").bounding_box()["height"]
    button.press("Enter")
    less = shown.page.get_by_role("button", name="Show less of sample 3. chats.jsonl:3")
    assert less.get_attribute("aria-expanded") == "true"
    assert shown.page.locator("#sample-3 .text").bounding_box()["height"] > 4 * before
    less.press("Enter")
    assert shown.page.locator("#sample-3 .text").bounding_box()["height"] == before
    # A short one has nothing more to show.
    assert shown.page.locator("#sample-1 button:visible").count() == 0


# Tokens


def test_borders_and_ids_of_tokens(opened: OpenPage) -> None:
    shown = opened()
    text = "() => document.querySelector('#sample-{}').innerHTML"
    before = [shown.run(text.format(number)) for number in (1, 4)]
    words = shown.run("() => document.querySelector('#sample-4 .text').textContent")
    shown.press("j", "i", "j", "j", "j")
    shown.page.locator("#sample-4 .token").first.wait_for()
    ids = shown.run("() => [...document.querySelectorAll('#sample-4 .token')].map((it) => it.dataset.id).join(' ')")
    expected = [str(id_) for region in AWKWARD.regions for it in region.spans for id_ in it.ids]
    assert ids.split() == expected
    # 😀 ends two tokens; the text itself is the same.
    last = shown.page.locator("#sample-4 .region[data-kind=content][data-message='4'] .token")
    assert last.all_text_contents() == ["It is", " 4 😀"]
    assert last.last.get_attribute("title") == "tokens 12 13"
    assert shown.run("() => document.querySelector('#sample-4 .text').textContent") == words
    drawn = shown.run("() => getComputedStyle(document.querySelector('#sample-4 .token'), '::after').content")
    assert drawn == '"1"'
    shown.press("i")
    for number, html in zip((1, 4), before, strict=True):
        assert shown.run(text.format(number)).replace(' class="sample current"', "") == html
    assert shown.page.locator(".token").count() == 0


def test_search_finds_texts_that_are_divided_into_tokens(opened: OpenPage) -> None:
    shown = opened()
    shown.press("t", "j")
    shown.page.locator("#sample-1 .token").nth(8).wait_for()
    shown.press("/")
    shown.page.keyboard.type("capital of france")
    assert shown.shown() == [1]
    assert shown.run("() => [...CSS.highlights.get('found')].map(String)") == ["capital of France"]


def test_tokens_of_a_page_of_two_megabytes(opened: OpenPage) -> None:
    shown = opened("long")
    shown.press("t")
    shown.press("j")
    shown.page.locator("#sample-1 .token").first.wait_for()
    # Only samples near the window are divided.
    assert shown.run("() => document.querySelectorAll('article:has(.token)').length") < 10
    shown.page.locator("#sample-50").scroll_into_view_if_needed()
    shown.page.locator("#sample-50 .token").first.wait_for()
    shown.press("/")
    shown.page.keyboard.type("word word")
    assert len(shown.shown()) == 50
    assert shown.run("() => CSS.highlights.get('found').size") == 1000


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
