"""The templates that configs name: texts and errors equal those of axolotl's templates of these names.

`tests/data/config_templates.json` holds conversations, and the text of each template for them.
"""

from __future__ import annotations

import gzip
import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import reference
from chatmill import ChatmillError, ChatTemplate, Mill, Tokenizer
from chatmill.config.model import Config, DatasetConfig
from chatmill.config.prepare import prepare_config
from chatmill.config.templates import named_template, template_names, template_of
from empty_answers import EMPTY_ALLOWED
from folders import configure
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_conversations import Maker
from refusals import text_or_none
from samples import write_rows

NAMES = template_names()
FOLDER = "axolotl-ai-cloud__axolotl"
# Names whose originals are elsewhere: axolotl's `cohere` is Command R's template, its `qwen2_vl` and `qwen_25` are the
# models' own.
ELSEWHERE = {
    "cohere": "huggingface__huggingface.js/library-command-r-35b",
    "qwen2_vl": "huggingface__trl/qwen2_5_vl",
    "qwen_25": "qwen2.5",
}
TOKENS: list[dict[str, Any]] = [
    {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
    {"eos_token": "<|im_end|>"},
    {"bos_token": "", "eos_token": ""},
    {},
]
DATA = json.loads((reference.ROOT / "tests" / "data" / "config_templates.json").read_text("utf-8"))

DOCUMENTS: list[dict[str, Any]] = [{"title": "T", "text": "x"}, {"text": "y", "some key": 3, "url": None}]
IN_SYSTEM: list[dict[str, Any]] = [
    {"tools_in_user_message": False},
    {"custom_tools": [{"name": "f"}]},
    {"date_string": "1 Jan 2020"},
]
CITED: list[dict[str, Any]] = [
    {"enable_citations": True},
    {"documents": DOCUMENTS},
    {"documents": DOCUMENTS, "enable_citations": True},
]
THINKING: list[dict[str, Any]] = [{"enable_thinking": True}, {"enable_thinking": False}]
# The variables that a template reads, besides the variables of every conversation.
VARIABLES: dict[str, list[dict[str, Any]]] = {
    "command_a": [{"safety_mode": "strict"}, {"safety_mode": "STRICT", "documents": DOCUMENTS}, *CITED],
    "command_a_rag": CITED,
    "command_a_tool_use": CITED,
    "exaone4": [{"skip_think": False}, {"skip_think": True}, {"skip_think": False, "enable_thinking": True}],
    "gemma4": THINKING,
    "jamba": [
        {"knobs": {"is_set": True, "citation_mode": "fast", "response_format": "json_object"}},
        {"knobs": {"is_set": False, "citation_mode": "fast"}, "bom_str": "<B>", "eom_str": "<E>"},
        {"knobs": {"is_set": True}, "documents": DOCUMENTS, "role_to_predict": "user"},
        {"generation_preamble": "So"},
        {"generation_preamble": " ", "documents": DOCUMENTS},
    ],
    "llama3_2_vision": IN_SYSTEM,
    "llama4": IN_SYSTEM,
    "qwen2_vl": [{"add_vision_id": True}, {"add_vision_id": 0}],
    "qwen3": [{"real_last_index": 1}, {"real_last_index": 3}, {"real_last_index": None}, *THINKING],
    "qwen3_5": [{"real_last_index": 1}, {"real_last_index": 3}, {"real_last_index": None}, *THINKING],
}
PARTS: list[Any] = [
    [{"type": "text", "content": "c"}, {"type": "text", "text": " d "}],
    [{"type": "image"}, {"type": "text", "text": " d "}, {"type": "image_url"}],
    [{"type": "audio"}, {"type": "video"}, {"type": "text"}],
    [{"image": "x"}, {"video": "y"}, {"value": "v"}, {"content": "w"}, "bare"],
    [{"type": "text", "text": "<think>a</think>b"}, {"type": "text", "text": "c<channel|>d"}],
    {"content": "inside"},
    "a<|channel>b<channel|>c",
    0,
    False,
]


@pytest.fixture(autouse=True)
def _clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    reference.freeze_clock(monkeypatch)


@lru_cache
def original(name: str) -> str:
    """The source of axolotl's template."""
    if name == "qwen_25":
        source: str = reference.tokenizer_config(ELSEWHERE[name])["chat_template"]
        return source
    return reference.corpus_template(ELSEWHERE.get(name, f"{FOLDER}/{name}"))


def ours(name: str, **special_tokens: str) -> ChatTemplate:
    template = named_template(name, **special_tokens)
    assert template is not None
    return template


def known(name: str, key: str) -> str | None:
    """The text in the file: the common start of all texts of the template, and the rest of this text."""
    rest = DATA["texts"][name][key]
    return None if rest is None else DATA["texts"][name]["begins"] + rest


def theirs(name: str, row: dict[str, Any], tokens: dict[str, Any]) -> str | None:
    """The text of transformers for the original, or None if it raises an error."""
    try:
        return reference.render(original(name), **row, **tokens)
    except Exception:  # noqa: BLE001  (jinja2, TypeError, KeyError: a template may fail in any way)
        return None


def text_of(template: ChatTemplate, row: dict[str, Any]) -> str | None:
    """The text of chatmill for a template, or None if it raises an error."""
    return text_or_none(template, **row, now=reference.NOW)


def conversations() -> dict[str, dict[str, Any]]:
    """The conversations of the corpus, with their tools, documents and variables."""
    read = json.loads((reference.CORPUS / "corpus" / "conversations.json").read_text("utf-8"))["conversations"]
    return {
        key: {**{name: value for name, value in it.items() if name != "kw"}, **it.get("kw", {})}
        for key, it in read.items()
    }


class Varied(Maker):
    """Makes conversations with all values that these templates read."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick

    def message(self, role: str) -> dict[str, Any]:
        message = super().message(role)
        if self.chance(0.5):
            message["content"] = self.text() if self.chance(0.8) else self.pick.choice(PARTS)
        if role == "assistant" and self.chance(0.3):
            extra: list[dict[str, Any]] = [
                {"citations": self.pick.choice([[], [{"document_id": 1}, {}]])},
                {"tool_plan": self.text()},
                {"tool_responses": [{"name": "f", "response": self.value()}]},
            ]
            message |= self.pick.choice(extra)
        if role == "tool" and self.chance(0.5):
            message["tool_call_id"] = self.pick.choice(["call00001", "c1", "functions.f:0"])
        if self.chance(0.1):
            message["name"] = self.pick.choice(["n", 3])
        return message

    def schema(self, depth: int = 0) -> Any:
        if self.chance(0.05):
            return self.value()
        made: dict[str, Any] = {"type": self.pick.choice(["string", "array", "object", "NUMBER", ["integer", "null"]])}
        inner = (
            {key: self.schema(depth + 1) for key in self.pick.sample(["a", "B", "type", "é"], 2)} if depth < 3 else {}
        )
        extra: dict[str, Any] = {
            "description": self.text(),
            "enum": [self.text(), 1],
            "items": self.schema(depth + 1) if depth < 3 else {},
            "nullable": True,
            "properties": inner,
            "required": self.pick.choice([["a"], ["a", "B"], []]),
        }
        return {
            **made,
            **(inner if self.chance(0.3) else {}),
            **{key: value for key, value in extra.items() if self.chance(0.4)},
        }

    def tool(self) -> dict[str, Any]:
        tool = super().tool()
        if "function" in tool and self.chance(0.5):
            tool["function"]["parameters"] = self.schema()
        if "function" in tool and self.chance(0.2):
            tool["function"]["response"] = self.schema()
        return tool

    def row(self, variables: list[dict[str, Any]]) -> dict[str, Any]:
        made = self.conversation()
        if self.chance(0.3):
            roles = ["system", "user", "user", "assistant", "assistant", "tool"]
            made["messages"] = [self.message(self.pick.choice(roles)) for _ in range(self.pick.randint(1, 6))]
        return {**made, **(self.pick.choice(variables) if self.chance(0.5) else {})}


@reference.needs_corpus
def test_names_are_axolotls() -> None:
    folder = reference.CORPUS / "corpus" / "templates" / FOLDER
    known = {path.stem for path in folder.glob("*.jinja")}
    known -= {name for name in known if name.startswith("fixture_")} | {"custom_template"}
    assert {*NAMES} == known | {*ELSEWHERE}


@pytest.mark.parametrize("name", NAMES)
def test_known_texts(name: str) -> None:
    assert {*DATA["texts"]} == {*NAMES}
    template = ours(name, **DATA["special_tokens"])
    for key, row in DATA["conversations"].items():
        assert text_of(template, row) == known(name, key), key


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_known_texts_are_those_of_the_originals(name: str) -> None:
    for key, row in DATA["conversations"].items():
        assert theirs(name, row, DATA["special_tokens"]) == known(name, key), key


@pytest.mark.parametrize("name", NAMES)
def test_refusals_name_the_template(name: str) -> None:
    source = ours(name).source
    assert source.startswith("{#- ")
    assert source.count("raise_exception(") == source.count(f"raise_exception(\"the template '{name}' ")
    assert "{% generation" not in source.replace("{%-", "{%")


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_texts_and_refusals_on_the_conversations(name: str) -> None:
    equal = 0
    for tokens in TOKENS:
        template = ours(name, **tokens)
        for key, row in conversations().items():
            for prompt in (False, True):
                asked = {**row, "add_generation_prompt": prompt}
                expected = theirs(name, asked, tokens)
                assert text_of(template, asked) == expected, (key, prompt, tokens)
                equal += expected is not None
    assert equal == reference.compared("test_config_templates.equal")[name]


@reference.needs_corpus
@pytest.mark.parametrize("name", [name for name in NAMES if name in VARIABLES])
def test_variables_change_the_text_alike(name: str) -> None:
    template, changed = ours(name, **TOKENS[0]), 0
    for key, row in conversations().items():
        for prompt in (False, True):
            asked = {**row, "add_generation_prompt": prompt}
            plain = text_of(template, asked)
            for variables in VARIABLES[name]:
                expected = theirs(name, {**asked, **variables}, TOKENS[0])
                assert text_of(template, {**asked, **variables}) == expected, (key, prompt, variables)
                changed += expected is not None and expected != plain
    assert changed == reference.compared("test_config_templates.changed")[name]


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_both_sources_in_chatmill(name: str) -> None:
    """The original is also rendered by chatmill: with other variables, and with and without a generation prompt."""
    for tokens in TOKENS:
        template, other = ours(name, **tokens), ChatTemplate(original(name), **tokens)
        for key, row in conversations().items():
            for variables in [{}, *VARIABLES.get(name, [])]:
                for prompt in (False, True):
                    asked = {**row, **variables, "add_generation_prompt": prompt}
                    assert text_of(template, asked) == text_of(other, asked), (key, variables, prompt)


@reference.needs_corpus
def test_the_references_of_the_corpus() -> None:
    """The texts that transformers printed when the corpus was made."""
    known = json.loads((reference.CORPUS / "corpus" / "conversations.json").read_text("utf-8"))
    templates = {f"{FOLDER}/{name}.jinja": ours(name, **known["special_tokens"]) for name in NAMES}
    rows, compared = conversations(), 0
    with gzip.open(reference.CORPUS / "corpus" / "goldens.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            golden = json.loads(line)
            if golden["file"] in templates:
                expected = golden["out"] if golden["ok"] else None
                assert text_of(templates[golden["file"]], rows[golden["conv"]]) == expected, golden
                compared += 1
    assert compared == len(rows) * (len(NAMES) - len({*NAMES} & {*ELSEWHERE}))


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(pick=st.randoms(use_true_random=False))
def test_random_conversations(name: str, pick: random.Random) -> None:
    row = Varied(pick).row(VARIABLES.get(name, [{}]))
    tokens = pick.choice(TOKENS)
    assert text_of(ours(name, **tokens), row) == theirs(name, row, tokens)


@reference.needs_corpus
@pytest.mark.parametrize("name", NAMES)
def test_axolotls_labels(name: str, loaded: Tokenizer) -> None:
    """axolotl drops message keys that a template source does not mention, so both sources must mention the same."""
    rows = [*conversations().values(), *(Varied(random.Random(seed)).row([{}]) for seed in range(60))]
    mills = [
        Mill(loaded, template, labels="axolotl", now=reference.NOW, format=EMPTY_ALLOWED)
        for template in (ours(name, **TOKENS[0]), ChatTemplate(original(name), **TOKENS[0]))
    ]
    labeled = 0
    for row in rows:
        found, expected = (encoded(mill, row) for mill in mills)
        assert found == expected, row
        labeled += expected is not None
    assert labeled == reference.compared("test_config_templates.labeled")[name]


def encoded(mill: Mill, row: dict[str, Any]) -> Any:
    """Ids and labels; None for a refused row. A message without content is refused: it is tried with an empty one."""
    messages = row["messages"]
    filled = [{**it, "content": "" if it.get("content") is None else it["content"]} for it in messages]
    for its in (messages, filled):
        try:
            encoding = mill.encode({"messages": its, "tools": row.get("tools")})
        except ChatmillError as error:
            if error.code != "missing_field":
                return None
        else:
            return list(encoding.input_ids), list(encoding.labels)
    return None


def test_a_copy_is_the_same_template() -> None:
    assert ours("gemma4_unified").source == ours("gemma4").source
    assert ours("gemma4_unified").name == "gemma4"


HI = [{"role": "user", "content": "Hi"}]


def chosen(folder: Path, name: str | None) -> tuple[ChatTemplate, tuple[str, ...]]:
    """The template of a dataset in a config with this name."""
    config = Config(path="config.yaml", chat_template=name, lines={"chat_template": 2})
    dataset = DatasetConfig(key="datasets[0]", line=3, path="rows.jsonl")
    return template_of(config, dataset, folder, Tokenizer.from_pretrained(folder))


def test_where_a_name_is_looked_up(folder: Path) -> None:
    configure(folder, bos_token="<a>", eos_token="<eos>", chat_template="own {{ bos_token }}")
    expected = {
        "phi_3": "<a><|user|>\nHi<|end|>\n<|assistant|>\n",
        "phi-3": "<|user|>\nHi<|end|>\n<eos>",
        "qwen3": "<|im_start|>user\nHi<|im_end|>\n",
        "smollm3": ChatTemplate.named("smollm3").render(HI, now=reference.NOW),
        "tokenizer_default": "own <a>",
        "tokenizer_default_fallback_phi_3": "own <a>",
        None: "own <a>",
    }
    for name, text in expected.items():
        template, warnings = chosen(folder, name)
        assert (template.render(HI, now=reference.NOW), warnings) == (text, ()), name
    # If both have a template of a name, axolotl's is used.
    assert chosen(folder, "qwen3")[0].source == ours("qwen3").source != ChatTemplate.named("qwen3").source


def test_a_fallback_is_looked_up_alike(folder: Path) -> None:
    expected = {"phi_3": "<|user|>\nHi<|end|>\n<|assistant|>\n", "phi-3": "<|user|>\nHi<|end|>\n<eos>"}
    for name, text in expected.items():
        template, warnings = chosen(folder, f"tokenizer_default_fallback_{name}")
        assert (template.render(HI), warnings) == (text, ()), name


def test_a_template_that_stands_in_is_told(folder: Path, in_tmp_path: Path) -> None:
    configure(
        folder, eos_token="<eos>", chat_template="{% for m in messages %}{{ m.role ~ m.content }}<eos>{% endfor %}"
    )
    write_rows(in_tmp_path / "rows.jsonl", [{"messages": [*HI, {"role": "assistant", "content": "Ho"}]}])
    Path("config.yaml").write_text(
        f"base_model: {folder}\ndatasets:\n  - path: rows.jsonl\n    type: chat_template\n    chat_template: some_9\n"
        "sequence_len: 512\n",
        "utf-8",
    )
    report = prepare_config("config.yaml", output="out", progress=False)
    (warning,) = report.warnings
    assert warning == (
        "config.yaml:5: datasets[0].chat_template: there is no template 'some_9', so the template of the "
        f"tokenizer {Tokenizer.from_pretrained(folder).name} was used instead"
    )
    told = " ".join(str(report).split())
    assert "chat_template: there is no template 'some_9', so the template of the tokenizer" in told
