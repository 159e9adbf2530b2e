"""The keys at the top of a config."""

from chatmill.config.dataset import read_datasets
from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.document import Value
from chatmill.config.kinds import FLAG, NAME, SHARE, TEXT, TEXTS, VALUES_BY_NAME, Kind, one_of, whole
from chatmill.config.table import Key, Table
from chatmill.config.training_keys import FAMILIES, MISSPELLED, TRAINING

_TOKENS = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")
SPECIAL_TOKENS_TABLE = Table(
    what="`special_tokens`",
    served={
        **{f"{name}_token": Key(f"{name}_token", NAME, f"The {name} token.") for name in _TOKENS},
        "additional_special_tokens": Key("additional_special_tokens", TEXTS, "Further special tokens."),
    },
)


def _special_tokens(value: Value) -> dict[str, str | tuple[str, ...]]:
    return SPECIAL_TOKENS_TABLE.read(value).served


_DATASETS = Kind(read_datasets, {"type": "array", "minItems": 1, "items": DATASET_TABLE.schema()})
_SPECIAL_TOKENS = Kind(_special_tokens, SPECIAL_TOKENS_TABLE.schema())
_RL = one_of("dpo", "ipo", "kto", "simpo", "orpo", "grpo", "gdpo", "ebft")

_SERVED = (
    Key("datasets", _DATASETS, "The datasets to prepare, in their order."),
    Key("test_datasets", _DATASETS, "Datasets to evaluate with; instead of `val_set_size`."),
    Key("pretraining_dataset", _DATASETS, "Datasets of plain text, for pretraining."),
    Key("dataset_prepared_path", NAME, "The folder to write."),
    Key("sequence_len", whole(1), "Tokens that a sample may have."),
    Key("excess_length_strategy", one_of("drop", "truncate", "raise"), "What becomes of longer samples."),
    Key("min_sample_len", whole(0), "Tokens that a sample must have."),
    Key("train_on_inputs", FLAG, "Train the prompts too."),
    Key("val_set_size", SHARE, "Rows to set aside for evaluation: a share below 1, or from 1 on their number."),
    Key("seed", whole(0), "The seed of all shuffling."),
    Key("shuffle_merged_datasets", FLAG, "Shuffle the rows of all datasets together; true if not given."),
    Key("shuffle_before_merging_datasets", FLAG, "Shuffle the rows of each dataset before."),
    Key("dataset_exact_deduplication", FLAG, "Keep one of rows that are equal."),
    Key("base_model", NAME, "The model: a folder or an id on the Hub. Its tokenizer is used, if no other is named."),
    Key("base_model_config", NAME, "Where the files of the model's configuration are, if elsewhere."),
    Key("tokenizer_config", NAME, "The tokenizer: a folder or an id on the Hub."),
    Key("special_tokens", _SPECIAL_TOKENS, "Special tokens in place of those of the tokenizer."),
    Key("tokens", TEXTS, "Tokens to add to the tokenizer."),
    Key("chat_template", NAME, "A named template, tokenizer_default, tokenizer_default_fallback_NAME, or jinja."),
    Key("chat_template_jinja", NAME, "The source or file of the template, for `chat_template: jinja`."),
    Key("chat_template_kwargs", VALUES_BY_NAME, "Variables for the template, such as enable_thinking."),
    Key("default_system_message", TEXT, "The system text of conversations that have none."),
    Key("eot_tokens", TEXTS, "Tokens that end a turn; the eos token if not given."),
    Key("rl", _RL, "Training by preferences or rewards: it tells how the rows of a `type` are read."),
    Key("reward_model", FLAG, "Whether a reward model is trained, on pairs."),
    Key("process_reward_model", FLAG, "Whether a process reward model is trained, on steps."),
)

_PICTURES = "chatmill prepares text alone; remove the key if the rows have no pictures and no sound"
_POSITIONS = "chatmill writes no stretched positions; remove it, and use PoSE in training"
_WHOLE = "chatmill cuts datasets one by one; give `shards` and `shards_idx` to the entries of `datasets`"

#: The keys of a config.
CONFIG_TABLE = Table(
    what="a config",
    served={key.name: key for key in _SERVED},
    passed=TRAINING,
    misspelled=MISSPELLED,
    families=FAMILIES,
    refused={
        "processor_type": _PICTURES,
        "image_size": _PICTURES,
        "image_resize_algorithm": _PICTURES,
        "skip_prepare_dataset": "preparing is all that chatmill does; it is for rows with pictures, which are made up "
        "in training",
        "added_tokens_overrides": "chatmill gives no token a new text; save a tokenizer that has them, and name it as "
        "`tokenizer_config`",
        "tokenizer_use_mistral_common": "chatmill reads tokenizer.json; remove it, and name a `tokenizer_config` with "
        "such a file",
        "dataset_shard_num": _WHOLE,
        "dataset_shard_idx": _WHOLE,
        "push_dataset_to_hub": "chatmill writes a folder; upload it with `hf upload`",
        "eval_sequence_len": "samples for evaluation go by `sequence_len`; remove it, or prepare them with a config of "
        "their own",
        "max_packed_sequence_len": "axolotl dropped it too; give `sequence_len`",
        "use_pose": _POSITIONS,
        "pose_split_on_token_ids": _POSITIONS,
        "pose_max_context_len": _POSITIONS,
        "pose_num_chunks": _POSITIONS,
        "kd_trainer": "chatmill writes no probabilities of a teacher; prepare the datasets with axolotl",
    },
    elsewhere=dict.fromkeys(DATASET_TABLE.served, "an entry of `datasets`"),
)
