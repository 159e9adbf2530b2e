"""The choice between several templates, compared with transformers; and the fallback if there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import tokenizers
import transformers
from chatmill import ChatTemplate, TemplateError, Tokenizer
from chatmill.sources.load import TemplateSource, is_jinja, load_template, load_tokenizer
from chatmill.sources.resolve import resolve
from folders import configure

Sources = Mapping[str, str]
Slow: Any = transformers.ByT5Tokenizer
load_with_transformers: Any = transformers.AutoTokenizer.from_pretrained

TOOLS: list[Any] = [None, [], [{"type": "function", "function": {"name": "f"}}]]
SETS: list[Sources] = [
    {"default": "D"},
    {"default": "D", "tool_use": "T"},
    {"tool_use": "T"},
    {"tool_use": "T", "rag": "R"},
    {"default": "D", "rag": "R"},
    {"rag": "R", "zero": "Z"},
    {"default": "D", "tool_use": "T", "rag": "R"},
]
NAMES = [None, "default", "tool_use", "rag"]


class Processor(transformers.ProcessorMixin):
    """A processor for text only."""

    def __init__(self, tokenizer: Any = None, chat_template: Any = None) -> None:
        super().__init__(tokenizer, chat_template=chat_template)  # type: ignore[no-untyped-call]


def chosen(found: TemplateSource, tools: Any) -> str | None:
    """The source of the template for a row with these tools; None if it only raises an error."""
    source = found.source if tools is None or found.tool_use is None else found.tool_use
    return None if "raise_exception" in source else source


def outcome(choose: Any, *arguments: Any) -> str | None:
    """The chosen template; None if the choice fails."""
    try:
        text: str | None = choose(*arguments)
    except ValueError:  # a TemplateError is one
        return None
    return text


def write_list(folder: Path, templates: Sources) -> None:
    configure(folder, chat_template=[{"name": name, "template": text} for name, text in templates.items()])


def write_mapping(folder: Path, templates: Sources) -> None:
    configure(folder, chat_template=dict(templates))


def write_files(folder: Path, templates: Sources) -> None:
    (folder / "additional_chat_templates").mkdir()
    for name, text in templates.items():
        path = "chat_template.jinja" if name == "default" else f"additional_chat_templates/{name}.jinja"
        (folder / path).write_text(text)


@pytest.mark.parametrize("write", [write_list, write_mapping, write_files])
@pytest.mark.parametrize("templates", SETS, ids="+".join)
def test_rows_get_the_template_of_transformers(templates: Sources, write: Any, folder: Path) -> None:
    write(folder, templates)
    loaded = load_with_transformers(str(folder))
    for source in (folder, str(folder / "tokenizer.json"), loaded):
        for name in NAMES:
            for tools in TOOLS:
                found = outcome(lambda: chosen(load_template(source, name), tools))  # noqa: B023
                if name is None or (isinstance(loaded.chat_template, dict) and name in templates):
                    assert found == outcome(loaded.get_chat_template, name, tools), (source, name, tools)
                else:
                    # Here transformers interprets the name as the source of a template.
                    assert found == templates.get(name)


@pytest.mark.parametrize("templates", SETS, ids="+".join)
def test_processors_do_not_look_at_tools(templates: Sources) -> None:
    processor = Processor(Slow(eos_token="<e>"), chat_template=dict(templates))
    for name in NAMES:
        if name is None or name in templates:
            for tools in TOOLS:
                found = outcome(lambda: chosen(load_template(processor, name), tools))  # noqa: B023
                messages = [{"role": "user", "content": "Hi"}]
                assert found == outcome(lambda: processor.apply_chat_template(messages, name, tools))  # noqa: B023
    tokens = load_template(processor, next(iter(templates))).special_tokens
    assert tokens == processor.tokenizer.special_tokens_map


def test_objects_of_transformers(folder: Path) -> None:
    configure(folder, eos_token="<eos>", bos_token="<a>")
    fast, slow = load_with_transformers(str(folder)), Slow(bos_token="<s>")
    for tokenizer in (fast, slow):
        for source in (tokenizer, Processor(tokenizer)):
            tokenizer.chat_template = None
            with pytest.raises(TemplateError, match="has no chat template"):
                load_template(source)
            # transformers requires a template of the processor; the tokenizer's template is better than none.
            tokenizer.chat_template = {"default": "D", "tool_use": "T"}
            found = load_template(source)
            assert (found.source, found.tool_use) == ("D", "T")
            assert found.special_tokens == tokenizer.special_tokens_map
        found = load_template(Processor(tokenizer, chat_template="P"))
        assert (found.source, found.tool_use) == ("P", None)
        assert found.special_tokens == tokenizer.special_tokens_map
    assert load_tokenizer(Processor(fast)) == load_tokenizer(fast)
    # Mistral's tokenizers contain a tokenizer that is not from transformers.
    mistral = SimpleNamespace(tokenizer=object(), chat_template="M", special_tokens_map={"bos_token": "<s>"})
    assert load_template(mistral).special_tokens == {"bos_token": "<s>"}


def test_names(folder: Path) -> None:
    write_list(folder, {"default": "D", "tool_use": "T", "rag": "R"})
    for name, label in [(None, "tiny"), ("default", "tiny"), ("tool_use", "tiny:tool_use"), ("rag", "tiny:rag")]:
        found = load_template(folder, name)
        assert (found.name, found.tool_use) == (label, "T" if name is None else None)
    with pytest.raises(TemplateError, match="no template called 'none'; it has default, rag, tool_use: choose one"):
        load_template(folder, "none")
    write_list(folder, {"zero": "Z", "rag": "R"})
    with pytest.raises(TemplateError, match=r"no template called `default`; it has rag, zero: .*name="):
        load_template(folder)


def test_only_tool_use_refuses_rows_without_tools(folder: Path) -> None:
    write_list(folder, {"tool_use": "T", 'a "quoted" \\ name': "Q"})
    found = load_template(folder)
    assert (found.tool_use, found.name) == ("T", "tiny")
    assert str(folder) not in found.source, "the same template has the same fingerprint in every place"
    text = (
        r"tiny has no template called `default` for a conversation without tools; it has a \"quoted\" \\ name, tool_use"
    )
    with pytest.raises(TemplateError) as caught:
        ChatTemplate(found.source).render([{"role": "user", "content": "Hi"}])
    assert text.replace('\\"', '"').replace("\\\\", "\\") in str(caught.value)


def test_jinja_source(folder: Path, in_tmp_path: Path, loaded: Tokenizer) -> None:
    text = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}" + " " * 300
    found = load_template(text)
    assert found == TemplateSource(text, {}, "chat_template")
    assert ChatTemplate.from_pretrained(text).source == text
    assert resolve(loaded, text)[1].special_tokens == loaded.special_tokens
    with pytest.raises(TemplateError, match="holds only one template; remove `name='rag'`"):
        load_template(text, "rag")
    with pytest.raises(TemplateError) as caught:
        resolve(loaded, "{% for %}" + "x" * 300)
    assert "there is no template" not in str(caught.value)
    folder.rename(in_tmp_path / "{{ x }}")
    assert not is_jinja("{{ x }}"), "a folder may have such a name"
    configure(in_tmp_path / "{{ x }}", chat_template="T")
    assert load_template("{{ x }}").source == "T"


def test_the_fallback(folder: Path, loaded: Tokenizer) -> None:
    fast = load_with_transformers(str(folder))
    bare = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for source in (folder, folder / "tokenizer.json", fast, Processor(fast)):
        assert load_template(source, None, "chatml") == TemplateSource(
            "", {"eos_token": "<eos>"}, "chatml", None, "chatml"
        )
    assert load_template(bare, fallback="chatml") == TemplateSource("", {}, "chatml", library="chatml")
    assert load_template(loaded, fallback="chatml").special_tokens == loaded.special_tokens
    for source in (bare, loaded):
        with pytest.raises(TemplateError, match="has no chat template"):
            load_template(source)
    with pytest.raises(TemplateError, match="cannot load a chat template"):
        load_template(3, fallback="chatml")
    with pytest.raises(TemplateError, match=r"there is no \./gone"):
        load_template("./gone", fallback="chatml")
    configure(folder, chat_template="own")
    for fallback in (None, "chatml"):
        assert load_template(folder, fallback=fallback) == TemplateSource("own", {}, "tiny")
    with pytest.raises(TemplateError, match=r"no template called 'rag'"):
        load_template(folder, "rag", "chatml")
    for source in (folder, "{{ messages }}", fast):
        with pytest.raises(
            TemplateError, match=r"there is no template 'chatlm' to use as the fallback; did you mean 'chatml'\?"
        ):
            load_template(source, fallback="chatlm")


def test_resolve_takes_the_fallback(folder: Path, tmp_path: Path, loaded: Tokenizer) -> None:
    named = ChatTemplate.named("chatml").special_tokens
    template = resolve(folder, template_fallback="chatml")[1]
    assert (template.name, template.special_tokens) == ("chatml", {**named, "eos_token": "<eos>"})
    template = resolve(loaded, template_fallback="chatml")[1]
    assert template.special_tokens == {**named, **loaded.special_tokens}
    template = resolve(loaded, folder, template_fallback="chatml")[1]
    assert template.special_tokens == {**named, **loaded.special_tokens, "eos_token": "<eos>"}
    for source in ("chatml", "{{ messages }}", ChatTemplate("T")):
        assert resolve(folder, source, template_fallback="llama3")[1].source == resolve(folder, source)[1].source
        with pytest.raises(
            TemplateError, match=r"no template 'chatlm' to use as the fallback; did you mean 'chatml'\?"
        ):
            resolve(folder, source, template_fallback="chatlm")
    configure(folder, chat_template="own")
    assert resolve(folder, template_fallback="chatml")[1].source == "own"


def test_hub_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def snapshot_download(_: str, *, allow_patterns: list[str], local_files_only: bool = False) -> str:
        asked.append(local_files_only)
        assert {"additional_chat_templates/*.jinja", "chat_templates/*.jinja"} <= set(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert load_template("acme/tiny", fallback="chatml").special_tokens == {"eos_token": "<eos>"}
    assert asked == [True, False], "the cache may be incomplete, so the Hub is tried before the fallback is used"
    write_files(folder, {"default": "D", "tool_use": "T"})
    asked.clear()
    found = load_template("acme/tiny", fallback="chatml")
    assert (found.source, found.tool_use, found.library, found.name) == ("D", "T", None, "acme/tiny")
    assert load_template("acme/tiny", "tool_use").name == "acme/tiny:tool_use"
    assert asked == [True, True]
    with pytest.raises(TemplateError, match="the Hub's acme/tiny has no template called 'rag'"):
        load_template("acme/tiny", "rag")
    assert asked == [True, True, True, False], "a template of another name may be only on the Hub"
