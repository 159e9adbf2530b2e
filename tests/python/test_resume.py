"""Tests of runs that go on after an interruption, and of `--cache`: what is taken changes no byte of the output."""

from __future__ import annotations

import errno
import inspect
import json
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chatmill import DataError, Mill, prepare
from chatmill.config.prepare import planned_config, prepare_config
from chatmill.pipeline.planned import planned_run
from chatmill.resume.key import WITHOUT_EFFECT, MillKey
from chatmill.resume.store import BlockStore
from resumed import (
    BASE,
    CHATML,
    CLOCK,
    INPUT_CHANGES,
    RUN_OPTIONS,
    TIME,
    TOKENIZER,
    Made,
    definitions,
    files_of,
    inputs,
    keeping,
    made,
    rows,
)
from samples import write_rows

__all__ = ["definitions", "inputs", "keeping", "made"]


def left() -> list[str]:
    return sorted(path.name for path in Path().iterdir() if path.name.startswith(".chatmill-"))


@pytest.mark.parametrize("name", RUN_OPTIONS)
@pytest.mark.parametrize("blocks", [5, 13, 21])
def test_a_run_goes_on(name: str, blocks: int, inputs: list[str], made: Made) -> None:
    options = {**BASE, **RUN_OPTIONS[name]}
    whole = made.by(lambda: prepare(inputs, output="whole", **options))
    assert whole > 20
    made.until(blocks, lambda: prepare(inputs, output="out", **options))
    assert not Path("out").exists()
    assert len(left()) == 1
    reports = []
    # One block may be in the mill, and one may be being kept.
    assert made.by(lambda: reports.append(prepare(inputs, output="out", **options))) <= whole - blocks + 2
    assert (reports[0].blocks, reports[0].reused_blocks) == (whole, whole - made.blocks)
    assert files_of("out") == files_of("whole")
    assert left() == []


def test_several_interruptions(inputs: list[str], made: Made) -> None:
    options = {**BASE, "shuffle": True}
    prepare(inputs, output="whole", **options)
    for _ in range(4):
        made.until(4, lambda: prepare(inputs, output="out", **options))
    prepare(inputs, output="out", **options)
    assert files_of("out") == files_of("whole")


def test_a_config_goes_on(inputs: list[str], made: Made) -> None:
    Path("config.yaml").write_text(
        "chat_template: chatml\ndatasets: [{path: a.jsonl, type: chat_template}, {path: b.jsonl, type: chat_template}]"
    )
    options = {"tokenizer": TOKENIZER, "block_bytes": 4000, "now": BASE["now"]}
    whole = made.by(lambda: prepare_config("config.yaml", output="whole", **options))
    made.until(9, lambda: prepare_config("config.yaml", output="out", **options))
    assert made.by(lambda: prepare_config("config.yaml", output="out", **options)) <= whole - 6
    assert files_of("out") == files_of("whole")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), SystemExit(143), DataError("no")])
def test_what_is_kept_after_an_error(error: BaseException, inputs: list[str], made: Made, capsys: Any) -> None:
    made.until(4, lambda: prepare(inputs, output="out", **BASE), error)
    text = capsys.readouterr().err
    assert "blocks of this run are kept in" in text
    assert "the same command goes on with them, `--fresh` starts over" in text
    prepare(inputs, output="out", **BASE)
    assert re.search(
        r"an earlier run on this output did not end; \d blocks? of it can be used", capsys.readouterr().err
    )


def test_a_fresh_run_takes_nothing(inputs: list[str], made: Made) -> None:
    whole = made.by(lambda: prepare(inputs, output="whole", **BASE))
    made.until(9, lambda: prepare(inputs, output="out", **BASE))
    assert made.by(lambda: prepare(inputs, output="out", fresh=True, **BASE)) == whole
    assert made.by(lambda: prepare(inputs, output="out", overwrite=True, resume=False, **BASE)) == whole
    with pytest.raises(DataError, match=r"`cache` \(`--cache`\) keeps blocks"):
        prepare(inputs, output="other", resume=False, cache="cache", **BASE)


def test_a_run_of_one_block_keeps_nothing(in_tmp_path: Path, made: Made) -> None:
    write_rows(Path("a.jsonl"), rows(5))
    made.until(0, lambda: prepare("a.jsonl", output="out", **{**BASE, "block_bytes": 1 << 20}))
    assert left() == []


def test_the_time_of_the_interrupted_run_stays(inputs: list[str], made: Made) -> None:
    options = {**BASE, "template": CHATML + CLOCK}
    del options["now"]
    made.until(9, lambda: prepare(inputs, output="out", **options))
    assert made.by(lambda: prepare(inputs, output="out", **options)) < 20
    found = json.loads(Path("out/_manifest.json").read_text())["options"]["now"]
    prepare(inputs, output="whole", **options, now=datetime.fromisoformat(found))
    assert files_of("out") == files_of("whole")
    # A cache keeps blocks of runs that ended, and these have a time of their own.
    prepare(inputs, output="first", cache="cache", **options)
    prepare(inputs, output="second", cache="cache", **options)
    times = [json.loads(Path(it, "_manifest.json").read_text())["options"]["now"] for it in ("first", "second")]
    assert times[0] < times[1]


