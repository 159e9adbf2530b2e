"""`Formatter` and `Conversation`: the text equals that of the template, and each model gets the right template."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import chatmill
import pytest
import reference
import template_files
from chatmill import ChatTemplate, Conversation, DataError, Formatter, TemplateError
from chatmill.formatter import family, model_ids
from folders import configure
from samples import conversation

NAMES = ChatTemplate.names()
HI = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {}}}]
DOCUMENTS = [{"title": "Tea", "text": "Tea is drunk at five."}]
MINE = "{% for it in messages %}[{{ it.role }}]{{ it.content }}{% endfor %}"

# Templates of the corpus that are models' own templates. `test_named_templates.py` compares more of them.
OWN = {
    "HuggingFaceH4/zephyr-7b-beta": "GregoryBolshakov__hf-chat-template/zephyr-7b-beta",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": "GregoryBolshakov__hf-chat-template/smollm2-1.7b-instruct",
    "Qwen/Qwen2.5-7B-Instruct": "ngxson__llama.cpp/Qwen-Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-0.6B": "ngxson__llama.cpp/Qwen-Qwen3-0.6B",
    "allenai/Llama-3.1-Tulu-3-70B": "huggingface__huggingface.js/library-tulu3-70b",
    "allenai/OLMo-2-1124-7B-Instruct": "huggingface__huggingface.js/library-olmo2-7b",
    "google/gemma-2-2b-it": "ngxson__llama.cpp/google-gemma-2-2b-it",
    "google/gemma-3-1b-it": "huggingface__trl/gemma3",
    "ibm-granite/granite-3.3-2b-instruct": "ngxson__llama.cpp/ibm-granite-granite-3.3-2B-Instruct",
    "ibm-granite/granite-4.0-h-small": "ngxson__llama.cpp/ibm-granite-granite-4.0",
    "meta-llama/Llama-3.1-8B-Instruct": "ngxson__llama.cpp/meta-llama-Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct": "ngxson__llama.cpp/meta-llama-Llama-3.2-3B-Instruct",
    "meta-llama/Meta-Llama-3-8B-Instruct": "xorbitsai__inference/llama-3-instruct",
    "microsoft/Phi-3-mini-128k-instruct": "xorbitsai__inference/phi-3-mini-128k-instruct",
    "mistralai/Mistral-7B-Instruct-v0.1": "xorbitsai__inference/mistral-instruct-v0.1",
    "mistralai/Mistral-7B-Instruct-v0.2": (
        "ngxson__llama.cpp/mistralai-Mistral-7B-Instruct-v0.2-mistralai-v1-template-with-a-system-prompt"
    ),
    "openai/gpt-oss-120b": "ngxson__llama.cpp/openai-gpt-oss-120b",
    "openai/gpt-oss-20b": "NVIDIA-NeMo__Automodel/gpt-oss-20b--chat_template",
    "teknium/OpenHermes-2.5-Mistral-7B": "ngxson__llama.cpp/teknium-OpenHermes-2.5-Mistral-7B",
}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of all requests to the Hub, which has none of them."""
    ids: list[str] = []

    def snapshot(hub_id: str, is_complete: Any, error: type[Exception]) -> Path:
        ids.append(hub_id)
        raise error(f"{hub_id!r} could not be fetched from the Hub")

    monkeypatch.setattr("chatmill.sources.load.snapshot", snapshot)
    return ids


def needed(name: str) -> dict[str, Any]:
    """The inputs that a template requires."""
    given = {"tools": TOOLS, "documents": DOCUMENTS}
    return {key: given[key] for key in template_files.settings(name).get("requires", [])}


def result(render: Any, *args: Any, **kwargs: Any) -> str:
    """The text, or the error."""
    try:
        return str(render(*args, **kwargs))
    except chatmill.ChatmillError as error:
        return f"{type(error).__name__}: {error}"


# Rows that need no corpus come first.
OWN_ROWS = 42


def rows() -> list[dict[str, Any]]:
    """Conversations of the tests, and those of the corpus if it exists."""
    made: list[dict[str, Any]] = [conversation(3), {"messages": HI, "tools": TOOLS}]
    made += [{"messages": it} for it in reference.example_conversations()[:40]]
    if reference.CORPUS.is_dir():
        made += reference.ordinary_conversations().values()
    return made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prompt", [False, True])
