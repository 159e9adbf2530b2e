"""`prepare config.yaml`: the datasets of axolotl's own configs, merging, shares, errors."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reference
from chatmill import ChatmillError, DataError, Mill, PrepareReport, Tokenizer, prepare
from chatmill.config import read_config
from chatmill.config.prepare import prepare_config
from chatmill.inputs import find_inputs
from chatmill.pipeline.parts import OutputOptions, Part
from chatmill.pipeline.run import run_parts
from config_rows import ALPACA, MESSAGES, PAIRS, SERVED, TOKENS, TURNS, ULTRA, with_tokens
from samples import Row, write_rows

CONFIGS = reference.CORPUS / "reference" / "axolotl_configs"


def read(folder: Path) -> list[dict[str, Any]]:
    split = "validation" if folder.name == "validation" else "train"
    return [row for part in sorted(folder.glob(f"**/{split}-*.parquet")) for row in pq.read_table(part).to_pylist()]


def configs() -> list[str]:
    return sorted(path.name for path in CONFIGS.iterdir()) if CONFIGS.is_dir() else []


@reference.needs_corpus
def test_all_configs_are_tried() -> None:
    assert configs() == sorted(SERVED)


@reference.needs_corpus
@pytest.mark.parametrize("name", sorted(SERVED))
def test_a_config_prepares_local_rows(name: str, tmp_path: Path) -> None:
    model, rows, taken = SERVED[name]
    config = read_config(CONFIGS / name)
    tokens = [*config.special_tokens.values(), *config.eot_tokens]
    folder = with_tokens(reference.tokenizer_folder(model), tokens, tmp_path / "model")
    write_rows(tmp_path / "rows.jsonl", rows)
    local = {dataset.path: str(tmp_path / "rows.jsonl") for dataset in config.datasets + config.pretraining}
    report = prepare_config(CONFIGS / name, tokenizer=folder, local=local, output=tmp_path / "out", progress=False)
    assert (report.rows_in, report.rows_out, report.rejected) == (taken, taken, 0)
    assert report.arranged is not None or config.val_set_size == 0
    kept = round(config.val_set_size * taken + 1e-9) if config.val_set_size else 0
    training, validation = read(tmp_path / "out"), read(tmp_path / "out" / "validation")
    assert len(validation) == (max(1, kept) if config.val_set_size else 0)
    # One config names its dataset twice, but each row once.
    assert len(training) + len(validation) == taken - (40 if config.deduplicate else 0)
    # Decoding needs no fast engine, which takes seconds to load.
    decode = Tokenizer.from_pretrained(folder, engine="reference").decode
    for row in training + validation:
        if rows in (PAIRS, ULTRA):
            assert [decode(row[f"{name}_ids"])[0] for name in ("chosen", "rejected")] == ["G", "B"]
            continue
        trained = [label for label in row["labels"] if label != -100]
        if config.process_reward_model:
            assert trained == [1, 0]
        elif rows is TOKENS:
            assert (row["input_ids"][1:], trained) == ([71, 10], [71, 10])
        else:
            answer = decode([label for label in trained if label >= 0])
            assert ("O" if rows is ALPACA else "G") in answer


@pytest.fixture
def run(tokenizer: Path, loaded: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a config in a fresh folder, and read what it wrote."""
    monkeypatch.chdir(tmp_path)
    write_rows(Path("alpaca.jsonl"), ALPACA)
    write_rows(Path("turns.jsonl"), TURNS)
    write_rows(Path("messages.parquet"), MESSAGES)

    def run(text: str, **options: Any) -> PrepareReport:
        Path("config.yaml").write_text(f"base_model: {tokenizer}\n{text}", "utf-8")
        options = {"tokenizer": loaded, "output": "out", "overwrite": True, "progress": False, **options}
        return prepare_config("config.yaml", **options)

    return run


PLAIN = "shuffle_merged_datasets: false\nsequence_len: 100\n"


