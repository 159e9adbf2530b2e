"""Renders compared case by case with those of transformers, including `continue_final_message`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import reference
from chatmill import ChatmillError, ChatTemplate, DataError

MESSAGES = [{"role": "user", "content": "U"}, {"role": "assistant", "content": "An answer\n"}]
PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"


SEMANTICS = reference.fixture("hf_render_semantics")
CONTINUED = reference.fixture("hf_continue_final_message")


@reference.needs_corpus
def test_all_fixtures_are_there() -> None:
    """Each case has a text or an error of transformers, and no case is lost."""
    for cases, texts, errors in ((SEMANTICS, 32, 4), (CONTINUED, 9, 4)):
        assert sum("rendered" in case for case in cases) == texts
        assert sum("rendered" not in case and "error" in case for case in cases) == errors
        assert len(cases) == texts + errors


@reference.needs_corpus
@pytest.mark.parametrize("case", SEMANTICS, ids=lambda case: str(case["case"]))
def test_what_the_environment_prints(case: dict[str, Any]) -> None:
    if "rendered" in case:
        assert ChatTemplate(case["chat_template"]).render(case["messages"], **case["kwargs"]) == case["rendered"]
    else:
        # transformers compiles a template when it renders it, so chatmill may raise the error earlier.
        with pytest.raises(ChatmillError):
            ChatTemplate(case["chat_template"]).render(case["messages"], **case["kwargs"])


@reference.needs_corpus
@pytest.mark.parametrize("case", CONTINUED)
def test_continued_messages(case: dict[str, Any]) -> None:
    template = ChatTemplate(case["chat_template"])
    options = {"continue_final_message": case["continue_final_message"]}
    if "rendered" in case:
        assert template.render(case["messages"], **options) == case["rendered"]
    else:
        with pytest.raises(ChatmillError, match="continue_final_message"):
            template.render(case["messages"], **options)


def test_a_message_is_continued() -> None:
    template = ChatTemplate(PLAIN)
    assert template.render(MESSAGES, continue_final_message=True) == "<user>U</><assistant>An answer\n"
    assert template.render(MESSAGES, continue_final_message="content") == "<user>U</><assistant>An answer\n"
    assert template.render(MESSAGES, continue_final_message=False) == template.render(MESSAGES)
    trimming = ChatTemplate(PLAIN.replace("m.content", "m.content | trim"))
    assert trimming.render(MESSAGES, continue_final_message=True) == "<user>U</><assistant>An answer"
    parts: list[dict[str, Any]] = [
        dict(MESSAGES[0]),
        {"role": "assistant", "content": [{"type": "text", "text": "An"}, {"type": "image"}]},
    ]
    listing = ChatTemplate(
        "{% for m in messages %}{{ m.content if m.content is string else m.content[0].text }}.{% endfor %}"
    )
    assert listing.render(parts, continue_final_message=True) == "U.An"


def test_what_cannot_be_continued() -> None:
    template = ChatTemplate(PLAIN)
    with pytest.raises(DataError, match="has no `name`"):
        template.render(MESSAGES, continue_final_message="name")
    with pytest.raises(DataError, match="exclude each other"):
        template.render(MESSAGES, continue_final_message=True, add_generation_prompt=True)
    with pytest.raises(ChatmillError, match="drops or changes"):
        ChatTemplate("{{ messages[0].content }}").render(MESSAGES, continue_final_message=True)


def test_tools_as_json_text() -> None:
    template = ChatTemplate("{% for t in tools %}{{ t.function.name }};{% endfor %}")
    tool = {"type": "function", "function": {"name": "clock"}}
    for tools in ([tool], [json.dumps(tool)], json.dumps([tool]), json.dumps([json.dumps(tool)])):
        assert template.render(MESSAGES, tools=tools) == "clock;"
    with pytest.raises(DataError, match="a tool must be a JSON schema"):
        template.render(MESSAGES, tools=["[1]"])


def test_tools_as_functions() -> None:
    def clock(zone: str, seconds: bool = False) -> str:
        """The time.

        Args:
            zone: Where.
            seconds: Whether to tell the seconds.
        """
        return zone + str(seconds)

    template = ChatTemplate("{{ tools | tojson }}")
    expected = reference.render(template.source, MESSAGES, tools=[clock])
    assert template.render(MESSAGES, tools=[clock]) == expected


def test_errors_name_their_place() -> None:
    template = ChatTemplate("{% for m in messages %}\n{{ m.content + m.name }}{% endfor %}", name="mine")
    with pytest.raises(ChatmillError) as caught:
        template.render(MESSAGES)
    error = caught.value
    assert (error.code, error.message, error.template_line) == ("template_failed", 0, 2)
    assert "'dict object' has no attribute 'name' (in `m.content + m.name` of the template mine)" in str(error)


def test_raise_exception_says_what_it_says() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}\n{{ raise_exception('no <way>') }}")
    with pytest.raises(ChatmillError) as caught:
        template.render(MESSAGES)
    assert (caught.value.code, caught.value.template_line) == ("template_raised", 2)
    assert str(caught.value) == "message 1, template line 2: no <way>"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a\n{% if %}x{% endif %}", "2 | {% if %}x{% endif %}\n    |       ^^"),
        ("{{ 'x' | nofilter }}", "No filter named 'nofilter'.\n  1 | {{ 'x' | nofilter }}"),
        (
            "{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
            "'break' outside of a loop",
        ),
        ("{% do messages.append(1) %}", "Encountered unknown tag 'do'."),
        ("\n\n{% generation %}", "3 | {% generation %}"),
    ],
)
def test_compile_errors_show_the_line(source: str, shown: str) -> None:
    with pytest.raises(ChatmillError) as caught:
        ChatTemplate(source)
    assert shown in str(caught.value)
    assert caught.value.code == "template_syntax"
