"""Tests of `Mill` with valid, unusual and invalid batches."""

import os
import threading
import time
from typing import Any

import pyarrow as pa
import pytest
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, DataError, Mill, RowError, TemplateError, Tokenizer, TokenizerError
from processes import fork, wait_for

GOOD = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_tokenizer()


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate.named("chatml")


def json_rows(*rows: bytes) -> pa.RecordBatch:
    return pa.record_batch({"json": pa.array(rows, pa.binary())})


def test_one_row_out_for_each_row_in(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    out = pa.table(Mill(tokenizer, template, attention_mask=True)(pa.table({"messages": [GOOD] * 200})))
    assert out.schema.types == [pa.list_(pa.int32()), pa.list_(pa.int32()), pa.list_(pa.int8()), pa.int32()]
    row = out.slice(150, 1).to_pylist()[0]
    assert len(row["input_ids"]) == len(row["labels"]) == len(row["attention_mask"]) == row["length"]
    trained = [token for token in row["labels"] if token != -100]
    assert tokenizer.decode(trained) == "Hello!<|im_end|>"


def test_position_ids_number_the_tokens_of_each_sample(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    rows = pa.table({"messages": [GOOD, GOOD[:1]]})
    out = pa.table(Mill(tokenizer, template, position_ids=True)(rows))
    assert out.column_names == ["input_ids", "labels", "position_ids", "length"]
    assert out.schema.field("position_ids").type == pa.list_(pa.int32())
    assert out["position_ids"].to_pylist() == [list(range(length)) for length in out["length"].to_pylist()]
    pieces = pa.table(Mill(tokenizer, template, position_ids=True, max_length=10, truncation="split")(rows))
    assert pieces["length"].to_pylist() == [10, 10, 9, 10]
    assert pieces["position_ids"].to_pylist() == [list(range(length)) for length in pieces["length"].to_pylist()]


@pytest.mark.parametrize("rows", [0, 1, 31, 32, 33])
def test_any_number_of_rows(rows: int, tokenizer: Tokenizer, template: ChatTemplate) -> None:
    batch = pa.table(
        {"messages": pa.array([GOOD] * rows, pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})))}
    )
    out = Mill(tokenizer, template)(batch)
    assert len(out) == rows
    assert pa.table(out).column_names == ["input_ids", "labels", "length"]
    assert pa.record_batch(out).num_rows == rows


def test_a_batch_larger_than_a_slice_comes_out_whole(tokenizer: Tokenizer) -> None:
    rows = 70_000
    batch = pa.table({"messages": pa.chunked_array([[[{"role": "user", "content": str(i)}] for i in range(rows)]])})
    out = pa.table(Mill(tokenizer, ChatTemplate("{{ messages[0].content }}"), labels="all")(batch))
    assert out.num_rows == rows
    assert tokenizer.decode(out["input_ids"][rows - 1].as_py()) == str(rows - 1)


