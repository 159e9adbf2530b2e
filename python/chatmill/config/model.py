"""`Config` and `DatasetConfig`: what a config file says, with axolotl's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Eos: TypeAlias = Literal["all", "turn", "last", "none"]


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """One entry of `datasets`, `test_datasets` or `pretraining_dataset`. What is not given is None or empty.

    Attributes:
        key: Where it stands, such as `datasets[1]`.
        line: In which line it begins.
        path: A file, folder, glob or URL, or the id of a dataset on the Hub.
        name: Which configuration of a dataset on the Hub.
        split: Which split, perhaps in part: `train[:20%]`.
        data_files: Which files of the folder or dataset.
        data_dir: Which folder of the dataset.
        ds_type: The format of the files.
        revision: Which commit, tag or branch.
        weight: How often the rows are taken.
        shards: Into how many parts the rows are cut, of which one is taken.
        shards_idx: Which of them, from 0.
        preprocess_shards: In how many parts axolotl works on the rows; they stay the same.
        skip: How many rows are left out at the start.
        type: How rows become text: a name, or what a user-defined type says; None where rows have tokens already.
        field: The column of the text, for `completion`.
        text_column: The column of the text, for `pretrain`.
        field_messages: The column of the conversation.
        field_tools: The column of the tools.
        field_system: The column of the system text.
        field_human: The name that turns of the user have.
        field_model: The name that turns of the model have.
        field_chosen: The column of the better answer.
        field_rejected: The column of the worse answer.
        field_thinking: The field of a message that holds the reasoning.
        template_thinking_key: The name by which the template reads it.
        split_thinking: Whether reasoning is taken out of the contents.
        message_property_mappings: Names that the template reads, to names in the rows.
        message_field_role: The field that holds the role.
        message_field_content: The field that holds the content.
        roles: Roles of the template to names in the rows; of the old sharegpt `input` and `output` to names.
        drop_system_message: Whether the system message is left out.
        conversation: The conversation format of sharegpt.
        chat_template: The template of this dataset; None for that of the config.
        chat_template_jinja: The source or file of the template, for `jinja`.
        step_separator: What stands behind each step.
        max_completion_length: The most tokens of the steps.
        roles_to_train: Roles whose messages are trained. Empty is not the same as not given.
        train_on_eos: Whose end-of-sequence tokens are trained.
        train_on_eot: Whose end-of-turn tokens are trained.
        train_on_split: Which split is trained.
        message_field_training: The field that says whether a message is trained.
        message_field_training_detail: The field that lists which of its characters are.
        train_on_last_step_only: Whether only the last step is trained.
        passed_over: Keys that have a value and mean nothing here.
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
    train_on_eos: Eos | None = None
    train_on_eot: Eos | None = None
    train_on_split: str | None = None
    message_field_training: str | None = None
    message_field_training_detail: str | None = None
    train_on_last_step_only: bool | None = None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Config:
    """A config file, with axolotl's defaults for what is not given.

    Attributes:
        path: The file.
        datasets: What is to be prepared.
        test_datasets: What is to be prepared for evaluation.
        pretraining: Plain text to be prepared, from `pretraining_dataset`.
        tokenizer: `tokenizer_config`, else `base_model_config`, else `base_model`.
        special_tokens: Special tokens by name, in place of those of the tokenizer.
        additional_special_tokens: Further ones.
        added_tokens: Tokens to add, from `tokens`.
        chat_template: The template; `jinja` also where only `chat_template_jinja` is given.
        chat_template_jinja: Its source or file.
        chat_template_kwargs: Variables for it.
        default_system_message: The system text of conversations that have none.
        eot_tokens: Tokens that end a turn; empty for the eos token.
        sequence_len: Tokens that a sample may have.
        excess_length_strategy: What becomes of longer samples.
        min_sample_len: Tokens that a sample must have.
        train_on_inputs: Whether prompts are trained.
        val_set_size: Rows for evaluation: below 1 a share (float), from 1 on a number (int).
        seed: Of all shuffling.
        shuffle_merged_datasets: Whether the rows of all datasets are shuffled together.
        shuffle_before_merging: Whether those of each dataset are shuffled before.
        deduplicate: Whether one of equal rows is kept.
        output: The folder to write, from `dataset_prepared_path`.
        rl: The kind of training by preferences or rewards.
        reward_model: Whether a reward model is trained.
        process_reward_model: Whether a process reward model is trained.
        passed_over: Keys of training that have a value.
        lines: The line of each key that is served, such as `datasets[1].type`.
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
    excess_length_strategy: Literal["drop", "truncate", "raise"] = "drop"
    min_sample_len: int | None = None
    train_on_inputs: bool = False
    val_set_size: float | int = 0
    seed: int = 42
    shuffle_merged_datasets: bool = True
    shuffle_before_merging: bool = False
    deduplicate: bool = False
    output: str | None = None
    rl: str | None = None
    reward_model: bool = False
    process_reward_model: bool = False
    passed_over: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def place(self, key: str) -> str:
        """Where a key stands, as errors begin.

        Args:
            key: Such as `datasets[1].type`; of keys that are not in the file, the nearest that holds them is named.

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
