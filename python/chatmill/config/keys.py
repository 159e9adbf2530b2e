"""The table of the keys at the top level of a config."""

from chatmill.config.dataset import read_datasets
from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.document import Value
from chatmill.config.table import Key, Table
from chatmill.config.training_keys import FAMILIES, MISSPELLED, TRAINING
from chatmill.config.value_types import (
    FLAG,
    NAME,
    REJECT_LIMIT,
    SHARE,
    TEXT,
    TEXTS,
    VALUES_BY_NAME,
    ValueType,
    one_of,
    whole,
)
from chatmill.options.choices import ExcessLength, PreferenceTraining, choices

_TOKENS = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")
SPECIAL_TOKENS_TABLE = Table(
    what="`special_tokens`",
    supported={
        **{f"{name}_token": Key(f"{name}_token", NAME, f"The {name} token.") for name in _TOKENS},
        "additional_special_tokens": Key(
            "additional_special_tokens",
            TEXTS,
            "Special tokens without a name; those that the tokenizer lacks are added.",
        ),
    },
)


def _special_tokens(value: Value) -> dict[str, str | tuple[str, ...]]:
    return SPECIAL_TOKENS_TABLE.read(value).supported


_DATASETS = ValueType(read_datasets, {"type": "array", "minItems": 1, "items": DATASET_TABLE.schema()})
_SPECIAL_TOKENS = ValueType(_special_tokens, SPECIAL_TOKENS_TABLE.schema())
_RL = one_of(*choices(PreferenceTraining))

_SUPPORTED = (
    Key("datasets", _DATASETS, "The datasets to prepare, in this order."),
    Key("test_datasets", _DATASETS, "Datasets for evaluation, in place of `val_set_size`."),
    Key("pretraining_dataset", _DATASETS, "Datasets of plain text, for pretraining."),
    Key("dataset_prepared_path", NAME, "The output folder."),
    Key(
        "sequence_len",
        whole(1),
        "The maximum number of tokens per sample. Default: 512, as in axolotl.",
    ),
    Key("excess_length_strategy", one_of(*choices(ExcessLength)), "What to do with longer samples."),
    Key("min_sample_len", whole(0), "Not supported by chatmill above 2: chatmill keeps short samples."),
    Key("train_on_inputs", FLAG, "Train the prompts too."),
    Key("val_set_size", SHARE, "Samples for validation: a share below 1, or a number of samples."),
    Key(
        "max_rejected",
        REJECT_LIMIT,
        "The accepted rejected rows: a percentage such as 5%, a share, or a number. A key of chatmill only.",
    ),
    Key("seed", whole(0), "The seed of all random choices."),
    Key("shuffle_merged_datasets", FLAG, "Shuffle the rows of all datasets together; true by default."),
    Key(
        "shuffle_before_merging_datasets",
        FLAG,
        "Accepted only together with `shuffle_merged_datasets: true`, which shuffles all rows.",
    ),
    Key(
        "streaming",
        FLAG,
        "Whether axolotl reads the rows during training. It does not change the rows, but excludes `shards`.",
    ),
    Key("dataset_exact_deduplication", FLAG, "Keep only the first of several equal rows."),
    Key("base_model", NAME, "The model: a folder or a Hub id. Its tokenizer is used unless another one is given."),
    Key("base_model_config", NAME, "The folder or Hub id of the model's configuration, if it is another one."),
    Key("tokenizer_config", NAME, "The tokenizer: a folder or a Hub id."),
    Key(
        "special_tokens",
        _SPECIAL_TOKENS,
        "Special tokens that replace those of the tokenizer; those that it lacks are added.",
    ),
    Key(
        "tokens",
        TEXTS,
        "Tokens to add to the tokenizer, with the ids that transformers gives them.",
    ),
    Key(
        "chat_template",
        NAME,
        "The name of a template; or tokenizer_default, tokenizer_default_fallback_NAME, or jinja.",
    ),
    Key("chat_template_jinja", NAME, "The Jinja source or the file of the template, for `chat_template: jinja`."),
    Key("chat_template_kwargs", VALUES_BY_NAME, "Variables for the template, such as enable_thinking."),
    Key(
        "default_system_message",
        TEXT,
        "Without effect, as in axolotl: add system prompts to the rows, or change the template.",
    ),
    Key("eot_tokens", TEXTS, "Tokens that end a turn; the EOS token by default."),
    Key(
        "rl",
        _RL,
        "The kind of preference training (dpo, ipo, simpo, orpo, kto); the meaning of a `type` depends on it.",
    ),
    Key("reward_model", FLAG, "Whether a reward model is trained on pairs."),
    Key("process_reward_model", FLAG, "Whether a process reward model is trained on steps."),
)

_IMAGES = "chatmill prepares only text; remove the key if the rows have no images and no audio"
_POSITIONS = "chatmill does not write PoSE positions; remove the key, and use PoSE in training"
_WHOLE = "chatmill does not divide all datasets at once; divide each of them with `shards` and `shards_idx`"

#: The keys of a config.
CONFIG_TABLE = Table(
    what="a config",
    supported={key.name: key for key in _SUPPORTED},
    ignored=TRAINING,
    misspelled=MISSPELLED,
    families=FAMILIES,
    unsupported={
        "processor_type": _IMAGES,
        "image_size": _IMAGES,
        "image_resize_algorithm": _IMAGES,
        "skip_prepare_dataset": "this key is for rows with images, which axolotl prepares during training; remove it "
        "if the rows have no images",
        "added_tokens_overrides": "chatmill does not rename tokens; rename them in the tokenizer, save it, and give "
        "its folder as `tokenizer_config`",
        "tokenizer_use_mistral_common": "chatmill reads tokenizer.json; remove the key, and give a `tokenizer_config` "
        "with such a file",
        "dataset_shard_num": _WHOLE,
        "dataset_shard_idx": _WHOLE,
        "push_dataset_to_hub": "chatmill writes a local folder; upload it with `hf upload`",
        "eval_sequence_len": "samples for evaluation use `sequence_len`; remove the key, or prepare these samples with "
        "a config of their own",
        "max_packed_sequence_len": "axolotl has removed this key too; use `sequence_len`",
        "use_pose": _POSITIONS,
        "pose_split_on_token_ids": _POSITIONS,
        "pose_max_context_len": _POSITIONS,
        "pose_num_chunks": _POSITIONS,
        "kd_trainer": "chatmill does not write teacher probabilities; prepare the datasets with axolotl",
    },
    elsewhere=dict.fromkeys(DATASET_TABLE.supported, "an entry of `datasets`"),
    # axolotl and its plugins add keys with every version; most of them are about training.
    accepts_unknown=True,
)
