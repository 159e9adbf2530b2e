"""`Labels` as users write them, and the other steps of a mill: truncation, samples, padding, control tokens."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Labels, Mill, RowError, Tokenizer, collate

TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "U1"},
    {"role": "assistant", "content": "A1"},
    {"role": "user", "content": "U2"},
    {"role": "assistant", "content": "A2"},
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_tokenizer(eos_token="<|im_end|>", bos_token="<s>", pad_token="</s>")


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate.named("chatml")


def rows(*conversations: list[dict[str, Any]]) -> pa.Table:
    return pa.table({"messages": list(conversations)})


def table(out: Any) -> list[dict[str, Any]]:
    return list(pa.table(out).to_pylist())


def trained(tokenizer: Tokenizer, row: dict[str, Any]) -> str:
    return tokenizer.decode([label for label in row["labels"] if label != -100])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("assistant", Labels()),
        ("last", Labels(turns="last")),
        ("tool_calls", Labels(kinds=["tool_call", "closer"])),
        ("{preset: tool_calls, stop: none}", Labels(kinds=["tool_call", "closer"], stop="none")),
        ("{turns: last, weights: {reasoning: 0.5}}", Labels(turns="last", weights={"reasoning": 0.5})),
        ('{"preset": "unsloth", "last_response_only": true}', Labels.preset("unsloth", last_response_only=True)),
        ({"roles": ["assistant", "tool"]}, Labels(roles=["assistant", "tool"])),
        (Labels(stop="none"), Labels(stop="none")),
    ],
)
def test_labels_are_read_in_every_form(written: Any, expected: Labels) -> None:
    assert Labels.of(written) == expected
    assert Labels.of(expected.spec()) == expected
    assert pickle.loads(pickle.dumps(expected)) == expected  # our own
    assert hash(Labels.of(written)) == hash(expected)


def test_labels_of_earlier_versions_are_read() -> None:
    options = {"train_on_eos": "all"}
    assert Labels.of({"like": "axolotl", "options": options}) == Labels.preset("axolotl", **options)
    assert Labels.preset("axolotl").to_dict() == {"emulate": "axolotl"}
    with pytest.raises(DataError, match="no field 'like'"):
        Labels.of({"like": "axolotl", "emulate": "trl"})


def test_labels_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_text("labels:\n  turns: 2\n  stop: all\n", encoding="utf-8")
    assert Labels.of(str(path)) == Labels(turns=2, stop="all")
    with pytest.raises(DataError, match="cannot read"):
        Labels.of(str(tmp_path / "none.yaml"))
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(DataError, match="not YAML"):
        Labels.of(str(path))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("assistent", r"there is no preset 'assistent'; did you mean 'assistant'\?"),
        ("wild", "there is no preset 'wild'; use one of assistant, all"),
        ({"rols": "all"}, r"there is no field 'rols'; did you mean 'roles'\?"),
        ({"zzz": 1}, "there is no field 'zzz'; use one of preset, roles, "),
        ("{turns: some}", '`turns` is invalid: unknown value "some", expected "all", "last" or'),
        ("{kinds: [answer]}", '`kinds` has "answer", which is not a kind of region; use one of `scaffold`'),
        ("- 1\n- 2", "expected an object"),
        (3, "3 has the type int; give a name"),
        (
            {"preset": "llama-factory", "train_on_prompt": True, "mask_history": True},
            "cannot combine train_on_prompt and mask_history",
        ),
        ({"preset": "llama-factory", "x": 1}, "no option 'x'; use train_on_prompt or mask_history"),
        ({"preset": "axolotl", "train_on_eos": "sometimes"}, '`train_on_eos` is "sometimes"; use one of `all`, `turn`'),
        ({"preset": "last", "x": 1}, "there is no field 'x'"),
        ({"stop_tokens": "<s>"}, r"`stop_tokens` is '<s>', which is not a list of names; write \[<s>\]"),
    ],
)
def test_what_is_no_labels_is_said(written: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Labels.of(written)


@pytest.mark.parametrize("preset", Labels.presets())
def test_every_preset_goes_through_a_mill(preset: str, tokenizer: Tokenizer, template: ChatTemplate) -> None:
    source = template.source.replace("{{ m.content }}", "{% generation %}{{ m.content }}{% endgeneration %}")
    mill = Mill(tokenizer, ChatTemplate(source), labels=preset)
    assert Labels.of(mill.options["labels"]) == Labels.preset(preset) == mill.labels
    again = pickle.loads(pickle.dumps(mill))  # our own
    assert table(again(rows(TURNS))) == table(mill(rows(TURNS)))


def test_presets_differ_where_their_tools_do(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    """The example row in `docs/labels.md`."""

    def of(preset: str, **options: Any) -> str:
        mill = Mill(tokenizer, template, labels=Labels.preset(preset, **options))
        encoding = mill.encode(TURNS)
        out, open_ = [], False
        for token in encoding.tokens:
            if (token.label != -100) != open_:
                open_ = not open_
                out.append("[" if open_ else "]")
            if open_:
                out.append(token.text)
        return "".join([*out, "]" if open_ else ""]).replace("\n", "⏎")

    assert of("assistant") == "[A1<|im_end|>][A2<|im_end|>]"
    assert of("last") == "[A2<|im_end|>]"
    assert of("tool_calls") == "[<|im_end|>][<|im_end|>]"
    assert of("axolotl") == "[A1<|im_end|>][A2<|im_end|>]"
    assert of("axolotl", train_on_eos="last") == "[A1][A2<|im_end|>]"
    assert of("axolotl", roles_to_train=[], train_on_eos=None) == "[A2<|im_end|>⏎]"
    assert of("unsloth") == "[A1<|im_end|>⏎][A2<|im_end|>⏎]"
    assert of("unsloth", last_response_only=True) == "[A2<|im_end|>⏎]"
    assert of("open-instruct") == "[A1<|im_end|>⏎][A2<|im_end|>⏎]"
    assert of("llama-factory") == "[A1<|im_end|>⏎][A2<|im_end|>⏎]"
    assert of("llama-factory", mask_history=True) == "[A2<|im_end|>⏎]"
    assert of("completion") == "[A2<|im_end|>⏎]"
    assert of("hf") == of("trl") == "[A1<|im_end|>][A2<|im_end|>]"


def test_tools_that_need_tags_say_so(tokenizer: Tokenizer) -> None:
    bare = ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")
    assert Mill(tokenizer, bare, labels="hf")(rows(TURNS)).num_trained_tokens == 0
    with pytest.raises(DataError, match="`emulate: trl` trains the text in"):
        Mill(tokenizer, bare, labels="trl").encode(TURNS)


def test_roles_count_in_templates_with_tags_too(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    """Tags enclose assistant turns; other messages are trained by their regions, if the roles include them."""
    assert template.has_generation
    users = table(Mill(tokenizer, template, labels={"roles": ["user"]})(rows(TURNS)))[0]
    assert trained(tokenizer, users) == "U1<|im_end|>U2<|im_end|>"
    everyone = table(Mill(tokenizer, template, labels={"train_on_inputs": True})(rows(TURNS)))[0]
    assert trained(tokenizer, everyone) == "U1<|im_end|>A1<|im_end|>U2<|im_end|>A2<|im_end|>"
    flagged = [{**TURNS[0], "train": True}, *TURNS[1:]]
    out = Mill(tokenizer, template)(rows(flagged))
    assert trained(tokenizer, table(out)[0]) == "U1<|im_end|>A1<|im_end|>A2<|im_end|>"
    assert out.counts == {"tagged": 1}


def test_a_masked_turn_is_not_claimed_proved(tokenizer: Tokenizer) -> None:
    odd = ChatTemplate(
        "{% for m in messages %}{{ '### ' + m.role + ': ' + m.content + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '### model says: ' }}{% endif %}"
    )
    assert Mill(tokenizer, odd, labels={"unproved": "mask"})(rows(TURNS)).counts == {"header_mismatch": 1}
    with pytest.raises(RowError, match="header_mismatch"):
        Mill(tokenizer, odd, labels={"unproved": "raise"}, on_error="null")(rows(TURNS))
    assert Mill(tokenizer, odd, on_error="null")(rows(TURNS)).failures[0].code == "header_mismatch"
    # unsloth searches for headers, which are unknown for this template.
    assert Mill(tokenizer, odd, labels="unsloth", on_error="null")(rows(TURNS)).failures[0].code == "header_mismatch"


def test_weights_are_a_column(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    mill = Mill(tokenizer, template, labels={"weights": {"closer": 0.25}})
    row = table(mill(rows(TURNS)))[0]
    assert list(row) == ["input_ids", "labels", "weights", "length"]
    assert len(row["weights"]) == row["length"]
    assert {weight for weight, label in zip(row["weights"], row["labels"], strict=True) if label != -100} == {1.0, 0.25}
    assert all((weight == 0) == (label == -100) for weight, label in zip(row["weights"], row["labels"], strict=True))
    weighted = [{**TURNS[0]}, {**TURNS[1], "weight": 0.5}]
    assert set(table(Mill(tokenizer, template, labels={"weighted": True})(rows(weighted)))[0]["weights"]) == {0.0, 0.5}
    with pytest.raises(RowError, match="weighted: true"):
        Mill(tokenizer, template)(rows(weighted))


def test_a_sample_for_each_trained_turn(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    mill = Mill(tokenizer, template, split="per_turn", keep_columns=["id"], on_error="null")
    batch = rows(TURNS, TURNS[:1], TURNS[:2]).append_column("id", pa.array(["a", "b", "c"]))
    out = mill(batch)
    got = table(out)
    assert [(row["row"], row["id"], row["error"] is None) for row in got] == [
        (0, "a", True),
        (0, "a", True),
        (1, "b", False),
        (2, "c", True),
    ]
    assert [trained(tokenizer, row) for row in got if row["labels"]] == ["A1<|im_end|>", "A2<|im_end|>", "A1<|im_end|>"]
    # Each sample ends with its turn.
    assert got[0]["input_ids"] == mill.encode(TURNS[:2]).input_ids
    assert (out.num_rows_in, [failure.code for failure in out.failures]) == (3, ["nothing_to_train"])


def test_one_bad_sample_leaves_the_others(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    length = len(Mill(tokenizer, template).encode(TURNS[:2]))
    for truncation in ("keep_start", "drop"):
        mill = Mill(
            tokenizer,
            template,
            split="per_turn",
            truncation=truncation,
            max_length=length,
            all_masked="reject",
            on_error="null",
        )
        out = mill(rows(TURNS, TURNS[:1]))
        assert [(row["row"], trained(tokenizer, row)) for row in table(out) if row["labels"]] == [(0, "A1<|im_end|>")]
        assert out.counts["pieces_left_out"] == 1
        assert [(failure.row, failure.code) for failure in out.failures] == [(1, "nothing_to_train")]
    ends = Mill(tokenizer, template, split="per_turn", truncation="raise", max_length=length, on_error="null")
    with pytest.raises(RowError, match="row 0: the row has"):
        ends(rows(TURNS))
    with pytest.raises(DataError, match=r"cannot be combined with `labels\.emulate`; remove one of them"):
        Mill(tokenizer, template, split="per_turn", labels="axolotl")


def test_per_turn_samples_are_rendered_as_at_inference(tokenizer: Tokenizer) -> None:
    """Qwen3 drops the reasoning of turns before the last question; a separate sample keeps it."""
    turns = [TURNS[0], {**TURNS[1], "reasoning_content": "R1"}, *TURNS[2:]]
    template = ChatTemplate.named("qwen3")
    whole = table(Mill(tokenizer, template)(rows(turns)))
    assert "R1" not in tokenizer.decode(whole[0]["input_ids"])
    first, _ = table(Mill(tokenizer, template, split="per_turn")(rows(turns)))
    prompt = template.render(turns[:1], add_generation_prompt=True)
    text = tokenizer.decode(first["input_ids"])
    assert text.startswith(prompt)
    assert trained(tokenizer, first) == text[len(prompt) :].rstrip("\n") == "<think>\nR1\n</think>\n\nA1<|im_end|>"


@pytest.mark.parametrize(
    ("truncation", "texts"),
    [
        ("keep_start", ["<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>u"]),
        ("keep_end", ["2<|im_end|>\n<|im_start|>assistant\nA2<|im_end|>\n"]),
        ("turns", ["<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n"]),
    ],
)
def test_truncation(truncation: Any, texts: list[str], tokenizer: Tokenizer, template: ChatTemplate) -> None:
    length = {"keep_end": 18}.get(truncation, 27)
    whole = Mill(tokenizer, template).encode(TURNS)
    out = Mill(tokenizer, template, truncation=truncation, max_length=length)(rows(TURNS))
    got = table(out)
    assert [tokenizer.decode(row["input_ids"]) for row in got] == texts
    assert out.counts["truncated"] == out.num_truncated == 1
    # Labels are made before truncation.
    start = len(whole) - length if truncation == "keep_end" else 0
    assert got[0]["labels"] == whole.labels[start : start + len(got[0]["labels"])]


def test_truncation_that_refuses(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    batch = rows(TURNS[:2], TURNS)
    dropped = Mill(tokenizer, template, truncation="drop", max_length=30, on_error="null")(batch)
    assert [failure.code for failure in dropped.failures] == ["too_long"]
    with pytest.raises(RowError, match=r"row 1: the row has \d+ tokens"):
        Mill(tokenizer, template, truncation="raise", max_length=30, on_error="null")(batch)
    turns = Mill(tokenizer, template, truncation="turns", max_length=3, on_error="null")(batch)
    assert [failure.code for failure in turns.failures] == ["too_long", "too_long"]


def test_rows_split_into_pieces(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    mill = Mill(tokenizer, template, truncation="split", max_length=10)
    whole = Mill(tokenizer, template).encode(TURNS)
    got = table(mill(rows(TURNS, TURNS)))
    assert [row["row"] for row in got] == [0] * (len(got) // 2) + [1] * (len(got) // 2)
    for name, of_whole in (("input_ids", whole.input_ids), ("labels", whole.labels)):
        assert [value for row in got if row["row"] == 1 for value in row[name]] == of_whole
    assert max(row["length"] for row in got) == 10
    only = Mill(tokenizer, template, truncation="split", max_length=10, all_masked="reject")(rows(TURNS))
    assert only.counts["pieces_left_out"] == 1
    assert all(trained(tokenizer, row) for row in table(only))


def test_padding(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    pad = tokenizer.token_to_id("</s>")
    options: dict[str, Any] = {"padding": "longest", "position_ids": True, "labels": {"weights": {"closer": 2}}}
    out = Mill(tokenizer, template, **options)(rows(TURNS, TURNS[:2]))
    long, short = table(out)
    assert len(short["input_ids"]) == len(short["labels"]) == len(short["weights"]) == long["length"]
    rest = long["length"] - short["length"]
    assert short["input_ids"][-rest:] == [pad] * rest
    assert (short["labels"][-rest:], short["weights"][-rest:]) == ([-100] * rest, [0.0] * rest)
    assert short["attention_mask"] == [1] * short["length"] + [0] * rest
    assert short["position_ids"] == [*range(short["length"])] + [0] * rest
    assert out.num_tokens == long["length"] + short["length"]
    fixed = table(Mill(tokenizer, template, padding="max_length", max_length=100)(rows(TURNS)))
    assert len(fixed[0]["input_ids"]) == 100
    with pytest.raises(DataError, match="needs `max_length`"):
        Mill(tokenizer, template, padding="max_length")
    with pytest.raises(DataError, match="`padding` needs a `pad_token`"):
        Mill(byte_tokenizer(), template, padding="longest")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("fixed", [{"padding": "longest"}, {"padding": "max_length", "max_length": 90}])
def test_the_side_and_the_multiple_of_padding(
    tokenizer: Tokenizer, template: ChatTemplate, side: Any, fixed: dict[str, Any]
) -> None:
    given = rows(TURNS, TURNS[:2])
    mill = Mill(tokenizer, template, **fixed, padding_side=side, pad_to_multiple_of=8, position_ids=True)
    columns = pa.table(mill(given)).to_pydict()
    plain = Mill(tokenizer, template, max_length=fixed.get("max_length"))(given)
    pad = tokenizer.token_to_id("</s>")
    assert pad is not None
    expected = collate(
        plain, pad_id=pad, padding_side=side, pad_to_multiple_of=8, position_ids=True, return_tensors="list", **fixed
    )
    assert {name: columns[name] for name in expected} == expected
    assert len(columns["input_ids"][0]) % 8 == 0


def test_options_of_padding_need_padding(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    with pytest.raises(DataError, match=r"`padding_side=\"left\"` has no effect without `padding`"):
        Mill(tokenizer, template, padding_side="left")
    reserved = Mill(tokenizer, template, max_length=9, reserve=4, padding="max_length")
    assert reserved.options == Mill(tokenizer, template, max_length=5, padding="max_length").options
    with pytest.raises(DataError, match="`reserve` has no effect without `max_length`; set it to the most tokens"):
        Mill(tokenizer, template, reserve=4)
    with pytest.raises(DataError, match="`reserve` leaves no room in `max_length` 4; raise it, or reserve less"):
        Mill(tokenizer, template, max_length=4, reserve=4)
    with pytest.raises(DataError, match="`pad_to_multiple_of` has no effect without `padding`"):
        Mill(tokenizer, template, pad_to_multiple_of=8)
    with pytest.raises(DataError, match="`pad_to_multiple_of` is 0; use at least 1, or None"):
        Mill(tokenizer, template, padding="longest", pad_to_multiple_of=0)
    with pytest.raises(DataError, match='`padding_side` is "lfet"; did you mean'):
        Mill(tokenizer, template, padding="longest", padding_side="lfet")  # type: ignore[arg-type]


def test_all_masked_rows_are_rejected_with_the_reason(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    batch = rows(TURNS, TURNS[:1], TURNS[:2])
    kept = Mill(tokenizer, template)(batch)
    assert (kept.num_untrained_rows, kept.failures) == (1, [])
    out = Mill(tokenizer, template, all_masked="reject", on_error="null")(batch)
    assert [(failure.row, failure.code) for failure in out.failures] == [(1, "nothing_to_train")]
    cut = Mill(tokenizer, template, all_masked="reject", on_error="null", max_length=5)(rows(TURNS))
    assert [failure.code for failure in cut.failures] == ["trained_part_cut_off"]
    dropping = ChatTemplate("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}")
    left = Mill(tokenizer, dropping, all_masked="reject", on_error="null")(rows(TURNS))
    assert [failure.code for failure in left.failures] == ["trained_turns_left_out"]
    # With labels="none", rows without a trained token are not rejected.
    assert Mill(tokenizer, template, labels="none", all_masked="reject")(batch).failures == []


def test_what_is_odd_is_counted(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    doubled = ChatTemplate("{{ '<s><s>' }}" + template.source)
    out = Mill(tokenizer, doubled)(rows(TURNS))
    assert out.counts == {"tagged": 1, "doubled_bos": 1}
    open_end = ChatTemplate("{% for m in messages %}<|im_start|>{{ m.role + '\\n' + m.content }}\n\n{% endfor %}")
    assert Mill(tokenizer, open_end)(rows(TURNS)).counts["missing_stop"] == 1
    same = byte_tokenizer(eos_token="</s>", pad_token="</s>")
    assert "does not learn to stop" in Mill(same, template).warnings[0]
    assert Mill(tokenizer, template).warnings == []


def test_stop_tokens_are_checked(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    with pytest.raises(DataError, match=r"encodes as \d+ tokens .*; use single tokens"):
        Mill(tokenizer, template, labels={"stop_tokens": ["<|nope|>"]})
    named = byte_tokenizer(stop_tokens=["<|im_start|>"])
    open_end = ChatTemplate(
        "{% for m in messages %}<|im_start|>{{ m.role + '\\n' + m.content }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )
    row = table(Mill(named, open_end)(rows(TURNS)))[0]
    assert trained(named, row) == "A1<|im_start|>A2"
    assert pickle.loads(pickle.dumps(named)).stop_tokens == ["<|im_start|>"]  # our own
