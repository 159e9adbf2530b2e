"""`read_config`: reads a config file into a `Config`."""

import os
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.config.dataset import template_name
from chatmill.config.document import Value, read_document
from chatmill.config.keys import CONFIG_TABLE
from chatmill.config.model import Config
from chatmill.config.table import MappingValues

# Keys of axolotl whose attribute of `Config` has another name.
_RENAMED = {
    "pretraining_dataset": "pretraining",
    "tokens": "added_tokens",
    "shuffle_before_merging_datasets": "shuffle_before_merging",
    "dataset_exact_deduplication": "deduplicate",
    "dataset_prepared_path": "output",
}
_TOKENIZERS = ("tokenizer_config", "base_model_config", "base_model")


def read_config(path: str | os.PathLike[str]) -> Config:
    """Read a config file that has the keys of an axolotl config.

    Args:
        path: A YAML file.

    Returns:
        The values of the keys about the data, the names of the ignored keys, and a warning for each unknown key.

    Raises:
        DataError: The file cannot be read, is not YAML, or has an unsupported key, a value of the wrong type, or an
            unknown key below the top level. The message names the file, the line and the key.

    Example:
        >>> config = read_config("axolotl.yaml")  # doctest: +SKIP
        >>> [dataset.path for dataset in config.datasets]  # doctest: +SKIP
        ['mlabonne/FineTome-100k']
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read the config {os.fspath(path)} ({error}); check the path and the encoding"
        ) from None
    return parse_config(text, name=os.fspath(path))


def parse_config(text: str, *, name: str) -> Config:
    r"""Read the text of a config file.

    Args:
        text: The YAML text.
        name: The name of the file in errors.

    Returns:
        As for `read_config`.

    Raises:
        DataError: As for `read_config`.

    Example:
        >>> config = parse_config(
        ...     "base_model: Qwen/Qwen3-8B\nlearning_rate: 2e-5\ndatasets: [{path: rows.jsonl}]",
        ...     name="config.yaml",
        ... )
        >>> config.tokenizer, config.datasets[0].path, config.ignored
        ('Qwen/Qwen3-8B', 'rows.jsonl', ('learning_rate',))
        >>> parse_config("datasets:\n- path: rows.jsonl\n  weight: 0", name="config.yaml")
        Traceback (most recent call last):
        chatmill._chatmill.DataError: config.yaml:3: datasets[0].weight: expected a number above 0, found the integer 0
    """
    root = read_document(text, name=name)
    found = CONFIG_TABLE.read(root)
    if "datasets" not in found.supported and "pretraining_dataset" not in found.supported:
        raise DataError(f"{name}: there is nothing to prepare; add `datasets` or `pretraining_dataset`")
    _check_evaluation(found)
    values = {
        _RENAMED.get(key, key): value
        for key, value in found.supported.items()
        if key not in (*_TOKENIZERS, "special_tokens")
    }
    special_tokens = dict(found.supported.get("special_tokens", {}))
    values["additional_special_tokens"] = special_tokens.pop("additional_special_tokens", ())
    values["special_tokens"] = special_tokens
    values["chat_template"] = template_name(found)
    values["tokenizer"] = next((found.supported[key] for key in _TOKENIZERS if key in found.supported), None)
    lines: dict[str, int] = {}
    for value in found.values.values():
        _note_lines(value, lines)
    return Config(path=name, ignored=found.ignored, warnings=found.warnings, lines=lines, **values)


def _check_evaluation(found: MappingValues) -> None:
    if found.supported.get("val_set_size") and "test_datasets" in found.supported:
        line = found.values["test_datasets"].line
        raise found.values["val_set_size"].error(
            f"this key cannot be combined with `test_datasets` (line {line}); remove one of them"
        )


def _note_lines(value: Value, lines: dict[str, int]) -> None:
    lines[value.key] = value.line
    if value.tag == "map":
        for field in value.fields():
            _note_lines(field, lines)
    elif value.tag == "seq":
        for item in value.items():
            _note_lines(item, lines)
