"""Tests of the samples of a page in Chromium, by keyboard: search, each filter, from sample to sample, tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_pages import OpenPage, need_browser
from chatmill.reporting.model import ReportSample
from chatmill.text.visible import visible
from report_values import AWKWARD, HOSTILE, full_samples

pytest_plugins = ("browser_fixtures",)
need_browser()

SAMPLES = full_samples()
NUMBERS = list(range(1, len(SAMPLES) + 1))


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
