"""Fills `text` of the cases with what transformers renders: `python tests/cases/expect.py`.

A case that chatmill refuses only because of its labels has a text too.
`trained` is written by hand: it is what the model generates, or what the case's `labels` select.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import reference

# Codes of failures that are about labels, not about the text.
ABOUT_LABELS = {None, "generation_changed", "header_mismatch", "merged", "unanchored", "wrong_type"}


def rendered(case: dict[str, Any]) -> str:
    """The text of `case` as `apply_chat_template` gives it."""
    return reference.render(
        case["template"],
        case["messages"],
        tools=case.get("tools"),
        add_generation_prompt=case.get("add_generation_prompt", False),
        **{**case.get("special_tokens", {}), **case.get("variables", {})},
    )


def main() -> None:
    """Write the texts into the files beside this one."""
    for path in sorted(Path(__file__).parent.glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        try:
            case["text"] = rendered(case)
        except Exception as error:  # whatever the template makes transformers raise is the expected outcome
            if case.get("error", {}).get("code") in ABOUT_LABELS:
                raise SystemExit(f"{path.name}: transformers refuses it: {error}") from error
        path.write_text(json.dumps(case, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
