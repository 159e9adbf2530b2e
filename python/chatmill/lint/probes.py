"""Small conversations for the checks. No template contains their sentences, so each sentence can be found in a text."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]
Conversation = Sequence[Message]

SYSTEM = "Answer as a limnologist does."
QUESTION, ANSWER = "How deep is Lake Baikal?", "Baikal is 1642 metres deep."
QUESTION_2, ANSWER_2 = "And what about Lake Vostok?", "Vostok is 510 metres deep."
REASONING, REASONING_2 = "The sounding off Olkhon counts.", "The drilling of 2012 counts."

ARGUMENTS = {"lake": "Tanganyika", "unit": "metre"}
ARGUMENT = "Tanganyika"
RESULT = "Sounded: 1470 metres."
TOOL = "look_up_depth"
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": TOOL,
            "description": "Looks up how deep a lake is.",
            "parameters": {
                "type": "object",
                "properties": {
                    "lake": {"type": "string", "description": "Name of the lake."},
                    "unit": {"type": "string", "description": "Unit of the answer."},
                },
                "required": ["lake"],
            },
        },
    }
]
DOCUMENTS = [{"title": "Lakes", "text": "Lake Baikal is the deepest lake."}]


def system(text: str = SYSTEM) -> Message:
    """Return a system message."""
    return {"role": "system", "content": text}


def user(text: str = QUESTION) -> Message:
    """Return a question."""
    return {"role": "user", "content": text}


def assistant(text: str = ANSWER, **more: Any) -> Message:
    """Return an answer, with additional keys."""
    return {"role": "assistant", "content": text, **more}


def inline(reasoning: str, answer: str) -> str:
    """Return an answer with its reasoning in the content."""
    return f"<think>\n{reasoning}\n</think>\n\n{answer}"


def call(number: int = 1, *, as_text: bool = False) -> dict[str, Any]:
    """Return a tool call; its arguments are a dict, or JSON text with `as_text`."""
    arguments: Any = json.dumps(ARGUMENTS) if as_text else ARGUMENTS
    # Some templates require ids of nine characters.
    return {"id": f"call0000{number}", "type": "function", "function": {"name": TOOL, "arguments": arguments}}


def result(number: int = 1) -> Message:
    """Return the result of a tool call."""
    return {"role": "tool", "name": TOOL, "tool_call_id": f"call0000{number}", "content": RESULT}


def tool_turns(*, as_text: bool = False) -> list[Message]:
    """Return a question, a call, its result and an answer; with `as_text` the arguments are JSON text."""
    return [user(), assistant("", tool_calls=[call(as_text=as_text)]), result(), assistant()]


PLAIN: list[Message] = [user(), assistant(), user(QUESTION_2), assistant(ANSWER_2)]
WITH_SYSTEM: list[Message] = [system(), *PLAIN]
WITH_REASONING: list[Message] = [
    user(),
    assistant(reasoning_content=REASONING),
    user(QUESTION_2),
    assistant(ANSWER_2, reasoning_content=REASONING_2),
]
WITH_THINK: list[Message] = [
    user(),
    assistant(inline(REASONING, ANSWER)),
    user(QUESTION_2),
    assistant(inline(REASONING_2, ANSWER_2)),
]
