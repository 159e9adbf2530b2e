"""Tests of formats: each through `prepare` to Parquet and back, invalid rows, detection, options."""

from __future__ import annotations

import json
import pickle
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tokenizers
from byte_tokenizers import byte_tokenizer
from chatmill import ChatmillError, ChatTemplate, DataError, Format, Mill, RowError, TemplateError, Tokenizer, prepare
from chatmill.formats.detect import _BESIDE_MESSAGES, _OTHER_KEYS, detect_rows
from format_rows import CHATML, TOKENIZER, milled
from hypothesis import given, settings
from hypothesis import strategies as st
from trained_spans import MASKED

ROWS = Path(__file__).parents[1] / "formats"
DATA = Path(__file__).parents[1] / "data"
DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
FAULTS_FOLDER = Path(__file__).parents[1] / "faults"
EXPECTED: dict[str, list[list[Any]]] = json.loads((DATA / "format_segments.json").read_text("utf-8"))


def segments(row: dict[str, Any]) -> list[list[Any]]:
    """`[trained, text]` of consecutive tokens; for rows with answers, `[column, text]`."""
    if "input_ids" not in row:
        return [[name, TOKENIZER.decode(ids)] for name, ids in row.items() if name.endswith("_ids")]
    pairs = zip(row["input_ids"], row["labels"], strict=True)
    groups = groupby(pairs, key=lambda pair: pair[1] != MASKED)
    return [[trained, TOKENIZER.decode([token for token, _ in group])] for trained, group in groups]


def all_styles() -> list[str]:
    return [f"{name}:{style}" if style else name for name in Format.names() for style in Format.styles(name) or [""]]


@pytest.mark.parametrize("name", all_styles())
def test_rows_through_prepare_and_back(name: str, tmp_path: Path) -> None:
    """A file of rows as JSONL and as Parquet gives the same tokens, and the expected text."""
    form = Format.named(name)
    file = ROWS / f"{name if (ROWS / f'{name}.jsonl').is_file() else name.split(':', maxsplit=1)[0]}.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    options: dict[str, Any] = {"tokenizer": TOKENIZER, "format": form, "progress": False}
    if form.needs_template:
        options["template"] = "chatml"
    report = prepare(file, output=tmp_path / "out", **options)
    assert report.rows_out == len(rows)
    assert report.format == name
    found = [row for part in sorted((tmp_path / "out").glob("train-*")) for row in pq.read_table(part).to_pylist()]
    assert [segments(row) for row in found] == EXPECTED[name]
    if name.startswith("creative_acr.load"):
        return  # in Arrow, every row has the fields of all rows
    names = dict.fromkeys(name for row in rows for name in row)
    if form.kind == "answers":  # texts in some rows and messages in others
        rows = [{k: json.dumps(it) if isinstance(it, list) else it for k, it in row.items()} for row in rows]
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), tmp_path / "rows.parquet")
    prepare(tmp_path / "rows.parquet", output=tmp_path / "columns", **options)
    columns = [row for part in (tmp_path / "columns").glob("train-*") for row in pq.read_table(part).to_pylist()]
    assert columns == found


def test_every_format_has_a_file_of_rows_and_an_example() -> None:
    assert {file.stem for file in ROWS.iterdir()} == {name for name in Format.names() if ":" not in name}
    for name in Format.names():
        form = Format.named(name)
        assert form.about
        assert form.example, name
        assert milled([form.example], Mill(TOKENIZER, CHATML if form.needs_template else None, format=form))


GOOD: dict[str, dict[str, Any]] = {
    "alpaca": {"instruction": "I", "output": "O"},
    "sharegpt:chatml": {"conversations": [{"from": "human", "value": "H"}, {"from": "gpt", "value": "G"}]},
    "input_output": {"segments": [{"label": True, "text": "t"}]},
    "explainchoice": {"question": "Q", "choices": ["a"], "solution": "S"},
    "stepwise_supervised": {"prompt": "P", "completions": ["a"], "labels": [1]},
}
FAULTS = [tuple(it.values()) for it in json.loads((FAULTS_FOLDER / "formats.json").read_text("utf-8"))]


