"""Writes the files of this folder: `python tests/corpus/make.py`. With `--check` it fails if a file is out of date.

The corpus is small and complete, so a clone without the big corpus can still check texts, trained spans and token ids
of every family. chatmill is not used to write it: texts and spans come from transformers, ids and offsets from
tokenizers.

`conversations.json` is written by hand: the conversations, each with its purpose; the time of the clock; and default
tools and documents, for templates that require them (`requires` in `templates/NAME.json`) and conversations that have
none. This script writes all other files:

* `renders.jsonl`: a line for each named template and conversation.
  - `text`: the text without a generation prompt.
  - `prompted`: the text with a generation prompt, as `[bytes, tail]`: the first bytes of `text`, then `tail`.
  - `tagged`: the spans of `{% generation %}`, as transformers tracks them.
  - `untagged`: a span for each assistant message, found without the tags (`borders.py`), or null if it is ambiguous.
  - `error`: the type and the message of the exception instead, if the template rejects the conversation.
* `tokenizers/*.json`: small tokenizers, one of each family (`vocabularies.py`).
* `ids.jsonl`: ids of some of the texts, without the tokens of a post-processor. `trained` holds the ranges of tokens
  that share a character with the `tagged` spans. Each tokenizer has a text of every template and of every conversation.

Spans are `[start, end]` in bytes of the UTF-8. `tests/python/test_corpus.py` and `tests/corpus.rs` read the files.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import tokenizers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import corpus_files as files
import reference
import template_files
from borders import assistant_spans
from vocabularies import build_tokenizers

Line = dict[str, Any]


def render(source: str, template: str, conversation: files.Conversation, *, prompt: bool = False) -> str:
    tokens = template_files.settings(template)["special_tokens"]
    return reference.render(
        source, conversation.messages, add_generation_prompt=prompt, **tokens, **conversation.context
    )


def refusal(source: str, template: str, conversation: files.Conversation, *, prompt: bool) -> list[str] | None:
    """Return the type and the message of the exception of a render, or None."""
    try:
        render(source, template, conversation, prompt=prompt)
    except Exception as error:  # noqa: BLE001  (a template may fail in any way)
        return [type(error).__name__, str(error)]
    return None


def common_start(one: str, other: str) -> int:
    """Return the number of equal characters at the start of both texts."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def render_line(template: str, name: str) -> Line:
    """Return a line of `renders.jsonl`. Check that a template with and without tags does the same in all renders."""
    line: Line = {"template": template, "conversation": name}
    conversation = files.conversation(name, template)
    tagged = template_files.source(template)
    untagged = template_files.untagged(tagged)
    refusals = [
        refusal(it, template, conversation, prompt=prompt) for it in (tagged, untagged) for prompt in (False, True)
    ]
    if any(it != refusals[0] for it in refusals):
        raise SystemExit(f"{template}, {name}: refused in one form only: {refusals}")
    if refusals[0] is not None:
        return {**line, "error": refusals[0]}
    text, prompted = (render(tagged, template, conversation, prompt=prompt) for prompt in (False, True))
    if (text, prompted) != tuple(render(untagged, template, conversation, prompt=prompt) for prompt in (False, True)):
        raise SystemExit(f"{template}, {name}: the text depends on the tags")
    tokens = template_files.settings(template)["special_tokens"]
    same_text, spans = reference.spans(tagged, conversation.messages, **tokens, **conversation.context)
    if same_text != text:
        raise SystemExit(f"{template}, {name}: tracking the tags changes the text")
    shared = common_start(text, prompted)
    found = assistant_spans(template, conversation, text)
    return {
        **line,
        "text": text,
        "prompted": [len(text[:shared].encode()), prompted[shared:]],
        "tagged": files.to_bytes(text, spans),
        "untagged": [files.to_bytes(text, [span])[0] if span else None for span in found],
    }


def chosen_texts(lines: list[Line], number: int) -> list[Line]:
    """Return the lines whose ids are stored for tokenizer `number`.

    These are one text of each template, which differs between tokenizers, and the shortest text of each conversation.
    """
    printed = [line for line in lines if "text" in line]
    chosen = set()
    for index, template in enumerate(template_files.names()):
        its = [line["conversation"] for line in printed if line["template"] == template]
        chosen.add((template, its[(index + 3 * number) % len(its)]))
    for name in files.conversation_names():
        shortest = min((it for it in printed if it["conversation"] == name), key=lambda it: len(it["text"]))
        chosen.add((shortest["template"], name))
    return [line for line in printed if (line["template"], line["conversation"]) in chosen]


def id_line(name: str, tokenizer: tokenizers.Tokenizer, line: Line) -> Line:
    """Return a line of `ids.jsonl`."""
    encoded = tokenizer.encode(line["text"], add_special_tokens=False)
    trained = files.trained_tokens(encoded.offsets, files.to_characters(line["text"], line["tagged"]))
    places = {"tokenizer": name, "template": line["template"], "conversation": line["conversation"]}
    return {**places, "ids": encoded.ids, "trained": files.ranges_of(trained)}


def jsonl(lines: list[Line]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)


def fresh_files() -> dict[str, str]:
    """Return the new text of each file, by its path in this folder."""
    assert files.now() == reference.NOW
    with pytest.MonkeyPatch.context() as patch:
        reference.freeze_clock(patch)
        pairs = [(template, name) for template in template_files.names() for name in files.conversation_names()]
        renders = [render_line(*pair) for pair in pairs]
    built = build_tokenizers()
    ids = [
        id_line(name, tokenizer, line)
        for number, (name, tokenizer) in enumerate(built.items())
        for line in chosen_texts(renders, number)
    ]
    definitions = {
        f"tokenizers/{name}.json": json.dumps(json.loads(it.to_str()), ensure_ascii=False, indent=0) + "\n"
        for name, it in built.items()
    }
    return {"renders.jsonl": jsonl(renders), **definitions, "ids.jsonl": jsonl(ids)}


def main() -> None:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description="Write the files of tests/corpus.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check: bool = parser.parse_args().check
    fresh = fresh_files()
    present = {"renders.jsonl", "ids.jsonl", *(f"tokenizers/{name}.json" for name in files.tokenizer_names())}
    for name in sorted(present - set(fresh)):
        raise SystemExit(f"{name} is not a file of this script; remove it")
    for name, text in fresh.items():
        path = files.FOLDER / name
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
        elif not path.is_file() or path.read_bytes() != text.encode():
            raise SystemExit(
                f"{name} differs from a fresh file; run python tests/corpus/make.py and look at the changes"
            )


if __name__ == "__main__":
    main()
