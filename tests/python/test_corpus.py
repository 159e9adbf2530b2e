"""Texts, trained spans, token ids and labels of the named templates, compared with the files of `tests/corpus`.

The files hold results of transformers and tokenizers. `tests/corpus/make.py` writes and describes them. No other corpus
is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from itertools import groupby
from typing import Any

import corpus_files as files
import pyarrow as pa
import pytest
import reference
import template_files
import tokenizers
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, Encoding, Mill, Tokenizer
from trained_spans import MASKED, generated, joined

Line = dict[str, Any]

RENDERS = files.lines("renders.jsonl")
IDS = files.lines("ids.jsonl")
TEMPLATES = template_files.names()
TEXTS = 511
TOKENIZERS = ["byte_bpe", "byte_bpe_split", "metaspace_bpe", "unigram", "wordlevel", "wordpiece"]
by_template = pytest.mark.parametrize("name", TEMPLATES)
by_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)
by_form = pytest.mark.parametrize("form", ["tagged", "untagged"])

# Without a stop token, chatmill does not train white space at the end of a turn (docs/labels.md, Limits). This turn is
# only the space before an empty answer.
BLANK_TURN = ("falcon", "empty", 4)


def lines_of(template: str) -> tuple[list[Line], list[Line]]:
    """The lines of a template: those with a text, and those with an error."""
    its = [line for line in RENDERS if line["template"] == template]
    return [line for line in its if "text" in line], [line for line in its if "error" in line]


def conversation_of(line: Line) -> files.Conversation:
    return files.conversation(line["conversation"], line["template"])


def prompted(line: Line) -> str:
    """The text with a generation prompt."""
    length, tail = line["prompted"]
    text: str = line["text"].encode()[:length].decode() + tail
    return text


@lru_cache
def template(name: str, form: str) -> ChatTemplate:
    named = ChatTemplate.named(name)
    return (
        named
        if form == "tagged"
        else ChatTemplate(template_files.untagged(template_files.source(name)), **named.special_tokens)
    )


@lru_cache
def tokenizer(name: str) -> Tokenizer:
    return Tokenizer(files.tokenizer_definition(name), name=name)


@lru_cache
def their_tokenizer(name: str) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_str(files.tokenizer_definition(name))


def mill(its: Tokenizer, name: str, form: str, **options: Any) -> Mill:
    return Mill(its, template(name, form), now=files.now(), threads=1, **options)


def encode(its: Mill, line: Line) -> Encoding:
    """The row of a line."""
    row = conversation_of(line)
    return its.encode(row.messages, tools=row.tools, documents=row.documents, **row.variables)


def row_of(line: Line) -> dict[str, Any]:
    """The row of a line, as a record of a dataset."""
    row = conversation_of(line)
    context = {"tools": row.tools, "documents": row.documents, "chat_template_kwargs": row.variables}
    return {"messages": row.messages, **context}


def test_the_files_are_fresh() -> None:
    """The stored values are those of transformers and tokenizers, and the stored tokenizers are those of the script."""
    command = [sys.executable, str(files.FOLDER / "make.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_pair_has_a_line() -> None:
    """Without a line, a pair of template and conversation, or a tokenizer, would not be tested."""
    pairs = [(template, name) for template in ChatTemplate.names() for name in files.conversation_names()]
    assert sorted((line["template"], line["conversation"]) for line in RENDERS) == sorted(pairs)
    assert len(pairs) == 34 * 18
    assert sum("text" in line for line in RENDERS) == TEXTS
    assert not any(template(name, "untagged").has_generation for name in TEMPLATES)
    assert files.tokenizer_names() == TOKENIZERS
    for name in TOKENIZERS:
        its = [line for line in IDS if line["tokenizer"] == name]
        assert {line["template"] for line in its} == set(TEMPLATES)
        assert {line["conversation"] for line in its} == set(files.conversation_names())


@by_form
@by_template
def test_texts(name: str, form: str) -> None:
    printed, _ = lines_of(name)
    for line in printed:
        row = conversation_of(line)
        texts = [
            template(name, form).render(row.messages, now=files.now(), add_generation_prompt=prompt, **row.context)
            for prompt in (False, True)
        ]
        assert texts == [line["text"], prompted(line)], line["conversation"]
    assert len(printed) == reference.compared("test_corpus.texts")[name]


@by_form
@by_template
def test_refusals(name: str, form: str) -> None:
    """Errors by `raise_exception` have the text of the template; other errors have the text of Python's exception."""
    printed, refused = lines_of(name)
    for line in refused:
        row = conversation_of(line)
        kind, words = line["error"]
        code = "template_raised" if kind == "TemplateError" else "template_failed"
        for prompt in (False, True):
            with pytest.raises(ChatmillError) as caught:
                template(name, form).render(row.messages, now=files.now(), add_generation_prompt=prompt, **row.context)
            # After the text of another exception, the expression of the template follows.
            text = caught.value.text if code == "template_raised" else caught.value.text.partition(" (in `")[0]
            assert (caught.value.code, text) == (code, words), line["conversation"]
    assert len(refused) == len(files.conversation_names()) - len(printed)


def test_some_conversations_are_refused() -> None:
    kinds = [line["error"][0] for line in RENDERS if "error" in line]
    assert {kind: kinds.count(kind) for kind in kinds} == {"TemplateError": 88, "TypeError": 13}