@pytest.mark.parametrize(("name", "row", "code", "text"), FAULTS)
def test_a_fault_is_a_reject_that_names_file_row_and_field(
    name: str, row: dict[str, Any], code: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    good = GOOD.get(name, GOOD["sharegpt:chatml"])
    path.write_text(f"{json.dumps(good)}\n{json.dumps(row)}\n", "utf-8")
    report = prepare(path, tokenizer=TOKENIZER, format=name, output=tmp_path / "out", progress=False)
    assert (report.rows_out, report.reasons) == (1, {code: 1})
    (reject,) = [json.loads(line) for line in (tmp_path / "out" / "_rejects.jsonl").read_text("utf-8").splitlines()]
    assert (reject["file"], reject["line"], reject["code"]) == (str(path), 2, code)
    assert text in reject["reason"]
    with pytest.raises(RowError) as error:
        milled([good, row], Mill(TOKENIZER, format=name))
    assert error.value.failure.row == 1


def test_misspelt_content_of_messages_is_no_empty_prompt() -> None:
    for message in ({"role": "user", "contnet": "Hi"}, {"role": "user"}, {"role": "user", "content": None}):
        with pytest.raises(RowError, match="the message has no `content`"):
            milled([{"messages": [message]}], Mill(TOKENIZER, CHATML))


EMPTY_ROWS: list[tuple[str | None, str, list[dict[str, Any]]]] = [
    (None, "content", [{"role": "user", "content": "H"}, {"role": "assistant", "content": ""}]),
    (None, "value", [{"from": "human", "value": "H"}, {"from": "gpt", "value": " \n"}]),
    ("auto", "content", [{"role": "user", "content": "H"}, {"role": "assistant", "content": [{"text": ""}]}]),
    ("messages", "content", [{"role": "user", "content": "H"}, {"role": "assistant", "content": "", "tool_calls": []}]),
    ("sharegpt", "value", [{"from": "human", "value": "H"}, {"from": "gpt", "value": ""}]),
    ("sharegpt.load_guanaco", "text", [{"role": "prompter", "text": "H"}, {"role": "assistant", "text": ""}]),
]


@pytest.mark.parametrize(("form", "field", "messages"), EMPTY_ROWS)
def test_an_empty_answer_is_a_reject(
    form: str | None, field: str, messages: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    column = "messages" if "content" in messages[0] or "text" in messages[0] else "conversations"
    good = [messages[0], {**messages[1], field: "G"}]
    path.write_text("".join(json.dumps({column: its}) + "\n" for its in (good, messages)), "utf-8")
    options: dict[str, Any] = {"tokenizer": TOKENIZER, "template": "chatml", "format": form, "progress": False}
    report = prepare(path, output=tmp_path / "out", **options)
    assert (report.rows_out, report.reasons) == (1, {"empty_field": 1})
    (reject,) = [json.loads(line) for line in (tmp_path / "out" / "_rejects.jsonl").read_text("utf-8").splitlines()]
    assert (reject["file"], reject["line"], reject["message"]) == (str(path), 2, 1)
    assert f"the answer is empty; its `{field}` must have text" in reject["reason"]


def test_an_empty_answer_among_others_is_counted_or_refused() -> None:
    """Without a format, rows render as in transformers. A format rejects empty answers, unless they are allowed."""
    empty, asked, good = (
        {"role": "assistant", "content": ""}, {"role": "user", "content": "H"}, {"role": "assistant", "content": "G"},
    )  # fmt: skip
    rows = pa.table({"messages": [[asked, empty, asked, good]]})
    chatml = ChatTemplate.named("chatml")
    plain = Mill(TOKENIZER, chatml)(rows)
    assert plain.counts["empty_answer"] == 1
    with pytest.raises(RowError, match="message 1: the answer is empty"):
        Mill(TOKENIZER, chatml, format="messages")(rows)
    allowed = Mill(TOKENIZER, chatml, format={"format": "messages", "allow_empty": ["content"]})
    assert pa.table(allowed(rows)).equals(pa.table(plain))
    assert allowed(rows).counts == plain.counts
    # A single empty answer trains nothing, so it is rejected, unless it is allowed or has calls.
    alone = pa.table({"messages": [[asked, empty]]})
    assert allowed(alone).num_trained_tokens == 1
    called = {**empty, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {}}}]}
    Mill(TOKENIZER, ChatTemplate.named("qwen2.5"), format="messages")(pa.table({"messages": [[asked, called]]}))
    of_turns = Format.named("sharegpt:chatml", allow_empty=["value"])
    Mill(TOKENIZER, format=of_turns)(pa.table({"conversations": [[{"from": "gpt", "value": ""}]]}))
    with pytest.raises(DataError, match="format sharegpt has no field 'other'"):
        Format.named("sharegpt", allow_empty=["other"])
    with pytest.raises(DataError, match="`allow_empty` is not supported for a prompt with answers"):
        Format.named("preference", allow_empty=["chosen"])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"instruction": ["I"], "answer": ["O"]}), path)
    with pytest.raises(DataError, match=r"rows\.parquet: the format `alpaca` needs the column `output`; the batch has"):
        prepare(path, tokenizer=TOKENIZER, format="alpaca", output=tmp_path / "out", progress=False)
    form = Format.named("alpaca", fields={"output": "answer"})
    report = prepare(path, tokenizer=TOKENIZER, format=form, output=tmp_path / "out", progress=False)
    assert report.rows_out == 1


