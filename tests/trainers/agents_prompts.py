"""Compares filled prompts with those of transformers' agents, on random prompts and tools.

    python tests/trainers/agents_prompts.py [SEED]

It runs in an environment with transformers 4.46 (`transformers.agents`) or 4.38 (`transformers.tools`, the first
agents), with chatmill on the path; `recipes.py` starts it.
"""

from __future__ import annotations

import random
import sys
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

from chatmill import Prompt

PROMPTS = 500
LETTERS = "ab é\n\t{}%'\"\\<>#-:,"
TYPES = ["string", "integer", "boolean", "array"]


def text(numbers: random.Random, most: int = 12) -> str:
    # Without `<<`, which would make placeholders of its own.
    return "".join(numbers.choices(LETTERS, k=numbers.randint(0, most))).replace("<", "< ")


def tools(numbers: random.Random) -> list[dict[str, Any]]:
    made = []
    for number in range(numbers.randint(0, 4)):
        inputs = {
            f"x{at}": {"type": numbers.choice(TYPES), "description": text(numbers)}
            for at in range(numbers.randint(0, 3))
        }
        function = {"name": f"tool_{number}", "description": text(numbers), "parameters": {"properties": inputs}}
        made.append({"type": "function", "function": {**function, "return": {"type": numbers.choice(TYPES)}}})
    return made


def prompt(numbers: random.Random, names: list[str]) -> str:
    """A text with each placeholder at least once."""
    places = [*names, *numbers.choices(names, k=numbers.randint(0, 2))]
    numbers.shuffle(places)
    return "".join(f"{text(numbers)}<<{name}>>{text(numbers)}" for name in places)


def later(numbers: random.Random) -> tuple[str, str]:
    """A prompt as chatmill and as `transformers.agents` fill it."""
    from transformers.agents.agents import Toolbox, format_prompt_with_imports, format_prompt_with_tools
    from transformers.agents.tools import DEFAULT_TOOL_DESCRIPTION_TEMPLATE

    template = numbers.choice([DEFAULT_TOOL_DESCRIPTION_TEMPLATE, "* {{ tool.name }}({{ tool.inputs | length }})"])
    made, toolbox = tools(numbers), Toolbox([])
    for tool in made:
        function = tool["function"]
        toolbox._tools[function["name"]] = SimpleNamespace(
            name=function["name"],
            description=function["description"],
            inputs=function["parameters"]["properties"],
            output_type=function["return"]["type"],
        )
    source = prompt(numbers, ["tool_descriptions", "tool_names", "authorized_imports"])
    imports = ["re", "math"]
    expected = format_prompt_with_imports(format_prompt_with_tools(toolbox, source, template), imports)
    own = Prompt(source).fill(tools=made, tool_template=template, authorized_imports=str(imports))
    return own, expected


def first(numbers: random.Random) -> tuple[str, str]:
    """A prompt as chatmill and as `transformers.tools` fill it."""
    from transformers.tools.agents import Agent

    made, agent = tools(numbers), Agent.__new__(Agent)
    agent._toolbox = {it["function"]["name"]: SimpleNamespace(**it["function"]) for it in made}
    task = text(numbers)
    agent.run_prompt_template = prompt(numbers, ["all_tools", "prompt"])
    return Prompt(agent.run_prompt_template).fill(tools=made, prompt=task), agent.format_prompt(task)


def main(seed: int = 1) -> None:
    numbers, made = random.Random(seed), later if find_spec("transformers.agents") else first
    for _ in range(PROMPTS):
        own, expected = made(numbers)
        if own != expected:
            raise SystemExit(f"a prompt differs: {own!r} instead of {expected!r}")
    print(f"{PROMPTS} prompts are equal to those of transformers' {'agents' if made is later else 'first agents'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