def test_rows_are_those_of_runs_of_their_own(run: Any, loaded: Tokenizer) -> None:
    report = run(
        PLAIN
        + """
datasets:
  - {path: alpaca.jsonl, type: "alpaca:chat"}
  - {path: messages.parquet, type: chat_template, chat_template: chatml}
  - {path: turns.jsonl, type: sharegpt, conversation: vicuna_v1.1}
  - path: alpaca.jsonl
    type: {format: "Q {instruction}\\n", no_input_format: "Q {instruction}\\n", system_prompt: Hi.}
"""
    )
    assert report.rows_out == 160
    assert report.format == ["alpaca:chat", "chat_template", "sharegpt:vicuna_v1.1", "user_defined"]
    together = read(Path("out"))
    apart = []
    options: dict[str, Any] = {"tokenizer": loaded, "progress": False, "overwrite": True, "output": "apart"}
    runs: list[tuple[str, dict[str, Any]]] = [
        ("alpaca.jsonl", {"format": "alpaca:chat"}),
        ("messages.parquet", {"template": "chatml", "labels": "axolotl"}),
        ("turns.jsonl", {"format": "sharegpt:vicuna_v1.1"}),
    ]
    for file, more in runs:
        prepare(file, **options, **more)
        apart += read(Path("apart"))
    assert together[:120] == apart
    decode = loaded.decode
    assert decode(together[120]["input_ids"]).endswith("Hi.Q I0\nO0<｜end▁of▁sentence｜>")
    manifest = json.loads(Path("out/_manifest.json").read_text("utf-8"))
    assert [part["files"] for part in manifest["parts"]] == [1, 1, 1, 1]
    assert [it["rows"] for it in manifest["inputs"]] == [40, 40, 40, 40]


def test_shuffle_weights_validation_and_duplicates(run: Any) -> None:
    text = """
sequence_len: 100
val_set_size: 0.25
dataset_exact_deduplication: true
datasets:
  - {path: alpaca.jsonl, type: alpaca, weight: 2}
  - {path: alpaca.jsonl, type: alpaca}
  - {path: turns.jsonl, type: sharegpt, conversation: chatml}
"""
    report = run(text + "seed: 1\n", compression="snappy")
    for part in ("train/train-00000.parquet", "validation/validation-00000.parquet"):
        assert pq.read_metadata(Path("out", part)).row_group(0).column(0).compression == "SNAPPY"
    assert report.arranged is not None
    assert report.arranged.duplicates == 40
    assert (report.arranged.validation.rows, len(read(Path("out/validation")))) == (20, 20)
    first = read(Path("out"))
    ids = Counter(tuple(row["input_ids"]) for row in first)
    assert set(ids.values()) == {1, 2}
    kept = {tuple(row["input_ids"]) for row in read(Path("out/validation"))}
    assert not kept & set(ids)
    run(text + "seed: 1\n", threads=1, block_bytes=500)
    assert read(Path("out")) == first
    run(text + "seed: 2\n")
    again = read(Path("out"))
    assert again != first


@pytest.mark.parametrize(
    ("split", "numbers"),
    [("train[:25%]", range(10)), ("train[90%:]", range(36, 40)), ("train[5:7]", range(5, 7)), ("train", range(40))],
)
@pytest.mark.parametrize("path", ["turns.jsonl", "messages.parquet"])
def test_a_share_of_the_rows(run: Any, loaded: Tokenizer, split: str, numbers: range, path: str) -> None:
    fields = "{role: from, content: value}" if path == "turns.jsonl" else "{role: role, content: content}"
    field = "conversations" if path == "turns.jsonl" else "messages"
    text = f"""
datasets:
  - path: {path}
    type: chat_template
    chat_template: chatml
    split: "{split}"
    field_messages: {field}
    message_property_mappings: {fields}
"""
    report = run(PLAIN + text, block_bytes=300)
    assert report.rows_in == len(numbers)
    decode = loaded.decode
    texts = [decode(row["input_ids"]) for row in read(Path("out"))]
    assert [f"H{number}<" in text for number, text in zip(numbers, texts, strict=True)] == [True] * len(numbers)


@pytest.mark.parametrize(("keys", "rows"), [("skip: 38", 2), ('skip: 28, split: "train[:30]"', 2), ("skip: 0", 40)])
def test_rows_at_the_start_are_left_out(run: Any, keys: str, rows: int) -> None:
    assert run(f"{PLAIN}datasets: [{{path: alpaca.jsonl, type: alpaca, {keys}}}]").rows_in == rows


