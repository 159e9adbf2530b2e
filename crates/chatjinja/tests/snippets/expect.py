"""Fills the texts of the snippets with what transformers renders: `python crates/chatjinja/tests/snippets/expect.py`.

A snippet is a template, and the text that transformers gives for it; null if transformers refuses it.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests" / "python"))

import reference

MESSAGES = [{"role": "user", "content": "<think>hi</think>"}]


def rendered(template: str) -> str | None:
    """The text of a template, or None."""
    try:
        return reference.render(template, MESSAGES)
    except Exception:  # noqa: BLE001  (a template may fail in any way)
        return None


def main() -> None:
    """Write the texts into the files beside this one."""
    for path in sorted(Path(__file__).parent.glob("*.json")):
        group = json.loads(path.read_text("utf-8"))
        group["snippets"] = [[template, rendered(template)] for template, _ in group["snippets"]]
        lines = ",\n".join("  " + json.dumps(snippet, ensure_ascii=False) for snippet in group["snippets"])
        why = json.dumps(group["why"], ensure_ascii=False)
        path.write_text(f'{{\n "why": {why},\n "snippets": [\n{lines}\n ]\n}}\n', "utf-8")


if __name__ == "__main__":
    main()
