"""Tests of every number of a report: it equals one that is counted from the rows and the shards without statistics."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import chatmill
import pyarrow.parquet as pq
import pytest
import reference
from chatmill.config.prepare import prepare_config
from chatmill.lint.warning import CODES
from chatmill.reporting.as_json import to_json
from chatmill.reporting.figures import figure_values
from counted_rows import CountedRows
from counted_samples import CountedSamples, counted_samples
from expected_report import (
    expected_figures,
    expected_limits,
    expected_packing,
    expected_regions,
    expected_sequences,
    expected_totals,
)
from report_cases import NO_TEMPLATE, Case, counted_parts
from report_sets import BROKEN, chat, dataset, judged, made, preferences, question, reasoning, rewards, sharegpt, texts

# What is no number, and what other tests compare.
NO_NUMBERS = {"run", "status", "samples", "findings", "figures", "packs"}
REGION_MARKS = ("stop_masked", "stop_missing", "stop_cut", "untrained_turn", "reasoning_dropped", "content_dropped",
                "control_token")  # fmt: skip


def small(**options: Any) -> Case:
    """Rows made by hand, in two files and several blocks."""
    lines = made()
    files = {"a.jsonl": [*lines[:90], *BROKEN], "b.jsonl": [*lines[90:], lines[1], lines[1]]}
    parts = {name: options.pop(name) for name in ("template", "needs_regions", "counts_turns") if name in options}
    case = Case(lambda: files, chat, template="qwen3 without tags", options={"block_bytes": 5000, **options})
    return replace(case, **parts)


SMALL = {
    "assistant": small(),
    "no cut": small(all_masked="keep"),
    "keep_start": small(max_length=120, all_masked="keep"),
    "keep_start, rejects": small(max_length=60),
    "keep_end": small(max_length=120, truncation="keep_end"),
    "turns": small(max_length=200, truncation="turns"),
    "drop": small(max_length=200, truncation="drop"),
    "split": small(max_length=90, truncation="split"),
    "per_turn": small(split="per_turn"),
    "per_turn, drop": small(split="per_turn", max_length=300, truncation="drop"),
    "per_turn, keep_end": small(split="per_turn", max_length=100, truncation="keep_end"),
    "last": small(labels="last"),
    "all": small(labels="all", needs_regions=False, counts_turns="all"),
    "none": small(labels="none", needs_regions=False, counts_turns="none"),
    "last without stop": small(labels={"turns": "last", "stop": "none"}),
    "tagged": small(template="chatml", needs_regions=False),
    "emulated": small(labels={"emulate": "trl"}, template="chatml", needs_regions=False, counts_turns=""),
    "as text": small(special_tokens="text"),
    "arranged": small(shuffle=True, deduplicate=True, validation=0.2),
    "validation": small(validation=20, max_length=150),
    "padded": small(padding="longest", max_length=150),
    "packed": small(max_length=150, pack=512),
    "long lines": small(max_line_bytes=600),
    "trainer": small(trainer="llama-factory"),
}


def questions(**options: Any) -> Case:
    """Two files of questions; the second one has some of the first, and a row that is no question."""

    def files() -> dict[str, list[bytes]]:
        first = dataset("gsm8k_train", 1200)
        return {"a.jsonl": first, "b.jsonl": [*dataset("gsm8k_train", 300, 7000), *first[:40], b"[1]", b"{"]}

    return Case(files, question, "qwen3", options={"format": "question_answer:messages", **options})


def dialogues(**options: Any) -> Case:
    """Long Chinese conversations, with rows that are rejected."""
    return Case(lambda: {"a.jsonl": [*dataset("smilechat_zh_10k", 250), *BROKEN]}, chat, "qwen3", options=options)


def tools(**options: Any) -> Case:
    """Conversations with calls, in English and Chinese, and one file with messages of another form."""
    names = {"en": "glaive_toolcall_en_demo", "zh": "glaive_toolcall_zh_demo"}
    return Case(lambda: {f"{it}.jsonl": dataset(names[it], 300) for it in names}, sharegpt, "qwen3", options=options)


REAL = {
    "gsm8k": questions(),
    "gsm8k keep_start": questions(max_length=200, all_masked="keep"),
    "gsm8k arranged": questions(shuffle=True, deduplicate=True, validation=0.1, max_length=256, truncation="drop"),
    "gsm8k tagged": replace(questions(block_bytes=200_000), template="qwen3", needs_regions=False),
    "gsm8k llama": replace(questions(max_length=300), tokenizer="llama-3.1"),
    "gsm8k packed": questions(pack=1024),
    "smilechat": dialogues(),
    "smilechat keep_end": dialogues(max_length=512, truncation="keep_end"),
    "smilechat turns": dialogues(max_length=400, truncation="turns"),
    "smilechat split": dialogues(max_length=300, truncation="split"),
    "smilechat last": dialogues(labels="last", max_length=700),
    "smilechat gemma": replace(dialogues(), tokenizer="gemma-4"),
    "smilechat deepseek": replace(dialogues(max_length=600), tokenizer="deepseek-v4"),
    "smilechat tagged": replace(dialogues(), template="chatml", needs_regions=False),
    "smilechat none": replace(dialogues(labels="none"), needs_regions=False, counts_turns="none"),
    "smilechat emulated": replace(
        dialogues(labels={"emulate": "trl"}, max_length=500), template="chatml", needs_regions=False, counts_turns=""
    ),
    "glaive": tools(),
    "glaive drop": tools(max_length=500, truncation="drop", shuffle=True),
    "glaive per_turn": tools(split="per_turn", max_length=600, truncation="drop"),
    "glaive keep_start": tools(max_length=400),
    "glaive all": replace(tools(labels="all"), needs_regions=False, counts_turns="all"),
    "sgd": Case(lambda: {"a.jsonl": dataset("sgd_tools_17k", 300)}, chat, "qwen3", options={"max_length": 2000}),
    "tau2": Case(lambda: {"a.jsonl": dataset("tau2_tools", 60)}, chat, "qwen3", options={"block_bytes": 100_000}),
    "reasoning": Case(lambda: {"a.jsonl": reasoning(60)}, chat, "qwen3"),
    "reasoning per_turn": Case(lambda: {"a.jsonl": reasoning(40)}, chat, "qwen3", options={"split": "per_turn"}),
    "reasoning cut": Case(lambda: {"a.jsonl": reasoning(60)}, chat, "qwen3", options={"max_length": 1500}),
    "preference": Case(lambda: {"a.jsonl": preferences(200)}, None, "qwen3", options={"format": "preference"},
                       answers=("chosen_ids", "rejected_ids"), counts_turns=""),
    "preference cut": Case(lambda: {"a.jsonl": preferences(200)}, None, "qwen3",
                           options={"format": "preference", "max_length": 300}, answers=("chosen_ids", "rejected_ids"),
                           counts_turns=""),
    "reward": Case(lambda: {"a.jsonl": rewards(150)}, None, "qwen3", options={"format": "reward", "max_length": 400},
                   answers=("chosen_ids", "rejected_ids"), counts_turns=""),
    "kto": Case(lambda: {"a.jsonl": judged(150)}, None, "qwen3", options={"format": "kto", "max_length": 350},
                answers=("completion_ids",), counts_turns=""),
    "texts": Case(lambda: {"a.jsonl": texts(300)}, None, "qwen3", NO_TEMPLATE, {"format": "completion"},
                  counts_turns=""),
    "texts in windows": Case(lambda: {"a.jsonl": texts(300)}, None, "qwen3", NO_TEMPLATE, {"format": "pretrain"},
                             counts_turns=""),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_rows_made_by_hand(name: str, in_tmp_path: Path) -> None:
    check(SMALL[name])


@reference.needs_corpus
@pytest.mark.parametrize("name", REAL)
def test_real_rows(name: str, in_tmp_path: Path) -> None:
    check(REAL[name])


@pytest.mark.parametrize("name", ["assistant", "keep_end", "split", "tagged", "all", "emulated", "drop"])
def test_rows_that_are_not_written(name: str, in_tmp_path: Path) -> None:
    """The report of rows has the same numbers, with the regions of all rows."""
    case = SMALL[name]
    names = case.write()
    prepare(names, "rows", case, dict(case.options))
    rows = case.counted(all_regions=True)
    report = to_json(chatmill.report(names, **case.parts, **case.options).report)
    compare(report, rows, written(case), case.parts["tokenizer"])
    check_findings(report, rows)
    assert report["regions"]["rows"] == report["totals"]["rows_out"]


def test_packs_and_other_layouts_keep_the_numbers(in_tmp_path: Path) -> None:
    case = SMALL["validation"]
    prepare(case.write(), "rows", case, dict(case.options))
    chatmill.pack("rows", 512, "packs")
    chatmill.convert("rows", "megatron", "converted")
    reports = [to_json(chatmill.report(it).report) for it in ("rows", "packs", "converted")]
    assert reports[0]["totals"]["samples"] == written(case).samples
    for report in reports:
        report.pop("run")
    packs = [report.pop("packs") for report in reports]
    assert (packs[0], packs[2], [it["split"] for it in packs[1]]) == ([], [], ["train", "validation"])
    assert reports[1:] == reports[:1] * 2


@pytest.mark.parametrize("options", [{}, {"truncation": "drop"}, {"truncation": "split"}, {"labels": "all"}], ids=str)
def test_a_report_of_packs_tells_what_packing_lost(options: dict[str, Any], in_tmp_path: Path) -> None:
    case = small(validation=0.2, all_masked="keep", **{name: options[name] for name in ("labels",) if name in options})
    prepare(case.write(), "rows", case, dict(case.options))
    chatmill.pack("rows", 40, "packs", **{name: value for name, value in options.items() if name == "truncation"})
    shown = chatmill.report("packs")
    lost_rows = lost_tokens = lost_trained = 0
    for split, found in zip(("train", "validation"), shown.report.packs, strict=True):
        rows, packs = pq.read_table(f"rows/{split}"), pq.read_table(f"packs/{split}")
        before = [len(ids) for ids in rows["input_ids"].to_pylist()]
        kept = [sum(lengths) for lengths in packs["seq_lengths"].to_pylist()]
        trained = [sum(label != -100 for row in it["labels"].to_pylist() for label in row) for it in (rows, packs)]
        long = [length for length in before if length > 40]
        is_dropped, is_cut = options.get("truncation") == "drop", options.get("truncation") is None
        assert long
        assert (found.split, found.length, found.packs, found.rows) == (split, 40, len(kept), len(before))
        assert (found.tokens, found.room, found.trained_tokens) == (sum(kept), 40 * len(kept), trained[1])
        assert (found.cut_rows, found.dropped_rows) == (len(long) * is_cut, len(long) * is_dropped)
        assert found.lost_tokens == sum(before) - sum(kept)
        assert found.cut_tokens == found.lost_tokens * is_cut
        lost_rows, lost_tokens = lost_rows + found.lost_rows, lost_tokens + found.lost_tokens
        lost_trained += trained[0] - trained[1] if found.lost_rows else 0
    assert [len(shown.fail_if(it)) for it in ("truncated_tokens > 0", "truncated > 0")] == [lost_tokens > 0] * 2
    values = figure_values(shown.report)
    names = ("truncated", "truncated_tokens", "truncated_trained_tokens")
    assert [values[name] for name in names] == [lost_rows, lost_tokens, lost_trained]
    assert values["uncut_tokens"] == sum(map(len, pq.read_table("rows")["input_ids"].to_pylist()))
    codes = {it.code for it in shown.report.findings if it.code.startswith("packing")}
    assert codes == {None: {"packing_cut"}, "drop": {"packing_dropped"}}.get(options.get("truncation"), set())


def test_datasets_of_a_config(in_tmp_path: Path) -> None:
    """Each file has the number of its dataset; samples are left out and copied after they are counted for it."""
    case = small()
    lines = made()
    files = {"a.jsonl": [*lines[:90], *BROKEN], "b.jsonl": [*lines[60:], *lines[60:70]]}
    replace(case, files=lambda: files).write()
    Path("config.yaml").write_text(CONFIG, "utf-8")
    prepare_config("config.yaml", tokenizer=case.parts["tokenizer"], output="rows", progress=False, max_rejected=1.0)
    parts = json.loads(Path("rows/_manifest.json").read_text("utf-8"))["parts"]
    rows = counted_parts(files, parts, chat)
    report = to_json(chatmill.report("rows").report)
    assert [it.pop("dataset") for it in report["sources"]] == [0, 1]
    samples = written(case)
    assert samples.samples != sum(it.rows_in - it.rejected for it in rows.files.values())
    for it in report["sources"]:
        it["dataset"] = 0
    compare(report, rows, samples, case.parts["tokenizer"])


CONFIG = """
base_model: none
sequence_len: 400
val_set_size: 0.1
dataset_exact_deduplication: true
datasets:
  - {path: a.jsonl, type: chat_template, chat_template: chatml}
  - {path: b.jsonl, type: chat_template, chat_template: llama3, weight: 2}
