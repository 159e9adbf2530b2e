"""`TrainerInput`: what a trainer opens: its rows, columns and kind of files; `input_of`, by the name of the trainer."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chatmill._chatmill import DataError
from chatmill.options.choices import Trainer
from chatmill.text.nearest import suggestion

#: Rows that a trainer takes: samples with a label for each token; prompts with a better and a worse answer; a better
#: and a worse conversation.
TrainedRows: TypeAlias = Literal["labels", "pairs", "conversations"]

#: Parquet files, or the Arrow streams of a folder that `datasets.load_from_disk` opens.
FileKind: TypeAlias = Literal["parquet", "arrow"]


@dataclass(frozen=True)
class TrainerInput:
    """The form in which one trainer opens an output.

    Attributes:
        trainer: The name of the trainer, as in `--for`.
        rows: The rows that it takes.
        columns: The columns that it reads, in their order in the files.
        files: The kind of files.
        keeps_columns: Whether other columns do no harm, because the trainer leaves them out.
    """

    trainer: Trainer
    rows: TrainedRows
    columns: tuple[str, ...]
    files: FileKind = "parquet"
    keeps_columns: bool = True

    @property
    def suffix(self) -> str:
        """The suffix of its files."""
        return f".{self.files}"

    def record(self) -> dict[str, Any]:
        """Return what was chosen, for the manifest."""
        return {"name": self.trainer, "columns": list(self.columns), "files": self.files}


_LABELED = ("input_ids", "labels")
# Both pass every column to the model, so others would be errors there.
_MASKED = ("input_ids", "attention_mask", "labels")
_INPUTS: dict[str, TrainerInput] = {
    "trl": TrainerInput("trl", "labels", _LABELED),
    "trl-dpo": TrainerInput("trl-dpo", "pairs", ("prompt_ids", "chosen_ids", "rejected_ids")),
    "trl-reward": TrainerInput("trl-reward", "conversations", ("chosen_ids", "rejected_ids")),
    "hf": TrainerInput("hf", "labels", _LABELED),
    "axolotl": TrainerInput("axolotl", "labels", _MASKED, keeps_columns=False),
    "llama-factory": TrainerInput("llama-factory", "labels", _MASKED, "arrow", keeps_columns=False),
    "nemo": TrainerInput("nemo", "labels", ("input_ids", "seq_start_id", "loss_mask")),
}

_REFUSED = {
    "ms-swift": "ms-swift opens no tokens: its `cached_dataset` keeps the texts, and it tokenizes them during the "
    "training; give ms-swift your rows, or train with trl or hf"
}


def input_of(trainer: str | None) -> TrainerInput | None:
    """Return what a trainer opens.

    Args:
        trainer: The name of a trainer, or None for the columns of chatmill.

    Raises:
        DataError: There is no such trainer.

    Example:
        >>> input_of("trl").columns
        ('input_ids', 'labels')
    """
    if trainer is None:
        return None
    if trainer in _REFUSED:
        raise DataError(f"`trainer` is {trainer!r}, but {_REFUSED[trainer]}")
    if trainer not in _INPUTS:
        hint = suggestion(str(trainer), _INPUTS, otherwise=f"use one of {', '.join(_INPUTS)}")
        raise DataError(f"`trainer` is {trainer!r}; {hint}")
    return _INPUTS[trainer]
