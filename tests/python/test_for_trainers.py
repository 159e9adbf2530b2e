"""`prepare` for a trainer: its columns and files, the lines that open them, and rows that it cannot train on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from byte_tokenizers import byte_tokenizer
from chatmill import DataError, prepare
from chatmill.cli.main import app
from chatmill.config.prepare import prepare_config
from chatmill.inspect.diff.outputs import diff_output
from chatmill.options.choices import Trainer, choices
from chatmill.outputs.manifest import MANIFEST
from chatmill.trainers.columns import arranged_columns
from chatmill.trainers.input import input_of
from click.testing import CliRunner
from format_rows import CHATML, PAIR, TOKENIZER
from hypothesis import given
from hypothesis import strategies as st
from samples import Row, conversation, write_rows

ROWS = [conversation(number) for number in range(12)]
PAIRS = [{**PAIR, "prompt": [{"role": "user", "content": f"Question {number}"}]} for number in range(6)]
INTS, BYTES = pa.list_(pa.int32()), pa.list_(pa.int8())
COLUMNS = {
    "trl": {"input_ids": INTS, "labels": INTS},
    "trl-dpo": {"prompt_ids": INTS, "chosen_ids": INTS, "rejected_ids": INTS},
    "trl-reward": {"chosen_ids": INTS, "rejected_ids": INTS},
    "hf": {"input_ids": INTS, "labels": INTS},
    "axolotl": {"input_ids": INTS, "attention_mask": BYTES, "labels": INTS},
    "llama-factory": {"input_ids": INTS, "attention_mask": BYTES, "labels": INTS},
    "nemo": {"input_ids": INTS, "seq_start_id": INTS, "loss_mask": BYTES},
}
PADDED = byte_tokenizer(pad_token="<s>")
OF_PAIRS = ("trl-dpo", "trl-reward")
OF_LABELS = tuple(name for name in COLUMNS if name not in OF_PAIRS)

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def run(rows: list[Row], trainer: Any, *, output: str = "out", **options: Any) -> Any:
    """Prepare rows of `rows.jsonl`."""
    write_rows(Path("rows.jsonl"), rows)
    return prepare("rows.jsonl", tokenizer=TOKENIZER, template=CHATML, output=output, trainer=trainer, **options)


def files(folder: str = "out") -> set[str]:
    """The names of all files of an output."""
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def table(folder: str = "out") -> pa.Table:
    """The shards of a folder."""
    paths = sorted(Path(folder).glob("train-*"))
    if paths[0].suffix == ".parquet":
        return pa.concat_tables(pq.read_table(path) for path in paths)
    return pa.concat_tables(pa.ipc.open_stream(path).read_all() for path in paths)


def manifest(folder: str = "out") -> Any:
    return json.loads((Path(folder) / MANIFEST).read_text("utf-8"))


def test_every_trainer_is_tested() -> None:
    assert set(COLUMNS) == set(choices(Trainer))


@pytest.mark.parametrize("trainer", COLUMNS)
def test_columns_and_types(trainer: str) -> None:
    rows = PAIRS if trainer in OF_PAIRS else ROWS
    report = run(rows, trainer)
    found = table()
    assert dict(zip(found.schema.names, found.schema.types, strict=True)) == COLUMNS[trainer]
    assert found.num_rows == report.samples == len(rows)
    chosen = manifest()["options"]["trainer"]
    assert chosen == {
        "name": trainer,
        "columns": list(COLUMNS[trainer]),
        "files": "arrow" if trainer == "llama-factory" else "parquet",
    }
    # The ids and labels are those of an output without a trainer.
    run(rows, None, output="plain", format="reward" if trainer == "trl-reward" else "auto")
    plain = table("plain")
    for name in set(COLUMNS[trainer]) & set(plain.schema.names):
        assert found[name].to_pylist() == plain[name].to_pylist()
    if "attention_mask" in COLUMNS[trainer]:
        assert found["attention_mask"].to_pylist() == [[1] * len(ids) for ids in plain["input_ids"].to_pylist()]
    assert manifest("plain")["options"]["trainer"] is None


def test_megatron_s_mask_is_about_the_next_token() -> None:
    run(ROWS, "nemo", labels="all")
    run(ROWS, "hf", labels="all", output="plain")
    for row, plain in zip(table().to_pylist(), table("plain").to_pylist(), strict=True):
        assert row["seq_start_id"] == [0]
        assert row["loss_mask"] == [*(int(label != -100) for label in plain["labels"][1:]), 0]
        assert row["loss_mask"][0] == 1  # with labels for all tokens, the mask of the first one is about the second


@given(
    st.lists(st.lists(st.booleans(), max_size=5), max_size=6),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_columns_of_slices(trained: list[list[bool]], start: int, more: int) -> None:
    ids = [list(range(len(row))) for row in trained]
    labels = [[at if it else -100 for at, it in enumerate(row)] for row in trained]
    batch = pa.record_batch([pa.array(ids, INTS), pa.array(labels, INTS)], names=["input_ids", "labels"])
    batch, kept = batch.slice(start, more), labels[start : start + more]
    nemo, axolotl = input_of("nemo"), input_of("axolotl")
    assert nemo is not None
    assert axolotl is not None
    masks = arranged_columns(batch, nemo).column("loss_mask").to_pylist()
    assert masks == [[*(int(it != -100) for it in row[1:]), 0][: len(row)] for row in kept]
    ones = arranged_columns(batch, axolotl)
    assert ones.column("attention_mask").to_pylist() == [[1] * len(row) for row in kept]
    assert ones.column("labels").to_pylist() == kept


def test_parquet_opens_by_the_printed_lines() -> None:
    report = run(ROWS, "trl", validation=4, shard_tokens=200)
    assert len(report.shards) > 1
    lines = report.how_to_train.splitlines()
    assert str(report).endswith(report.how_to_train)
    assert "max_length=None" in report.how_to_train  # TRL would cut the samples to 1,024 tokens
    scope: dict[str, Any] = {"load_dataset": datasets.load_dataset}
    exec(next(line for line in lines if line.startswith("rows =")), scope)
    assert {split: len(rows) for split, rows in scope["rows"].items()} == {"train": 8, "validation": 4}
    assert scope["rows"]["train"].column_names == ["input_ids", "labels"]


@pytest.mark.parametrize("trainer", COLUMNS)
@pytest.mark.parametrize("output", ["out", "a folder: #1/it's", "no", "1e3", "---", '"\\'])
def test_printed_lines_name_the_folder(trainer: str, output: str) -> None:
    report = run(PAIRS if trainer in OF_PAIRS else ROWS, trainer, output=output)
    lines = report.how_to_train
    if trainer in ("axolotl", "llama-factory"):
        config = yaml.safe_load(lines)
        if trainer == "llama-factory":
            # LLaMA-Factory needs a template and a dataset, though it uses neither of them for tokens.
            needed = {"template": "default", "dataset": "prepared"}
            assert config == {"stage": "sft", "tokenized_path": output, **needed}
        else:
            assert config["sequence_len"] == report.lengths["max"]
            files = f"{output}/train-*.parquet"
            expected = {"path": output, "data_files": files, "ds_type": "parquet", "split": "train", "type": None}
            assert config["datasets"] == [expected]
    else:
        compile(lines, "lines", "exec")
        assert json.dumps(f"{output}/train-*.parquet") in lines
    assert "validation" not in lines


@pytest.mark.parametrize("trainer", COLUMNS)
def test_the_page_has_a_script_for_each(trainer: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    assert re.search(rf"^\| `{trainer}` \|.*`{'`.*`'.join(COLUMNS[trainer])}`", page, re.MULTILINE)
    page = page[page.index("\n## ") :]
    command = re.search(rf"^    chatmill prepare .* --output (\w+) --for {trainer}\n", page, re.MULTILINE)
    assert command is not None
    folder, part = command[1], page[command.end() :].partition("\n## ")[0]
    lines = run(PAIRS if trainer in OF_PAIRS else ROWS, trainer, output=folder).how_to_train
    if trainer in ("axolotl", "llama-factory"):
        printed, written = yaml.safe_load(lines), yaml.safe_load(re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)[0])
        assert {key: written[key] for key in printed} == {
            **printed,
            **({"sequence_len": 4096} if "datasets" in printed else {}),
        }
        return
    script = re.findall(r"```python\n(.*?)```", part, re.DOTALL)[0]
    compile(script, trainer, "exec")
    assert f'"{folder}/train-*.parquet"' in script
    assert f'"{folder}/train-*.parquet"' in lines
    assert ("max_length=None" in script) == ("max_length=None" in lines) == trainer.startswith("trl")


def test_a_folder_for_load_from_disk() -> None:
    report = run(ROWS, "llama-factory", shard_tokens=300)
    assert len(report.shards) > 1
    names = {shard.file for shard in report.shards}
    assert files() == {*names, "dataset_info.json", "state.json", "_samples.jsonl", MANIFEST}
    loaded = datasets.load_from_disk("out")
    run(ROWS, "hf", output="plain")
    assert loaded["input_ids"][:] == table("plain")["input_ids"].to_pylist()
    assert loaded.features["labels"] == datasets.List(datasets.Value("int32"))
    assert loaded.split == "train"
    fingerprint = loaded._fingerprint
    run(ROWS, "llama-factory", shard_tokens=300, output="again")
    assert datasets.load_from_disk("again")._fingerprint == fingerprint
    run(ROWS[1:], "llama-factory", output="other")
    assert datasets.load_from_disk("other")._fingerprint != fingerprint


def test_a_folder_with_validation_samples() -> None:
    report = run(ROWS, "llama-factory", validation=4)
    assert yaml.safe_load(report.how_to_train)["eval_dataset"] == "prepared"
    described = {f"{split}/{name}" for split in ("train", "validation") for name in ("dataset_info.json", "state.json")}
    shards = {"train/train-00000.arrow", "validation/validation-00000.arrow"}
    assert files() == {*described, *shards, "dataset_dict.json", "_samples.jsonl", MANIFEST}
    assert {shard.file for shard in (*report.shards, *report.validation_shards)} == shards
    loaded = datasets.load_from_disk("out")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 8, "validation": 4}


@pytest.mark.parametrize("trainer", ["llama-factory", "trl"])
def test_an_output_is_replaced_only_if_it_is_unchanged(trainer: str) -> None:
    run(ROWS, trainer, validation=4)
    run(ROWS, trainer, overwrite=True)
    assert not Path("out/validation").exists()
    assert not Path("out/train").exists()
    run(ROWS, "llama-factory", overwrite=True, validation=4)
    Path("out/train/state.json").write_text("{}")
    with pytest.raises(DataError, match=r"state\.json"):
        run(ROWS, trainer, overwrite=True)


@pytest.mark.parametrize("trainer", ["llama-factory", "nemo", "axolotl"])
def test_inputs_without_rows(trainer: str) -> None:
    with pytest.raises(DataError, match=r"the inputs have no rows \(rows.jsonl\), so nothing was written"):
        run([], trainer)
    assert not Path("out").exists()


def test_preferences_become_conversations_for_a_reward_model() -> None:
    renamed = [{"prompt": row["prompt"], "better": row["chosen"], "worse": row["rejected"]} for row in PAIRS]
    report = run(renamed, "trl-reward", columns={"chosen": "better", "rejected": "worse"})
    assert report.format == "reward"
    assert "whole conversations, for trl-reward" in report.format_reason
    text = TOKENIZER.decode(table()["chosen_ids"].to_pylist()[0])
    assert "Question 0" in text
    assert "Good" in text


@pytest.mark.parametrize(
    ("rows", "trainer", "options", "text"),
    [
        *((PAIRS, trainer, {}, "use `--for trl-dpo`") for trainer in OF_LABELS),
        (PAIRS, "trl", {"format": "reward"}, "use `--for trl-reward`"),
        (PAIRS, "trl-dpo", {"format": "reward"}, "name the format `preference`"),
        (PAIRS, "trl-reward", {"format": "preference"}, "name the format `reward`"),
        (ROWS, "trl-dpo", {}, "give rows with `prompt`, `chosen` and `rejected`"),
        (ROWS, "trl-reward", {}, "give rows with `chosen` and `rejected`"),
        (PAIRS, "trl-dpo", {"format": "kto"}, "prompts with one judged answer .the format kto.; leave out `trainer`"),
        (PAIRS, "trl", {"format": "stepwise_supervised"}, "judge steps"),
        (ROWS, "trl", {"padding": "longest", "tokenizer": PADDED}, "remove `padding`"),
        (ROWS, "hf", {"attention_mask": True}, "remove `attention_mask`"),
        (ROWS, "hf", {"position_ids": True}, "remove `position_ids`"),
        (ROWS, "trl", {"labels": {"weights": {"content": 0.5}}}, "reads no weights"),
        (ROWS, "axolotl", {"keep_columns": ["id"]}, "remove `keep_columns`"),
        (ROWS, "llama-factory", {"keep_columns": ["id"]}, "the kept column 'id'"),
        (ROWS, "axolotol", {}, "did you mean 'axolotl'"),
        (ROWS, "ms-swift", {}, "opens no tokens"),
        (ROWS, "torchtune", {}, "use one of trl, trl-dpo, "),
    ],
)
def test_what_a_trainer_cannot_use(rows: list[Row], trainer: str, options: dict[str, Any], text: str) -> None:
    # No row can be read, so the error comes before the rows.
    options = {"format": "preference" if rows is PAIRS else None, "tokenizer": TOKENIZER, **options}
    options["template"] = None if options["format"] == "stepwise_supervised" else CHATML
    Path("broken.jsonl").write_text("not a row\n")
    with pytest.raises(DataError, match=text):
        prepare("broken.jsonl", output="out", **{"trainer": trainer, **options})
    assert not Path("out").exists()


def test_kept_columns_that_do_no_harm() -> None:
    run(ROWS, "hf", keep_columns=["id"])
    assert table().schema.names == ["input_ids", "labels", "id"]
    assert table()["id"].to_pylist() == [str(row["id"]) for row in ROWS]


def test_samples_of_several_turns_and_duplicates() -> None:
    row = {"messages": [*ROWS[0]["messages"], *ROWS[1]["messages"][1:]]}
    report = run([row, row], "trl", split="per_turn", deduplicate=True, shuffle=True)
    assert (report.samples, table().num_rows, table().schema.names) == (4, 2, ["input_ids", "labels"])


def test_a_config_file() -> None:
    write_rows(Path("rows.jsonl"), ROWS)
    Path("config.yaml").write_text(
        "chat_template: chatml\ndatasets:\n  - {path: rows.jsonl, type: chat_template}\nval_set_size: 4\n"
    )
    report = prepare_config("config.yaml", tokenizer=TOKENIZER, output="out", trainer="llama-factory")
    assert datasets.load_from_disk("out")["validation"].column_names == list(COLUMNS["llama-factory"])
    assert 'tokenized_path: "out"' in report.how_to_train


def test_arrow_files_are_not_compressed() -> None:
    with pytest.raises(DataError, match=r"`compression` is 'zstd', but llama-factory opens Arrow files, which are not"):
        run(ROWS, "llama-factory", compression="zstd")
    run(ROWS, "llama-factory", compression="none")
    assert json.loads(Path("out", MANIFEST).read_text())["options"]["compression"] == "none"
    run(ROWS, "llama-factory", overwrite=True)
    assert json.loads(Path("out", MANIFEST).read_text())["options"]["compression"] == "none"
    run(ROWS, "trl", overwrite=True)
    assert json.loads(Path("out", MANIFEST).read_text())["options"]["compression"] == "zstd"


def test_an_output_for_a_trainer_is_not_compared() -> None:
    run(ROWS, "trl")
    with pytest.raises(DataError, match="made without `--for`"):
        list(diff_output("rows.jsonl", "out", tokenizer=TOKENIZER, template=CHATML))


def test_the_command(folder: Path) -> None:
    write_rows(Path("rows.jsonl"), ROWS)
    command = ["prepare", "rows.jsonl", "--tokenizer", str(folder), "--template", "chatml", "--output", "out"]
    done = CliRunner().invoke(app, [*command, "--for", "trl", "--debug", "1"])
    assert done.exit_code == 0, done.output
    assert 'trainer = SFTTrainer(model, args, train_dataset=rows["train"])' in done.output.splitlines()
    assert "(-100, " in done.output
    for arguments, text in (
        (["--for", "trll"], "did you mean 'trl'"),
        (["--for", "ms-swift"], "opens no tokens"),
        (["--for", "nemo", "--debug", "1"], "--debug cannot print"),
    ):
        done = CliRunner().invoke(app, [*command, "--overwrite", *arguments])
        assert done.exit_code == 2
        assert text in " ".join(done.output.split())