def test_equal_to_render(name: str, prompt: bool) -> None:
    template, formatter, texts = ChatTemplate.named(name), Formatter(), 0
    for number, row in enumerate(rows()):
        given = {key: row.get(key) or needed(name).get(key) for key in ("tools", "documents")}
        kwargs = {**given, "add_generation_prompt": prompt, "now": reference.NOW}
        expected = result(template.render, row["messages"], **kwargs)
        made = Conversation(row["messages"], model=name, **given)
        assert result(formatter.render, made, add_assistant_prompt=prompt, now=reference.NOW) == expected
        texts += number < OWN_ROWS and not expected.startswith(("TemplateError", "DataError"))
    # A template rejects only one of these rows: the row with tools, unless it supports tools.
    assert texts == (OWN_ROWS if template_files.settings(name)["tools"] else OWN_ROWS - 1)


def test_variables_and_tools_go_through() -> None:
    kwargs: dict[str, Any] = {"enable_thinking": False, "continue_final_message": True}
    expected = ChatTemplate.named("qwen3").render(HI, tools=TOOLS, **kwargs)
    assert Formatter().render(Conversation(HI, model="qwen3", tools=TOOLS), **kwargs) == expected
    assert "clock" in expected


def test_table_names_named_templates() -> None:
    assert set(model_ids().values()) <= set(NAMES)
    assert len(model_ids()) == 40
    # Each id matches one pattern, so the order of the file does not matter.
    for model in [*OWN, *(it.replace("[0-9]*", "8") for it in model_ids() if "[" not in it.replace("[0-9]*", ""))]:
        assert sum(fnmatchcase(model, it) for it in model_ids()) == 1, model


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("HuggingFaceH4/zephyr-7b-alpha", "zephyr"),
        ("meta-llama/Llama-2-70b-chat-hf", "llama2"),
        ("meta-llama/Meta-Llama-3-70B-Instruct", "llama3"),
        ("meta-llama/Meta-Llama-3.1-405B-Instruct-FP8", "llama3.1"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1"),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3.2"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5"),
        ("Qwen/Qwen3-235B-A22B", "qwen3"),
        ("google/gemma-3-270m-it", "gemma"),
        ("lmsys/vicuna-13b-v1.5", "vicuna"),
    ],
)
def test_well_known_ids(model: str, name: str, asked: list[str]) -> None:
    assert family(model) == name
    assert Formatter().template_of(Conversation(HI, model=model)).name == name
    assert not asked


@pytest.mark.parametrize(
    "model",
    [
        "HuggingFaceH4/zephyr-7b-gemma-v0.1",
        "meta-llama/Llama-3.1-8B",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "mistralai/Mistral-7B-Instruct-v0.3",
        "Qwen/Qwen2.5-7B",
        "Qwen/Qwen2.5-Math-7B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "Qwen/Qwen3-4B-Instruct-2507",
        "Qwen/Qwen3-235B-A22B-Thinking-2507-FP8",
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "Qwen/Qwen3-Embedding-8B",
        "google/gemma-3n-E4B-it",
        "openai/gpt-oss-safeguard-20b",
        "somewhere/Qwen/Qwen3-8B",
    ],
)
def test_ids_beside_the_table_go_to_the_hub(model: str, asked: list[str]) -> None:
    assert family(model) is None
    with pytest.raises(TemplateError):
        Formatter().template_of(Conversation(HI, model=model))
    assert asked == [model] * (model.count("/") == 1)


