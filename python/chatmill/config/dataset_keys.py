"""The keys of an entry of `datasets`."""

from collections.abc import Mapping

from chatmill.config.document import Value
from chatmill.config.kinds import (
    FLAG,
    NAME,
    TEXT,
    TEXT_BY_NAME,
    TEXT_OR_TEXTS,
    TEXTS,
    TEXTS_BY_NAME,
    WEIGHT,
    Kind,
    one_of,
    whole,
)
from chatmill.config.table import Key, Table
from chatmill.config.training_keys import TRAINING

#: What a user-defined `type` may say, of instructions and of pairs.
TYPE_TABLE = Table(
    what="a user-defined `type`",
    served={
        key.name: key
        for key in (
            Key("system_prompt", TEXT, "The system text of rows that have none."),
            Key("system_format", TEXT, "How the system text is written: `{system}` stands for it."),
            Key("format", TEXT, "The prompt: `{instruction}` and `{input}` stand for the fields."),
            Key("no_input_format", TEXT, "The prompt of rows without an input: `{instruction}` stands for the field."),
            Key("field", NAME, "The column of the text, for types that have one text."),
            Key("field_system", NAME, "The column of the system text."),
            Key("field_instruction", NAME, "The column of the instruction."),
            Key("field_input", NAME, "The column of the input."),
            Key("field_output", NAME, "The column of the answer."),
            Key("field_prompt", NAME, "Of pairs: the column of the prompt."),
            Key("field_chosen", NAME, "Of pairs: the column of the better answer."),
            Key("field_rejected", NAME, "Of pairs: the column of the worse answer."),
            Key("field_completion", NAME, "Of judged answers: the column of the answer."),
            Key("field_label", NAME, "Of judged answers: the column that says whether the answer is good."),
            Key("prompt_format", TEXT, "Of pairs and judged answers: how the prompt is written."),
            Key("chosen_format", TEXT, "Of pairs: how the better answer is written."),
            Key("rejected_format", TEXT, "Of pairs: how the worse answer is written."),
            Key("completion_format", TEXT, "Of judged answers: how the answer is written."),
        )
    },
)


def _type(value: Value) -> str | Mapping[str, str]:
    if value.tag == "map":
        return TYPE_TABLE.read(value).served
    if value.tag == "str" and value.node.value.strip():
        return str(value.node.value)
    raise value.mismatch("the name of a type, such as chat_template or alpaca, or a mapping")


_TYPE = Kind(_type, {"anyOf": [{"type": "string", "minLength": 1}, TYPE_TABLE.schema()]})
_EOS = one_of("all", "turn", "last", "none")

_WHERE = (
    Key("path", NAME, "Where the rows are: a file, a folder, a glob, a URL, or the id of a dataset on the Hub."),
    Key("name", NAME, "Which configuration of a dataset on the Hub."),
    Key("split", NAME, "Which split, also in part: `train`, `train[:20%]`."),
    Key("data_files", TEXT_OR_TEXTS, "Which files of the folder or dataset."),
    Key("data_dir", NAME, "Which folder of the dataset."),
    Key("ds_type", NAME, "The format of the files: json, parquet, arrow, csv, text."),
    Key("revision", NAME, "Which commit, tag or branch of a dataset on the Hub."),
    Key("weight", WEIGHT, "How often the rows are taken, 1 being once. A key of chatmill; axolotl does not know it."),
    Key("shards", whole(1), "Cut the rows into so many parts and take one."),
    Key("shards_idx", whole(0), "Which of these parts, from 0."),
    Key("preprocess_shards", whole(1), "Work on the rows in so many parts; the rows stay the same."),
    Key("skip", whole(0), "Leave out so many rows at the start."),
)
_FIELDS = (
    Key("type", _TYPE, "How rows become text: chat_template, alpaca, completion, …; a mapping says it field by field."),
    Key("field", NAME, "The column of the text, for `type: completion`."),
    Key("text_column", NAME, "The column of the text, for `type: pretrain`."),
    Key("field_messages", NAME, "The column of the conversation."),
    Key("field_tools", NAME, "The column of the tools."),
    Key("field_system", NAME, "The column of the system text."),
    Key("field_human", NAME, "The name that turns of the user have."),
    Key("field_model", NAME, "The name that turns of the model have."),
    Key("field_chosen", NAME, "The column of the better answer."),
    Key("field_rejected", NAME, "The column of the worse answer."),
    Key("field_thinking", NAME, "The field of a message that holds the reasoning."),
    Key("template_thinking_key", NAME, "The name by which the template reads the reasoning."),
    Key("split_thinking", FLAG, "Take reasoning between think tags out of the contents."),
    Key("message_property_mappings", TEXT_BY_NAME, "Names that the template reads, to names in the rows."),
    Key("message_field_role", NAME, "The field of a message that holds the role; older than the mappings."),
    Key("message_field_content", NAME, "The field of a message that holds the content; older than the mappings."),
    Key("roles", TEXTS_BY_NAME, "Roles as the template has them, to the names they have in the rows."),
    Key("drop_system_message", FLAG, "Leave out the system message."),
    Key("conversation", NAME, "The conversation format of `type: sharegpt`."),
    Key("chat_template", NAME, "The template of this dataset, if not that of the config."),
    Key("chat_template_jinja", NAME, "The source or file of the template, for `chat_template: jinja`."),
    Key("step_separator", TEXT, "What stands behind each step, for `type: stepwise_supervised`."),
    Key("max_completion_length", whole(1), "The most tokens of the steps, for `type: stepwise_supervised`."),
)
_LABELS = (
    Key("roles_to_train", TEXTS, "Roles whose messages are trained."),
    Key("train_on_eos", _EOS, "Whose end-of-sequence tokens are trained: of all turns, of trained ones, the last."),
    Key("train_on_eot", _EOS, "The same of end-of-turn tokens."),
    Key("train_on_split", NAME, "Which split is trained."),
    Key("message_field_training", NAME, "The field of a message that says whether it is trained."),
    Key("message_field_training_detail", NAME, "The field of a message that lists which of its characters are."),
    Key("train_on_last_step_only", FLAG, "Train only the last step, for `type: stepwise_supervised`."),
)

#: Keys of the config that a dataset has not, for who indents too much.
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
    "seed",
    "shuffle_merged_datasets",
    "shuffle_before_merging_datasets",
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

_DISTILLED = "chatmill writes no probabilities of a teacher; prepare the dataset with axolotl"
_SYNTHETIC = "chatmill makes up no rows; remove the dataset"

#: The keys of a dataset.
DATASET_TABLE = Table(
    what="a dataset",
    served={key.name: key for key in (*_WHERE, *_FIELDS, *_LABELS)},
    required=("path",),
    # Code of a dataset is never run: its files are read.
    passed=frozenset({"trust_remote_code"}),
    refused={
        "input_format": "axolotl has it for types of its own; remove it, and name a `type`",
        "input_transform": "chatmill runs no code on rows; change the rows before",
        "message_transform": "chatmill runs no code on rows; change the rows before",
        "logprobs_field": _DISTILLED,
        "temperature": _DISTILLED,
        "length": _SYNTHETIC,
        "sequence_length": f"{_SYNTHETIC}; the length of samples is `sequence_len` of the config",
        "min_input_id": _SYNTHETIC,
        "max_input_id": _SYNTHETIC,
        "image_base_dir": "chatmill prepares text alone; prepare the dataset with axolotl",
    },
    elsewhere={
        **dict.fromkeys((*OF_CONFIG, *TRAINING), "the top of the file"),
        **dict.fromkeys(TYPE_TABLE.served, "the mapping of a user-defined `type`"),
    },
)
