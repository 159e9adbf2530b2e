"""`packed_lines`: the lines of a script or config by which a trainer opens packs."""

import json
from collections.abc import Callable
from pathlib import PurePath

from chatmill.packing.columns import PackColumns
from chatmill.packing.options import PackChoice
from chatmill.trainers.lines import TrainedOutput, training_lines


def packed_lines(columns: PackColumns, folder: PurePath, choice: PackChoice, *, has_validation: bool) -> str:
    """Return the lines that open packs; empty without a trainer.

    Args:
        columns: The columns of the packs.
        folder: The output folder.
        choice: The options of the packs.
        has_validation: Whether there are packs for validation.

    Example:
        >>> from chatmill.packing.columns import columns_of_packs
        >>> columns = columns_of_packs("llama-factory", None)
        >>> print(packed_lines(columns, PurePath("packs"), PackChoice(64), has_validation=False))
        # the config of LLaMA-Factory
        stage: sft
        template: default  # the rows need none; name that of your model, since its text is saved with the tokenizer
        tokenized_path: "packs"
        dataset: prepared  # a name is required, but not used
        packing: true
        neat_packing: true
        cutoff_len: 64
    """
    if columns.trainer is None:
        return ""
    # NeMo's length counts pairs of tokens, and packs were made so.
    longest = choice.max_length + int(columns.shifted)
    lines = training_lines(columns.trainer, TrainedOutput(folder, longest, has_validation=has_validation)).splitlines()
    return "\n".join(_CHANGES[columns.name](lines, choice))


def _trl(lines: list[str], _choice: PackChoice) -> list[str]:
    args = 'args = SFTConfig("model", max_length=None, padding_free=True)  # needs an attention of flash type'
    return [args if line.startswith("args = ") else line for line in lines]


def _hf(lines: list[str], _choice: PackChoice) -> list[str]:
    changed = {
        "from transformers": "from transformers import Trainer, TrainingArguments, default_data_collator",
        "collator": "collator = default_data_collator  # it adds no attention_mask, which would hide where rows are",
        "args": 'args = TrainingArguments("model", per_device_train_batch_size=1)',
    }
    return [next((new for old, new in changed.items() if line.startswith(old)), line) for line in lines]


def _axolotl(lines: list[str], _choice: PackChoice) -> list[str]:
    return [*lines, "sample_packing: false  # axolotl would number the tokens of packs again", "micro_batch_size: 1"]


def _llama_factory(lines: list[str], choice: PackChoice) -> list[str]:
    return [*lines, "packing: true", "neat_packing: true", f"cutoff_len: {json.dumps(choice.max_length)}"]


def _nemo(lines: list[str], _choice: PackChoice) -> list[str]:
    return lines


_CHANGES: dict[str, Callable[[list[str], PackChoice], list[str]]] = {
    "trl": _trl,
    "hf": _hf,
    "axolotl": _axolotl,
    "llama-factory": _llama_factory,
    "nemo": _nemo,
}
