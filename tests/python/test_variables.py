"""Fields of a format never reach a chat template, and a template profile depends only on the variables it reads."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from chatmill import ChatTemplate, Format, Mill
from format_rows import TOKENIZER

TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
PLAIN = "{% for m in messages %}" + TURN + "{% endfor %}" + PROMPT
#: The fields of alpaca as variables of the template.
FIELDS = "{{ instruction }}{{ input }}{{ output }}"
QUESTION = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]


def chat_formats() -> list[str]:
    """The formats whose rows go through the chat template."""
    return [
        f"{name}:{style}" if style else name
        for name in Format.names()
        for style in Format.styles(name) or [""]
        if Format.named(f"{name}:{style}" if style else name).needs_template
    ]


def test_fields_of_alpaca_print_nothing() -> None:
    row = {"instruction": "I", "input": "N", "output": "O"}
    plain, printing = (Mill(TOKENIZER, ChatTemplate(it), format="alpaca:messages") for it in (PLAIN, FIELDS + PLAIN))
    assert printing.encode(row).text == plain.encode(row).text
    mill = Mill(TOKENIZER, ChatTemplate("{{ output is defined }} " + PLAIN), format="alpaca:messages")
    assert mill.encode(row).text.startswith("False <|im_start|>")


@pytest.mark.parametrize("name", chat_formats())
def test_no_field_of_a_format_is_a_variable(name: str) -> None:
    form = Format.named(name)
    row = dict(form.example or {})
    fields = sorted({*row, *form.columns} - {"messages", "tools", "documents"})
    assert fields or name == "messages"
    seen = "".join(f"{{% if {field} is defined %}}{field}!{{% endif %}}" for field in fields)
    plain, looking = (Mill(TOKENIZER, ChatTemplate(it), format=form) for it in (PLAIN, seen + PLAIN))
    texts = [[sample.text for sample in mill.encode(row).samples] for mill in (plain, looking)]
    assert texts[0] == texts[1]
    assert texts[0]


def rows(count: int, **fields: Any) -> pa.Table:
    """Rows whose `fields` differ from row to row."""
    made = [{**{name: f"{value} {number}" for name, value in fields.items()}} for number in range(count)]
    return pa.table({"row": pa.array([json.dumps(row) for row in made])})


def test_a_profile_is_learned_once_for_100_000_rows_of_a_format() -> None:
    mill = Mill(TOKENIZER, ChatTemplate(PLAIN), format="alpaca:messages")
    out = mill(rows(100_000, instruction="I", input="N", output="O", other="X"), json_column="row")
    assert (out.num_rows_in, out.counts, mill.profiles_learned) == (100_000, {"proved": 100_000}, 1)


def test_a_profile_is_learned_once_for_100_000_rows_with_variables_that_the_template_does_not_read() -> None:
    mill = Mill(TOKENIZER, ChatTemplate(PLAIN))
    made = [{"messages": QUESTION, "chat_template_kwargs": {"id": number}} for number in range(100_000)]
    out = mill(pa.table({"row": [json.dumps(row) for row in made]}), json_column="row")
    assert (out.counts, mill.profiles_learned) == ({"proved": 100_000}, 1)


def test_a_variable_that_the_template_reads_has_a_profile_for_each_value() -> None:
    mill = Mill(TOKENIZER, ChatTemplate("{{ style }}" + PLAIN))
    made = [{"messages": QUESTION, "chat_template_kwargs": {"style": number % 3}} for number in range(1000)]
    out = mill(pa.table({"row": [json.dumps(row) for row in made]}), json_column="row")
    assert (out.counts, mill.profiles_learned) == ({"proved": 1000}, 3)


def test_the_least_recently_used_profile_is_dropped() -> None:
    """Rare values between frequent ones do not push out the profile that most rows use."""
    mill = Mill(TOKENIZER, ChatTemplate("{{ style }}" + PLAIN), threads=1)
    styles = [style for number in range(500) for style in ("usual", f"rare {number}")]
    made = [{"messages": QUESTION, "chat_template_kwargs": {"style": style}} for style in styles]
    out = mill(pa.table({"row": [json.dumps(row) for row in made]}), json_column="row")
    assert (out.counts, mill.profiles_learned) == ({"proved": 1000}, 501)