@by_template
def test_tagged_spans(name: str) -> None:
    """A tokenizer with one token per byte shows the exact characters of the trained spans."""
    printed, _ = lines_of(name)
    compared = 0
    its = mill(byte_tokenizer(), name, "tagged")
    for line in printed:
        encoding = encode(its, line)
        assert encoding.text == line["text"]
        runs = [list(tokens) for on, tokens in groupby(encoding.tokens, key=lambda token: token.label != MASKED) if on]
        spans = files.to_characters(line["text"], line["tagged"])
        assert [(run[0].start, run[-1].end) for run in runs] == joined(spans), line["conversation"]
        assert encoding.notes.count("tagged") == 1
        compared += len(spans)
    assert compared == reference.compared("test_corpus.turns")[name]


@by_template
def test_untagged_spans(name: str) -> None:
    """Without tags, the regions of each assistant turn equal the span that other renders show."""
    printed, _ = lines_of(name)
    different, compared, ambiguous = [], 0, 0
    for line in printed:
        row = conversation_of(line)
        regions = template(name, "untagged").regions(row.messages, now=files.now(), **row.context)
        assistant = [index for index, message in enumerate(row.messages) if message["role"] == "assistant"]
        for index, span in zip(assistant, line["untagged"], strict=True):
            spans = joined(files.to_characters(line["text"], [span] if span else []))
            unequal = span is not None and generated(regions, {index}) != spans
            different += [(name, line["conversation"], index)] * unequal
            compared += span is not None
            ambiguous += span is None
    assert different == [BLANK_TURN] * (name == BLANK_TURN[0])
    assert compared + ambiguous == reference.compared("test_corpus.turns")[name]
    assert ambiguous == reference.compared("test_corpus.ambiguous").get(name, 0)


@by_tokenizer
def test_ids(name: str) -> None:
    """All ids, with and without a generation prompt, equal those of tokenizers; so do the ids in the file."""
    texts = [text for line in RENDERS if "text" in line for text in (line["text"], prompted(line))]
    for text in texts:
        assert tokenizer(name).encode(text) == their_tokenizer(name).encode(text, add_special_tokens=False).ids
    assert len(texts) == 2 * TEXTS
    stored = {(it["template"], it["conversation"]): it["ids"] for it in IDS if it["tokenizer"] == name}
    found = {
        (it["template"], it["conversation"]): tokenizer(name).encode(it["text"])
        for it in RENDERS
        if (it["template"], it["conversation"]) in stored
    }
    assert found == stored


@by_form
@by_tokenizer
def test_labels(name: str, form: str) -> None:
    """A token is trained if it shares a character with a span, by the offsets of tokenizers."""
    stored = {(it["template"], it["conversation"]): it["trained"] for it in IDS if it["tokenizer"] == name}
    mills = {template: mill(tokenizer(name), template, form) for template in TEMPLATES}
    different, compared, of_file = [], 0, 0
    for line in RENDERS:
        if "text" not in line or None in line[form]:
            continue
        encoding = encode(mills[line["template"]], line)
        theirs = their_tokenizer(name).encode(line["text"], add_special_tokens=False)
        spans = files.to_characters(line["text"], line[form])
        tokens = files.trained_tokens(theirs.offsets, spans)
        labels = [token if on else MASKED for token, on in zip(theirs.ids, tokens, strict=True)]
        assert encoding.input_ids == theirs.ids
        pair = (line["template"], line["conversation"])
        different += [pair] * (encoding.labels != labels)
        compared += 1
        if pair in stored and line["tagged"] == line[form]:
            assert list(map(list, files.ranges_of(tokens))) == stored[pair]
            of_file += 1
    assert different == [BLANK_TURN[:2]] * (form == "untagged")
    assert compared == {"tagged": TEXTS, "untagged": TEXTS - 22}[form]  # 22 texts have ambiguous turns
    assert of_file == (len(stored) if form == "tagged" else reference.compared("test_corpus.same_spans")[name])


@pytest.mark.parametrize("name", ["byte_bpe", "byte_bpe_split"])
def test_trained_ids_spell_the_spans(name: str) -> None:
    """The decoded trained tokens contain each span in its order, and little else."""
    compared = 0
    for template in TEMPLATES:
        its = mill(tokenizer(name), template, "tagged")
        for line in lines_of(template)[0]:
            encoding = encode(its, line)
            # The text of an added token does not include the white space that it absorbs.
            if tokenizer(name).decode(encoding.input_ids) != line["text"]:
                continue
            rest, between = tokenizer(name).decode([it for it in encoding.labels if it != MASKED]), ""
            for start, end in files.to_characters(line["text"], line["tagged"]):
                before, found, rest = rest.partition(line["text"][start:end])
                assert found == line["text"][start:end]
                between += before
            # Tokens across an edge contain characters and line breaks of the template.
            assert not any(map(str.isalnum, between + rest)), (template, line["conversation"])
            compared += 1
    assert compared == TEXTS - len(TEMPLATES)  # all but the conversation with control tokens


@by_tokenizer
def test_a_batch_gives_the_same(name: str) -> None:
    """All conversations as one batch of JSON rows: the ids of accepted rows, and nothing for rejected rows."""
    compared = 0
    for template in TEMPLATES:
        printed, refused = lines_of(template)
        its = mill(tokenizer(name), template, "tagged", on_error="null")
        rows = [json.dumps(row_of(line), ensure_ascii=False) for line in printed + refused]
        batch = its(pa.table({"row": rows}), json_column="row")
        out, expected, nothing = pa.table(batch), [encode(its, line) for line in printed], [None] * len(refused)
        assert out["input_ids"].to_pylist() == [it.input_ids for it in expected] + nothing
        assert out["labels"].to_pylist() == [it.labels for it in expected] + nothing
        assert [failure.row for failure in batch.failures] == list(range(len(printed), len(rows)))
        compared += len(printed)
    assert compared == TEXTS
