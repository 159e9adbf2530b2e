"""The table of the keys of an entry of `datasets`."""

from collections.abc import Mapping

from chatmill.config.document import Value
from chatmill.config.table import Key, Table
from chatmill.config.training_keys import TRAINING
from chatmill.config.value_types import (
    FLAG,
    NAME,
    TEXT,
    TEXT_BY_NAME,
    TEXT_OR_TEXTS,
    TEXTS,
    TEXTS_BY_NAME,
    WEIGHT,
    ValueType,
    one_of,
    whole,
)
from chatmill.options.choices import TrainedStops, choices

#: The keys of a user-defined `type`. "Pairs" are rows with a better and a worse answer; "judged answers" are rows with
#: one answer and a label, as for KTO.
TYPE_TABLE = Table(
    what="a user-defined `type`",
    supported={
        key.name: key
        for key in (
            Key("system_prompt", TEXT, "The system prompt of rows without one."),
            Key("system_format", TEXT, "The format string of the system prompt, with `{system}`."),
            Key("format", TEXT, "The format string of the prompt, with `{instruction}` and `{input}`."),
            Key("no_input_format", TEXT, "The format string of prompts without an input, with `{instruction}`."),
            Key("field", NAME, "The column of the text, for types with a single text."),
            Key("field_system", NAME, "The column of the system prompt."),
            Key("field_instruction", NAME, "The column of the instruction."),
            Key("field_input", NAME, "The column of the input."),
            Key("field_output", NAME, "The column of the answer."),
            Key("field_prompt", NAME, "With `rl` (dpo, kto, …): the column of the prompt."),
            Key("field_chosen", NAME, "For pairs: the column of the better answer."),
            Key("field_rejected", NAME, "For pairs: the column of the worse answer."),
            Key("field_completion", NAME, "With `rl: kto`: the column of the answer."),
            Key(
                "field_label",
                NAME,
                "For judged answers: the column of the label, which is true if the answer is good.",
            ),
            Key("prompt_format", TEXT, "For pairs and judged answers: the format string of the prompt."),
            Key("chosen_format", TEXT, "For pairs: the format string of the better answer."),
            Key("rejected_format", TEXT, "For pairs: the format string of the worse answer."),
            Key("completion_format", TEXT, "For judged answers: the format string of the answer."),
        )
    },
)


def _type(value: Value) -> str | Mapping[str, str]:
    if value.tag == "map":
        return TYPE_TABLE.read(value).supported
    if value.tag == "str" and value.node.value.strip():
        return str(value.node.value)
    raise value.mismatch("the name of a type, such as chat_template or alpaca, or a mapping")


_TYPE = ValueType(_type, {"anyOf": [{"type": "string", "minLength": 1}, TYPE_TABLE.schema()]})
_STOPS = one_of(*choices(TrainedStops))

