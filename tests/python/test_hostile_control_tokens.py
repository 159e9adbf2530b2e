"""No value of a row writes a control token with `special_tokens="text"`, with real tokenizers and templates.

`tests/attacks/control_tokens.py` runs the same check on 100,000 rows.
"""

from __future__ import annotations

import random

import pytest
from chatmill import ChatmillError, ChatTemplate, Tokenizer
from hostile_rows import control_tokens, violations
from reference import CORPUS, corpus_template, template_names, tokenizer_folder

FOLDERS = sorted(it.parent.name for it in (CORPUS / "tokenizers").glob("*/tokenizer.json"))


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("name", FOLDERS)
def test_no_value_of_a_row_writes_a_control_token(name: str) -> None:
    """The tokens of a hostile row are those of its twin, with harmless letters in place of the token; or it fails."""
    tokenizer = Tokenizer.from_pretrained(tokenizer_folder(name))
    assert control_tokens(tokenizer)
    compared = rejected = 0
    for number, source in enumerate(random.Random(name).sample(template_names(), 5)):
        try:
            template = ChatTemplate(corpus_template(source), **tokenizer.special_tokens)
        except ChatmillError:
            continue
        rows, failed, wrong = violations(tokenizer, template, 40, seed=number)
        assert wrong == [], source
        compared += rows
        rejected += failed
    assert compared >= 80
    assert rejected < compared // 2
