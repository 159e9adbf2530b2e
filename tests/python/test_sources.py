"""Sources of tokenizers and templates; the reading of folders is compared with transformers."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
import tokenizers
import transformers
from chatmill import ChatTemplate, TemplateError, Tokenizer, TokenizerError
from chatmill.sources.load import load_template, load_tokenizer
from chatmill.sources.resolve import resolve
from folders import configure, write_json

FLAGS = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}
load_with_transformers: Any = transformers.AutoTokenizer.from_pretrained


def added_tokens(tokenizer_json: str) -> list[dict[str, Any]]:
    return [{**token, "special": None} for token in json.loads(tokenizer_json)["added_tokens"]]


CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"eos_token": "<eos>", "bos_token": None, "add_bos_token": False},
    "objects": {"eos_token": {"__type": "AddedToken", "content": "<a>", **FLAGS}, "unk_token": "<mid>"},
    "own names": {"eos_token": "<eos>", "image_token": "<img>", "extra_special_tokens": {"boi": "<boi>"}},
    "extra list": {"additional_special_tokens": ["<x>", "<a>"], "pad_token": "[PAD]"},
    "decoder": {
        "eos_token": "<eos>",
        "pad_token": "[PAD]",
        "additional_special_tokens": ["<x>"],
        "added_tokens_decoder": {
            "300": {"content": "<new>", **FLAGS, "rstrip": True},
            "258": {"content": "<a>", **FLAGS, "lstrip": True},
            "290": {"content": "<mid>", **FLAGS, "special": False, "normalized": True},
        },
    },
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("has_map", [False, True])
def test_special_and_added_tokens_are_those_of_transformers(name: str, has_map: bool, folder: Path) -> None:
    configure(folder, **CONFIGS[name])
    if has_map:
        token = {key: value for key, value in FLAGS.items() if key != "special"}
        write_json(folder / "special_tokens_map.json", {"sep_token": "<sep>", "cls_token": {"content": "<c>", **token}})
    expected = load_with_transformers(str(folder))
    found = load_tokenizer(folder)
    assert found.name == "tiny"
    assert found.special_tokens == expected.special_tokens_map
    assert added_tokens(found.tokenizer_json) == added_tokens(expected.backend_tokenizer.to_str())
    text = "<eos>a <new> b <a> <mid>c<b>[PAD]<x><img><sep><c>"
    ids = tokenizers.Tokenizer.from_str(found.tokenizer_json).encode(text, add_special_tokens=False).ids
    assert ids == expected.encode(text, add_special_tokens=False)


def test_a_complete_tokenizer_json_is_left_as_it_is(folder: Path) -> None:
    configure(folder, added_tokens_decoder={"258": {"content": "<a>", **FLAGS}}, cls_token="<a>")
    assert load_tokenizer(folder).tokenizer_json == (folder / "tokenizer.json").read_text("utf-8")


REAL = [
    *("bert-base-cased", "deepseek-v4", "falcon", "gemma-4", "gpt-oss", "gpt2", "kimi-k2", "llama-3.1", "llama2"),
    *("mistral-nemo", "mistral-v0.3", "phi-3", "qwen2.5", "qwen3", "t5-small", "xlm-roberta"),
]


@pytest.mark.parametrize("name", REAL)
def test_special_tokens_of_real_folders(name: str, corpus: Path) -> None:
    source = corpus / "tokenizers" / name
    found = load_tokenizer(source)
    expected = load_with_transformers(str(source))
    assert found.special_tokens == expected.special_tokens_map
    assert {token["content"] for token in added_tokens(found.tokenizer_json)} == {
        token["content"] for token in added_tokens(expected.backend_tokenizer.to_str())
    }
    if expected.chat_template is not None:
        template = load_template(source)
        assert template.source == expected.chat_template
        assert (template.name, template.special_tokens) == (name, found.special_tokens)
        assert load_template(expected).source == template.source


def test_the_path_of_a_tokenizer_json(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "other.json")
    found = load_tokenizer(str(folder / "other.json"))
    assert found.special_tokens == {"eos_token": "<eos>"}
    assert found == load_tokenizer(folder / "other.json")


def test_tokenizer_objects(folder: Path) -> None:
    bare = load_tokenizer(tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")))
    assert (bare.special_tokens, bare.name) == ({}, "Tokenizer")
    configure(folder, eos_token="<eos>", image_token="<a>")
    loaded = load_tokenizer(load_with_transformers(str(folder)))
    assert loaded.special_tokens == {"eos_token": "<eos>", "image_token": "<a>"}
    assert loaded.name == "tiny"
    assert "added_tokens" in json.loads(loaded.tokenizer_json)
    for source in (3, None, SimpleNamespace(backend_tokenizer=None)):
        with pytest.raises(TokenizerError, match="backend_tokenizer"):
            load_tokenizer(source)


def test_templates_of_a_folder_and_which_file_wins(folder: Path, tmp_path: Path) -> None:
    write_json(folder / "chat_template.json", {"chat_template": "from chat_template.json"})
    assert load_template(folder).source == "from chat_template.json"
    configure(folder, chat_template="from the configuration", bos_token="<a>")
    found = load_template(folder)
    assert (found.source, found.name, found.special_tokens) == ("from the configuration", "tiny", {"bos_token": "<a>"})
    (folder / "chat_template.jinja").write_text("from chat_template.jinja")
    assert load_template(folder).source == "from chat_template.jinja"
    assert load_template(folder / "tokenizer.json").source == "from chat_template.jinja"
    for inner in ("chat_templates", "additional_chat_templates"):
        (folder / inner).mkdir()
        (folder / inner / "rag.jinja").write_text(f"rag of {inner}")
        found = load_template(folder, "rag")
        assert (found.source, found.name) == (f"rag of {inner}", "tiny:rag")
    for inner in ("chat_templates", "additional_chat_templates"):
        (folder / inner / "default.jinja").write_text(f"default of {inner}")
        found = load_template(folder)
        assert found.source == load_with_transformers(str(folder)).chat_template["default"]
    assert found.source == "default of additional_chat_templates"
    nothing: list[Any] = [None, [], {}]
    for empty in nothing:
        configure(tmp_path, chat_template=empty)
        with pytest.raises(TemplateError, match="has no chat template"):
            load_template(tmp_path)
    configure(tmp_path, chat_template=[1])
    with pytest.raises(TemplateError, match="neither a string nor a list"):
        load_template(tmp_path)


def test_a_jinja_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_bytes(b"{{ messages }}\r\n")
    found = load_template(path)
    # transformers opens these files as text, so all line breaks become \n.
    assert (found.source, found.special_tokens, found.name) == ("{{ messages }}\n", {}, "mine")
    with pytest.raises(TemplateError, match="holds only one template; remove `name='rag'`"):
        load_template(path, "rag")
    with pytest.raises(TokenizerError, match=r"give a tokenizer\.json"):
        load_tokenizer(path)


def test_a_tokenizer_without_a_template(folder: Path) -> None:
    for source in (folder, load_with_transformers(str(folder))):
        with pytest.raises(TemplateError, match=r'no chat template; .*--template.*ChatTemplate\.named\("chatml"\)'):
            load_template(source)
    with pytest.raises(TemplateError, match="cannot load a chat template"):
        load_template(3)


def test_what_is_not_there(tmp_path: Path) -> None:
    for source in ("./gone", tmp_path / "gone", "gone/tokenizer.json", "a/b/c", "~/gone", "s3://bucket/x"):
        with pytest.raises(TokenizerError, match=r"there is no .*; give a folder"):
            load_tokenizer(source)
    with pytest.raises(TokenizerError, match="empty string"):
        load_tokenizer("")
    with pytest.raises(TemplateError, match=r"there is no gone\.jinja"):
        load_template("gone.jinja")
    (tmp_path / "spiece.model").touch()
    with pytest.raises(
        TokenizerError, match=r"there is no tokenizer\.json in .* \(only spiece\.model\); .*save_pretrained"
    ):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
@pytest.mark.parametrize("file", ["tokenizer_config.json", "special_tokens_map.json"])
def test_broken_files_are_named(file: str, content: bytes, folder: Path) -> None:
    (folder / file).write_bytes(content)
    with pytest.raises(TokenizerError, match=file):
        load_tokenizer(folder)
    with pytest.raises(TemplateError, match=file):
        load_template(folder)


def test_a_name_of_a_template_is_no_source() -> None:
    with pytest.raises(TemplateError, match=r"'chatml' is the name of a template .* use `ChatTemplate.named\("):
        ChatTemplate.from_pretrained("chatml")


def test_broken_tokenizer_json_is_named(folder: Path) -> None:
    configure(folder, eos_token="<new>")
    for content in ("nothing", '{"added_tokens": [', '{"added_tokens": []}'):
        (folder / "tokenizer.json").write_text(content)
        with pytest.raises(TokenizerError, match=r"tokenizer\.json is not a valid tokenizer\.json"):
            load_tokenizer(folder)


class Hub:
    """A replacement of the Hub; `cache` holds the files that are available without the network."""

    def __init__(self) -> None:
        self.cache: Path | None = None
        self.remote: Path | None = None
        self.fetched = 0

    def snapshot_download(self, _: str, *, local_files_only: bool = False, **__: Any) -> str:
        self.fetched += not local_files_only
        found = self.cache if local_files_only else self.remote
        if found is None:
            raise OSError("no route to the Hub\nand more")
        return str(found)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    return fake


def test_hub_ids(hub: Hub, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        TokenizerError, match=r"acme/tiny.*not in the Hub cache.*\(no route to the Hub\).*hf auth login"
    ):
        load_tokenizer("acme/tiny")
    hub.cache = folder
    hub.fetched = 0
    assert load_tokenizer("acme/tiny").name == "acme/tiny"
    assert hub.fetched == 0, "cached files need no network"
    # Another program filled the cache only in part, so the Hub is tried; without the Hub, the cached files are used.
    with pytest.raises(TemplateError, match="the Hub's acme/tiny has no chat template"):
        load_template("acme/tiny")
    (folder / "tokenizer_config.json").unlink()
    assert load_tokenizer("acme/tiny").special_tokens == {}
    hub.remote = shutil.copytree(folder, tmp_path / "remote")
    configure(hub.remote, eos_token="<eos>", chat_template="T")
    assert load_tokenizer("acme/tiny").special_tokens == {"eos_token": "<eos>"}
    assert load_template("acme/tiny").source == "T"


def test_without_huggingface_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(TokenizerError, match=r"pip install 'chatmill\[hub\]'"):
        load_tokenizer("acme/tiny")


@pytest.mark.usefixtures("hub")
def test_resolve_fills_in_the_tokenizers_special_tokens(tokenizer: Path, loaded: Tokenizer) -> None:
    template = resolve(loaded, "chatml")[1]
    assert template.name == "chatml"
    assert template.special_tokens["eos_token"] == loaded.special_tokens["eos_token"]
    own = ChatTemplate("{{ eos_token }}", eos_token="<own>")
    tokens = resolve(loaded, own)[1].special_tokens
    assert tokens == {**loaded.special_tokens, "eos_token": "<own>"}
    with pytest.raises(TemplateError, match=r"there is no template 'chatlm'; did you mean 'chatml'\?$"):
        resolve(loaded, "chatlm")
    with pytest.raises(
        TemplateError, match=r"no template 'x9': `chatmill templates` does not list this name, and .*Hub"
    ):
        resolve(loaded, "x9")
    with pytest.raises(TemplateError, match="also give `template`"):
        resolve(loaded)
    with pytest.raises(TemplateError, match="no chat template"):
        resolve(tokenizer)
