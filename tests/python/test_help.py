"""Tests of the help: words in place of signs, true defaults, and only what works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from chatmill import DataError, PackPlan, prepare
from chatmill.cli.main import app
from chatmill.inputs import BLOCK_BYTES, MAX_LINE_BYTES
from chatmill.layouts.choice import layout_named
from chatmill.layouts.contents import Contents
from chatmill.options.choices import LayoutName, PackLayoutName, PackTrainer, PackTruncation, choices
from chatmill.outputs.shards import SHARD_TOKENS
from chatmill.packing.columns import columns_of_packs
from click.testing import CliRunner
from format_rows import CHATML, TOKENIZER
from samples import conversation

SUBCOMMANDS = [
    "prepare",
    "why",
    "cache",
    "plan",
    "run-unit",
    "merge",
    "pack",
    "convert",
    "verify",
    "report",
    "show",
    "diff",
    "audit",
    "lint",
    "templates",
    "schema",
    "formats",
]
IDS = pa.list_(pa.int32())


@pytest.fixture
def run() -> Any:
    return lambda *arguments: CliRunner(env={"COLUMNS": "1000"}).invoke(app, [*arguments])


def test_the_help_is_in_words(run: Any) -> None:
    for name in SUBCOMMANDS:
        shown = " ".join(run(name, "-h").stdout.split())
        assert "Show this message and exit." in shown
        assert ">=" not in shown
        assert "[default: (" not in shown
    assert "--max-length N Tokens per pack. [at least 1; required]" in " ".join(run("pack", "-h").stdout.split())
    summaries = run("-h").stdout.partition("Commands:\n")[2]
    assert len(summaries.splitlines()) == len(SUBCOMMANDS)
    assert "..." not in summaries


def test_the_help_tells_the_true_defaults(run: Any) -> None:
    shown = " ".join(run("prepare", "-h").stdout.split())
    for name, default in (("shard", SHARD_TOKENS), ("block", BLOCK_BYTES), ("max-line", MAX_LINE_BYTES)):
        assert f"Default: {default:,}" in shown.partition(f"--{name}-")[2].partition(" --")[0]


def test_pack_lists_what_works(run: Any) -> None:
    shown = run("pack", "-h").stdout
    layouts = [it for it in choices(LayoutName) if it not in ("datatrove", "olmo")]
    assert f"--to [{'|'.join(layouts)}]" in shown
    assert "--for [trl|hf|axolotl|llama-factory|nemo]" in shown
    assert "--truncation [keep_start|keep_end|drop|raise|split]" in shown
    for trainer in choices(PackTrainer):
        assert columns_of_packs(trainer, None).name == trainer
    for truncation in choices(PackTruncation):
        if truncation != "raise":
            assert PackPlan.of([9, 3], 5, truncation=truncation).report().rows == 2
    for name in choices(LayoutName):
        contents = Contents(pa.schema({"input_ids": IDS, "labels": IDS, "seq_lengths": IDS}), {"packing": {}}, "", 9)
        if name in choices(PackLayoutName):
            layout_named(name).check(contents)
        else:
            with pytest.raises(DataError, match="would make one document of each pack"):
                layout_named(name).check(contents)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--truncation", "turns"), "turns are not known after tokenizing"),
        (("--for", "trl-dpo"), "trl-dpo takes rows of pairs of answers, which cannot be packed"),
        (("--to", "olmo"), "the layout olmo would make one document of each pack"),
        (("--truncation", "turn"), "'turn' is not a valid value; give one of keep_start, keep_end, drop, raise, split"),
    ],
)
def test_pack_says_why_it_cannot_do_what_prepare_can(
    options: tuple[str, str], problem: str, run: Any, in_tmp_path: Path
) -> None:
    prepare([conversation(1)], tokenizer=TOKENIZER, template=CHATML, output="tokens", progress=False)
    failed = run("pack", "tokens", "--max-length", "100", "--output", "packs", *options)
    assert failed.exit_code in (1, 2)
    assert problem in " ".join(failed.stderr.split())