def test_labels_come_before_the_cut(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    whole = Mill(tokenizer, template).encode(GOOD)
    out = Mill(tokenizer, template, max_length=len(whole) - 4)(pa.table({"messages": [GOOD]}))
    assert pa.table(out)["labels"][0].as_py() == whole.labels[:-4]
    assert (out.num_truncated, out.num_untrained_rows) == (1, 0)


@pytest.mark.parametrize(("labels", "share"), [("all", 1.0), ("none", 0.0)])
def test_other_labels(labels: Any, share: float, tokenizer: Tokenizer, template: ChatTemplate) -> None:
    out = Mill(tokenizer, template, labels=labels)(pa.table({"messages": [GOOD]}))
    assert out.num_trained_tokens == share * out.num_tokens


def test_kept_columns(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    mill = Mill(tokenizer, template, keep_columns=["id"])
    columns = mill(pa.table({"id": pa.array([7], pa.uint8()), "messages": [GOOD]}))
    assert pa.table(columns)["id"].type == pa.uint8()
    rows = mill(
        json_rows(
            b'{"id": 7, "messages": [{"role": "user", "content": "x"}]}',
            b'{"id": "a", "messages": [{"role": "user", "content": "x"}]}',
            b'{"id": {"b": [null, 1.0]}, "messages": [{"role": "user", "content": "x"}]}',
            b'{"messages": [{"role": "user", "content": "x"}]}',
        ),
        json_column="json",
    )
    assert pa.table(rows)["id"].to_pylist() == ["7", "a", '{"b": [null, 1.0]}', None]
    with pytest.raises(DataError, match="`keep_columns` has `missing`, but the batch has no such column; remove it"):
        Mill(tokenizer, template, keep_columns=["missing"])(pa.table({"messages": [GOOD]}))
    with pytest.raises(DataError, match="rename"):
        Mill(tokenizer, template, keep_columns=["length"])(pa.table({"messages": [GOOD], "length": [1]}))


BAD_ROWS = [
    (b'{"messages": [}', "invalid_json", None),
    (b'{"messages": [{"role": "user", "content": "\xff"}]}', "invalid_utf8", None),
    (b'{"text": "x"}', "missing_messages", None),
    (b'{"messages": null}', "missing_messages", None),
    (b'{"messages": []}', "empty_conversation", None),
    (b'{"messages": {"role": "user"}}', "wrong_type", None),
    (b'{"messages": [{"role": "user", "content": "x"}, {"content": "y"}]}', "missing_field", 1),
    (b'{"messages": [{"role": 1, "content": "x"}]}', "wrong_type", 0),
    (b'{"messages": [{"role": "user", "content": {}}]}', "template_failed", 0),
    (b'{"conversations": [{"from": "alien", "value": "x"}]}', "unknown_role", 0),
    (b'["messages"]', "wrong_type", None),
    (b"", "invalid_json", None),
]


@pytest.mark.parametrize(("row", "code", "message"), BAD_ROWS)
def test_a_bad_row_is_named(row: bytes, code: str, message: int | None, tokenizer: Tokenizer) -> None:
    good = b'{"messages": [{"role": "user", "content": "x"}]}'
    batch, template = json_rows(*[good] * 40, row, good), ChatTemplate.named("chatml")
    with pytest.raises(RowError, match=r"^row 40") as caught:
        Mill(tokenizer, template)(batch, json_column="json")
    failure = caught.value.failure
    assert (failure.row, failure.code, failure.message) == (40, code, message)
    out = Mill(tokenizer, template, on_error="null")(batch, json_column="json")
    rows = pa.table(out).to_pylist()
    assert [index for index, row in enumerate(rows) if row["input_ids"] is None] == [40]
    assert rows[40]["labels"] is None
    assert rows[40]["error"].startswith(f"{code}: ")
    assert [found.row for found in out.failures] == [40]


def test_the_first_bad_row_is_the_one_that_is_raised(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    rows = [b'{"messages": [{"role": "user", "content": "x"}]}'] * 5000
    for bad in (4200, 1234, 4999):
        rows[bad] = b"{}"
    for threads in (1, 2, 8):
        with pytest.raises(RowError, match=r"^row 1234"):
            Mill(tokenizer, template, threads=threads)(json_rows(*rows), json_column="json")


def test_errors_of_a_template_name_its_line(tokenizer: Tokenizer) -> None:
    template = ChatTemplate(
        "{% for m in messages %}\n{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}{% endfor %}"
    )
    batch = pa.table({"messages": [GOOD, [*GOOD, {"role": "tool", "content": "x"}]]})
    with pytest.raises(RowError, match=r"^row 1, message 2, template line 2: no tools$"):
        Mill(tokenizer, template, labels="none")(batch)


@pytest.mark.parametrize(
    ("batch", "kind", "what"),
    [
        (3, DataError, "the type int holds no rows that can be read; pass a list of dicts"),
        (pa.table({"text": ["x"]}), DataError, "no column `messages` or `conversations`; its columns are `text`"),
        (pa.table({"messages": [1]}), RowError, "row 0: `messages` must be a list"),
        (
            pa.table(
                {
                    "messages": pa.array(
                        [[{"role": "user", "at": 0}]],
                        pa.list_(pa.struct({"role": pa.string(), "at": pa.timestamp("s")})),
                    )
                }
            ),
            DataError,
            r"`messages.at` has the Arrow type Timestamp\(s\), which cannot be read",
        ),
        (pa.array([1]), DataError, "structs with named columns"),
    ],
)
def test_a_batch_that_cannot_be_read(
    batch: Any, kind: type[Exception], what: str, tokenizer: Tokenizer, template: ChatTemplate
) -> None:
    with pytest.raises(kind, match=what):
        Mill(tokenizer, template)(batch)


def test_options_are_checked(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    for options, what in [
        ({"labels": "user"}, "labels: there is no preset 'user'; use one of assistant, all, none, last, "),
        ({"on_error": "ignore"}, '`on_error` is "ignore"; use one of `raise`, `null`'),
        ({"max_length": 0}, "`max_length` is 0; use at least 1"),
        ({"threads": 0}, "`threads` is 0; use at least 1"),
        ({"threads": 10**6}, "`threads` is 1000000; use at most 1024, or None"),
        ({"chat_template_kwargs": [1]}, "`chat_template_kwargs` must be a dict"),
    ]:
        with pytest.raises(DataError, match=what):
            Mill(tokenizer, template, **options)  # type: ignore[arg-type]
    with pytest.raises(TemplateError, match="template line 2"):
        ChatTemplate("\n{% if %}")
    with pytest.raises(TemplateError, match='no template named "none"; use one of '):
        ChatTemplate.named("none")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        Tokenizer("{}")


def test_variables_of_a_row_win_over_those_of_all(tokenizer: Tokenizer) -> None:
    template = ChatTemplate("{{ a }}{{ b }}{{ bos_token }}", bos_token="<s>")
    mill = Mill(tokenizer, template, labels="none", chat_template_kwargs={"a": 1, "b": 2})
    rows = pa.table({"messages": [GOOD], "chat_template_kwargs": ['{"b": 3, "bos_token": "!"}']})
    assert tokenizer.decode(pa.table(mill(rows))["input_ids"][0].as_py()) == "13!"


def test_deep_and_huge_values_are_errors(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(DataError, match="nested more than 200 levels deep"):
        Mill(tokenizer, template).encode([{"role": "user", "content": deep}])
    with pytest.raises(DataError, match="4300 digits"):
        Mill(tokenizer, template).encode([{"role": "user", "content": 1 << 20_000}])
    with pytest.raises(DataError, match="a string has a lone surrogate"):
        Mill(tokenizer, template).encode([{"role": "user", "content": "\ud800"}])


def test_endless_templates_are_stopped() -> None:
    loops = "{% for a in range(90000) %}" * 3 + "x" + "{% endfor %}" * 3
    with pytest.raises(TemplateError, match=r"128 MiB|25 million steps"):
        ChatTemplate(loops).render(GOOD)
    with pytest.raises(TemplateError, match="recursion"):
        ChatTemplate("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").render(GOOD)


can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
# Python 3.12 warns of a fork beside other threads, which is what these tests do.
any_fork = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@can_fork
@any_fork
def test_a_mill_works_on_after_a_fork(tokenizer: Tokenizer, template: ChatTemplate) -> None:
    mill = Mill(tokenizer, template, threads=2)
    batch = pa.table({"messages": [GOOD] * 500})
    expected = mill(batch).num_tokens
    # The child process has no threads of the parent.
    assert wait_for(fork(lambda: mill(batch).num_tokens == expected)) == [0]
    assert mill(batch).num_tokens == expected


TURNS = """{% for m in messages %}<|im_start|>{{ m.role + '\\n' + m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant{{ '\\n' }}{% endif %}"""
# Slow for the short conversations of a template profile, but not for that of the test.
SLOW = "{% for i in range(3) %}{% for j in range(90000) %}{% set k = j * j %}{% endfor %}{% endfor %}"
SLOW_TO_LEARN = "{% if messages | length < 20 %}" + SLOW + "{% endif %}" + TURNS


@can_fork
@any_fork
def test_a_child_can_label_while_a_thread_of_its_parent_learns(tokenizer: Tokenizer) -> None:
    """A child has the memory of its parent, but not the thread that is learning, so it must not wait for that."""
    messages = GOOD * 10
    expected = Mill(tokenizer, ChatTemplate(TURNS)).encode(messages).labels
    mill = Mill(tokenizer, ChatTemplate(SLOW_TO_LEARN))
    learning = threading.Thread(target=mill.encode, args=(messages,))
    learning.start()
    children, was_learning = [], []
    for _ in range(2):
        time.sleep(0.05)
        children.append(fork(lambda: mill.encode(messages).labels == expected))
        was_learning.append(learning.is_alive())
    statuses = wait_for(*children)
    learning.join()
    assert (statuses, was_learning) == ([0, 0], [True, True])
    assert mill.encode(messages).labels == expected
