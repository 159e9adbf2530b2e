"""Fills `text` of the cases with what transformers renders: `python tests/cases/expect.py`.

A case that chatmill must refuse for reasons of its own has the text too: the text is right, only the labels are not.
`trained` is written by hand: it is what the model would have to say, or what the case's `labels` ask for.
"""

import json
from pathlib import Path
from typing import Any

from transformers.utils.chat_template_utils import render_jinja_template

#: Codes of failures that are about labels, not about the text.
ABOUT_LABELS = {None, "generation_changed", "header_mismatch", "merged", "unanchored", "wrong_type"}


def rendered(case: dict[str, Any]) -> str:
    """The text of `case` as `apply_chat_template` gives it, None keys of messages dropped."""
    messages = [{key: value for key, value in m.items() if value is not None} for m in case["messages"]]
    variables = {**case.get("special_tokens", {}), **case.get("variables", {})}
    texts, _ = render_jinja_template(
        conversations=[messages],
        tools=case.get("tools"),
        chat_template=case["template"],
        add_generation_prompt=case.get("add_generation_prompt", False),
        **variables,
    )
    return str(texts[0])


def main() -> None:
    """Writes the texts into the files beside this one."""
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
