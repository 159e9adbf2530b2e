"""Snippets of templates give the texts of transformers, in the crate chatjinja and in Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import reference
from chatmill import ChatTemplate, TemplateError

FOLDER = Path(__file__).parents[2] / "crates" / "chatjinja" / "tests" / "snippets"
MESSAGES = [{"role": "user", "content": "<think>hi</think>"}]
GROUPS = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_all_groups_are_there() -> None:
    assert len(GROUPS) == 10


@pytest.mark.parametrize("group", GROUPS)
def test_snippets_are_printed_as_in_transformers(group: str) -> None:
    for template, text in json.loads((FOLDER / f"{group}.json").read_text("utf-8"))["snippets"]:
        if text is None:
            with pytest.raises(TemplateError):
                ChatTemplate(template).render(MESSAGES)
            with pytest.raises(Exception):  # noqa: B017, PT011  (a template may fail in any way)
                reference.render(template, MESSAGES)
        else:
            assert ChatTemplate(template).render(MESSAGES) == text, template
            assert reference.render(template, MESSAGES) == text, template