def test_segments_are_encoded_each_on_its_own(corpus: Path) -> None:
    """With a tokenizer that puts a space before each text, each segment gets a space."""
    tokenizer = Tokenizer.from_pretrained(corpus / "tokenizers" / "llama2", rebuild=False)
    plain = tokenizers.Tokenizer.from_file(str(corpus / "tokenizers" / "llama2" / "tokenizer.json"))
    row = [json.loads(line) for line in (ROWS / "input_output.jsonl").read_text("utf-8").splitlines()][1]
    found = pa.table(Mill(tokenizer, format="input_output")(pa.table({"segments": [row["segments"]]}))).to_pylist()[0]
    ids: list[int] = []
    labels: list[int] = []
    for segment in row["segments"]:
        own = plain.encode(segment["text"], add_special_tokens=False).ids
        ids += own
        labels += own if segment["label"] else [MASKED] * len(own)
    assert (found["input_ids"], found["labels"]) == (ids, labels)
    # <s>, ▁Hello, a line break; then ▁hi, although there is no space before it.
    assert ids[:4] == [1, 15043, 13, 7251]


def test_a_text_becomes_samples_of_so_many_tokens() -> None:
    rows = milled(
        [{"text": "abcdefgh"}, {"text": "xy"}], Mill(TOKENIZER, format="completion", max_length=5, truncation="split")
    )
    assert [segments(row) for row in rows] == [[[True, "<s>abcd"]], [[True, "efgh</s>"]], [[True, "<s>xy</s>"]]]


def test_text_for_pretraining_becomes_windows() -> None:
    """The windows equal those of tokenizers, which cuts a text into overlapping parts, each with special tokens."""
    text = "0123456789abcdefghij"
    rows = milled([{"text": text}, {"text": "xy"}], Mill(TOKENIZER, format="pretrain", max_length=12))
    assert [segments(row)[0][1] for row in rows] == [
        "<s>0123456789</s>", "<s>56789abcde</s>", "<s>abcdefghij</s>", "<s>xy</s>",
    ]  # fmt: skip
    assert [row["row"] for row in rows] == [0, 0, 0, 1]
    plain = tokenizers.Tokenizer.from_str(TOKENIZER.__getnewargs_ex__()[0][0])
    plain.enable_truncation(11, stride=5)
    parts = plain.encode(text)
    assert [[*part.ids, 259] for part in (parts, *parts.overflowing)] == [row["input_ids"] for row in rows[:3]]
    with pytest.raises(DataError, match=r"`pretrain` does not support `truncation=\"drop\"`"):
        milled([{"text": text}], Mill(TOKENIZER, format="pretrain", max_length=12, truncation="drop"))


