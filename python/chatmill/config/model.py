"""`Config` and `DatasetConfig`: the content of a config file, with axolotl's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatmill.options.choices import ExcessLength, TrainedStops
from chatmill.pipeline.limit import MAX_REJECTED, RejectLimit


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """One entry of `datasets`, `test_datasets` or `pretraining_dataset`. A key that is not given is None or empty.

    Attributes:
        key: The path of the entry in the file, such as `datasets[1]`.
        line: Its first line, from 1.
        path: A file, folder, glob or URL, or the id of a dataset on the Hub.
        name: The configuration of a dataset on the Hub.
        split: The split, or a part of it: `train[:20%]`.
        data_files: The files of the folder or dataset.
        data_dir: The folder inside the dataset.
        ds_type: The format of the files.
        revision: The commit, tag or branch.
        weight: The number of copies of the rows.
        shards: The number of parts into which the rows are divided; one part is used.
        shards_idx: The part to use, from 0.
        preprocess_shards: The number of parts in which axolotl processes the rows. It changes only their order.
        skip: The number of rows to skip at the start.
        type: The format of the rows: a name, or the mapping of a user-defined type; None if rows already hold tokens.
        field: The column of the text, for `completion`.
        text_column: The column of the text, for `pretrain`.
        field_messages: The column of the conversation.
        field_tools: The column of the tools.
        field_system: The column of the system prompt.
        field_human: The name of the speaker of user turns.
        field_model: The name of the speaker of assistant turns.
        field_chosen: The column of the better answer.
        field_rejected: The column of the worse answer.
        field_thinking: The field of a message that holds the reasoning.
        template_thinking_key: The name under which the template reads the reasoning.
        split_thinking: Whether reasoning in think tags is moved from the content to a field of its own.
        message_property_mappings: The keys of messages that the template reads, each mapped to the key in the rows.
        message_field_role: The field of a message that holds the role.
        message_field_content: The field of a message that holds the content.
        roles: Roles of the template, mapped to names in the rows; `input` and `output` for the old type sharegpt.
        drop_system_message: Whether the system message is dropped.
        conversation: The conversation format of sharegpt.
        chat_template: The template of this dataset; None for the template of the config.
        chat_template_jinja: The Jinja source or the file of the template, for `jinja`.
        step_separator: The text after each step.
        max_completion_length: The maximum number of tokens of the steps.
        roles_to_train: Roles whose messages are trained. An empty list has another meaning than None.
        train_on_eos: Which EOS tokens are trained.
        train_on_eot: Which end-of-turn tokens are trained.
        train_on_split: The split that is trained.
        message_field_training: The field of a message that switches its training on or off.
        message_field_training_detail: The field of a message that lists its trained characters.
        train_on_last_step_only: Whether only the last step is trained.
        ignored: Ignored keys that have a value.
    """

    key: str
    line: int
    path: str
    name: str | None = None
    split: str | None = None
    data_files: tuple[str, ...] = ()
    data_dir: str | None = None
    ds_type: str | None = None
    revision: str | None = None
    weight: float = 1.0
    shards: int | None = None
    shards_idx: int | None = None
    preprocess_shards: int | None = None
    skip: int | None = None
    type: str | Mapping[str, str] | None = None
    field: str | None = None
    text_column: str | None = None
    field_messages: str | None = None
    field_tools: str | None = None
    field_system: str | None = None
    field_human: str | None = None
    field_model: str | None = None
    field_chosen: str | None = None
    field_rejected: str | None = None
    field_thinking: str | None = None
    template_thinking_key: str | None = None
    split_thinking: bool | None = None
    message_property_mappings: Mapping[str, str] | None = None
    message_field_role: str | None = None
    message_field_content: str | None = None
    roles: Mapping[str, tuple[str, ...]] | None = None
    drop_system_message: bool | None = None
    conversation: str | None = None
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    step_separator: str | None = None
    max_completion_length: int | None = None
    roles_to_train: tuple[str, ...] | None = None
    train_on_eos: TrainedStops | None = None
    train_on_eot: TrainedStops | None = None
    train_on_split: str | None = None
    message_field_training: str | None = None
    message_field_training_detail: str | None = None
    train_on_last_step_only: bool | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Config:
    """The content of a config file, with axolotl's defaults.

    Attributes:
        path: The file.
        datasets: The datasets to prepare.
        test_datasets: The datasets for evaluation.
        pretraining: The datasets of plain text, from `pretraining_dataset`.
        tokenizer: The first given value of `tokenizer_config`, `base_model_config` and `base_model`.
        special_tokens: Special tokens by name, which replace those of the tokenizer.
        additional_special_tokens: Further special tokens.
        added_tokens: Tokens to add, from `tokens`.
        chat_template: The name of the template; also `jinja` if only `chat_template_jinja` is given.
        chat_template_jinja: The Jinja source or the file of the template.
        chat_template_kwargs: Variables for the template.
        default_system_message: The system prompt of conversations without one.
        eot_tokens: Tokens that end a turn; empty for the EOS token.
        sequence_len: The maximum number of tokens per sample.
        excess_length_strategy: What to do with longer samples; None for axolotl's default, which depends on the type.
        min_sample_len: The minimum number of tokens per sample.
        train_on_inputs: Whether prompts are trained.
        val_set_size: Rows for evaluation: a share (float below 1) or a number of rows (int from 1 on).
        seed: The seed of all random choices.
        shuffle_merged_datasets: Whether the rows of all datasets are shuffled together.
        shuffle_before_merging: Whether the rows of each dataset are shuffled before merging.
        streaming: Whether axolotl reads the rows during training.
        deduplicate: Whether only the first of several equal rows is kept.
        output: The output folder, from `dataset_prepared_path`.
        max_rejected: The rejected rows that the run accepts; a key of chatmill only.
        rl: The kind of training by preferences or rewards.
        reward_model: Whether a reward model is trained.
        process_reward_model: Whether a process reward model is trained.
        ignored: Keys of training that have a value.
        warnings: A warning for each unknown key at the top level, with its place.
        lines: The line of each supported key, such as `datasets[1].type`.
    """

    path: str
    datasets: tuple[DatasetConfig, ...] = ()
    test_datasets: tuple[DatasetConfig, ...] = ()
    pretraining: tuple[DatasetConfig, ...] = ()
    tokenizer: str | None = None
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    additional_special_tokens: tuple[str, ...] = ()
    added_tokens: tuple[str, ...] = ()
    chat_template: str | None = None
    chat_template_jinja: str | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    default_system_message: str | None = None
    eot_tokens: tuple[str, ...] = ()
    sequence_len: int | None = None
    excess_length_strategy: ExcessLength | None = None
    min_sample_len: int | None = None
    train_on_inputs: bool = False
    val_set_size: float | int = 0
    seed: int = 42
    shuffle_merged_datasets: bool = True
    shuffle_before_merging: bool = False
    streaming: bool = False
    deduplicate: bool = False
    output: str | None = None
    max_rejected: RejectLimit = field(default_factory=lambda: RejectLimit.of(MAX_REJECTED))
    rl: str | None = None
    reward_model: bool = False
    process_reward_model: bool = False
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def place(self, key: str) -> str:
        """Return the place of a key, for the start of an error.

        Args:
            key: The path of the key, such as `datasets[1].type`. If the file does not have the key, the line of its
                parent is used.

        Returns:
            Such as `config.yaml:12: datasets[1].type`.

        Example:
            >>> Config(path="config.yaml", lines={"datasets[0]": 2}).place("datasets[0].type")
            'config.yaml:2: datasets[0].type'
        """
        outer = key
        while outer and outer not in self.lines:
            outer = outer.rpartition(".")[0]
        return f"{self.path}:{self.lines[outer]}: {key}" if outer else f"{self.path}: {key}"
