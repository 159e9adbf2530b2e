"""Tests of `prepare` with `pack` and `to`: it writes the files that `prepare` and then `pack` with `to` write."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import pytest
from chatmill import pack, prepare
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from click.testing import CliRunner
from folders import write_byte_tokenizer
from format_rows import CHATML, TOKENIZER
from layout_rows import READERS, opened
from samples import conversation, write_rows

PACKED: list[Any] = ["parquet", "arrow", "hf", "megatron", "nemo", "mds"]
#: The keys of a manifest that tell when and from what it was made.
ORIGIN = ("created", "sha256", "rejects")
# Templates print this time, and manifests record it.
NOW = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001  # templates have no time zone
# A token that the tokenizer lacks, so the output has a tokenizer of its own.
CONFIG = """
base_model: model
sequence_len: 120
val_set_size: 0.25
special_tokens: {pad_token: <pad>}
datasets:
  - {path: rows.jsonl, type: chat_template, chat_template: chatml}
  - {path: more.jsonl, type: chat_template, chat_template: chatml, weight: 1.5}
"""


@pytest.fixture(autouse=True)
def inputs(in_tmp_path: Path) -> None:
    write_rows(Path("rows.jsonl"), [{**conversation(number), "id": number} for number in range(40)])
    write_rows(Path("more.jsonl"), [{**conversation(number), "id": number} for number in range(40, 60)])
    write_byte_tokenizer(Path("model"))
    Path("config.yaml").write_text(CONFIG)


def described(folder: str) -> dict[str, Any]:
    """The manifest, without the time and the origin of the packs."""
    manifest: dict[str, Any] = json.loads(Path(folder, "_manifest.json").read_text())
    plans = [{**file, "sha256": None, "bytes": None} for file in manifest["packs"]]
    packing = {**manifest["options"]["packing"], "tokens": None}
    options = {**manifest["options"], "packing": packing}
    return {**manifest, "options": options, "packs": plans, **dict.fromkeys(ORIGIN)}


def check_equal(one: str, other: str) -> None:
    """The files of both outputs have the same bytes, except for the origin in manifests and plans."""
    files = sorted(path.relative_to(other) for path in Path(other).rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(one) for path in Path(one).rglob("*") if path.is_file())
    own = [name for name in files if not name.name.startswith(("_packs", "_manifest"))]
    assert len(own) < len(files)
    for name in own:
        assert Path(one, name).read_bytes() == Path(other, name).read_bytes(), name
    assert described(one) == described(other)


@pytest.mark.parametrize("layout", PACKED)
@pytest.mark.parametrize("options", [{}, {"validation": 0.2, "shuffle": True, "shard_tokens": 900}], ids=str)
def test_rows_of_files(layout: Any, options: dict[str, Any]) -> None:
    shared: dict[str, Any] = {"tokenizer": TOKENIZER, "template": CHATML, "labels": "all", "now": NOW, **options}
    prepare("rows.jsonl", output="tokens", **shared)
    pack("tokens", 240, "twice", to=layout, shard_tokens=options.get("shard_tokens", 1 << 26))
    report = prepare("rows.jsonl", output="once", pack=240, to=layout, **shared)
    assert report.packs is not None
    assert report.packs.splits["train"].packs == sum(shard.rows for shard in report.shards)
    check_equal("once", "twice")
    assert not list(Path("once").rglob(".*"))
    assert chatmill.open("once").layout == layout


@pytest.mark.parametrize("layout", PACKED)
def test_rows_of_a_config(layout: Any) -> None:
    shared: dict[str, Any] = {"now": NOW, "progress": False}
    prepare_config("config.yaml", output="tokens", **shared)
    pack("tokens", 240, "twice", to=layout)
    prepare_config("config.yaml", output="once", pack=240, to=layout, **shared)
    check_equal("once", "twice")
    assert list(chatmill.open("once").splits) == ["train", "validation"]
    assert Path("once/_tokenizer/tokenizer.json").is_file()


def test_packs_of_a_config_for_a_trainer() -> None:
    prepare_config("config.yaml", output="tokens", progress=False)
    pad_id = chatmill.Tokenizer.from_pretrained("tokens/_tokenizer").token_to_id("<pad>")
    pack("tokens", 240, "twice", trainer="llama-factory", pad_id=pad_id)
    report = prepare_config("config.yaml", output="once", pack=240, trainer="llama-factory", progress=False)
    assert "neat_packing: true" in report.how_to_train
    for split in ("train", "validation"):
        one, other = (Path(name, split, f"{split}-00000.arrow").read_bytes() for name in ("once", "twice"))
        assert one == other


@pytest.mark.parametrize("layout", list(READERS))
def test_a_config_writes_a_layout(layout: Any) -> None:
    prepare_config("config.yaml", output="tokens", progress=False)
    prepare_config("config.yaml", output="out", to=layout, progress=False)
    for split in ("train", "validation"):
        rows = opened("out", split)
        assert len(rows) > 10
        assert rows == READERS[layout](Path("out", split), split) == opened("tokens", split)
    assert chatmill.open("out").layout == layout
    # The tokenizer of the run has 261 ids.
    assert chatmill.open("out").manifest["layout"].get("dtype") in ("uint16", None)


def test_rows_that_a_layout_cannot_hold() -> None:
    write_rows(Path("pairs.jsonl"), [{"question": "Q", "chosen": "a", "rejected": "b"}])
    Path("pairs.yaml").write_text(
        "base_model: model\nrl: dpo\ndatasets: [{path: pairs.jsonl, type: chatml.intel}]\nmax_rejected: 1\n"
    )
    with pytest.raises(chatmill.DataError, match="the layout megatron holds one list of tokens a row"):
        prepare_config("pairs.yaml", output="out", to="megatron", progress=False)
    with pytest.raises(chatmill.DataError, match="rows of a prompt with answers cannot be packed"):
        prepare_config("pairs.yaml", output="out", pack=100, to="mds", progress=False)
    with pytest.raises(chatmill.DataError, match=r"chooses the files that trl opens; leave out `to`"):
        prepare_config("config.yaml", output="out", to="mds", trainer="trl", progress=False)
    assert not Path("out").exists()


def test_the_command() -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["prepare", "config.yaml", "--output", "out", "--to", "megatron"])
    assert done.exit_code == 0, done.output
    assert Path("out/validation/validation_text_document.bin").is_file()
    done = runner.invoke(app, ["prepare", "config.yaml", "--output", "packs", "--to", "mds", "--pack", "240"])
    assert done.exit_code == 0, done.output
    assert "validation: " in done.output
    assert "packs of 240 tokens" in done.output
    assert chatmill.open("packs").layout == "mds"
    done = runner.invoke(app, ["prepare", "config.yaml", "--output", "no", "--to", "mds", "--debug", "1"])
    assert done.exit_code == 2
    assert "--debug cannot print the layout mds" in done.output