def test_user_defined_formats() -> None:
    form = Format.user_defined(
        field_instruction="input", format="[INST] {instruction} [/INST]", no_input_format="[INST] {instruction} [/INST]"
    )
    (row,) = milled([{"input": "I", "output": "O"}], Mill(TOKENIZER, format=form))
    assert segments(row) == [[False, "<s>[INST] I [/INST]"], [True, "O</s>"]]
    form = Format.user_defined(system_prompt="Be {kind}.", system_format="<<{system}>>\n", field_output="answer")
    rows = milled(
        [{"instruction": "I", "input": "N", "answer": "O", "system": "S"}, {"instruction": "I", "answer": "O"}],
        Mill(TOKENIZER, format=form),
    )
    assert [segments(row)[0][1] for row in rows] == ["<s><<S>>\nI N ", "<s><<Be {kind}.>>\nI "]
    form = Format.user_defined(format="{{{instruction}}} {input}\n\n", no_input_format="\n{instruction}\n")
    rows = milled(
        [{"instruction": "{I}", "input": "{{ N }}", "output": "O"}, {"instruction": "I", "output": "O"}],
        Mill(TOKENIZER, format=form),
    )
    assert [segments(row)[0][1] for row in rows] == ["<s>{{I}} {{ N }}\n\n", "<s>\nI\n"]
    for wrong, message in (
        ("{instrction}", r"`format` has \{instrction\}, which is not a field .*; did you mean 'instruction'\?"),
        ("{", r"`format` is '\{', not a valid format string"),
        ("{instruction!r}", r"`format` has \{instruction\}, which is not a field"),
        ("{0}", r"`format` has \{0\}, which is not a field .*; use one of instruction, input, system"),
        ("}", "`format` is '}', not a valid format string"),
    ):
        with pytest.raises(DataError, match=message):
            Format.user_defined(format=wrong)


def test_the_documented_format_prints_the_documented_text(tmp_path: Path) -> None:
    written = DOCS.read_text("utf-8").partition("## Write a format")[2]
    (tmp_path / "my.yaml").write_text(written.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    shown = written.partition("```text\n")[2].partition("\n```")[0]
    form = Format.of(str(tmp_path / "my.yaml"))
    mill = Mill(byte_tokenizer(eos_token="<|im_end|>"), format=form)
    assert form.example is not None
    assert mill.encode(form.example).text == shown == "Q: How many legs has a spider?\nA: Eight.<|im_end|>"
    (row,) = milled([{**form.example, "hint": "an even number"}], mill)
    assert segments(row) == [
        [False, "Q: How many legs has a spider? (an even number)\nA:"],
        [True, " Eight.<|im_end|>"],
    ]


@given(st.text(), st.text(), st.text().filter(str.strip), st.text(max_size=9))
def test_any_text_is_printed_as_it_is(system: str, extra: str, text: str, literal: str) -> None:
    """Values with braces, tags, or line breaks at their edges are printed unchanged."""
    row = {"instruction": text, "input": extra, "output": text, "system": system}
    form = Format.user_defined(
        format=f"{literal.replace('{', '{{').replace('}', '}}')}{{instruction}}\n{{input}}", system_format="{system}"
    )
    encoded = Mill(TOKENIZER, format=form).encode(row)
    prompt = f"{literal}{text}\n{extra}" if extra else f"{text} "
    assert encoded.text == f"<s>{system}{prompt}{text}" + ("" if text.endswith("</s>") else "</s>")
    alpaca = Mill(TOKENIZER, format="alpaca_chat.load_no_prompt").encode(row)
    extra = f"{extra}\n" if extra else ""
    assert alpaca.text == f"<s>USER: {text}\n{extra}ASSISTANT:{text}" + ("" if text.endswith("</s>") else "</s>")


RECOGNISED = (
    "alpaca", "gpteacher", "oasst", "question_answer", "prompt_response", "dolly", "explainchoice", "concisechoice",
    "reflection", "context_qa", "context_qa.load_404", "context_qa.load_v2", "alpaca_w_system", "completion",
    "prompt_completion", "input_output",
    "stepwise_supervised", "sharegpt.load_guanaco", "sharegpt.load_role", "metharme", "summarizetldr",
    "sharegpt_jokes", "creative_acr.load_critique", "creative_acr", "query_response",
)  # fmt: skip


def test_recognition() -> None:
    for name in RECOGNISED:
        example = Format.named(name).example
        assert example is not None
        found = detect_rows([example], has_template=False)
        assert found is not None
        assert found.name == name
        with_template = detect_rows([example])
        assert with_template is not None
        same = Format.named(name)
        assert with_template.name == (
            f"{name}:messages" if same.has_messages_style and not same.needs_template else name
        )
    for name in ("messages", "sharegpt"):
        assert detect_rows([Format.named(name).example or {}]) is None
    # The rows of the Alpaca dataset also have the whole text in a column.
    found = detect_rows([{"instruction": "I", "input": "", "output": "O", "text": "all"}], has_template=False)
    assert found is not None
    assert found.name == "alpaca"


# Fields of messages, some of which other formats read too.
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "human", "gpt"])},
    optional={
        "content": st.none() | st.sampled_from(["", "Hi"]),
        "from": st.just("human"),
        "value": st.just("Hi"),
        "text": st.just("Hi"),
        "prompt": st.just("Hi"),
    },
)
FIELD = st.sampled_from([None, "text", 1, ["a"], {"a": 1}, [{"role": "user", "content": "Hi"}]])
BESIDE = st.dictionaries(st.sampled_from([*sorted(_BESIDE_MESSAGES), "system", "prompt", "chosen"]), FIELD, max_size=3)


