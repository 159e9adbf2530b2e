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
from counted_rows import CountedRows, Read, RowFile
from counted_sequences import Cut

ROOT = Path(__file__).resolve().parents[2]
#: The tokenizer of tests without a corpus: a token for each byte.
BYTES = "bytes"
NO_TEMPLATE = "none"
WHOLE: Mapping[str, Any] = {"on_error": "raise", "all_masked": "keep"}
CUTS = ("max_length", "truncation", "all_masked", "split")


@dataclass(frozen=True)
class Case:
    """A run.

    Attributes:
        files: Makes the rows of each file, as lines.
        read: Reads the messages of a row; None if rows are not conversations.
        tokenizer: The name of a tokenizer of the corpus, or `BYTES`.
        template: The name of a file in `templates/`, which has tags, or with ` without tags`; or `NO_TEMPLATE`. Empty
            for that of the tokenizer.
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

    def counted(self, *, all_regions: bool = False) -> CountedRows:
        """Count the rows of the files.

        Args:
            all_regions: Whether the regions of all rows are counted.
        """
        options = dict(self.options)
        if options.get("labels") == "none":
            options["all_masked"] = "keep"
        cut = Cut(**{name: options[name] for name in CUTS if name in options})
        kept = ("labels", "split", "format", "special_tokens", "chat_template_kwargs")
        whole = Mill(
            self.parts["tokenizer"],
            self.parts["template"],
            **{name: options[name] for name in kept if name in options},
            **WHOLE,
        )
        counts_regions = all_regions or self.needs_regions
        counted = CountedRows(whole, cut, self.read, *token_ids(self.tokenizer), counts_regions, self.counts_turns)
        limits = {name: options[name] for name in ("block_bytes", "max_line_bytes") if name in options}
        counted.longest_line = options.get("max_line_bytes", counted.longest_line)
        for name, lines in self.files().items():
            blocks = [block.batch.num_rows for block in read_blocks(find_inputs(name), **limits)]
            counted.add(RowFile(name, lines, blocks))
        return counted


def counted_parts(files: Mapping[str, Sequence[bytes]], parts: Sequence[Any], read: Read) -> CountedRows:
    """Count the rows of a config with one file for each dataset, whose labels are those of axolotl.

    Args:
        files: The rows of each file, as lines.
        parts: The datasets, as a manifest describes them.
        read: Reads the messages of a row.
    """
    found: CountedRows | None = None
    for (name, lines), part in zip(files.items(), parts, strict=True):
        options, template = part["options"], part["template"]
        whole = Mill(
            tokenizer_of(BYTES),
            ChatTemplate(template["source"], **template["special_tokens"]),
            format=options["format"]["name"],
            labels=options["labels"],
            **WHOLE,
        )
        cut = Cut(**{name: options[name] for name in CUTS})
        if found is None:
            found = CountedRows(whole, cut, read, *token_ids(BYTES), needs_regions=False, counts_turns="")
        found.whole, found.cut = whole, cut
        found.add(RowFile(name, lines, [len(lines)]))
    assert found is not None
    return found


def token_ids(tokenizer: str) -> tuple[set[int], set[int]]:
    """The ids of the added tokens of a tokenizer, and those of them that are special."""
    added = definition_of(tokenizer)["added_tokens"]
    return {it["id"] for it in added}, {it["id"] for it in added if it["special"]}


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