"""


def check(case: Case) -> None:
    """Prepare the rows of a case, and compare the report of the output with what is counted in another way."""
    names = case.write()
    options = dict(case.options)
    extra: dict[str, Any] = {name: options.pop(name) for name in ("pack", "trainer", "padding") if name in options}
    prepare(names, "rows", case, options)
    shown = "rows"
    if extra:
        # Packs, and the files of a trainer, have the statistics of the rows that they are made of.
        shown = "out"
        prepare(names, shown, case, {**options, **extra})
    rows = case.counted()
    report = to_json(chatmill.report(shown).report)
    compare(report, rows, written(case), case.parts["tokenizer"])
    manifest = json.loads(Path(shown, "_manifest.json").read_text("utf-8"))
    assert {code: it["rows"] for code, it in manifest["statistics"]["rows"]["marks"].items()} == dict(rows.marks)
    check_findings(report, rows)


def prepare(names: list[str], output: str, case: Case, options: dict[str, Any]) -> None:
    """Prepare the files of a case."""
    chatmill.prepare(names, output=output, progress=False, max_rejected=1.0, **case.parts, **options)


def written(case: Case) -> CountedSamples:
    """Count the samples of `rows`."""
    return counted_samples(Path("rows"), bos_of(case.parts["tokenizer"]), case.answers)


def bos_of(tokenizer: Any) -> int | None:
    """The id of the begin-of-text token."""
    bos = tokenizer.special_tokens.get("bos_token")
    return None if bos is None else tokenizer.token_to_id(bos)


def compare(report: Any, rows: CountedRows, samples: CountedSamples, tokenizer: Any) -> None:
    """Compare all numbers of a report."""
    expected: dict[str, Any] = {
        "totals": expected_totals(rows, samples),
        "lengths": sorted(map(list, samples.lengths.items())),
        "sequences": expected_sequences(rows),
        "limits": expected_limits(rows),
        "trained_shares": samples.trained_shares,
        "regions": expected_regions(rows),
        "messages": sorted(map(list, rows.messages.items())),
        "role_sequences": dict(rows.roles),
        "tools": sorted(map(list, rows.tools.items())),
        "first_trained": tokens_of(samples.first_trained, tokenizer),
        "last_trained": tokens_of(samples.last_trained, tokenizer),
        "packing": [{**it, "batch_efficiency": pytest.approx(it["batch_efficiency"])}
                    for it in expected_packing(samples)],
        "sources": [{"path": path, "dataset": 0, **vars(counts)} for path, counts in rows.files.items()],
        "rejects": dict(rows.rejects),
        "notes": dict(rows.notes),
    }  # fmt: skip
    found = {name: value for name, value in report.items() if name not in NO_NUMBERS}
    found["rejects"] = {it["code"]: it["rows"] for it in report["rejects"]}
    found["notes"] = {code: count for code, count in report["notes"].items() if count}
    assert found.keys() == expected.keys()
    differing = {name: (found[name], it) for name, it in expected.items() if found[name] != it}
    assert differing == {}
    frequent = list(report["role_sequences"].items())
    assert frequent == sorted(frequent, key=lambda it: (-it[1], it[0]))
    assert report["figures"] == expected_figures(report)


def tokens_of(counts: list[tuple[int, int]], tokenizer: Any) -> list[dict[str, Any]]:
    """Frequent tokens with their texts."""
    return [{"id": token, "text": tokenizer.decode([token]), "samples": samples} for token, samples in counts]


def check_findings(report: Any, rows: CountedRows) -> None:
    """Each finding has the number of its rows, and the first of them."""
    totals, regions = report["totals"], report["regions"] or {}
    of_totals = {
        "rejected": (totals["rejected"], totals["rows_in"]),
        "untrained": (totals["untrained"], totals["samples"]),
        "all_trained": (report["trained_shares"][-1], totals["samples"]),
        "duplicates": (totals["duplicates"], totals["samples"]),
        "truncated": (totals["truncated"], totals["rows_out"]),
        "missing_bos": (totals["samples"] - totals["begins_with_bos"], totals["samples"]),
    }
    of_marks = {
        code: (count, regions["rows"] if code in REGION_MARKS else totals["rows_out"])
        for code, count in rows.marks.items()
    }
    # The checks of some rows with their texts have tests of their own.
    found = [it for it in report["findings"] if it["code"] not in CODES and it["code"] != "warning"]
    for it in found:
        assert (it["rows"], it["of"]) == {**of_marks, **of_totals}.get(it["code"]), it["code"]
        lost = f"{totals['cut_trained_tokens']:,} trained tokens ("
        assert (lost if it["code"] == "truncated" else f"{it['rows']:,} of {it['of']:,}") in it["text"]
        if it["code"] in rows.first and it["code"] not in of_totals:
            path, row = rows.first[it["code"]]
            assert it["place"] == f"{path}, line {row + 1}", it["code"]