@settings(deadline=None)
@given(rows=st.lists(st.builds(dict, BESIDE, messages=st.lists(MESSAGE, max_size=3)), max_size=2), has=st.booleans())
def test_messages_are_recognised_without_the_library_as_with_it(rows: list[dict[str, Any]], has: bool) -> None:
    def found() -> str | None:
        try:
            return str(detect_rows(rows, has_template=has))
        except DataError as error:
            return str(error)

    quick = found()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chatmill.formats.detect._are_messages", lambda _: False)
        assert quick == found()


def test_messages_are_recognised_without_the_library() -> None:
    row = {"id": 1, "messages": [{"role": "user", "content": "Hi"}], "tools": [], "source": "web"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chatmill.formats.library.definitions", lambda: pytest.fail("the library was read"))
        assert detect_rows([row]) is None
    read = {column for name in Format.names() for column in Format.named(name).columns}
    assert read & _BESIDE_MESSAGES <= {"tools", "documents", "chat_template_kwargs"}
    mappings = [Format.named(name).core.get("messages") for name in Format.names()]
    keys = {key for it in mappings if isinstance(it, dict) for _, key in it.get("properties", [])}
    assert keys - {"role", "content"} == _OTHER_KEYS


def test_recognition_refuses_what_it_cannot_tell(tmp_path: Path) -> None:
    rows = [{"system_prompt": "S", "question": f"Q{number}", "response": "R"} for number in range(5)]
    with pytest.raises(
        DataError,
        match=r"the formats orcamini and alpaca_w_system\.load_open_orca fit these rows; name one of them with "
        r"`--format`",
    ) as error:
        detect_rows(rows, has_template=False)
    assert [f"Q{number}" in str(error.value) for number in range(5)] == [True, True, True, False, False]
    path = tmp_path / "rows.jsonl"
    path.write_text('{"left": "a", "right": "b"}\n', "utf-8")
    with pytest.raises(
        DataError,
        match=r"rows\.jsonl: no format fits rows with the fields left, right; name what holds the question and the "
        r"answer with `--map question=… --map answer=…`, choose a format from `chatmill formats`",
    ):
        prepare(path, tokenizer=TOKENIZER, output=tmp_path / "out")
    # A misspelled field, and a question with its answer, have special remedies.
    with pytest.raises(
        DataError, match=r"did you mean 'conversations' .* Then give `--map conversations=conversation`"
    ):
        detect_rows([{"conversation": [{"role": "user", "content": "Hi"}]}])
    with pytest.raises(DataError, match="give `--map question=problem --map answer=solution`"):
        detect_rows([{"problem": "P", "solution": "R"}])
    path.write_text('{"instruction": "I", "output": "O"}\n', "utf-8")
    report = prepare(path, tokenizer=TOKENIZER, output=tmp_path / "out")
    assert (report.format, report.format_reason) == ("alpaca", "the first rows have instruction, output")
    assert "alpaca; the first rows have instruction, output" in str(report)


def test_options_that_do_not_go_with_a_text() -> None:
    unsupported: list[tuple[dict[str, Any], str]] = [
        ({"labels": "last"}, "does not support these `labels`"),
        ({"labels": "axolotl"}, "does not support these `labels`"),
        ({"split": "per_turn"}, 'does not support `split="per_turn"`'),
        ({"truncation": "turns"}, 'does not support `truncation="turns"`'),
        ({"special_tokens": "text"}, 'does not support `special_tokens="text"`'),
        ({"template": CHATML}, "does not use a chat template; remove `template`"),
    ]
    for options, message in unsupported:
        with pytest.raises(DataError, match=f"the format `alpaca` {message}"):
            Mill(TOKENIZER, format="alpaca", **options)
    with pytest.raises(DataError, match="`segment_length` is only supported for formats with their own text"):
        Mill(TOKENIZER, CHATML, segment_length=3)
    with pytest.raises(DataError, match="`template` is missing; rows of messages need a chat template"):
        Mill(TOKENIZER)
    with pytest.raises(DataError, match="the format `alpaca` ends answers with `eos_token`, but tokenizer has none"):
        Mill(byte_tokenizer(), format="alpaca")


def test_a_definition_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "qa.yaml"
    path.write_text(
        "fields: {frage: text, antwort: text}\n"
        'text: "{{ bos_token }}F: {{ frage }}\\nA:{% generation %} {{ ended(antwort) }}{% endgeneration %}"\n',
        "utf-8",
    )
    (row,) = milled([{"frage": "Wie?", "antwort": "So."}], Mill(TOKENIZER, format=str(path)))
    assert segments(row) == [[False, "<s>F: Wie?\nA:"], [True, " So.</s>"]]
    form = Format.of({"name": "chat", "messages": {"fields": "talk", "properties": {"role": "who", "content": "what"}}})
    (row,) = milled([{"talk": [{"who": "user", "what": "Hi"}]}], Mill(TOKENIZER, CHATML, format=form))
    assert segments(row) == [[False, "<|im_start|>user\nHi<|im_end|>\n"]]
    wrong: list[tuple[dict[str, Any], type[ChatmillError], str]] = [
        ({}, DataError, "format x has neither `messages` nor a `text`; add one of them"),
        ({"text": "{% if"}, TemplateError, "template line 1: the chat template of format x does not compile"),
        ({"text": "", "fields": {"a": "words"}}, DataError, 'format x: unknown type "words"; use `text`, `bool`'),
        ({"txt": ""}, DataError, "format x: there is no key 'txt'; did you mean 'text'"),
        ({"messages": {"feilds": ["a"]}}, DataError, "`messages` has no key 'feilds'; did you mean 'fields'"),
        ({"text": "", "steps": {"labels": "a"}}, DataError, "format x: `steps` need a field `a`"),
    ]
    for definition, kind, message in wrong:
        with pytest.raises(kind, match=message):
            Mill(TOKENIZER, format={"name": "x", **definition})
    for name, message in (
        ("alpaka", "there is no format 'alpaka'; did you mean 'alpaca'?"),
        ("nothing", "there is no format 'nothing'; use a name from `chatmill formats`, or a YAML file"),
        ("alpaca:chatm", "format alpaca has no style 'chatm'; did you mean 'chatml'?"),
        ("alpaca:x", "format alpaca has no style 'x'; use one of instruct, chat, chatml, phi, plain, messages"),
        ("completion:chat", "format completion has no style 'chat'; remove the style, because this format has none"),
    ):
        with pytest.raises(DataError) as error:
            Format.named(name)
        assert str(error.value) == message


def test_mills_with_formats_pickle_and_do_not_depend_on_threads() -> None:
    rows = [{"instruction": f"I{number}", "output": f"O{number}" * (number % 7 + 1)} for number in range(500)]
    batch = pa.record_batch({"row": pa.array([json.dumps(row) for row in rows])})
    one, many = (Mill(TOKENIZER, format="alpaca:chat", threads=threads) for threads in (1, 8))
    again: Mill = pickle.loads(pickle.dumps(many))
    tables = [pa.table(mill(batch, json_column="row")) for mill in (one, many, again)]
    assert tables[0] == tables[1] == tables[2]
    assert again.format == many.format
    assert again.options == many.options


def test_rows_of_windows_and_of_tokens_have_an_encoding() -> None:
    for name in ("pretrain", "tokenized"):
        row = dict(Format.named(name).example or {})
        (sample,) = Mill(TOKENIZER, format=name).encode(row).samples
        (expected,) = milled([row], Mill(TOKENIZER, format=name))
        assert (sample.input_ids, sample.labels) == (expected["input_ids"], expected["labels"])
        assert sample.input_ids


def test_columns_of_a_format_can_be_kept() -> None:
    rows = [{"id": number, "instruction": "I\n", "output": "O"} for number in range(3)]
    kept = milled(rows, Mill(TOKENIZER, format="alpaca", keep_columns=["id", "instruction"]))
    assert [(row["id"], row["instruction"]) for row in kept] == [("0", "I\n"), ("1", "I\n"), ("2", "I\n")]
