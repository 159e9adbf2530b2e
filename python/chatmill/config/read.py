"""From a config file to `Config`."""

import os
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.config.dataset import jinja_as_said
from chatmill.config.document import Value, read_document
from chatmill.config.keys import CONFIG_TABLE
from chatmill.config.model import Config
from chatmill.config.table import Found

# As axolotl names them, to the names of `Config`, where these differ.
_RENAMED = {
    "pretraining_dataset": "pretraining",
    "tokens": "added_tokens",
    "shuffle_before_merging_datasets": "shuffle_before_merging",
    "dataset_exact_deduplication": "deduplicate",
    "dataset_prepared_path": "output",
}
_TOKENIZERS = ("tokenizer_config", "base_model_config", "base_model")


def read_config(path: str | os.PathLike[str]) -> Config:
    """Read a config file, named as axolotl names things.

    Args:
        path: A YAML file.

    Returns:
        What it says of the data. Keys of training are passed over; their names are kept.

    Raises:
        DataError: It cannot be read, is not YAML, has a key that chatmill does not know or serve, or a value of the
            wrong type. The message names the file, the line and the key.

    Example:
        >>> config = read_config("axolotl.yaml")  # doctest: +SKIP
        >>> [dataset.path for dataset in config.datasets]  # doctest: +SKIP
        ['mlabonne/FineTome-100k']
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the config {os.fspath(path)} cannot be read: {error}") from None
    return parse_config(text, name=os.fspath(path))


def parse_config(text: str, *, name: str) -> Config:
    r"""Read the text of a config file.

    Args:
        text: YAML.
        name: What to call it in errors.

    Returns:
        As `read_config`.

    Raises:
        DataError: As `read_config`.

    Example:
        >>> config = parse_config(
        ...     "base_model: Qwen/Qwen3-8B\nlearning_rate: 2e-5\ndatasets: [{path: rows.jsonl}]",
        ...     name="config.yaml",
        ... )
        >>> config.tokenizer, config.datasets[0].path, config.passed_over
        ('Qwen/Qwen3-8B', 'rows.jsonl', ('learning_rate',))
        >>> parse_config("datasets:\n- path: rows.jsonl\n  weight: 0", name="config.yaml")
        Traceback (most recent call last):
        chatmill._chatmill.DataError: config.yaml:3: datasets[0].weight: expected a number above 0, found the integer 0
    """
    root = read_document(text, name=name)
    found = CONFIG_TABLE.read(root)
    if "datasets" not in found.served and "pretraining_dataset" not in found.served:
        raise DataError(f"{name}: there is nothing to prepare: give `datasets`, or `pretraining_dataset`")
    _check_evaluation(found)
    served = {
        _RENAMED.get(key, key): value
        for key, value in found.served.items()
        if key not in (*_TOKENIZERS, "special_tokens")
    }
    special_tokens = dict(found.served.get("special_tokens", {}))
    served["additional_special_tokens"] = special_tokens.pop("additional_special_tokens", ())
    served["special_tokens"] = special_tokens
    served["chat_template"] = jinja_as_said(found)
    served["tokenizer"] = next((found.served[key] for key in _TOKENIZERS if key in found.served), None)
    lines: dict[str, int] = {}
    for value in found.values.values():
        _note_lines(value, lines)
    return Config(path=name, passed_over=found.passed_over, lines=lines, **served)


def _check_evaluation(found: Found) -> None:
    if found.served.get("val_set_size") and "test_datasets" in found.served:
        line = found.values["test_datasets"].line
        raise found.values["val_set_size"].error(
            f"rows are set aside, and there are test_datasets in line {line}: only one is possible, remove the other"
        )


def _note_lines(value: Value, lines: dict[str, int]) -> None:
    lines[value.key] = value.line
    if value.tag == "map":
        for field in value.fields():
            _note_lines(field, lines)
    elif value.tag == "seq":
        for item in value.items():
            _note_lines(item, lines)
