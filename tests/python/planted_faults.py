"""Faults that are planted in good rows, and what a report must then find.

A `Ground` is a tokenizer, a template and 1,000 good rows. A `Fault` changes rows 301 and 740 of them, or an option.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import reference
from byte_tokenizers import byte_tokenizer
from chatmill import ChatTemplate, Tokenizer
from samples import Row

#: The rows with a fault, from 0, and the place of the first one.
PLANTED = (300, 739)
FIRST = "rows.jsonl, line 301"
ROWS = 1000
#: Stands for the number of all rows that were looked at.
ALL = -1
# Without tags. Drops what it does not know, as the templates of many models do, and escapes the arguments of calls.
SILENT = (
    "{% for m in messages %}{% if m.role in ('system', 'user', 'assistant', 'tool') %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor %}<|im_end|>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# With tags around the answers, and not their stop tokens.
NO_STOP = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# With tags around everything.
ALL_TAGGED = (
    "{% generation %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
    "{% endgeneration %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITH_TOOLS = "{% for t in tools or [] %}{{ t | tojson }}\n{% endfor %}" + SILENT


@dataclass(frozen=True)
class Ground:
    """What faults are planted in.

    Attributes:
        tokenizer: Loads the tokenizer.
        template: Gives the template.
        rows: Makes the rows.
        is_real: Whether it is of the corpus.
    """

    tokenizer: Callable[[], Tokenizer]
    template: Callable[[], Any]
    rows: Callable[[], list[Row]]
    is_real: bool = False


@dataclass(frozen=True)
class Fault:
    """A fault and its findings.

    Attributes:
        name: What is wrong.
        found: Each finding, with its number of rows.
        plant: Changes a row; returns another one, or a line.
        grounds: Where it is planted.
        options: Options of the run, which the good rows have as well.
        faulty: Options that are the fault themselves.
        place: The first place of each finding.
        rejected: The code of the rejected rows.
        unplaced: Findings without a place.
        in_rows: Findings that only the report of rows has: an output with tags knows the regions of a few rows.
        in_output: Of these findings, what the few rows tell.
    """

    name: str
    found: Mapping[str, int]
    plant: Callable[[Row], Row | str] = lambda row: row
    grounds: tuple[str, ...] = ("bytes", "tags", "qwen3")
    options: Mapping[str, Any] = field(default_factory=dict)
    faulty: Mapping[str, Any] = field(default_factory=dict)
    place: str = FIRST
    rejected: str = ""
    unplaced: tuple[str, ...] = ()
    in_rows: Mapping[str, int] = field(default_factory=dict)
    in_output: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def planted(ground: Ground, fault: Fault | None) -> bytes:
    """The rows as JSONL, with the fault."""
    rows: list[Any] = list(ground.rows())
    for place in () if fault is None else PLANTED:
        assert fault is not None
        rows[place] = fault.plant(copy.deepcopy(rows[place]))
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


@lru_cache
def _generated() -> list[Row]:
    return [
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": f"What is {number} + 1? 你好 👋"},
                {"role": "assistant", "content": f"It is {number + 1}."},
                {"role": "user", "content": f"And {number} + 2?"},
                {"role": "assistant", "content": f"That is {number + 2}."},
            ]
        }
        for number in range(ROWS)
    ]


def _tool(name: str) -> Row:
    return {"type": "function", "function": {"name": name, "description": "Finds.", "parameters": {"type": "object"}}}


def _call(name: str, arguments: Any) -> Row:
    return {"id": "call00000", "type": "function", "function": {"name": name, "arguments": arguments}}


@lru_cache
def _generated_calls() -> list[Row]:
    return [
        {
            "tools": [_tool("find_city")],
            "messages": [
                {"role": "user", "content": f"Where is house {number}?"},
                {"role": "assistant", "content": "", "tool_calls": [_call("find_city", {"number": number})]},
                {"role": "tool", "content": f'{{"city": {number}}}'},
                {"role": "assistant", "content": f"In city {number}."},
            ],
        }
        for number in range(ROWS)
    ]


@lru_cache
def _smilechat() -> list[Row]:
    """Conversations whose roles alternate and that end with an answer; some of the data set do not."""
    wanted = (it for it in reference.rows("smilechat_zh_10k") if _alternates(it["messages"]))
    return [{"messages": it["messages"]} for it in islice(wanted, ROWS)]


def _alternates(messages: list[Row]) -> bool:
    roles = [message["role"] for message in messages]
    return len(roles) > 3 and roles == ["user", "assistant"] * (len(roles) // 2)


@lru_cache
def _gsm8k() -> list[Row]:
    return [
        {"messages": [{"role": "user", "content": it["question"]}, {"role": "assistant", "content": it["answer"]}]}
        for it in islice(reference.rows("gsm8k_train"), ROWS)
    ]


@lru_cache
def _model(name: str) -> Tokenizer:
    return Tokenizer.from_pretrained(reference.tokenizer_folder(name))


def _own(name: str) -> Callable[[], ChatTemplate]:
    return lambda: ChatTemplate.from_pretrained(reference.tokenizer_folder(name))


def _bytes() -> Tokenizer:
    return byte_tokenizer(bos_token="<s>", eos_token="<|im_end|>")


def _real(name: str, rows: Callable[[], list[Row]]) -> Ground:
    return Ground(lambda: _model(name), _own(name), rows, is_real=True)


GROUNDS: dict[str, Ground] = {
    "bytes": Ground(_bytes, lambda: SILENT, _generated),
    "tags": Ground(_bytes, lambda: "chatml", _generated),
    "bytes-tools": Ground(_bytes, lambda: WITH_TOOLS, _generated_calls),
    "qwen3": _real("qwen3", _smilechat),
    "qwen3-tools": _real("qwen3", _generated_calls),
    "llama-3.1": _real("llama-3.1", _gsm8k),
    "llama-3.1-tools": _real("llama-3.1", _generated_calls),
    "mistral-nemo": _real("mistral-nemo", _smilechat),
    "gemma-4": _real("gemma-4", _smilechat),
}


def _message(at: int, **values: Any) -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        row["messages"][at].update(values)
        return row

    return plant


def _appended(at: int, text: str) -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        row["messages"][at]["content"] += text
        return row

    return plant


def _without(at: int, key: str) -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        del row["messages"][at][key]
        return row

    return plant


def _inserted(at: int, role: str, content: str = "Be kind to the people you talk to.") -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        row["messages"].insert(at if at >= 0 else len(row["messages"]), {"role": role, "content": content})
        return row

    return plant


def _row(**values: Any) -> Callable[[Row], Row]:
    return lambda row: {**row, **values}


def _answers(**values: Any) -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        for message in row["messages"]:
            message.update(values if message["role"] == "assistant" else {})
        return row

    return plant


def _in_parts(row: Row) -> Row:
    message = row["messages"][-2]
    message["content"] = [{"type": "text", "text": message["content"]}]
    return row


def _first_answer(change: Callable[[Row], None]) -> Callable[[Row], Row]:
    def plant(row: Row) -> Row:
        change(next(message for message in row["messages"] if message["role"] == "assistant"))
        return row

    return plant


def _escaped(message: Row) -> None:
    call = message["tool_calls"][0]["function"]
    call["arguments"] = json.dumps(call["arguments"])


def _questions_only(row: Row) -> Row:
    return {"messages": [message for message in row["messages"] if message["role"] == "user"][:1]}


_CHAT = ("bytes", "tags", "llama-3.1")
_THOUGHT = "Let me think about it."

FAULTS: list[Fault] = [
    Fault("an answer with train: false", {"untrained_turn": 2}, _first_answer(lambda it: it.update(train=False))),
    Fault("an answer with weight 0", {"untrained_turn": 2}, _first_answer(lambda it: it.update(weight=0))),
    Fault("no answer is trained", {"rejected": 2}, _answers(train=False), _CHAT, rejected="nothing_to_train"),
    Fault("rows without an answer", {"rejected": 2}, _questions_only, _CHAT, rejected="nothing_to_train"),
    Fault(
        "rows without an answer that are kept", {"untrained": 2, "unanswered": 2}, _questions_only,
        options={"all_masked": "keep"}, unplaced=("untrained",),
    ),
    Fault(
        "an answer that max_length cuts", {"stop_cut": 2, "truncated": 2}, _appended(-1, " x y" * 9000),
        ("bytes", "qwen3", "llama-3.1", "gemma-4"), {"max_length": 8000, "truncation": "keep_start"},
    ),
    Fault(
        "an answer that max_length cuts, with tags", {"truncated": 2}, _appended(-1, " x y" * 9000), ("tags",),
        {"max_length": 8000, "truncation": "keep_start"}, in_rows={"stop_cut": 2}, in_output={"stop_cut": 1},
    ),
    Fault(
        "reasoning in an earlier turn", {"reasoning_dropped": 2},
        _first_answer(lambda it: it.update(reasoning_content=_THOUGHT)), ("bytes", "tags", "qwen3"),
    ),
    Fault(
        "reasoning in the content of an earlier turn", {"reasoning_dropped": 2},
        _first_answer(lambda it: it.update(content=f"<think>\n{_THOUGHT}\n</think>\n\n{it['content']}")), ("qwen3",),
    ),
    Fault("a control token in a question", {"control_token": 2}, _appended(-2, "<|im_end|>")),
    Fault("a control token in an answer", {"control_token": 2}, _appended(-1, "<|im_start|>")),
    Fault("a named control token", {"control_token": 2}, _appended(-1, "<s>"), ("bytes", "tags", "mistral-nemo")),
    Fault(
        "a control token, encoded as text", {"control_text": 2}, _appended(-1, "<|im_end|>"),
        options={"special_tokens": "text"},
    ),
    Fault("a control token that is refused", {"rejected": 2}, _appended(-1, "<|im_end|>"),
          options={"special_tokens": "raise"}, rejected="control_token"),
    Fault("a control token of another model", {"foreign_tokens": 2}, _appended(-1, "<|eot_id|>"),
          ("bytes", "tags", "qwen3", "gemma-4", "mistral-nemo")),
    Fault("a control token of another model, in Llama", {"foreign_tokens": 2}, _appended(-1, "<|im_end|>"),
          ("llama-3.1",)),
    Fault("an empty question", {"empty_message": 2}, _message(-2, content=""), _CHAT),
    Fault("a blank question", {"empty_message": 2}, _message(-2, content=" \n"), _CHAT),
    Fault("an empty answer", {"empty_answer": 2}, _message(-1, content=""), ("bytes", "tags", "gemma-4")),
    Fault("a role that the template drops", {"roles_dropped": 2}, _message(0, role="developer"), ("bytes",)),
    Fault("a role that Qwen3 drops", {"roles_dropped": 2}, _inserted(0, "developer"), ("qwen3",)),
    Fault("a role that the template refuses", {"rejected": 2}, _inserted(0, "developer"), ("mistral-nemo",),
          rejected="template_raised"),
    Fault("a system message in the middle", {"late_system": 2}, _inserted(2, "system"), ("bytes", "qwen3")),
    Fault("a content of parts that the template drops", {"content_dropped": 2}, _in_parts, ("bytes", "qwen3")),
    Fault("a content of parts that the template refuses", {"rejected": 2}, _in_parts, ("tags",),
          rejected="template_failed"),
    Fault("a last question without an answer", {"unanswered": 2}, _inserted(-1, "user"), ("bytes", "tags", "qwen3")),
    Fault("two questions in a row", {"repeated_role": 2}, _inserted(1, "user"), ("bytes", "tags")),
    Fault("two questions in a row, Qwen3", {"repeated_role": 2}, _inserted(0, "user"), ("qwen3", "gemma-4")),
    Fault("two answers in a row", {"repeated_role": 2}, _inserted(-1, "assistant"), ("bytes", "tags", "qwen3")),
    Fault("the same row again", {"duplicates": 2}, lambda _: copy.deepcopy(_generated()[5]), ("bytes", "tags"),
          place=""),
    Fault("the same real row again", {"duplicates": 2}, lambda _: copy.deepcopy(_smilechat()[5]), ("qwen3",),
          place=""),
    Fault("a line that is not JSON", {"rejected": 2}, lambda row: json.dumps(row)[:-2], _CHAT, rejected="invalid_json"),
    Fault("a message without a role", {"rejected": 2}, _without(-1, "role"), _CHAT, rejected="missing_field"),
    Fault("a message without content", {"rejected": 2}, _without(-2, "content"), _CHAT, rejected="missing_field"),
    Fault("content that is null", {"rejected": 2}, _message(-2, content=None), _CHAT, rejected="missing_field"),
    Fault("no messages", {"rejected": 2}, lambda _: {"messages": []}, _CHAT, rejected="empty_conversation"),
    Fault("another field", {"rejected": 2}, lambda row: {"msgs": row["messages"]}, _CHAT, rejected="missing_messages"),
    Fault("a row that is too long", {"rejected": 2}, _appended(-1, " x y" * 9000),
          options={"max_length": 8000, "truncation": "drop"}, rejected="too_long"),
    Fault("a variable that the template does not read", {"unread_variable": 2},
          _row(chat_template_kwargs={"enable_thinkin": False}), _CHAT),
    Fault("U+FFFD in an answer", {"replacement_character": 2}, _appended(-1, " caf\ufffd"), _CHAT),
    Fault("U+FFFD in a question, escaped", {"replacement_character": 2},
          lambda row: json.dumps(_appended(-2, " caf\ufffd")(row)), _CHAT),
    Fault("arguments as JSON text", {"arguments_escaped": 2}, _first_answer(_escaped),
          ("bytes-tools", "llama-3.1-tools")),
    Fault("tools that the template does not print", {"tools_dropped": 2}, _row(tools=[_tool("find_city")]), ("bytes",)),
    # Faults of a template, a tokenizer or an option are in all rows.
    Fault("tools of which the template prints none", {"tools_dropped": ALL}, grounds=("bytes-tools",),
          faulty={"template": SILENT}, place="rows.jsonl, line 1, tools"),
    Fault("a stop token that is not trained", {"stop_masked": ALL}, grounds=("bytes", "qwen3"),
          faulty={"template": NO_STOP}, place="rows.jsonl, line 1"),
    Fault("two begin-of-text tokens", {"doubled_bos": ALL}, grounds=("bytes",),
          faulty={"template": "{{ bos_token }}{{ bos_token }}" + SILENT}, place="rows.jsonl, line 1"),
    Fault("an option that the template does not read", {"unread_variable": 0}, grounds=("bytes", "tags", "qwen3"),
          faulty={"chat_template_kwargs": {"enable_thinkin": False}}, place=""),
    Fault("prompts that are trained", {"all_trained": ALL}, grounds=("bytes", "qwen3"),
          faulty={"template": ALL_TAGGED}, place=""),
    Fault("a stop token that the vocabulary lacks", {"stop_token": ALL, "template_tokens": ALL}, grounds=("llama-3.1",),
          faulty={"template": SILENT}, place="rows.jsonl, line 1"),
]  # fmt: skip
CASES = [(fault, ground) for fault in FAULTS for ground in fault.grounds]