_WHERE = (
    Key("path", NAME, "The source of the rows: a file, a folder, a glob, a URL, or the id of a dataset on the Hub."),
    Key("name", NAME, "The configuration of a dataset on the Hub."),
    Key("split", NAME, "The split, or a part of it: `train`, `train[:20%]`."),
    Key("data_files", TEXT_OR_TEXTS, "The files of the folder or dataset."),
    Key("data_dir", NAME, "The folder inside the dataset."),
    Key("ds_type", NAME, "The type of the files: json, parquet, arrow or csv."),
    Key("revision", NAME, "The commit, tag or branch of a dataset on the Hub."),
    Key(
        "weight",
        WEIGHT,
        "The number of copies of each row: 1 by default, 0.5 uses half of the rows. A key of chatmill only.",
    ),
    Key("shards", whole(1), "The number of parts into which the rows are divided at random; one part is used."),
    Key("shards_idx", whole(0), "The part to use, from 0."),
    Key(
        "preprocess_shards",
        whole(1),
        "The number of parts in which axolotl processes the rows. It changes only their order.",
    ),
    Key("skip", whole(0), "The number of rows to skip at the start."),
)
_FIELDS = (
    Key(
        "type",
        _TYPE,
        "The format of the rows: chat_template, alpaca, completion, …, or a mapping of fields and format strings.",
    ),
    Key("field", NAME, "The column of the text, for `type: completion`."),
    Key("text_column", NAME, "The column of the text, for `type: pretrain`."),
    Key("field_messages", NAME, "The column of the conversation."),
    Key("field_tools", NAME, "The column of the tools."),
    Key("field_system", NAME, "The column of the system prompt."),
    Key("field_human", NAME, "The name of the speaker of user turns."),
    Key("field_model", NAME, "The name of the speaker of assistant turns."),
    Key("field_chosen", NAME, "The column of the better answer."),
    Key("field_rejected", NAME, "The column of the worse answer."),
    Key("field_thinking", NAME, "The field of a message that holds the reasoning."),
    Key("template_thinking_key", NAME, "The name under which the template reads the reasoning."),
    Key("split_thinking", FLAG, "Move reasoning in think tags from the content to a field of its own."),
    Key(
        "message_property_mappings",
        TEXT_BY_NAME,
        "The keys of messages that the template reads, each mapped to the key in the rows.",
    ),
    Key(
        "message_field_role",
        NAME,
        "The field of a message that holds the role; an older form of `message_property_mappings`.",
    ),
    Key(
        "message_field_content",
        NAME,
        "The field of a message that holds the content; an older form of `message_property_mappings`.",
    ),
    Key("roles", TEXTS_BY_NAME, "Roles of the template, mapped to names in the rows."),
    Key("drop_system_message", FLAG, "Drop the system message."),
    Key("conversation", NAME, "The conversation format of `type: sharegpt`."),
    Key("chat_template", NAME, "The template of this dataset, in place of the template of the config."),
    Key("chat_template_jinja", NAME, "The Jinja source or the file of the template, for `chat_template: jinja`."),
    Key("step_separator", TEXT, "The text after each step, for `type: stepwise_supervised`."),
    Key("max_completion_length", whole(1), "Not supported by chatmill, which does not cut single steps."),
)
_LABELS = (
    Key("roles_to_train", TEXTS, "Roles whose messages are trained."),
    Key(
        "train_on_eos",
        _STOPS,
        "Which EOS tokens are trained: those of all turns, of trained turns, of the last turn, or none.",
    ),
    Key("train_on_eot", _STOPS, "Which end-of-turn tokens are trained; as for `train_on_eos`."),
    Key("train_on_split", NAME, "Not supported by chatmill: use `split`."),
    Key("message_field_training", NAME, "The field of a message that switches its training on or off."),
    Key("message_field_training_detail", NAME, "The field of a message that lists its trained characters."),
    Key("train_on_last_step_only", FLAG, "Train only the last step, for `type: stepwise_supervised`."),
)

#: Keys of the top level that an entry of `datasets` does not have, for a hint about wrong indentation.
OF_CONFIG = (
    "datasets",
    "test_datasets",
    "pretraining_dataset",
    "dataset_prepared_path",
    "sequence_len",
    "excess_length_strategy",
    "min_sample_len",
    "train_on_inputs",
    "val_set_size",
    "max_rejected",
    "seed",
    "shuffle_merged_datasets",
    "shuffle_before_merging_datasets",
    "streaming",
    "dataset_exact_deduplication",
    "base_model",
    "base_model_config",
    "tokenizer_config",
    "special_tokens",
    "tokens",
    "chat_template_kwargs",
    "default_system_message",
    "eot_tokens",
    "rl",
    "reward_model",
    "process_reward_model",
)

_DISTILLED = "chatmill does not write teacher probabilities; prepare the dataset with axolotl"
_SYNTHETIC = "chatmill does not generate rows; remove the dataset"

#: The keys of a dataset.
DATASET_TABLE = Table(
    what="a dataset",
    supported={key.name: key for key in (*_WHERE, *_FIELDS, *_LABELS)},
    required=("path",),
    # chatmill reads the files of a dataset and never runs its code.
    ignored=frozenset({"trust_remote_code"}),
    unsupported={
        "input_format": "this key belongs to internal types of axolotl; remove it, and give a `type`",
        "input_transform": "chatmill does not run code on rows; change the rows beforehand",
        "message_transform": "chatmill does not run code on rows; change the rows beforehand",
        "logprobs_field": _DISTILLED,
        "temperature": _DISTILLED,
        "length": _SYNTHETIC,
        "sequence_length": f"{_SYNTHETIC}; to limit the tokens per sample, use `sequence_len` at the top level",
        "min_input_id": _SYNTHETIC,
        "max_input_id": _SYNTHETIC,
        "image_base_dir": "chatmill prepares only text; prepare the dataset with axolotl",
    },
    elsewhere={
        **dict.fromkeys((*OF_CONFIG, *TRAINING), "the top level of the file"),
        **dict.fromkeys(TYPE_TABLE.supported, "the mapping of a user-defined `type`"),
    },
)
