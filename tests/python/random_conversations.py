"""Random conversations with everything that templates read, also with values of unusual types."""

from __future__ import annotations

import random
from typing import Any

TEXTS = [
    "", "x", "  lead", "trail \n", "<think>a</think>b", "<think>\n\n</think>\n\nHi", "a</think>b", '{"a": 1}', "[1, 2]",
    "é😀 \u2028", "line\r\nline\n\n", "<b>&'\"</b>", "<|im_end|>", "None", "[TOOL_CALLS]", "0", "a" * 200, "\x00\x1f",
    "```json\n{}\n```", "/no_think", "<tool_response>x</tool_response>", "[INST] x [/INST]",
]  # fmt: skip
TURNS = [
    "user assistant", "system user assistant", "user assistant tool assistant", "user", "system user", "user user",
    "user assistant tool tool assistant user assistant", "developer user assistant user", "assistant", "tool",
    "user assistant user assistant tool", "system user assistant user assistant", "ipython user",
]  # fmt: skip
PARAMETERS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "An a."},
            "b": {"type": ["integer", "null"], "enum": [1, 2, None], "default": 1},
            "c": {"type": "array", "items": {"type": "object", "properties": {"q": {"anyOf": [{"type": "string"}]}}}},
        },
        "required": ["a"],
    },
    {"type": "object", "properties": {}},
    {},
    {"type": "object", "properties": {"z": {"type": "number", "minimum": 0.1, "nullable": True}}, "required": []},
]


class Maker:
    """Makes conversations at random."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def chance(self, part: float) -> bool:
        return self.pick.random() < part

    def text(self) -> str:
        return self.pick.choice(TEXTS)

    def value(self, depth: int = 0) -> Any:
        if depth > 2 or self.chance(0.3):
            return self.text()
        if self.chance(0.2):
            return self.pick.choice([0, 1, -5, 2**70, True, False, None, 1.5, 1e20, 1e-7])
        if self.chance(0.5):
            return [self.value(depth + 1) for _ in range(self.pick.randint(0, 3))]
        return {self.pick.choice(["a", "b", "type", "items", "x y", "é"]): self.value(depth + 1) for _ in range(2)}

    def content(self) -> Any:
        if self.chance(0.7):
            return self.text()
        parts: list[Any] = [{"type": "text", "text": self.text()}, {"type": "image"}, {"text": "q"}, self.text()]
        return self.pick.choice([None, self.pick.sample(parts, self.pick.randint(0, 3)), self.value()])

    def call(self) -> dict[str, Any]:
        arguments = self.pick.choice([{"a": self.value()}, '{"a": 1}', "no json", {}, "", None, {"x": self.text()}])
        function = {"name": self.pick.choice(["f", "python"]), "arguments": arguments}
        call: dict[str, Any] = {"type": "function", "function": function}
        if self.chance(0.7):
            call["id"] = self.pick.choice(["call00001", "c1", "functions.f:0"])
        return function if self.chance(0.2) else call

    def message(self, role: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": role}
        if self.chance(0.95):
            message["content"] = self.content()
        if role == "assistant" and self.chance(0.4):
            message["tool_calls"] = self.pick.choice([[self.call()], [self.call(), self.call()], [], None])
        if role == "assistant" and self.chance(0.3):
            message[self.pick.choice(["reasoning_content", "thinking", "reasoning"])] = self.text()
        if role == "tool":
            message |= {"tool_call_id": "call00001", "name": "f"} if self.chance(0.7) else {}
        return message

    def tool(self) -> dict[str, Any]:
        function = {"name": "f", "description": self.text(), "parameters": self.pick.choice(PARAMETERS)}
        return function if self.chance(0.1) else {"type": "function", "function": function}

    def conversation(self) -> dict[str, Any]:
        made: dict[str, Any] = {"messages": [self.message(role) for role in self.pick.choice(TURNS).split()]}
        if self.chance(0.4):
            made["tools"] = self.pick.choice([None, [], [self.tool()], [self.tool(), self.tool()]])
        if self.chance(0.15):
            made["documents"] = self.pick.choice([None, [], [{"title": "t", "text": "x"}]])
        variables = {"enable_thinking": self.chance(0.5), "reasoning_effort": "low", "citation_mode": "fast"}
        made |= {name: value for name, value in variables.items() if self.chance(0.2)}
        return {**made, "add_generation_prompt": self.chance(0.5)}