@reference.needs_corpus
@pytest.mark.parametrize("model", OWN)
def test_family_prints_what_the_model_prints(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every ordinary conversation both print the same text, or one of them raises an error."""
    reference.freeze_clock(monkeypatch)
    formatter, source, equal = Formatter(), reference.corpus_template(OWN[model]), 0
    name = family(model)
    assert name is not None
    for key, row in reference.ordinary_conversations().items():
        given = {"tools": row.get("tools"), "documents": row.get("documents")}
        variables = {**row.get("kw", {}), **template_files.settings(name)["special_tokens"]}
        variables.pop("add_generation_prompt", None)
        made = Conversation(row["messages"], model=model, **given)
        for prompt in (False, True):
            kwargs: dict[str, Any] = {**variables, **given, "add_generation_prompt": prompt}
            try:
                theirs = reference.render(source, row["messages"], **kwargs)
            except Exception:  # noqa: BLE001  (a template may fail in any way)
                continue
            ours = result(formatter.render, made, add_assistant_prompt=prompt, now=reference.NOW, **variables)
            if not ours.startswith("TemplateError"):
                assert ours == theirs, (key, prompt)
                equal += 1
    assert equal == reference.compared("test_formatter.own")[model]


def test_folder_and_file(tmp_path: Path, asked: list[str]) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(MINE, encoding="utf-8")
    folder = tmp_path / "model"
    folder.mkdir()
    configure(folder, chat_template=MINE + "{{ eos_token }}", eos_token="<eos>")
    formatter = Formatter()
    for model in (path, str(path)):
        assert formatter.render(Conversation(HI, model=model)) == "[user]Hi[assistant]Hello"
    for model in (folder, str(folder)):
        assert formatter.render(Conversation(HI, model=model)) == "[user]Hi[assistant]Hello<eos>"
    assert not asked


def test_folder_wins_over_the_table(in_tmp_path: Path) -> None:
    folder = in_tmp_path / "Qwen" / "Qwen3-8B"
    folder.mkdir(parents=True)
    configure(folder, chat_template=MINE)
    assert Formatter().render(Conversation(HI, model="Qwen/Qwen3-8B")) == "[user]Hi[assistant]Hello"


def test_registered_templates() -> None:
    mine = ChatTemplate(MINE, name="mine")
    templates: dict[str, Any] = {
        "my-org/*": mine,
        "my-org/b": "zephyr",
        "my-org/*-late": "chatml",
        "qwen3": "Qwen/Qwen2.5-7B-Instruct",
        "text": MINE,
    }
    formatter = Formatter("my-org/b", templates=templates)

    def name(model: str | None) -> str:
        return formatter.template_of(Conversation(HI, model=model)).name

    assert name("my-org/a") == name("my-org/a/c") == name("my-org/c-late") == "mine"  # the first pattern that fits
    assert name("my-org/b") == "zephyr"  # a name comes before patterns
    assert name("qwen3") == "qwen2.5"  # registered templates come before chatmill's own
    assert name(None) == "zephyr"
    assert formatter.render(Conversation(HI, model="text")) == mine.render(HI)
    assert name("llama3") == "llama3"


def test_model_wins_over_default() -> None:
    for template in ("chatml", ChatTemplate.named("chatml")):
        formatter = Formatter(template)
        assert formatter.template_of(Conversation(HI)).name == "chatml"
        assert formatter.template_of(Conversation(HI, model="zephyr")).name == "zephyr"


def test_templates_are_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(MINE, encoding="utf-8")
    formatter = Formatter(cache_size=1)
    template = formatter.template_of(Conversation(HI, model=path))
    assert formatter.template_of(Conversation(HI, model=path)) is template
    formatter.template_of(Conversation(HI, model="zephyr"))
    assert formatter.template_of(Conversation(HI, model=path)) is not template


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"messages": "Hi"}, "`messages` has the type str; give a list of dicts with role and content"),
        ({"messages": HI[0]}, "`messages` has the type dict; give a list of dicts with role and content"),
        ({"messages": []}, "the conversation has no messages; add one, or leave the conversation out"),
        ({"messages": [*HI, "Hi"]}, "message 2: it has the type str; give a dict with role and content"),
        (
            {"messages": [HI[0], {"content": "Hi"}]},
            r"message 1: `role` is missing \(found content\); add one, such as user",
        ),
        ({"messages": [{}]}, "message 0: `role` is missing; add one, such as user"),
        (
            {"messages": [{"role": 1, "content": "Hi"}]},
            "message 0: `role` has the type int; give a string such as user",
        ),
        (
            {"messages": HI, "tools": TOOLS[0]},
            "`tools` has the type dict; give a list, even for a single item, or None",
        ),
        (
            {"messages": HI, "documents": "tea"},
            "`documents` has the type str; give a list, even for a single item, or None",
        ),
        (
            {"messages": HI, "model": ChatTemplate.named("chatml")},
            "`model` has the type ChatTemplate; give a name, a model id or a path",
        ),
    ],
)
def test_form_of_conversations(given: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Conversation(**given)


def test_sharegpt_turns() -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    assert Formatter("zephyr").render(Conversation(turns)) == ChatTemplate.named("zephyr").render(HI)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"template": 3}, "`template` has the type int; give a ChatTemplate"),
        ({"templates": ["chatml"]}, "`templates` has the type list; give a dict"),
        ({"templates": {"a": None}}, r"`templates\['a'\]` has the type NoneType; give a ChatTemplate"),
        ({"templates": {1: "chatml"}}, "`templates` has a key of the type int; give names as strings"),
        ({"cache_size": 0}, "`cache_size` is 0; use a whole number of at least 1"),
    ],
)
def test_form_of_formatters(given: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Formatter(**given)


def test_neither_model_nor_template() -> None:
    with pytest.raises(DataError, match=r"there is neither a model nor a template; give a model to the Conversation"):
        Formatter().render(Conversation(HI))
    messages: Any = HI
    with pytest.raises(DataError, match=r"the conversation has the type list; make a Conversation with"):
        Formatter().render(messages)


def test_unknown_model_tells_what_was_tried() -> None:
    with pytest.raises(TemplateError) as caught:
        Formatter(templates={"my-org/*": "chatml"}).render(Conversation(HI, model="other/model"))
    text = str(caught.value)
    for part in (
        "'other/model'",
        "my-org/*",
        "ChatTemplate.names()",
        "model_ids()",
        "fetched from the Hub",
        "Formatter(",
    ):
        assert part in text


def test_template_that_does_not_compile(tmp_path: Path) -> None:
    path = tmp_path / "bad.jinja"
    path.write_text("{% if %}", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        Formatter().render(Conversation(HI, model=path))
    assert caught.value.template_line == 1
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(TemplateError, match="has no chat template"):
        Formatter().render(Conversation(HI, model=folder))


@pytest.mark.parametrize("name", ["messages", "tools", "documents", "add_generation_prompt"])
def test_arguments_of_render_have_one_place(name: str) -> None:
    with pytest.raises(DataError, match=f"a formatter has no argument `{name}`; "):
        Formatter("chatml").render(Conversation(HI), **{name: True})


def test_render_all() -> None:
    formatter = Formatter("chatml")
    made = [Conversation(HI, model=model) for model in (None, "zephyr", "Qwen/Qwen3-8B")]
    expected = [formatter.render(it, add_assistant_prompt=True) for it in made]
    assert formatter.render_all(iter(made), add_assistant_prompt=True) == expected
    assert formatter.render_all([]) == []
    bad = Conversation([HI[0], {"role": "assistant"}], model="zephyr")
    with pytest.raises(TemplateError, match=r"^conversation 2: message 1, template line") as caught:
        formatter.render_all([*made[:2], bad])
    assert (caught.value.code, caught.value.message) == ("template_failed", 1)


def test_threads_share_a_formatter() -> None:
    # The cache has fewer places than there are models, so templates are dropped and loaded again.
    formatter = Formatter("chatml", templates={"my-org/*": "llama3"}, cache_size=4)
    models = [None, "my-org/a", "Qwen/Qwen3-8B", *(name for name in NAMES if not needed(name))]
    made = [Conversation(conversation(number)["messages"], model=model) for model in models for number in range(5)]
    alone = [result(Formatter("chatml", templates={"my-org/*": "llama3"}).render, it, now=reference.NOW) for it in made]

    def work(start: int) -> bool:
        order = [*range(start, len(made)), *range(start)]
        return all(result(formatter.render, made[index], now=reference.NOW) == alone[index] for index in order)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(0, 160, 20)))


def test_pickle() -> None:
    made = Conversation(HI, model="zephyr", tools=TOOLS, documents=DOCUMENTS)
    assert pickle.loads(pickle.dumps(made)) == made
    formatter = Formatter(ChatTemplate.named("chatml"), templates={"my-org/*": ChatTemplate(MINE)}, cache_size=2)
    again = pickle.loads(pickle.dumps(formatter))
    for model in (None, "my-org/a", "zephyr"):
        assert again.render(Conversation(HI, model=model)) == formatter.render(Conversation(HI, model=model))
    assert repr(again) == repr(formatter) == "Formatter('chatml', templates=['my-org/*'])"


def test_conversations_are_frozen() -> None:
    made: Any = Conversation(HI)
    with pytest.raises(AttributeError):
        made.model = "zephyr"


def test_names_are_public() -> None:
    assert {"Conversation", "Formatter"} <= set(chatmill.__all__)
    assert chatmill.Formatter is Formatter
