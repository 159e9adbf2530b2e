"""`training_lines`: the lines of a script or config by which a trainer opens an output."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from chatmill.options.choices import Trainer
from chatmill.trainers.input import TrainerInput
from chatmill.trainers.splits import TRAINING, VALIDATION, training_subfolder


@dataclass(frozen=True)
class TrainedOutput:
    """What the lines name.

    Attributes:
        folder: The output folder.
        longest: The number of tokens of the longest sample.
        has_validation: Whether there are samples for validation.
    """

    folder: PurePath
    longest: int
    has_validation: bool = False

    @property
    def training(self) -> PurePath:
        """The folder of the samples for training."""
        return self.folder / training_subfolder(has_validation=self.has_validation)

    @property
    def validation(self) -> PurePath:
        """The folder of the samples for validation."""
        return self.folder / VALIDATION


def training_lines(opened: TrainerInput, output: TrainedOutput) -> str:
    """Return the lines of a Python script, or of a YAML config, that open an output.

    Args:
        opened: What the trainer opens.
        output: The output.

    Example:
        >>> from chatmill.trainers.input import input_of
        >>> print(training_lines(input_of("llama-factory"), TrainedOutput(PurePath("tokens"), 900)))
        # the config of LLaMA-Factory
        stage: sft
        template: default  # the rows need none; name that of your model, since its text is saved with the tokenizer
        tokenized_path: "tokens"
        dataset: prepared  # a name is required, but not used
    """
    return "\n".join(_LINES[opened.trainer](output))


def _trl(output: TrainedOutput) -> list[str]:
    return [
        "from datasets import load_dataset",
        "from trl import SFTConfig, SFTTrainer",
        *_rows(output),
        # Without it TRL cuts all samples to 1,024 tokens.
        'args = SFTConfig("model", max_length=None)',
        f"trainer = SFTTrainer(model, args, {_splits(output)})",
    ]


def _trl_dpo(output: TrainedOutput) -> list[str]:
    return [
        "from datasets import load_dataset",
        "from trl import DPOConfig, DPOTrainer",
        *_rows(output),
        "class TokenDPOTrainer(DPOTrainer):",
        "    def _prepare_dataset(self, dataset, *_):  # DPOTrainer would look for texts; these rows are tokens",
        "        return dataset",
        'args = DPOConfig("model", max_length=None)',
        f"trainer = TokenDPOTrainer(model, args=args, {_splits(output)}, processing_class=tokenizer)",
    ]


def _trl_reward(output: TrainedOutput) -> list[str]:
    return [
        "from datasets import load_dataset",
        "from trl import RewardConfig, RewardTrainer",
        *_rows(output),
        'args = RewardConfig("model", max_length=None)',
        f"trainer = RewardTrainer(model, args, {_splits(output)}, processing_class=tokenizer)",
    ]


def _hf(output: TrainedOutput) -> list[str]:
    return [
        "from datasets import load_dataset",
        "from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments",
        *_rows(output),
        "collator = DataCollatorForSeq2Seq(tokenizer)",
        'args = TrainingArguments("model")',
        f"trainer = Trainer(model, args, collator, {_splits(output)})",
    ]


def _axolotl(output: TrainedOutput) -> list[str]:
    lines = ["# the config of axolotl", "datasets:", *_axolotl_dataset(output.training, TRAINING)]
    if output.has_validation:
        lines += ["test_datasets:", *_axolotl_dataset(output.validation, VALIDATION)]
    # axolotl drops longer samples.
    return [*lines, f"sequence_len: {max(1, output.longest)}"]


def _axolotl_dataset(folder: PurePath, split: str) -> list[str]:
    files = _yaml(str(folder / f"{split}-*.parquet"))
    return [
        f"  - path: {_yaml(str(folder))}",
        f"    data_files: {files}",
        "    ds_type: parquet",
        "    split: train",
        "    type:",
    ]


def _llama_factory(output: TrainedOutput) -> list[str]:
    lines = [
        "# the config of LLaMA-Factory",
        "stage: sft",
        "template: default  # the rows need none; name that of your model, since its text is saved with the tokenizer",
        f"tokenized_path: {_yaml(str(output.folder))}",
        "dataset: prepared  # a name is required, but not used",
    ]
    return [*lines, "eval_dataset: prepared"] if output.has_validation else lines


def _nemo(output: TrainedOutput) -> list[str]:
    files = {"packed_train_data_path": output.training / "train-*.parquet"}
    if output.has_validation:
        files["packed_val_data_path"] = output.validation / "validation-*.parquet"
    # Megatron counts the pairs of a token and the next one.
    length = max(1, output.longest - 1)
    return [
        "from megatron.bridge.data.builders import GPTSFTDatasetConfig",
        "from megatron.bridge.data.packing import PackedSequenceSpecs",
        "specs = PackedSequenceSpecs(",
        f"    packed_sequence_size={length},",
        *(f"    {name}={_python(path)}," for name, path in files.items()),
        ")",
        "dataset = GPTSFTDatasetConfig(",
        f"    seq_length={length},",
        "    enable_offline_packing=True,",
        "    offline_packing_specs=specs,",
        '    dataset_kwargs={"answer_only_loss": True},',
        ")",
        "# in the training config: micro_batch_size=1",
    ]


def _rows(output: TrainedOutput) -> list[str]:
    files = {TRAINING: output.training / "train-*.parquet"}
    if output.has_validation:
        files[VALIDATION] = output.validation / "validation-*.parquet"
    named = ", ".join(f"{json.dumps(split)}: {_python(path)}" for split, path in files.items())
    return [f'rows = load_dataset("parquet", data_files={{{named}}})']


def _splits(output: TrainedOutput) -> str:
    evaluated = ', eval_dataset=rows["validation"]' if output.has_validation else ""
    return f'train_dataset=rows["train"]{evaluated}'


def _python(path: PurePath) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def _yaml(text: str) -> str:
    # Every JSON string is a YAML string. Without quotes `no`, `1e3` and `---` would be other values.
    return json.dumps(text, ensure_ascii=False)


_LINES: dict[Trainer, Callable[[TrainedOutput], list[str]]] = {
    "trl": _trl,
    "trl-dpo": _trl_dpo,
    "trl-reward": _trl_reward,
    "hf": _hf,
    "axolotl": _axolotl,
    "llama-factory": _llama_factory,
    "nemo": _nemo,
}
