"""Tokens that a config adds: the ids of transformers, a folder that AutoTokenizer loads, pad tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import reference
from byte_tokenizers import byte_tokenizer
from chatmill import DataError, Tokenizer, TokenizerError, prepare
from chatmill.config.prepare import prepare_config
from chatmill.sources.with_tokens import saved_tokenizer, with_special_tokens, with_tokens
from samples import write_rows
from transformers import AddedToken, AutoTokenizer, PreTrainedTokenizerBase

NAMED = {"pad_token": "<|my pad|>", "bos_token": "<s>", "eos_token": "<|im_end|>"}
TOKENS = ("<one>", "hello", "<|im_start|>", "<one>", " wide ", "")
MORE = ("<|extra|>", "<one>")
TEXTS = [
    "a<one>b",
    "say hello <|im_start|>user\nhi<|im_end|>\n",
    "x wide  y",
    "<s>q</s><|extra|> <one>",
    "<|my pad|> hello",
    "Hello HELLO  hello",
]
MODELS = ["bert-base-cased", "gemma-4", "gpt2", "kimi-k2", "llama-3.1", "llama2", "phi-3", "qwen3", "t5-small"]


def plain(token: str) -> Any:
    return AddedToken(token, rstrip=False, lstrip=False, normalized=False)


def as_axolotl(tokenizer: PreTrainedTokenizerBase, order: tuple[str, ...]) -> None:
    """Add tokens to a tokenizer of transformers as axolotl does."""
    for name in order:
        tokenizer.add_special_tokens({name: plain(NAMED[name])})
    tokenizer.add_tokens([plain(token) for token in TOKENS])
    tokenizer.add_special_tokens({"additional_special_tokens": list(MORE)})


def written(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@reference.needs_corpus
@pytest.mark.parametrize("model", MODELS)
def test_ids_are_those_of_transformers(model: str, tmp_path: Path) -> None:
    folder = reference.tokenizer_folder(model)
    theirs: Any = AutoTokenizer.from_pretrained(folder)
    as_axolotl(theirs, ("bos_token", "eos_token", "pad_token"))
    ours = with_tokens(Tokenizer.from_pretrained(folder, engine="reference"), NAMED, TOKENS, MORE)
    saved = written(saved_tokenizer(ours, additional_special_tokens=MORE), tmp_path / "saved")
    back: Any = AutoTokenizer.from_pretrained(saved)
    tokens = {*NAMED.values(), *TOKENS, *MORE} - {""}
    expected = {token: theirs.convert_tokens_to_ids(token) for token in tokens}
    assert {token: ours.token_to_id(token) for token in tokens} == expected
    assert {token: back.convert_tokens_to_ids(token) for token in tokens} == expected
    for text in TEXTS:
        ids = theirs.encode(text, add_special_tokens=False)
        assert ours.encode(text) == ids, text
        assert back.encode(text, add_special_tokens=False) == ids, text
    assert len(back) == len(theirs)
    assert back.special_tokens_map == theirs.special_tokens_map
    assert ours.special_tokens == theirs.special_tokens_map
    assert back("x")["input_ids"] == theirs("x")["input_ids"]
    again = Tokenizer.from_pretrained(saved, engine="reference")
    assert (again.special_tokens, again.encode(TEXTS[1])) == (ours.special_tokens, ours.encode(TEXTS[1]))


def test_a_tokenizer_that_has_the_tokens_stays_the_same() -> None:
    tokenizer = byte_tokenizer(bos_token="<s>", eos_token="</s>")
    assert with_tokens(tokenizer, {"eos_token": "</s>"}) is tokenizer
    assert with_tokens(tokenizer, {}, ("",)) is tokenizer
    other = with_tokens(tokenizer, {"pad_token": "</s>"})
    assert other.special_tokens["pad_token"] == "</s>"
    assert other.fingerprint == tokenizer.fingerprint
    # The first id after all others; then the next one.
    more = with_tokens(other, {"pad_token": "<p>"}, ("<q>",))
    last = more.token_to_id("<q>")
    assert last == (more.token_to_id("<p>") or 0) + 1
    assert more.encode("<p><q>") == [last - 1, last]
    assert tokenizer.token_to_id("<q>") is None


ROWS = [{"messages": [{"role": "user", "content": "<one>?"}, {"role": "assistant", "content": "Two <one>."}]}] * 3
CONFIG = """
chat_template: chatml
special_tokens: {eos_token: <|im_end|>, pad_token: "[PAD]"}
tokens: [<|im_start|>, <one>]
datasets: [{path: rows.jsonl, type: chat_template}]
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a byte-level tokenizer, and rows in the working directory."""
    monkeypatch.chdir(tmp_path)
    write_rows(Path("rows.jsonl"), ROWS)
    return written(saved_tokenizer(byte_tokenizer(bos_token="<s>", eos_token="</s>")), tmp_path / "base")


def test_a_config_adds_tokens_and_writes_the_tokenizer(base: Path) -> None:
    Path("config.yaml").write_text(f"base_model: {base}\n{CONFIG}", "utf-8")
    prepare_config("config.yaml", output="out", progress=False)
    theirs: Any = AutoTokenizer.from_pretrained(base)
    theirs.add_special_tokens({"eos_token": plain("<|im_end|>")})
    theirs.add_special_tokens({"pad_token": plain("[PAD]")})
    theirs.add_tokens([plain("<|im_start|>"), plain("<one>")])
    back: Any = AutoTokenizer.from_pretrained("out/_tokenizer")
    expected = theirs.apply_chat_template(
        ROWS[0]["messages"], chat_template=back.chat_template, return_dict=False, tokenize=True
    )
    rows = pq.read_table(next(Path("out").glob("*.parquet"))).to_pylist()
    assert rows[0]["input_ids"] == expected
    assert back.apply_chat_template(ROWS[0]["messages"], return_dict=False, tokenize=True) == expected
    assert (back.eos_token, back.pad_token, len(back)) == ("<|im_end|>", "[PAD]", len(theirs))
    # The manifest records the files, so an unchanged output can be replaced, and a changed one is refused.
    manifest = json.loads(next(Path("out").glob("*manifest.json")).read_text("utf-8"))
    names = {file["file"] for file in manifest["tokenizer_files"]}
    assert names == {
        f"_tokenizer/{name}" for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    }
    prepare_config("config.yaml", output="out", progress=False, overwrite=True)
    Path("out/_tokenizer/tokenizer_config.json").write_text("{}", "utf-8")
    with pytest.raises(DataError, match=r"_tokenizer/tokenizer_config\.json"):
        prepare_config("config.yaml", output="out", progress=False, overwrite=True)


def test_a_config_that_adds_nothing_writes_no_tokenizer(base: Path) -> None:
    text = CONFIG.replace('<|im_end|>, pad_token: "[PAD]"', "</s>, pad_token: </s>")
    text = text.replace("tokens: [<|im_start|>, <one>]\n", "")
    Path("config.yaml").write_text(f"base_model: {base}\n{text}", "utf-8")
    prepare_config("config.yaml", output="out", progress=False)
    assert not Path("out/_tokenizer").exists()


def test_a_new_token_that_looks_like_an_old_one_is_a_warning(base: Path) -> None:
    text = CONFIG.replace("<|im_end|>", "<//s>")
    Path("config.yaml").write_text(f"base_model: {base}\n{text}", "utf-8")
    report = prepare_config("config.yaml", output="out", progress=False)
    found = [it for it in report.warnings if "special_tokens.eos_token" in it]
    assert found == [
        "config.yaml:4: special_tokens.eos_token: base has no token '<//s>', so it was added; did you mean '</s>'?"
    ]


def test_a_pad_token_by_name(base: Path) -> None:
    options: dict[str, Any] = {"tokenizer": base, "template": "chatml", "progress": False, "padding": "longest"}
    write_rows(Path("rows.jsonl"), [*ROWS, {"messages": [*ROWS[0]["messages"], *ROWS[0]["messages"]]}])
    with pytest.raises(DataError, match=r"`padding` needs a `pad_token`, but base has none; .*`--pad-token`"):
        prepare("rows.jsonl", output="out", **options)
    with pytest.raises(TokenizerError, match=r"base has no token '<pad>' for `pad_token`; use one of its tokens"):
        prepare("rows.jsonl", output="out", pad_token="<pad>", **options)
    prepare("rows.jsonl", output="out", pad_token="<s>", **options)
    table = pq.read_table(next(Path("out").glob("*.parquet"))).to_pylist()
    pad = Tokenizer.from_pretrained(base).token_to_id("<s>")
    assert table[0]["input_ids"][table[0]["length"] :] == [pad] * (table[3]["length"] - table[0]["length"])
    assert with_special_tokens(byte_tokenizer(eos_token="</s>"), {"pad_token": "</s>"}).special_tokens == {
        "eos_token": "</s>",
        "pad_token": "</s>",
    }
