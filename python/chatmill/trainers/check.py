"""`check_rows`: refuses rows and options that a trainer cannot use, before the run reads its rows."""

from collections.abc import Collection, Sequence

from chatmill._chatmill import DataError, Mill
from chatmill.trainers.input import TrainedRows, TrainerInput

_SHOWN = {
    "labels": "samples with labels",
    "pairs": "prompts with a better and a worse answer",
    "conversations": "a better and a worse conversation",
    "judged": "prompts with one judged answer",
}
# What to do with rows of the first kind and a trainer that takes the second one.
_REMEDIES: dict[tuple[str, TrainedRows], str] = {
    ("labels", "pairs"): "use `--for trl`, or give rows with `prompt`, `chosen` and `rejected`",
    ("labels", "conversations"): "use `--for trl`, or give rows with `chosen` and `rejected`",
    ("pairs", "labels"): "use `--for trl-dpo`",
    ("pairs", "conversations"): "name the format `reward`, which reads the same columns, or use `--for trl-dpo`",
    ("conversations", "labels"): "use `--for trl-reward`",
    ("conversations", "pairs"): "name the format `preference`, which reads the same columns, or use `--for trl-reward`",
}


def check_rows(
    opened: TrainerInput, mill: Mill, columns: Sequence[str], keep_columns: Sequence[str], *, where: str
) -> None:
    """Check that a trainer takes the rows of a mill.

    Args:
        opened: What the trainer opens.
        mill: The mill.
        columns: The columns of its output.
        keep_columns: The kept ones of these columns.
        where: The first file of the rows, for errors.

    Raises:
        DataError: The rows are of another kind, or have padding, weights or columns that the trainer cannot use.
    """
    _check_options(opened, mill)
    own = set(columns) - set(keep_columns)
    kind = _kind(own)
    format = "messages" if mill.format is None else mill.format.name
    if kind != opened.rows:
        remedy = _REMEDIES.get((kind, opened.rows), "leave out `trainer` (`--for`)")
        raise DataError(
            f"{where}: {opened.trainer} trains on {_SHOWN[opened.rows]}, but these rows are {_SHOWN[kind]} (the format "
            f"{format}); {remedy}"
        )
    if mill.format is not None and "steps" in mill.format.core:
        raise DataError(
            f"{where}: {opened.trainer} trains a language model, but the labels of the format {format} judge steps; "
            "leave out `trainer` (`--for`)"
        )
    if "weights" in own:
        raise DataError(
            f"{opened.trainer} reads no weights of tokens, so it would train all of them alike; choose labels without "
            "weights, or leave out `trainer` (`--for`)"
        )
    if keep_columns and not opened.keeps_columns:
        raise DataError(
            f"{opened.trainer} passes every column to the model, so it fails with the kept column "
            f"{keep_columns[0]!r}; remove `keep_columns`"
        )


def _kind(columns: Collection[str]) -> str:
    if "completion_ids" in columns:
        return "judged"
    if "chosen_ids" not in columns:
        return "labels"
    return "pairs" if "prompt_ids" in columns else "conversations"


def _check_options(opened: TrainerInput, mill: Mill) -> None:
    options = mill.options
    if options["padding"] is not None:
        raise DataError(f"{opened.trainer} pads each batch itself; remove `padding`, or `trainer` (`--for`)")
    for name in ("attention_mask", "position_ids"):
        if options[name]:
            raise DataError(
                f"`trainer` (`--for`) chooses the columns that {opened.trainer} reads; remove `{name}`, or `trainer`"
            )
