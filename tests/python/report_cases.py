"""Runs whose reports are compared with numbers that are counted in another way: rows, options, and how to count."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import byte_tokenizers
import reference
from chatmill import ChatTemplate, Mill, Tokenizer
from chatmill.inputs import find_inputs, read_blocks
from counted_rows import CountedRows, Cut, Read, RowFile

ROOT = Path(__file__).resolve().parents[2]
#: The tokenizer of tests without a corpus: a token for each byte.
BYTES = "bytes"
NO_TEMPLATE = "none"
CUTS = ("max_length", "truncation", "all_masked", "split")


@dataclass(frozen=True)
class Case:
    """A run.

    Attributes:
        files: Makes the rows of each file, as lines.
        read: Reads the messages of a row; None if rows are not conversations.
        tokenizer: The name of a tokenizer of the corpus, or `BYTES`.
        template: The name of a file in `templates/`, which has tags, or with ` without tags`; `NO_TEMPLATE`, or empty for
            that of the tokenizer.
        options: The options of `prepare`.
        needs_regions: Whether the labels need the regions of each row.
        counts_turns: As in `CountedRows`.
        answers: The columns of answers.
    """

    files: Callable[[], Mapping[str, Sequence[bytes]]]
    read: Read | None
    tokenizer: str = BYTES
    template: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    needs_regions: bool = True
    counts_turns: str = "policy"
    answers: Sequence[str] = ()

    @property
    def parts(self) -> dict[str, Any]:
        """The tokenizer and the template."""
        return {"tokenizer": tokenizer_of(self.tokenizer), "template": template_of(self.tokenizer, self.template)}

    def write(self) -> list[str]:
        """Write the files into the working directory, and return their names."""
        files = self.files()
        for name, lines in files.items():
            Path(name).write_bytes(b"".join(line + b"\n" for line in lines))
        return list(files)

    def counted(self) -> CountedRows:
        """Count the rows of the files."""
        options = dict(self.options)
        if options.get("labels") == "none":
            options["all_masked"] = "keep"
        cut = Cut(**{name: options[name] for name in CUTS if name in options})
        kept = ("labels", "split", "format", "special_tokens", "chat_template_kwargs")
        whole = Mill(
            self.parts["tokenizer"],
            self.parts["template"],
            **{name: options[name] for name in kept if name in options},
            on_error="raise",
            all_masked="keep",
        )
        definition = definition_of(self.tokenizer)
        added = {it["id"] for it in definition["added_tokens"]}
        control = {it["id"] for it in definition["added_tokens"] if it["special"]}
        counted = CountedRows(whole, cut, self.read, added, control, self.needs_regions, self.counts_turns)
        limits = {name: options[name] for name in ("block_bytes",) if name in options}
        for name, lines in self.files().items():
            blocks = [block.batch.num_rows for block in read_blocks(find_inputs(name), **limits)]
            counted.add(RowFile(name, lines, blocks))
        return counted


@lru_cache(3)
def tokenizer_of(name: str) -> Tokenizer:
    """A tokenizer, loaded once."""
    if name == BYTES:
        return byte_tokenizers.byte_tokenizer(bos_token="<s>", eos_token="<|im_end|>", pad_token="<s>")
    return Tokenizer.from_pretrained(reference.tokenizer_folder(name))


@lru_cache(3)
def template_of(tokenizer: str, name: str) -> ChatTemplate | None:
    """A template with the special tokens of a tokenizer."""
    if name == NO_TEMPLATE:
        return None
    tokens = tokenizer_of(tokenizer).special_tokens
    if not name:
        return ChatTemplate.from_pretrained(reference.tokenizer_folder(tokenizer))
    source = (ROOT / "templates" / f"{name.removesuffix(' without tags')}.jinja").read_text("utf-8")
    if name.endswith(" without tags"):
        source = re.sub("{%-? (end)?generation -?%}", "", source)
    return ChatTemplate(source, **tokens)


@lru_cache(3)
def definition_of(name: str) -> Any:
    """The `tokenizer.json` of a tokenizer."""
    if name == BYTES:
        return json.loads(byte_tokenizers.DEFINITION)
    return json.loads((reference.tokenizer_folder(name) / "tokenizer.json").read_text("utf-8"))
