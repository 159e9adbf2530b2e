"""Findings of lint: each in a template with the problem, not in templates without it; and in real templates."""

# ruff: noqa: E501  # small templates are on one line
from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import chatmill
import pytest
import reference
from chatmill import ChatTemplate, Finding
from chatmill.lint import lint_source, lint_template
from reference import needs_corpus

# ChatML with tags, which has no findings except notes.
GOOD = """\
{%- for m in messages %}
    {%- if m.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- generation %}
            {{- '<think>' + m.reasoning_content + '</think>' if m.reasoning_content }}
            {%- set parts = m.content and m.content is not string %}
            {{- m.content | map(attribute='text') | join if parts else m.content or '' }}
            {%- for call in m.tool_calls or [] %}
                {{- '<call>' + call.function.name + ' ' }}
                {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}
                {{- '</call>' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\\n' }}
    {%- else %}
        {{- '<|im_start|>' + m.role + '\\n' }}
        {{- m.content if m.content is string else m.content | map(attribute='text') | join }}
        {{- '\\n' ~ (tools | tojson) if tools and loop.first }}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
PLAIN = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def found(source: str, **options: Any) -> dict[str, Finding]:
    return {finding.code: finding for finding in lint_source(source, **options)}


def changed(*replacements: tuple[str, str]) -> str:
    source = GOOD
    for old, new in replacements:
        assert old in source, f"the template has no {old!r}"
        source = source.replace(old, new)
    return source


def plain(*replacements: tuple[str, str]) -> str:
    source = PLAIN
    for old, new in replacements:
        assert old in source, f"the template has no {old!r}"
        source = source.replace(old, new)
    return source


def test_a_good_template_has_notes_only() -> None:
    findings = lint_source(GOOD)
    assert [finding for finding in findings if finding.level != "note"] == []


# A code, its level, a template with this finding, and a part of the example.
CASES: list[tuple[str, str, str, str]] = [
    ("fails", "error", "{{ messages[0].content + 1 }}", "can only concatenate"),
    ("refuses", "error", "{{ raise_exception('never') }}", "never"),
    ("content-dropped", "error", "{% for m in messages %}{{ m.role }}\n{% endfor %}", "user assistant"),
    ("needs-parts", "error", plain(("m.content", "'' + m.content[0].text")), "has no attribute 'text'"),
    ("stop-token-missing", "warning", plain(("<|end|>", "\n")), "1642 metres deep.\\n"),
    ("stop-token-differs", "warning", plain(("<|end|>", "{{ '<|stop|>' if loop.last else '<|end|>' }}")), "<|stop|>"),
    ("stop-token-not-eos", "note", plain(("<|end|>", "<|end|>{{ '' if eos_token }}")), "<|end|>"),
    ("labels-unproved", "error", plain(("{% if add_generation_prompt %}<|assistant|>", "{% if add_generation_prompt %}Now you.")), "header_mismatch"),
    ("no-generation-tags", "note", PLAIN, ""),
    ("stop-token-untrained", "error", changed(("{{- '<|im_end|>' }}\n        {%- endgeneration %}\n", "{%- endgeneration %}\n{{- '<|im_end|>' }}")), "<|im_end|>"),
    ("header-trained", "warning", changed(("{{- '<|im_start|>assistant\\n' }}\n        {%- generation %}", "{%- generation %}\n{{- '<|im_start|>assistant\\n' }}")), "assistant"),
    ("trailing-trained", "note", changed(("'<|im_end|>' }}\n        {%- endgen", "'<|im_end|>\\n' }}\n        {%- endgen"), ("        {{- '\\n' }}\n", "")), "<|im_end|>"),
    ("answer-untrained", "warning", changed(("{{- m.content |", "{%- endgeneration %}{{- m.content |"), ("{%- for call", "{%- generation %}{%- for call")), "Baikal"),
    ("question-trained", "error", "{% for m in messages %}{% generation %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endgeneration %}{% endfor %}", "Lake Baikal"),
    ("not-prefix-stable", "warning", plain(("{{ m.content }}", "{{ m.content }}{{ '!' if loop.last }}")), "after 1 of 4 messages"),
    ("prompt-unasked", "warning", plain(("{% if add_generation_prompt %}<|assistant|>{% endif %}", "<|assistant|>")), "<|end|><|assistant|>"),
    ("prompt-missing", "warning", plain(("{% if add_generation_prompt %}<|assistant|>{% endif %}", "")), "<|end|>"),
    ("prompt-longer", "warning", plain(("<|assistant|>", "<|assistant|><think>")), "<|assistant|><think>"),
    ("prompt-shorter", "note", plain(("{{ m.content }}", "{{ '<think></think>' if m.role == 'assistant' }}{{ m.content }}")), "<think></think>"),
    ("prompt-differs", "warning", plain(("{% if add_generation_prompt %}<|assistant|>", "{% if add_generation_prompt %}<|model|>")), "<|model|>"),
    ("reasoning-ignored", "note", PLAIN, "Vostok is 510"),
    ("reasoning-dropped", "warning", changed(("if m.reasoning_content }}", "if m.reasoning_content and loop.last }}")), "Baikal is"),
    ("reasoning-refused", "note", changed(("{%- generation %}", "{{- raise_exception('no thoughts') if m.reasoning_content }}{%- generation %}")), "no thoughts"),
    ("reasoning-fails", "warning", changed(("m.reasoning_content + '</think>'", "m.reasoning_content + 1")), "concatenate"),
    ("think-dropped", "warning", plain(("m.content", "m.content.split('</think>')[-1]")), "Baikal"),
    ("tools-ignored", "warning", PLAIN, "<|end|>"),
    ("tools-refused", "note", PLAIN + "{{ raise_exception('no tools') if tools }}", "no tools"),
    ("tools-fail", "warning", PLAIN + "{{ tools[0].nothing.at_all if tools }}", "nothing"),
    ("tool-calls-ignored", "warning", PLAIN, "Sounded"),
    ("tool-calls-refused", "note", changed(("{{- '<call>'", "{{- raise_exception('no calls') }}{{- '<call>'")), "no calls"),
    ("tool-calls-fail", "warning", changed(("{{- '<call>'", "{{- call.nothing.at_all }}{{- '<call>'")), "nothing"),
    ("tool-result-dropped", "warning", changed(("{{- m.content if m", "{{- '' if m.role == 'tool' else m.content if m")), "Tanganyika"),
    ("parallel-calls-refused", "note", changed(("{{- '<call>'", "{{- raise_exception('one call') if not loop.first }}{{- '<call>'")), "one call"),
    ("parallel-calls-fail", "warning", changed(("{{- '<call>'", "{{- loop.previtem.nothing.at_all if not loop.first }}{{- '<call>'")), "nothing"),
    ("tool-arguments-string-dropped", "warning", changed(("call.function.arguments if call.function.arguments is string", "'' if call.function.arguments is string")), "look_up_depth"),
    ("tool-arguments-double-escaped", "warning", changed(("call.function.arguments if call.function.arguments is string else ", "")), '{\\\\"lake\\\\"'),
    ("tool-arguments-string-fails", "warning", changed(("call.function.arguments if call.function.arguments is string else call.function.arguments | tojson", "call.function.arguments.items() | list | tojson")), "items"),
    ("tool-arguments-dict-fails", "warning", changed(("call.function.arguments if call.function.arguments is string else call.function.arguments | tojson", "'' + call.function.arguments")), "concatenate"),
    ("tool-arguments-dict-dropped", "warning", changed(("call.function.arguments | tojson", "''")), "look_up_depth"),
    ("tool-arguments-python", "warning", changed(("arguments | tojson", "arguments")), "{'lake': 'Tanganyika'"),
    ("null-content-printed", "warning", changed(("m.content or ''", "m.get('content')")), "None"),
    ("null-content-fails", "warning", changed(("m.content or ''", "'' + m.content")), "no attribute 'content'"),
    ("system-dropped", "warning", plain(("{{ m.content }}", "{{ m.content if m.role != 'system' }}")), "Baikal"),
    ("message-dropped", "warning", plain(("{{ m.content }}", "{{ m.content if m.role != 'developer' }}")), "Baikal"),
    ("message-refused", "note", plain(("{{ m.content }}", "{{ m.content }}{{ raise_exception('no such role') if m.role == 'developer' }}")), "no such role"),
    ("message-fails", "warning", plain(("{{ m.content }}", "{{ m.content }}{{ m.x.y if m.role == 'developer' }}")), "no attribute 'x'"),
    ("system-merged", "note", "{% for m in messages %}{% if m.role == 'system' %}{% elif m.role == 'user' %}<|user|>{{ messages[0].content + '\n\n' if loop.index0 == 1 and messages[0].role == 'system' }}{{ m.content }}<|end|>{% else %}<|assistant|>{{ m.content }}<|end|>{% endif %}{% endfor %}", "limnologist"),
    ("parts-printed", "warning", PLAIN, "[{'type'"),
    ("parts-dropped", "warning", plain(("{{ m.content }}", "{{ m.content if m.content is string }}")), "<|user|>"),
    ("parts-fail", "note", plain(("m.content", "'' + m.content")), "concatenate"),
    ("parts-refused", "note", plain(("{{ m.content }}", "{{ m.content if m.content is string else raise_exception('text only') }}")), "text only"),
    ("content-trimmed", "note", plain(("m.content", "m.content | trim")), "becomes"),
    ("default-system-prompt", "note", "{% if messages[0].role != 'system' %}<|system|>You are a helpful machine.<|end|>{% endif %}" + PLAIN, "helpful machine"),
    ("reads-clock", "warning", "{{ strftime_now('%Y') }}" + PLAIN, "2026"),
    ("special-token-unknown", "warning", "{{ bos_token }}" + PLAIN, ""),
    ("takes-variables", "note", "{% if enable_humour %}Ha!{% endif %}" + PLAIN, ""),
]  # fmt: skip


@pytest.mark.parametrize(("code", "level", "source", "example"), CASES, ids=[case[0] for case in CASES])
def test_each_finding(code: str, level: str, source: str, example: str) -> None:
    tokens = {"eos_token": "</s>"} if code == "stop-token-not-eos" else None
    findings = found(source, special_tokens=tokens)
    assert code in findings, f"found {list(findings)}"
    finding = findings[code]
    assert finding.level == level
    assert example in finding.example
    assert finding.text
    assert finding.remedy or code == "no-generation-tags"
    assert code not in found(GOOD)


def test_a_source_that_does_not_compile_is_a_finding() -> None:
    (finding,) = lint_source("{% for m in messages %}\n{{ m.content }\n{% endfor %}", "broken")
    assert (finding.code, finding.level, finding.line) == ("syntax", "error", 2)
    assert "unexpected `}`" in finding.text
    assert "2 | {{ m.content }" in finding.example


def test_a_finding_reads_well() -> None:
    finding = found("{{ strftime_now('%Y') }}" + PLAIN)["reads-clock"]
    head, example, remedy = str(finding).splitlines()
    assert head.startswith("warning reads-clock (template line 1): the template prints the current time (strftime_now)")
    assert example == "  example: '2026<|user|>How deep is Lake Baikal?<|end|><|assist…'"
    assert remedy.startswith("  remedy: set the time: `now=`")
    assert finding.to_dict()["line"] == 1


def test_levels_come_in_order() -> None:
    levels = [finding.level for finding in lint_source(plain(("{{ m.content }}", "{{ m.content[:3] }}")))]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert levels[0] == "error"


def test_bos() -> None:
    tokens = {"bos_token": "<s>"}
    assert "prints-bos" in found("{{ bos_token }}" + PLAIN, special_tokens=tokens)
    assert found("<s>{{ bos_token }}" + PLAIN, special_tokens=tokens)["double-bos"].level == "error"
    assert not {"prints-bos", "double-bos"} & set(found(PLAIN, special_tokens=tokens))
    assert "special-token-unknown" not in found("{{ bos_token }}" + PLAIN, special_tokens=tokens)
    assert "special-token-unknown" not in found("{% set bos_token = '<s>' %}{{ bos_token }}" + PLAIN)


def test_a_clock_that_is_given_is_no_finding() -> None:
    now = datetime(2001, 2, 3)  # noqa: DTZ001
    assert "reads-clock" not in found("{{ strftime_now('%Y') }}" + PLAIN, now=now)


def test_variables_are_given_to_the_template() -> None:
    source = plain(("<|assistant|>", "<|assistant|>{{ '<think>' if not brief }}"))
    assert "prompt-longer" in found(source)
    assert "prompt-longer" not in found(source, brief=True)


def test_the_remedy_names_a_setting_that_helps() -> None:
    source = changed(("if m.reasoning_content }}", "if m.reasoning_content and (loop.last or preserve_thinking) }}"))
    findings = found(source)
    for code in ("reasoning-dropped", "not-prefix-stable"):
        assert "set preserve_thinking=True" in findings[code].remedy
    assert not {"reasoning-dropped", "not-prefix-stable"} & set(found(source, preserve_thinking=True))


def test_the_tokenizer_knows_tokens(loaded: chatmill.Tokenizer) -> None:
    eos = loaded.special_tokens["eos_token"]
    template = ChatTemplate(PLAIN.replace("<|end|>", "{{ eos_token }}"))
    codes = {finding.code for finding in lint_template(template, tokenizer=loaded)}
    assert not {"special-token-unknown", "stop-token-split", "stop-token-not-eos"} & codes
    split = {finding.code: finding for finding in lint_template(ChatTemplate(PLAIN), tokenizer=loaded)}
    assert split["stop-token-split"].level == "error"
    assert "'<|end|>'" in split["stop-token-split"].text
    assert eos in split["stop-token-not-eos"].text


def test_tools_of_ones_own() -> None:
    tools = [{"type": "function", "function": {"name": "ring", "description": "Rings.", "parameters": {}}}]
    source = changed(("{{- '\\n' ~ (tools | tojson) if", "{{- raise_exception(tools[0].function.name) if"))
    assert found(source)["tools-refused"].example == "look_up_depth"
    assert found(source, tools=tools)["tools-refused"].example == "ring"


ROWS: list[dict[str, Any]] = [
    {
        "messages": [
            {"role": "user", "content": "one", "weight": 1},
            {"role": "assistant", "content": "two", "reasoning_content": "hmm", "thoughts": None},
        ]
    },
    {"messages": json.dumps([{"role": "user", "content": "three"}, {"role": "assistant", "content": "four"}])},
]


def test_data() -> None:
    findings = found(PLAIN, data=ROWS)
    unread = [finding for finding in lint_source(PLAIN, data=ROWS) if finding.code == "key-unread"]
    assert [finding.text for finding in unread] == [
        "the template never reads the key 'weight' (in 1 message)",
        "the template never reads the key 'reasoning_content' (in 1 message)",
    ]
    assert unread[1].example == "row 0: 'hmm'"
    assert "1 of 1 values of 'reasoning_content'" in findings["values-dropped"].text
    assert "key-missing" not in findings
    missing = found(GOOD, data=ROWS)
    assert "'tool_calls'" in missing["key-missing"].text
    assert missing["key-missing"].level == "note"
    assert "values-dropped" not in missing


def test_data_that_the_template_does_not_take() -> None:
    rows = [
        *ROWS,
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "robot", "content": "y"}]},
        [{"role": "user", "content": "only a question"}],
    ]
    source = plain(("{{ m.content }}", "{{ m.content }}{{ raise_exception('no robots') if m.role == 'robot' }}"))
    findings = found(source, data=rows)
    assert findings["rows-fail"].text == "the template fails on 2 of 5 rows"
    assert findings["rows-fail"].example == "row 2: no robots"
    assert findings["rows-fail"].level == "warning"
    assert findings["rows-untrained"].example == "row 4"
    other = plain(("{% if add_generation_prompt %}<|assistant|>", "{% if add_generation_prompt %}Now you."))
    assert found(other, data=[rows[0]])["rows-unproved"].level == "error"
    upper = found(plain(("{{ m.content }}", "{{ m.content | upper }}")), data=[ROWS[1]])
    assert "2 of 2 values of 'content' are not in the text" in upper["values-dropped"].text
    with pytest.raises(chatmill.DataError, match="row 1: neither `messages` nor `conversations` is a list of messages"):
        lint_source(PLAIN, data=[ROWS[0], {"text": "x"}])


def test_data_with_other_keys() -> None:
    sharegpt = [{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}]
    codes = set(found(PLAIN, data=sharegpt))
    assert not {"key-unread", "key-missing", "rows-fail"} & codes
    other = [{"messages": [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello"}]}]
    findings = found(PLAIN, data=other)
    assert findings["key-missing"].level == "warning"
    assert "'content'" in findings["key-missing"].text
    assert "'text'" in findings["key-unread"].text


def test_arguments_in_data() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    rows = [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [call]}]}
    ]
    escaping = changed(("call.function.arguments if call.function.arguments is string else ", ""))
    assert found(escaping, data=rows)["arguments-double-escaped"].example == "row 0"
    assert "arguments-double-escaped" not in found(GOOD, data=rows)


@pytest.mark.parametrize("name", ChatTemplate.names())
def test_named_templates_have_no_errors(name: str) -> None:
    findings = lint_template(ChatTemplate.named(name))
    assert [str(finding) for finding in findings if finding.level == "error"] == []


# Seconds: ten times what it takes if the machine has nothing else to do.
SOON = 60.0


@needs_corpus
def test_templates_of_the_corpus_are_linted_soon() -> None:
    manifest = json.loads((reference.CORPUS / "corpus" / "manifest.json").read_text("utf-8"))
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    begin = time.process_time()
    unstable = 0
    for entry in manifest:
        name = entry["file"].removesuffix(".jinja")
        findings = lint_source(reference.corpus_template(name), name, special_tokens=tokens)
        unstable += any(finding.code == "not-prefix-stable" for finding in findings)
    assert time.process_time() - begin < SOON
    assert len(manifest) == 722
    # transformers gives 229 of 825 for the same kinds of conversations.
    assert unstable == 198


# Real templates: the codes that they must have, and the codes that they must not have.
CODES: dict[str, tuple[set[str], set[str]]] = {
    "ngxson__llama.cpp/Qwen-Qwen3-0.6B": ({"not-prefix-stable", "reasoning-dropped", "prompt-shorter"}, {"prints-bos"}),
    "ngxson__llama.cpp/meta-llama-Llama-3.1-8B-Instruct": (
        {"tool-arguments-double-escaped", "parallel-calls-refused", "content-trimmed"},
        {"not-prefix-stable", "stop-token-missing", "prompt-unasked"},
    ),
    "ngxson__llama.cpp/mistralai-Mistral-Nemo-Instruct-2407": ({"not-prefix-stable"}, {"stop-token-differs"}),
    "ngxson__llama.cpp/openai-gpt-oss-120b": ({"stop-token-differs", "reads-clock", "not-prefix-stable"}, set()),
    "ngxson__llama.cpp/GLM-4.6": ({"stop-token-missing", "reasoning-dropped"}, {"stop-token-differs"}),
    "ngxson__llama.cpp/Llama-3": ({"prompt-unasked"}, {"prompt-missing"}),
    "ngxson__llama.cpp/MiniMax-M2": ({"prompt-longer"}, {"prompt-shorter"}),
    "huggingface__trl/llama3_training": (set(), {"not-prefix-stable", "stop-token-untrained", "no-generation-tags"}),
    "huggingface__trl/llava_next": ({"needs-parts"}, {"content-dropped"}),
}


@needs_corpus
@pytest.mark.parametrize("name", CODES)
def test_codes_of_real_templates(name: str) -> None:
    codes = set(found(reference.corpus_template(name), special_tokens={"bos_token": "<s>", "eos_token": "</s>"}))
    there, absent = CODES[name]
    assert there <= codes
    assert not absent & codes


@needs_corpus
def test_mistral_moves_content() -> None:
    source = reference.corpus_template("ngxson__llama.cpp/mistralai-Mistral-Nemo-Instruct-2407")
    finding = found(source, special_tokens={"bos_token": "<s>", "eos_token": "</s>"})["not-prefix-stable"]
    assert "with a system message" in finding.text
    assert "moves, or other text is inserted before it" in finding.text
    assert "limnologist" in finding.example
