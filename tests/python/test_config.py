"""Tests of config files: the configs that come with axolotl, and the value of each key."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import reference
import yaml
from chatmill import DataError
from chatmill.config import Config, DatasetConfig, parse_config, read_config
from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.keys import CONFIG_TABLE

FINETOME = {"path": "mlabonne/FineTome-100k", "type": "chat_template", "field_messages": "conversations"}
ORCA = {"path": "cgato/SlimOrcaDedupCleaned", "type": "chat_template", "field_messages": "conversations"}
FROM_VALUE = {"role": "from", "content": "value"}
PAIRS = {
    "path": "fozziethebeat/alpaca_messages_2k_dpo_test",
    "type": "chat_template.default",
    "field_messages": "conversation",
    "field_chosen": "chosen",
    "field_rejected": "rejected",
    "message_property_mappings": {"role": "role", "content": "content"},
    "roles": {"system": ("system",), "user": ("user",), "assistant": ("assistant",)},
}

#: For each config: the file, its values about the data except the tokenizer, and its datasets.
CONFIGS: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    (
        "LiquidAI__lfm2-350m-fft.yaml",
        {
            "tokenizer": "LiquidAI/LFM2-350M",
            "eot_tokens": ("<|im_end|>",),
            "output": "last_run_prepared",
            "val_set_size": 0.05,
            "sequence_len": 4096,
        },
        [{**FINETOME, "split": "train[:20%]", "message_field_role": "from", "message_field_content": "value"}],
    ),
    (
        "archived__cerebras__btlm-ft.yml",
        {
            "tokenizer": "cerebras/btlm-3b-8k-base",
            "output": "last_prepared_run",
            "val_set_size": 0.05,
            "sequence_len": 2048,
            "train_on_inputs": True,
            "special_tokens": {"pad_token": "<|endoftext|>"},
        },
        [{"path": "mhenrichsen/alpaca_2k_test", "type": "alpaca"}],
    ),
    (
        "archived__falcon__config-7b-lora.yml",
        {
            "tokenizer": "tiiuae/falcon-7b",
            "val_set_size": 0.05,
            "sequence_len": 2048,
            "special_tokens": dict.fromkeys(("pad_token", "bos_token", "eos_token"), "<|endoftext|>"),
        },
        [{"path": "teknium/GPT4-LLM-Cleaned", "type": "alpaca:chat"}],
    ),
    (
        "archived__tiny-llama__pretrain.yml",
        {"tokenizer": "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "sequence_len": 2048},
        [{"path": "allenai/c4", "name": "en", "type": "pretrain"}],
    ),
    (
        "cohere__command-r-7b-qlora.yml",
        {"tokenizer": "CohereForAI/c4ai-command-r7b-12-2024", "chat_template": "cohere", "sequence_len": 2048},
        [{**ORCA, "message_property_mappings": FROM_VALUE}],
    ),
    (
        "falcon-e__falcon-e-3b-dpo.yaml",
        {
            "tokenizer": "axolotl-ai-co/Falcon-E-1.2-3B-Exp-prequantized",
            "chat_template": "tokenizer_default",
            "rl": "dpo",
            "output": "./axolotl_dataset_cache",
            "sequence_len": 8192,
            "special_tokens": {"eos_token": "<|end_of_text|>"},
            "eot_tokens": ("<|im_end|>",),
        },
        [{"path": "allenai/Dolci-Think-DPO-7B", "split": "train", "type": "chatml.ultra"}],
    ),
    (
        "falcon-h1__falcon-h1-1b-qlora-cp.yaml",
        {"tokenizer": "tiiuae/Falcon-H1-1.5B-Deep-Base", "chat_template": "falcon_h1", "sequence_len": 2048},
        [{**ORCA, "message_property_mappings": FROM_VALUE}],
    ),
    (
        "gemma3__gemma-3-1b-qlora.yml",
        {
            "tokenizer": "google/gemma-3-1b-it",
            "chat_template": "gemma3",
            "eot_tokens": ("<end_of_turn>",),
            "sequence_len": 2048,
        },
        [{**ORCA, "message_property_mappings": FROM_VALUE}],
    ),
    (
        "gemma4__26b-a4b-moe-bnb-lora.yaml",
        {
            "tokenizer": "google/gemma-4-26B-A4B",
            "chat_template": "gemma4",
            "eot_tokens": ("<turn|>",),
            "val_set_size": 0.05,
            "sequence_len": 4096,
        },
        [{**FINETOME, "split": "train[:10%]", "message_property_mappings": FROM_VALUE}],
    ),
    (
        "llama-3__fft-8b-liger-fsdp.yaml",
        {
            "tokenizer": "NousResearch/Meta-Llama-3.1-8B",
            "chat_template": "llama3",
            "output": "last_run_prepared",
            "val_set_size": 0.02,
            "sequence_len": 4096,
            "special_tokens": {"pad_token": "<|finetune_right_pad_id|>", "eos_token": "<|eot_id|>"},
        },
        [{**FINETOME, "split": "train[:20%]", "message_property_mappings": FROM_VALUE}],
    ),
    (
        "llama-3__lora-1b-deduplicate-dpo.yml",
        {
            "tokenizer": "meta-llama/Llama-3.2-1B",
            "chat_template": "llama3",
            "rl": "dpo",
            "deduplicate": True,
            "sequence_len": 4096,
        },
        [PAIRS, PAIRS],
    ),
    (
        "llama-4__do-no-use-fa2__maverick-qlora-fsdp1.yaml",
        {
            "tokenizer": "axolotl-quants/Llama-4-Maverick-17B-128E-Linearized-bnb-nf4-bf16",
            "chat_template": "llama4",
            "output": "last_run_prepared",
            "sequence_len": 4096,
            "special_tokens": {"pad_token": "<|finetune_right_pad|>", "eos_token": "<|eot|>"},
        },
        [{**FINETOME, "split": "train[:20%]", "message_property_mappings": FROM_VALUE}],
    ),
    (
        # The rows already hold tokens, so there is no type.
        "orpheus__finetune.yml",
        {
            "tokenizer": "canopylabs/orpheus-3b-0.1-pretrained",
            "output": "last_run_prepared",
            "val_set_size": 0.01,
            "sequence_len": 8192,
            "special_tokens": {"pad_token": "<custom_token_7>"},
        },
        [{"path": "<your-hf-dataset-id>"}],
    ),
    (
        "plano__plano-4b-qlora.yaml",
        {
            "tokenizer": "katanemo/Plano-Orchestrator-4B",
            "chat_template": "qwen3",
            "output": "last_run_prepared",
            "val_set_size": 0.1,
            "sequence_len": 2048,
        },
        [{"path": "fozziethebeat/alpaca_messages_2k_test", "type": "chat_template"}],
    ),
    (
        "qat_nvfp4__Math-Qwen2.5-72B_baseline.yml",
        {"tokenizer": "Qwen/Qwen2.5-72B", "chat_template": "qwen_25", "sequence_len": 4096},
        [{"path": "AI-MO/NuminaMath-CoT", "type": "chat_template"}],
    ),
    (
        "qwen2__prm.yaml",
        {
            "tokenizer": "Qwen/Qwen2.5-3B",
            "process_reward_model": True,
            "val_set_size": 0.2,
            "sequence_len": 2048,
        },
        [
            {
                "path": "trl-lib/math_shepherd",
                "type": "stepwise_supervised",
                "step_separator": "\n",
                "train_on_last_step_only": False,
            }
        ],
    ),
    (
        "qwen3__32b-qlora.yaml",
        {
            "tokenizer": "Qwen/Qwen3-32B",
            "chat_template": "qwen3",
            "output": "last_run_prepared",
            "sequence_len": 2048,
        },
        [{**FINETOME, "split": "train[:20%]", "message_property_mappings": FROM_VALUE}],
    ),
]


ROWS = "datasets:\n  - path: rows.jsonl\n    type: chat_template\n"


@pytest.fixture(scope="module")
def configs(corpus: Path) -> Path:
    return corpus / "reference" / "axolotl_configs"


def test_the_configs_of_the_corpus_are_all_listed(configs: Path) -> None:
    assert sorted(path.name for path in configs.iterdir()) == [name for name, _, _ in CONFIGS]


@pytest.mark.parametrize(("name", "values", "datasets"), CONFIGS, ids=[name for name, _, _ in CONFIGS])
def test_axolotl_configs_are_read_as_they_are(
    configs: Path, name: str, values: dict[str, Any], datasets: list[dict[str, Any]]
) -> None:
    config = read_config(configs / name)
    key = "pretraining_dataset" if "pretrain" in name else "datasets"
    lines = (configs / name).read_text("utf-8").split("\n")
    expected = tuple(
        DatasetConfig(key=f"{key}[{at}]", line=config.lines[f"{key}[{at}]"], **it) for at, it in enumerate(datasets)
    )
    field = "pretraining" if "pretrain" in name else "datasets"
    rest: dict[str, Any] = {**values, field: expected}
    assert config == Config(path=str(configs / name), ignored=config.ignored, **rest)
    for dataset in expected:
        assert lines[dataset.line - 1] == f"  - path: {dataset.path}"
    # All other keys are about training.
    given = {key for key, value in yaml.safe_load("\n".join(lines)).items() if value is not None}
    assert set(config.ignored) == given - set(CONFIG_TABLE.supported)
    assert len(config.ignored) == reference.compared("test_config.ignored")[name]


def test_defaults_are_those_of_axolotl() -> None:
    config = parse_config(ROWS, name="config.yaml")
    assert (config.seed, config.shuffle_merged_datasets, config.shuffle_before_merging) == (42, True, False)
    assert (config.excess_length_strategy, config.val_set_size, config.train_on_inputs) == (None, 0, False)
    assert (config.tokenizer, config.output, config.ignored) == (None, None, ())
    assert (config.datasets[0].weight, config.datasets[0].roles_to_train) == (1.0, None)


def test_keys_with_nothing_behind_them_are_as_not_given() -> None:
    keys = [key for key in CONFIG_TABLE.supported if key != "datasets"] + [*CONFIG_TABLE.unsupported, "learning_rate"]
    empty = ROWS + "".join(f"{key}:\n" for key in keys)
    inner = "".join(f"    {key}:\n" for key in DATASET_TABLE.supported if key not in ("path", "type"))
    assert parse_config(empty, name="config.yaml") == parse_config(ROWS, name="config.yaml")
    assert parse_config(ROWS + inner, name="config.yaml") == parse_config(ROWS, name="config.yaml")


@pytest.mark.parametrize(
    ("keys", "tokenizer"),
    [
        ("base_model: a", "a"),
        ("base_model: a\nbase_model_config: b", "b"),
        ("tokenizer_config: c\nbase_model: a\nbase_model_config: b", "c"),
        ("tokenizer_config:\nbase_model: a", "a"),
    ],
)
def test_the_tokenizer_is_the_one_axolotl_would_load(keys: str, tokenizer: str) -> None:
    assert parse_config(f"{keys}\n{ROWS}", name="config.yaml").tokenizer == tokenizer


@pytest.mark.parametrize(
    ("written", "size"),
    [("0", 0), ("0.0", 0), ("0.05", 0.05), ("1e-2", 0.01), ("5.0e-2", 0.05), ("1", 1), ("1.0", 1), ("500", 500)],
)
def test_val_set_size_is_a_share_below_one_and_a_number_from_one_on(written: str, size: float) -> None:
    found = parse_config(f"{ROWS}val_set_size: {written}\n", name="config.yaml").val_set_size
    assert found == size
    assert isinstance(found, int if found >= 1 else float)


def test_all_that_a_dataset_may_say() -> None:
    values: dict[str, Any] = {
        "path": "rows",
        "type": {"field_instruction": "q", "field_output": "a", "format": "[{instruction}]", "no_input_format": None},
        "data_files": "rows.jsonl",
        "weight": 2,
        "shards": 4,
        "shards_idx": 3,
        "roles": {"input": ["human", "tool"], "output": ["gpt"]},
        "roles_to_train": [],
        "train_on_eos": "last",
        "train_on_eot": "none",
        "drop_system_message": True,
        "chat_template_jinja": "{{ messages }}",
        "max_completion_length": 64,
        "trust_remote_code": True,
    }
    dataset = parse_config(yaml.safe_dump({"datasets": [values]}), name="config.yaml").datasets[0]
    expected = DatasetConfig(
        key="datasets[0]",
        line=2,
        path="rows",
        type={"field_instruction": "q", "field_output": "a", "format": "[{instruction}]"},
        data_files=("rows.jsonl",),
        weight=2.0,
        shards=4,
        shards_idx=3,
        roles={"input": ("human", "tool"), "output": ("gpt",)},
        roles_to_train=(),
        train_on_eos="last",
        train_on_eot="none",
        drop_system_message=True,
        chat_template="jinja",
        chat_template_jinja="{{ messages }}",
        max_completion_length=64,
        ignored=("trust_remote_code",),
    )
    assert dataset == expected


def test_all_that_a_config_may_say_beside() -> None:
    text = (
        "special_tokens: {eos_token: </s>, pad_token: , additional_special_tokens: [<a>, <b>]}\n"
        "tokens: [<c>]\nchat_template_jinja: t.jinja\nchat_template_kwargs: {enable_thinking: no, tags: [1, x]}\n"
        "excess_length_strategy: raise\nmin_sample_len: 2\nsequence_len: 4096.0\nseed: 0\nreward_model: true\n"
        "shuffle_merged_datasets: false\nshuffle_before_merging_datasets: true\ntest_datasets: [{path: t.jsonl}]\n"
    )
    config = parse_config(ROWS + text, name="config.yaml")
    assert config.special_tokens == {"eos_token": "</s>"}
    assert config.additional_special_tokens == ("<a>", "<b>")
    assert config.added_tokens == ("<c>",)
    assert (config.chat_template, config.chat_template_jinja) == ("jinja", "t.jinja")
    assert config.chat_template_kwargs == {"enable_thinking": False, "tags": [1, "x"]}
    assert (config.excess_length_strategy, config.min_sample_len, config.sequence_len) == ("raise", 2, 4096)
    assert (config.seed, config.reward_model) == (0, True)
    assert (config.shuffle_merged_datasets, config.shuffle_before_merging) == (False, True)
    assert [dataset.key for dataset in config.test_datasets] == ["test_datasets[0]"]
    assert pickle.loads(pickle.dumps(config)) == config


def test_anchors_and_merges_are_followed() -> None:
    text = (
        "datasets:\n  - &first\n    path: a.jsonl\n    type: alpaca\n    split: train\n"
        "  - <<: *first\n    path: b.jsonl\n  - *first\n"
    )
    datasets = parse_config(text, name="config.yaml").datasets
    assert [(it.path, it.type, it.split) for it in datasets] == [
        ("a.jsonl", "alpaca", "train"),
        ("b.jsonl", "alpaca", "train"),
        ("a.jsonl", "alpaca", "train"),
    ]


def test_later_stages_can_name_the_line_of_a_key() -> None:
    text = "seed: 1\ndatasets:\n- path: a.jsonl\n-\n  path: b.jsonl\n  type:\n    format: x\n  roles: {user: [a]}\n"
    config = parse_config(text, name="config.yaml")
    assert config.lines == {
        "seed": 1,
        "datasets": 2,
        "datasets[0]": 3,
        "datasets[0].path": 3,
        "datasets[1]": 5,
        "datasets[1].path": 5,
        "datasets[1].type": 6,
        "datasets[1].type.format": 7,
        "datasets[1].roles": 8,
        "datasets[1].roles.user": 8,
        "datasets[1].roles.user[0]": 8,
    }
    assert config.place("datasets[1].type") == "config.yaml:6: datasets[1].type"
    assert config.place("datasets[1].split") == "config.yaml:5: datasets[1].split"
    assert config.place("sequence_len") == "config.yaml: sequence_len"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    for name in ("absent.yaml", "latin.yaml"):
        with pytest.raises(DataError, match=f"cannot read the config .*{name}"):
            read_config(tmp_path / name)
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbf" + ROWS.replace("\n", "\r\n").encode())
    assert read_config(tmp_path / "marked.yaml").datasets[0].type == "chat_template"