def test_the_inputs_of_a_run_may_change_before_it_goes_on(inputs: list[str], made: Made) -> None:
    made.until(20, lambda: prepare(inputs, output="out", **BASE))
    text = Path("a.jsonl").read_text()
    Path("a.jsonl").write_text(text.replace("Be brief.", "Be short.", 1)[:-200] + "\n")
    prepare(inputs, output="out", **BASE)
    prepare(inputs, output="whole", resume=False, **BASE)
    assert files_of("out") == files_of("whole")


@pytest.mark.parametrize("change", INPUT_CHANGES)
def test_a_cache_makes_only_new_blocks(change: str, inputs: list[str], made: Made) -> None:
    prepare(inputs, output="first", cache="cache", **BASE)
    act, names, again = INPUT_CHANGES[change]
    act()
    assert made.by(lambda: prepare(names, output="out", cache="cache", **BASE)) == again
    prepare(names, output="whole", resume=False, **BASE)
    assert files_of("out") == files_of("whole")
    assert left() == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "removed", "zeros"])
def test_a_damaged_block_is_made_again(damage: str, inputs: list[str], made: Made) -> None:
    prepare(inputs, output="first", cache="cache", **BASE)
    path = sorted(Path("cache").rglob("*.block"))[3]
    content = path.read_bytes()
    changed = {
        "cut": content[:-1],
        "flipped": content[:500] + bytes([content[500] ^ 4]) + content[501:],
        "emptied": b"",
        "zeros": bytes(len(content)),
    }
    path.unlink() if damage == "removed" else path.write_bytes(changed[damage])
    assert made.by(lambda: prepare(inputs, output="out", cache="cache", **BASE)) == 1
    assert files_of("out") == files_of("first")


def test_a_disk_without_room_for_blocks(inputs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    prepare(inputs, output="whole", **BASE)
    monkeypatch.setattr(BlockStore, "put", full)
    report = prepare(inputs, output="out", **BASE)
    assert "cannot keep blocks in" in report.warnings[-1]
    assert "(No space left on device); a run that is interrupted starts over" in report.warnings[-1]
    assert files_of("out") == files_of("whole")


#: Another value for each argument of `prepare` that decides bytes of the output, with what it needs.
CHANGES: dict[str, dict[str, Any]] = {
    "tokenizer": {"tokenizer": "other.json"},
    "template": {"template": CHATML.replace("<|im_end|>", "<|end|>")},
    "pad_token": {"pad_token": "!", "padding": "longest"},
    "format": {"format": "alpaca"},
    "columns": {"columns": {"messages": "chat"}},
    "labels": {"labels": "all"},
    "split": {"split": "per_turn"},
    "max_length": {"max_length": 120},
    "truncation": {"max_length": 120, "truncation": "keep_end"},
    "padding": {"padding": "longest", "pad_token": "!"},
    "padding_side": {"padding": "longest", "pad_token": "!", "padding_side": "left"},
    "pad_to_multiple_of": {"padding": "longest", "pad_token": "!", "pad_to_multiple_of": 8},
    "reserve": {"max_length": 80, "reserve": 8},
    "special_tokens": {"special_tokens": "text"},
    "allowed_special_tokens": {"special_tokens": "text", "allowed_special_tokens": ["<|im_start|>"]},
    "all_masked": {"all_masked": "keep", "labels": "none"},
    "keep_columns": {"keep_columns": ["id"]},
    "attention_mask": {"attention_mask": True},
    "position_ids": {"position_ids": True},
    "chat_template_kwargs": {"chat_template_kwargs": {"bos_token": "<begin>"}},
    "limits": {"limits": {"steps": 200}},
    "now": {"template": CHATML + CLOCK, "now": TIME.replace(2027)},
    "shuffle": {"shuffle": True},
    "seed": {"shuffle": True, "seed": 7},
    "deduplicate": {"deduplicate": True},
    "validation": {"validation": 9},
    "block_bytes": {"block_bytes": 3000},
    "max_line_bytes": {"max_line_bytes": 377},
    "shard_tokens": {"shard_tokens": 500},
    "compression": {"compression": "snappy"},
    "trainer": {"trainer": "trl"},
    "to": {"to": "arrow"},
    "pack": {"pack": 128},
}
#: Arguments that change no byte of rows, or that end a run.
NO_BYTES = {
    *("inputs", "output", "overwrite", "progress", "resume", "fresh", "cache", "cache_size", "threads", "strict"),
    "max_rejected",
    # How something is found that is in the key itself.
    *("template_fallback", "rebuild", "input_format", "segment_length"),
}


def test_every_argument_of_a_run_is_tried() -> None:
    assert set(inspect.signature(prepare).parameters) == {*CHANGES, *NO_BYTES}


# Formats have a test of their own below.
@pytest.mark.parametrize("name", [name for name in CHANGES if name != "format"])
def test_blocks_of_other_options_are_not_taken(name: str, definitions: None) -> None:
    options = {**BASE, **CHANGES[name]}
    for other in ({}, {key: value for key, value in CHANGES[name].items() if key != name}):
        # Padding needs a token.
        with suppress(DataError):
            prepare("a.jsonl", output="first", cache="cache", overwrite=True, max_rejected="100%", **{**BASE, **other})
    assert list(Path("cache").rglob("*.block"))
    prepare("a.jsonl", output="out", cache="cache", max_rejected="100%", **options)
    prepare("a.jsonl", output="whole", resume=False, max_rejected="100%", **options)
    assert files_of("out") == files_of("whole")


def test_rows_of_dictionary_columns_are_told_apart(in_tmp_path: Path) -> None:
    # Both files have the same indices, and other words.
    for name, words in (("a", ["one", "two"]), ("b", ["cat", "dog"])):
        column = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 10), pa.array(words))
        pq.write_table(pa.table({"prompt": column, "completion": column}), f"{name}.parquet")
        prepare(f"{name}.parquet", output=name, cache="cache", **BASE)
        prepare(f"{name}.parquet", output=f"{name}-whole", resume=False, **BASE)
        assert files_of(name) == files_of(f"{name}-whole")
    assert files_of("a")["train-00000.parquet"] != files_of("b")["train-00000.parquet"]


