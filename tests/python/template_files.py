"""Reads `templates/`: the sources of the named templates, and their settings. Without chatmill, as a reference."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

# Inputs for templates that require tools or documents.
GIVEN: dict[str, list[dict[str, Any]]] = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "clock",
                "description": "Tells the time.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ],
    "documents": [{"title": "Tea", "text": "Tea is drunk at five."}],
}


def names() -> list[str]:
    return sorted(path.stem for path in TEMPLATES.glob("*.jinja"))


def source(name: str) -> str:
    return (TEMPLATES / f"{name}.jinja").read_text("utf-8")


@lru_cache
def settings(name: str) -> dict[str, Any]:
    """The file beside a template: special tokens, stop tokens, required inputs."""
    read: dict[str, Any] = json.loads((TEMPLATES / f"{name}.json").read_text("utf-8"))
    return read


def required(name: str) -> dict[str, Any]:
    """The tools or documents that a template requires."""
    return {key: GIVEN[key] for key in settings(name).get("requires", [])}


def untagged(source: str) -> str:
    """A template with `if true` in place of `{% generation %}`, so that white space is trimmed in the same way."""
    for tag, other in (("generation", "if true"), ("endgeneration", "endif")):
        source = re.sub(rf"\{{%([-+]?)\s*{tag}\s*([-+]?)%\}}", rf"{{%\1 {other} \2%}}", source)
    return source
