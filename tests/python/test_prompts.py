"""`Prompt`: prompts with placeholders of their own. `tests/trainers/agents.py` compares them with transformers' own."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Format, Mill, Prompt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def search(query: str, limit: int = 3) -> str:
    """Searches the web, and says "found".

    Args:
        query: What to search for, e.g. {{ it's }} <<task>>.
        limit: The most results.

    Returns:
        The results.
    """
    return query * limit


ADD = {"type": "function", "function": {"name": "add", "description": "Adds two\nnumbers."}}
TOOLS = [search, ADD, json.dumps({"name": "stop", "description": ""})]
# The template of transformers 4.46, whose line break at the end Jinja drops.
WITH_INPUTS = """
- {{ tool.name }}: {{ tool.description }}
    Takes inputs: {{tool.inputs}}
    Returns an output of type: {{tool.output_type}}
"""


def test_the_prompts_of_the_first_agents() -> None:
    prompt = Prompt('Tools:\n<<all_tools>>\n\nTask: "<<prompt>>"\n<<prompt>><<')
    assert prompt.names == ("all_tools", "prompt")
    expected = (
        'Tools:\n- search: Searches the web, and says "found".\n- add: Adds two\nnumbers.\n- stop: \n\n'
        'Task: "Is <<all_tools>> {{ 1 }}?"\nIs <<all_tools>> {{ 1 }}?<<'
    )
    assert prompt.fill(tools=TOOLS, prompt="Is <<all_tools>> {{ 1 }}?") == expected
    chat = Prompt("\nHuman: <<task>>\n\nAssistant: ")
    assert chat.fill(task="Hi\n") == "\nHuman: Hi\n\n\nAssistant: "


def test_the_prompts_of_the_later_agents() -> None:
    prompt = Prompt("Only these: <<tool_names>>.\n<<tool_descriptions>>\nImports: <<authorized_imports>>\n")
    expected = (
        "Only these: 'search'.\n\n"
        '- search: Searches the web, and says "found".\n'
        "    Takes inputs: {'query': {'type': 'string', 'description': "
        '"What to search for, e.g. {{ it\'s }} <<task>>."}, '
        "'limit': {'type': 'integer', 'description': 'The most results.'}}\n"
        "    Returns an output of type: string\nImports: ['re']\n"
    )
    assert prompt.fill(tools=[search], tool_template=WITH_INPUTS, authorized_imports=str(["re"])) == expected
    assert Prompt("<<tool_names>>|<<tools>>|").fill(tools=[]) == "||"


names = st.sampled_from(["task", "all_tools", "x", "tool_names", "a_1"])
delimiters = st.sampled_from(
    [("<<", ">>"), ("{", "}"), ("{{", "}}"), ("[[", "]]"), ("%", "%"), ("$(", ")"), ("\\b", "\\e")]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parts=st.lists(names | st.sampled_from([".", " \n", "{%- 1 -%}", "'\"", "é", "\\"])),
    delimiters=delimiters,
    data=st.data(),
)
def test_filling_equals_replacing(parts: list[str], delimiters: tuple[str, str], data: st.DataObject) -> None:
    known = {"task", "all_tools", "x", "tool_names", "a_1"}
    text = "|".join(part.join(delimiters) if part in known else part for part in parts)
    prompt = Prompt(text, delimiters)
    assert prompt.names == tuple(dict.fromkeys(part for part in parts if part in known))
    values = {name: data.draw(st.text()) for name in prompt.names}
    expected = "|".join(values.get(part, part) for part in parts)
    assert prompt.fill(**values) == expected
    assert pickle.loads(pickle.dumps(prompt)).fill(**values) == expected


def test_text_that_is_not_a_placeholder_stays() -> None:
    text = 'Is 1 << 2 >> 3? Is {"a": <<1>>} or <<>> or << >> or <</SYS>>? <<<x>>>'
    assert Prompt(text).names == ("x",)
    assert Prompt(text).fill(x="y") == text.replace("<<x>>", "y")
    assert Prompt('{"a": {b}, "c": {}}', ("{", "}")).fill(b="<b>") == '{"a": <b>, "c": {}}'


@pytest.mark.parametrize(
    ("text", "delimiters", "error"),
    [
        ("a\n <<task >>", ("<<", ">>"), "line 2, column 2 of the prompt: `<<task >>` is not a placeholder, because"),
        ("<<tool-names>>", ("<<", ">>"), "line 1, column 1 of the prompt: `<<tool-names>>` is not a placeholder"),
        ("x << y >> z", ("<<", ">>"), "choose other `delimiters`"),
        ("<<tool_template>>", ("<<", ">>"), "has the name of an argument of `fill`; rename it"),
        ("a", ("", ">>"), 'give two texts, such as ("<<", ">>")'),
        ("a", "<<", "`delimiters` is '<<'; give two texts"),
        ("a", ("<<",), "give two texts"),
        ("a", (1, 2), "`delimiters` of a prompt has 1, which is not a text"),
        (None, ("<<", ">>"), "`text` of a prompt has None, which is not a text"),
    ],
)  # fmt: skip
def test_prompts_that_are_refused(text: Any, delimiters: Any, error: str) -> None:
    with pytest.raises(DataError, match=re.escape(error)):
        Prompt(text, delimiters)


PROMPT = "Tools:\n  <<all_tools>>\n<<task>>, <<task>>"


@pytest.mark.parametrize(
    ("text", "given", "error"),
    [
        (PROMPT, {"tools": [ADD]}, "placeholders without a value: `<<task>>` at line 3, column 1; give task=…"),
        (PROMPT, {"task": "a"}, "`<<all_tools>>` at line 2, column 3; give tools=[…] or all_tools=…"),
        (PROMPT, {"tools": [], "tsak": "a"}, "the prompt has no placeholder `<<tsak>>`; did you mean 'task'?"),
        (PROMPT, {"tools": [], "other": "a"}, "`<<other>>`; its placeholders: all_tools, task"),
        (PROMPT, {"tools": [], "task": 3}, "the value of `<<task>>` is of type int; give a text, such as task=str(…)"),
        (PROMPT, {"tools": [], "all_tools": "a", "task": "a"}, "`<<all_tools>>` has a value, and `tools` describes it"),
        ("<<task>>", {"tools": [ADD], "task": "a"}, "the prompt has no placeholder for tools; add one such as"),
        ("<<tools>>", {"tools": "search"}, "`tools` is of type str; give a list of functions or JSON schemas"),
        ("<<tools>>", {"tools": ADD}, "`tools` is of type dict; give a list"),
        ("<<tools>>", {"tools": [3]}, "tool 0 is 3, of type int"),
        ("<<tools>>", {"tools": ["search"]}, "tool 0 is a text that is not JSON"),
        ("<<tools>>", {"tools": ["[]"]}, "tool 0 is not a JSON schema"),
        ("<<tools>>", {"tools": [ADD, {"name": "b"}]}, "tool 1 has no text as `description`"),
        ("<<tools>>", {"tools": [ADD, search, ADD]}, "tools 0 and 2 have the same name, 'add'"),
        ("<<tools>>", {"tools": [ADD], "tool_template": "{{ tool.nmae }}"}, "`tool.nmae`, which the tool 'add'"),
        ("<<tools>>", {"tools": [ADD], "tool_template": WITH_INPUTS}, "`tool.output_type`, which the tool 'add'"),
        ("<<tools>>", {"tools": [ADD], "tool_template": "{{ name }}"}, "`tool_template` reads `name`; it has only"),
        ("<<tools>>", {"tools": [ADD], "tool_template": "{% if %}"}, "cannot describe the tool 'add'"),
    ],
)  # fmt: skip
def test_values_that_are_refused(text: str, given: dict[str, Any], error: str) -> None:
    with pytest.raises(DataError, match=re.escape(error)):
        Prompt(text).fill(**given)


def test_a_template_may_mention_the_word_tool_and_walk_over_its_inputs() -> None:
    template = "See tool.md: {% for name, it in tool['inputs'].items() %}{{ name }}={{ it.type }};{% endfor %}"
    assert Prompt("<<tools>>").fill([search], template) == "See tool.md: query=string;limit=integer;"


def format_of(content: Any, **fields: str) -> dict[str, Any]:
    return {
        "fields": {"task": "text", "answer": "text", **fields},
        "messages": [
            {"role": "system", "content": content},
            {"role": "user", "content": "{{ task }}"},
            {"role": "assistant", "content": "{{ answer }}"},
        ],
    }


TEMPLATE = ChatTemplate("{% for message in messages %}{{ message.role }}:{{ message.content }}|{% endfor %}")


def test_a_prompt_as_the_system_message_of_a_format_file(tmp_path: Path) -> None:
    text = "{{ It's }} {% raw %}\n<<all_tools>>\nTask: <<task>>\n\n<<who>>\n"
    content = {"prompt": text, "tools": [ADD], "values": {"who": "{# me #}\\n"}}
    file = tmp_path / "agents.yaml"
    file.write_text(yaml.safe_dump(format_of(content)), "utf-8")
    row = {"task": "Say {{ hi }} <<who>>", "answer": "hi"}
    encoding = Mill(byte_tokenizer(), TEMPLATE, format=str(file)).encode(row)
    system = Prompt(text).fill(tools=[ADD], task=row["task"], who="{# me #}\\n")
    assert encoding.text == f"system:{system}|user:{row['task']}|assistant:hi|"
    other = format_of({"prompt": "[task]", "delimiters": ["[", "]"]})
    assert Mill(byte_tokenizer(), TEMPLATE, format=other).encode(row).text.startswith("system:Say {{ hi }} <<who>>|")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_same_in_a_format(text: str) -> None:
    mill = Mill(
        byte_tokenizer(),
        TEMPLATE,
        format=format_of({"prompt": "A [task] B", "values": {"task": text}, "delimiters": ["[", "]"]}),
    )
    assert mill.encode({"task": "t", "answer": "a"}).text == f"system:A {text} B|user:t|assistant:a|"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"prompt": "<<tsk>>"}, "the placeholder 'tsk' of a prompt has no value, and is not a field; did you"),
        ({"prompt": "<<all_tools>>"}, "add it to `values`, or give `tools` if it is about tools"),
        ({"prmpt": "a"}, "the content of a message has no key 'prmpt'; did you mean 'prompt'?"),
        ({"values": {}}, "the content of a message is an object without `prompt`"),
        ({"prompt": "a", "values": ["b"]}, "the `values` of a prompt are ['b']"),
        ({"prompt": "a", "values": {"b": "c"}}, "the prompt has no placeholder `<<b>>`"),
        ({"prompt": "<<task >>"}, "line 1, column 1 of the prompt"),
        ({"prompt": 3}, "which is not a text"),
    ],
)  # fmt: skip
def test_prompts_of_formats_that_are_refused(content: Any, error: str) -> None:
    with pytest.raises(DataError, match=re.escape(error)) as raised:
        Format.of({"name": "quiz", **format_of(content)})
    assert str(raised.value).startswith("format quiz: ")