def test_folders_and_their_splits(run: Any) -> None:
    Path("data").mkdir()
    write_rows(Path("data/train-00000.jsonl"), ALPACA[:3])
    write_rows(Path("data/train-00001.jsonl"), ALPACA[3:7])
    write_rows(Path("data/test.jsonl"), ALPACA[7:])
    assert run(PLAIN + "datasets: [{path: data, type: alpaca}]").rows_in == 7
    assert run(PLAIN + "datasets: [{path: data, type: alpaca, split: test}]").rows_in == 33
    assert run(PLAIN + "datasets: [{path: data, type: alpaca, data_files: test.jsonl}]").rows_in == 33
    assert run(PLAIN + "datasets: [{path: some/name, type: alpaca}]", local={"some/name": "data"}).rows_in == 7
    with pytest.raises(DataError, match="split: no file name in the folder data contains 'dev'; the files are "):
        run(PLAIN + "datasets: [{path: data, type: alpaca, split: dev}]")
    Path("other").mkdir()
    write_rows(Path("other/test.jsonl"), ALPACA[7:])
    with pytest.raises(DataError, match=r"path: the folder other has only files of other splits \("):
        run(PLAIN + "datasets: [{path: other, type: alpaca}]")
    write_rows(Path("other/rows.jsonl"), ALPACA[:5])
    assert run(PLAIN + "datasets: [{path: other, type: alpaca}]").rows_in == 5


def test_datasets_to_evaluate_with(run: Any, loaded: Tokenizer) -> None:
    write_rows(
        Path("test.jsonl"), [*ALPACA[:2], {"instruction": "T", "output": "O"}, {"instruction": "T", "output": ""}]
    )
    both = """
datasets: [{path: alpaca.jsonl, type: alpaca}, {path: turns.jsonl, type: sharegpt, conversation: chatml}]
test_datasets: [{path: test.jsonl, type: alpaca}]
"""
    report = run(f"sequence_len: 100\n{both}")
    assert (report.rows_in, report.rows_out, report.reasons) == (84, 83, {"empty_field": 1})
    training, validation = read(Path("out")), read(Path("out/validation"))
    assert (len(training), len(validation)) == (80, 3)
    decode = loaded.decode
    assert sum("\nT\n" in decode(row["input_ids"]) for row in validation) == 1
    # Training rows are not used for evaluation.
    alone = run(f"sequence_len: 100\ndataset_exact_deduplication: true\n{both}")
    assert (len(read(Path("out"))), len(read(Path("out/validation")))) == (80, 1)
    assert alone.arranged.duplicates == 2
    # The test files of the folder, unless a split is given.
    Path("set").mkdir()
    write_rows(Path("set/train-0.jsonl"), ALPACA[:5])
    write_rows(Path("set/test-0.jsonl"), ALPACA[5:7])
    folder = "datasets: [{path: set, type: alpaca}]\ntest_datasets: [{path: set, type: alpaca}]\n"
    assert run(f"sequence_len: 100\n{folder}").rows_in == 7
    assert len(read(Path("out/validation"))) == 2
    with pytest.raises(DataError, match=r"test_datasets\[0\]\.weight: weights are only for training rows"):
        run(both.replace("test.jsonl,", "test.jsonl, weight: 2,"))


def test_pairs_of_several_types_are_merged(run: Any, loaded: Tokenizer) -> None:
    write_rows(Path("intel.jsonl"), [{"question": "Q", "chosen": "a", "rejected": "b"}])
    write_rows(Path("pairs.jsonl"), [{"prompt": "P", "chosen": "c", "rejected": "d"}])
    both = "{path: intel.jsonl, type: chatml.intel}, {path: pairs.jsonl, type: llama3.prompt_pairs}"
    assert run(f"rl: dpo\ndatasets: [{both}]").rows_out == 2
    formats = {"intel.jsonl": "dpo.intel:chatml", "alpaca.jsonl": "alpaca"}
    parts = [Part(find_inputs(file), Mill(loaded, format=form)) for file, form in formats.items()]
    with pytest.raises(
        ValueError,
        match=r"intel\.jsonl \(dpo\.intel:chatml\) and alpaca\.jsonl \(alpaca\) have different output columns",
    ):
        run_parts(lambda _now: parts, OutputOptions("other"))


