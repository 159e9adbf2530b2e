"""Properties of a template: its variables, the keys that it reads, the clock, the source for tools."""

from __future__ import annotations

import pickle
from datetime import datetime

import jinja2.meta
import pyarrow as pa
import pytest
import reference
from chatmill import ChatTemplate, DataError, RowError
from transformers.utils import chat_template_utils

MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes", "thinking": "Hm"}]


@reference.needs_corpus
def test_variables_are_those_that_jinja2_finds() -> None:
    paths = sorted((reference.CORPUS / "corpus" / "templates").rglob("*.jinja"))[::20]
    assert len(paths) == 37
    for path in paths:
        source = path.read_bytes().decode("utf-8")
        environment = chat_template_utils._compile_jinja_template(source).environment
        expected = jinja2.meta.find_undeclared_variables(environment.parse(source))
        assert set(ChatTemplate(source).variables) == expected, path.name


def test_keys_read() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.content }}{{ m['name'] }}{{ m.get('thinking') }}{% endfor %}")
    assert template.keys_read(MESSAGES) == {"content": True, "name": False, "thinking": True}


def test_the_clock() -> None:
    template = ChatTemplate("{{ strftime_now('%d %b %Y') }}")
    assert template.reads_clock
    assert not ChatTemplate.named("chatml").reads_clock
    assert template.render(MESSAGES, now=reference.NOW) == "04 Jul 2026"
    before = datetime.now()  # noqa: DTZ005  (templates see no time zone)
    text = template.render(MESSAGES)
    assert text in [day.strftime("%d %b %Y") for day in (before, datetime.now())]  # noqa: DTZ005
    with pytest.raises(DataError, match="without a time zone"):
        template.render(MESSAGES, now=reference.NOW.astimezone())


def test_a_source_for_tools() -> None:
    template = ChatTemplate("plain", tool_use="{{ tools | length }} tools{{ eos_token }}", eos_token="</s>")
    for again in (template, pickle.loads(pickle.dumps(template)), template.with_special_tokens(eos_token="</s>")):
        assert again.render(MESSAGES) == "plain"
        assert again.render(MESSAGES, tools=[{"name": "clock"}]) == "1 tools</s>"
        assert (again.tool_use, again.fingerprint) == (template.tool_use, template.fingerprint)
    assert template.fingerprint != ChatTemplate("plain", eos_token="</s>").fingerprint


def test_a_batch_of_texts() -> None:
    template = ChatTemplate.named("chatml")
    rows = [{"messages": MESSAGES[: n % 2 + 1]} for n in range(70)]
    texts = [template.render(row["messages"], add_generation_prompt=True) for row in rows]
    table = pa.Table.from_pylist(rows)
    batch = template.render_batch(pa.concat_tables([table, table]), add_generation_prompt=True)
    assert len(batch) == 140
    assert pa.table(batch)["text"].to_pylist() == texts * 2
    assert pa.record_batch(batch).num_rows == 140
    with pytest.raises(RowError, match="row 1, message 0") as caught:
        template.render_batch(
            pa.table({"row": ['{"messages": [{"role": "user", "content": "x"}]}', '{"messages": [1]}']}),
            json_column="row",
        )
    assert caught.value.failure.row == 1
