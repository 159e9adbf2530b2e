"""`PackColumns`: the columns in which a trainer opens packs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import DataError
from chatmill.options.choices import PackMark, Trainer
from chatmill.trainers.input import TrainerInput, input_of


@dataclass(frozen=True)
class PackColumns:
    """The columns of packs.

    Attributes:
        name: The trainer, or `packs`.
        marks: The columns that tell where rows are.
        trainer: What the trainer opens; None for all columns of the rows.
        renamed: Marks that have another name in the output.
        shifted: Whether a row counts without one token.
        fills: Whether all packs are filled up to their length.
    """

    name: str
    marks: tuple[PackMark, ...]
    trainer: TrainerInput | None = None
    renamed: tuple[tuple[PackMark, str], ...] = ()
    shifted: bool = False
    fills: bool = False

    def record(self) -> dict[str, Any] | None:
        """Return the trainer, for the manifest."""
        return None if self.trainer is None else self.trainer.record()


_COLUMNS: dict[str, PackColumns] = {
    "trl": PackColumns("trl", ("seq_lengths",), TrainerInput("trl", "labels", ("input_ids", "labels", "seq_lengths"))),
    "hf": PackColumns("hf", ("position_ids",), TrainerInput("hf", "labels", ("input_ids", "labels", "position_ids"))),
    "axolotl": PackColumns(
        "axolotl",
        ("position_ids",),
        TrainerInput(
            "axolotl", "labels", ("input_ids", "attention_mask", "labels", "position_ids"), keeps_columns=False
        ),
    ),
    "llama-factory": PackColumns(
        "llama-factory",
        ("segment_ids", "position_ids"),
        TrainerInput(
            "llama-factory",
            "labels",
            ("input_ids", "attention_mask", "labels", "position_ids"),
            "arrow",
            keeps_columns=False,
        ),
        renamed=(("segment_ids", "attention_mask"),),
        fills=True,
    ),
    "nemo": PackColumns(
        "nemo",
        ("seq_start_id", "loss_mask"),
        TrainerInput("nemo", "labels", ("input_ids", "seq_start_id", "loss_mask")),
        shifted=True,
    ),
}


def columns_of_packs(trainer: Trainer | None, marks: Sequence[PackMark] | None) -> PackColumns:
    """Return the columns of packs.

    Args:
        trainer: The trainer that will open them, or None.
        marks: The columns that tell where rows are, if no trainer chooses them.

    Raises:
        DataError: The trainer takes no packs, or both are given.

    Example:
        >>> columns_of_packs("trl", None).marks
        ('seq_lengths',)
    """
    if trainer is None:
        return PackColumns("packs", ("seq_lengths",) if marks is None else tuple(marks))
    if marks is not None:
        raise DataError("`trainer` (`--for`) chooses the columns that mark rows; leave out `marks` (`--mark`)")
    input_of(trainer)
    if trainer not in _COLUMNS:
        raise DataError(
            f"{trainer} takes rows of pairs of answers, which cannot be packed; use one of {', '.join(_COLUMNS)}"
        )
    return _COLUMNS[trainer]