def test_weights_in_some_datasets_alone_are_refused(run: Any) -> None:
    datasets = "[{path: alpaca.jsonl, type: alpaca}, {path: messages.parquet, type: chat_template}]"
    with pytest.raises(DataError, match="use labels with weights, and options that split rows, for all inputs or for"):
        run(f"{PLAIN}chat_template: chatml\ndatasets: {datasets}", labels={"weights": {"content": 0.5}})


def test_unknown_keys_are_in_the_report(run: Any) -> None:
    text = "sequence_lne: 9\nlearning_rate: 1\ndatasets: [{path: alpaca.jsonl, type: alpaca}]\n"
    expected = (
        "config.yaml:2: sequence_lne: a config has no such key in chatmill or axolotl, so it has no effect; "
        "did you mean 'sequence_len'?"
    )
    report = run(text)
    assert [text for text in report.warnings if "no such key" in text] == [expected]
    assert {"text": expected} in json.loads(Path("out/_manifest.json").read_text("utf-8"))["warnings"]
    with pytest.raises(ChatmillError, match="`strict` accepts no warning"):
        run(text, strict=True)


def test_a_key_without_effect_is_told(run: Any) -> None:
    report = run(
        "default_system_message: Be brief.\nchat_template: chatml\n"
        "datasets: [{path: messages.parquet, type: chat_template}]\n"
    )
    assert [text.partition(",")[0] for text in report.warnings if "default_system_message" in text] == [
        "config.yaml:2: default_system_message: this key has no effect"
    ]


CASES = json.loads((Path(__file__).parents[1] / "faults" / "configs.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["complaint"])
def test_faults_name_file_line_and_key(run: Any, case: dict[str, str]) -> None:
    with pytest.raises(ChatmillError, match=case["complaint"]):
        run(case["config"])
    assert not Path("out").exists()


def test_a_config_without_a_length_says_that_the_default_applies(run: Any) -> None:
    """512 is the default of axolotl. The first row has more than 600 tokens."""
    datasets = "datasets: [{path: long.jsonl, type: chat_template, chat_template: chatml}]\nmax_rejected: 100%\n"
    answer = {"role": "assistant", "content": "Yes."}
    users = ({"role": "user", "content": text} for text in ("word " * 600, "Hi"))
    write_rows(Path("long.jsonl"), [{"messages": [user, answer]} for user in users])
    warning = (
        "config.yaml: sequence_len is not set, so axolotl's default of 512 tokens applies, and longer rows are dropped "
        "or cut; set it to the length of a sample in your training"
    )
    report = run(datasets)
    assert warning in report.warnings
    assert report.reasons == {"too_long": 1}
    assert "more than `max_length` 512" in report.examples["too_long"].reason
    report = run(f"{datasets}sequence_len: 2048\n")
    assert (warning in report.warnings, report.rows_out) == (False, 2)


def test_prompt_and_answer_are_cut_each_on_its_own(run: Any, loaded: Tokenizer) -> None:
    """As in axolotl: longer rows are first cut to at most twice sequence_len, and then they are too long."""
    long = [{"instruction": "I", "output": "word " * 100}]
    write_rows(Path("long.jsonl"), [*long, *ALPACA])
    report = run(
        "shuffle_merged_datasets: false\nsequence_len: 60\ndatasets: [{path: long.jsonl, type: 'alpaca:chat'}]"
    )
    assert report.reasons == {"too_long": 1}
    report = run(
        "shuffle_merged_datasets: false\nsequence_len: 60\nexcess_length_strategy: truncate\n"
        "datasets: [{path: long.jsonl, type: 'alpaca:chat'}]"
    )
    row = read(Path("out"))[0]
    assert len(row["input_ids"]) == 60
    mill = Mill(loaded, format="alpaca:chat", segment_length=60)
    whole = pa_rows(mill, long)[0]
    assert row["input_ids"] == whole["input_ids"][:60]
    assert sum(label != -100 for label in whole["labels"]) == 60


def pa_rows(mill: Mill, rows: list[Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.table(mill(pa.Table.from_pylist(rows))).to_pylist()
    return found
