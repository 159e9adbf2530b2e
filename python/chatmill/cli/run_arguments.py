"""`run_arguments`: the options of a run on the command line, as the arguments of `chatmill.prepare`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from chatmill.cli.values import columns_of, json_object, share_or_number, time_of

# The options that have another name, or another type, in Python, or that only the command has.
_OWN = ("inputs", "local", "map_columns", "tokenizer_json", "allow_special_token", "debug", "quiet", "traceback")
_SIZES = ("block_bytes", "max_line_bytes", "shard_tokens")


def config_of(inputs: Sequence[str]) -> str | None:
    """Return the YAML file of datasets, if the inputs are one.

    Args:
        inputs: The inputs as they were given.

    Raises:
        click.UsageError: There are other inputs besides it.
    """
    configs = [name for name in inputs if name.endswith((".yaml", ".yml"))]
    if configs and len(inputs) > 1:
        raise click.UsageError(f"{configs[0]} is a YAML file of datasets; give it as the only input")
    return configs[0] if configs else None


def run_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `chatmill.prepare`.

    Args:
        options: The values of the options of the command, by their names.

    Raises:
        click.UsageError: An option is missing, or only for a YAML file.
        DataError: The value of an option cannot be read.
    """
    if options["tokenizer"] is None:
        raise click.UsageError("--tokenizer is missing; give a folder, a tokenizer.json or a Hub id")
    if options["output"] is None:
        raise click.UsageError("--output is missing; give the output folder")
    if options["local"]:
        raise click.UsageError("--local is only for a YAML file of datasets; remove it")
    plain = {name: value for name, value in options.items() if name not in (*_OWN, *_SIZES)}
    return {
        **plain,
        **{name: options[name] for name in _SIZES if options[name] is not None},
        "inputs": list(options["inputs"]),
        "rebuild": not options["tokenizer_json"],
        "columns": columns_of(options["map_columns"]),
        "allowed_special_tokens": options["allow_special_token"],
        "chat_template_kwargs": json_object(options["chat_template_kwargs"]),
        "limits": json_object(options["limits"], "--limits"),
        "now": time_of(options["now"]),
        "validation": share_or_number(options["validation"]),
        "progress": False if options["quiet"] else options["progress"],
    }