def test_blocks_of_other_formats_are_not_taken(in_tmp_path: Path, made: Made) -> None:
    write_rows(Path("a.jsonl"), [{"instruction": f"Add {n}", "input": "", "output": str(n)} for n in range(400)])
    tokenizer = chatmill.Tokenizer(TOKENIZER.read_text(), special_tokens={"eos_token": "</s>"})
    options = {**BASE, "template": None, "tokenizer": tokenizer}
    for name in ("alpaca", "alpaca:chat"):
        prepare("a.jsonl", output=f"first {name}".replace(":", " "), cache="cache", format=name, **options)
    assert made.by(
        lambda: prepare("a.jsonl", output="out", cache="cache", format="alpaca", segment_length=3, **options)
    )
    prepare("a.jsonl", output="whole", resume=False, format="alpaca", segment_length=3, **options)
    assert files_of("out") == files_of("whole")


#: Another value for each option of a mill.
MILL_CHANGES: dict[str, Any] = {
    "format": "alpaca:messages", "labels": "all", "split": "per_turn", "max_length": 9, "truncation": "drop",
    "segment_length": None, "padding": "longest", "padding_side": "left", "pad_to_multiple_of": 8,
    "special_tokens": "text", "allowed_special_tokens": ["<|im_start|>"], "all_masked": "reject", "on_error": "null",
    "keep_columns": ["id"], "attention_mask": True, "position_ids": True, "chat_template_kwargs": {"x": 1},
    "limits": {"steps": 5},
}  # fmt: skip


def test_every_option_of_a_mill_is_in_the_key() -> None:
    tokenizer = chatmill.Tokenizer(TOKENIZER.read_text(), special_tokens={"pad_token": "!"})
    template = chatmill.ChatTemplate(CHATML)
    assert {*MILL_CHANGES, *WITHOUT_EFFECT} == set(Mill(tokenizer, template).options)
    needs: dict[str, dict[str, Any]] = {
        "padding_side": {"padding": "longest"}, "pad_to_multiple_of": {"padding": "longest"},
        "truncation": {"max_length": 50}, "allowed_special_tokens": {"special_tokens": "text"},
    }  # fmt: skip
    for name, value in MILL_CHANGES.items():
        options = needs.get(name, {})
        one = MillKey.of(Mill(tokenizer, template, **options))
        other = MillKey.of(Mill(tokenizer, template, **{**options, name: value}))
        assert (one.digest != other.digest) == (value is not None), name
    threads = [MillKey.of(Mill(tokenizer, template, threads=count)).digest for count in (1, 2)]
    assert threads[0] == threads[1]


def test_the_plan_of_a_run_has_the_arguments_of_the_run() -> None:
    for run, planned in ((prepare, planned_run), (prepare_config, planned_config)):
        names = [list(inspect.signature(it).parameters) for it in (run, planned)]
        assert names[0] == names[1]


@pytest.mark.parametrize(("count", "cache", "kept"), [(1, None, 0), (1, "cache", 1), (2, None, 2)])
def test_an_only_block_is_kept_only_in_a_cache(
    count: int, cache: str | None, kept: int, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in range(count):
        write_rows(Path(f"{name}.jsonl"), rows(2, first=name))
    puts = []

    def put(*arguments: Any) -> int:
        puts.append(arguments)
        return 1

    monkeypatch.setattr(BlockStore, "put", put)
    prepare([f"{name}.jsonl" for name in range(count)], output="out", cache=cache, **BASE)
    assert len(puts) == kept
