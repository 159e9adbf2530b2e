"""Folders of a tiny tokenizer, with the files of a model's folder; and all files of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel


def files_in(folder: Path) -> dict[str, bytes]:
    """The content of all files in a folder and its subfolders, by their paths in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_json(path: Path, value: Any) -> None:
    """Write a value into a file."""
    path.write_text(json.dumps(value), encoding="utf-8")


def configure(folder: Path, **config: Any) -> None:
    """Write the `tokenizer_config.json` of a folder."""
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **config})


def write_tiny(folder: Path) -> None:
    """Write a tokenizer of 256 bytes and two words, with `<a>` and `<b>` added."""
    vocabulary = {character: index for index, character in enumerate(sorted(ByteLevel.alphabet()))}
    tiny = tokenizers.Tokenizer(BPE(vocab={**vocabulary, "<eos>": 256, "<mid>": 257}, merges=[]))
    tiny.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tiny.add_special_tokens([tokenizers.AddedToken("<a>", special=True)])
    tiny.add_tokens([tokenizers.AddedToken("<b>", normalized=True)])
    folder.mkdir()
    tiny.save(str(folder / "tokenizer.json"))
    configure(folder, eos_token="<eos>")


def write_byte_tokenizer(folder: Path) -> None:
    """Write the tokenizer of the tests: one token per byte. It loads at once, unlike a real tokenizer."""
    definition = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes(definition.read_bytes())
    configure(folder, bos_token="<s>", eos_token="</s>", pad_token="</s>")
