"""`chatmill prepare config.yaml`: a run of several datasets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from chatmill.cli.run_report import print_report
from chatmill.cli.values import check_debug_output, json_object, name_and_path, share_or_number, time_of
from chatmill.config import read_config
from chatmill.config.model import Config
from chatmill.config.prepare import prepare_config
from chatmill.inspect.debug import print_debug
from chatmill.options.choices import ExcessLength
from chatmill.outputs.manifest import TOKENIZER_FOLDER

# The options that replace a key of a config, each with its name in `Config`.
_OVERRIDES = {
    "max_length": "sequence_len", "truncation": "excess_length_strategy", "validation": "val_set_size", "seed": "seed",
    "shuffle": "shuffle_merged_datasets", "deduplicate": "deduplicate", "chat_template_kwargs": "chat_template_kwargs",
}  # fmt: skip
_STRATEGIES: dict[str, ExcessLength] = {"keep_start": "truncate", "drop": "drop", "raise": "raise"}
# The other options that can be combined with a config. All others must be set in the config, if it has such a key.
_WITH_CONFIG = (
    "inputs", "tokenizer", "output", "local", "labels", "threads", "now", "overwrite", "progress", "block_bytes",
    "max_line_bytes", "shard_tokens", "compression", "traceback", "debug",
    "max_rejected", "strict", "quiet", "template", "trainer", "tokenizer_json", "to", "pack",
    "padding", "padding_side", "pad_to_multiple_of", "reserve",
    "resume", "fresh", "cache", "cache_size",
)  # fmt: skip
# What `chatmill why` and `plan` have besides the options of a run.
_OF_WHY = ("folder", "as_json", "unit_bytes", "save", "slurm")

# What a config has in place of some of them.
_KEYS = {
    "format": "`type` of a dataset",
    "map_columns": "the keys of a dataset that begin with `field_` or `message_`",
    "input_format": "`ds_type` of a dataset",
    "template_fallback": "`chat_template`",
    "pad_token": "`special_tokens`",
}


def prepare_by_config(
    context: click.Context, config: str, console: Console, *, debug: int | None = None, quiet: bool = False
) -> None:
    """Run a config with the options of the command, and print the report.

    Args:
        context: The command, with its options.
        config: The file.
        console: The console to print to.
        debug: The number of rows to print token by token.
        quiet: Whether to print only warnings and errors.

    Raises:
        click.UsageError: An option cannot be combined with a config.
        ChatmillError: The run fails.
    """
    chosen, options = config_arguments(context, config)
    if debug is not None:
        check_debug_output(options.get("output", chosen.output))
    report = prepare_config(chosen, **options)
    if debug is not None:
        saved = Path(report.output) / TOKENIZER_FOLDER
        print_debug(report.output, saved if saved.is_dir() else options.get("tokenizer", chosen.tokenizer), debug)
    print_report(report, console, quiet=quiet)


def config_arguments(context: click.Context, config: str) -> tuple[Config, dict[str, Any]]:
    """Return a config with the options of the command in place of its keys, and the arguments of `prepare_config`.

    Args:
        context: The command, with its options.
        config: The file.

    Raises:
        click.UsageError: An option cannot be combined with a config.
        DataError: The config cannot be read.
    """
    given = {name: value for name, value in context.params.items() if _is_given(context, name)}
    for name in sorted(set(given) - {*_WITH_CONFIG, *_OVERRIDES, *_OF_WHY}):
        flag = next(it.opts[0] for it in context.command.params if it.name == name)
        key = _KEYS.get(name)
        remedy = ", which has no key for it; remove it" if key is None else f"; remove it, and use {key} in {config}"
        raise click.UsageError(f"{flag} cannot be combined with a YAML file of datasets{remedy}")
    options: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name not in ("inputs", "traceback", "debug", "quiet", *_OVERRIDES, *_OF_WHY)
    }
    if "local" in options:
        options["local"] = dict(name_and_path(text) for text in options["local"])
    if "now" in options:
        options["now"] = time_of(options["now"])
    if "tokenizer_json" in options:
        options["rebuild"] = not options.pop("tokenizer_json")
    if context.params.get("quiet"):
        options["progress"] = False
    return _overridden(read_config(config), given), options


def _overridden(config: Config, given: dict[str, Any]) -> Config:
    """Return a config in which options of the command replace keys of the file."""
    values = {key: given[name] for name, key in _OVERRIDES.items() if name in given}
    if "excess_length_strategy" in values:
        strategy = _STRATEGIES.get(given["truncation"])
        if strategy is None:
            raise click.UsageError(
                f"--truncation {given['truncation']} cannot be combined with a YAML file of datasets; use one of "
                f"{', '.join(_STRATEGIES)}"
            )
        values["excess_length_strategy"] = strategy
    if "val_set_size" in values:
        if config.test_datasets:
            raise click.UsageError(f"--validation cannot be combined with `test_datasets` of {config.path}")
        values["val_set_size"] = share_or_number(given["validation"])
    if "chat_template_kwargs" in values:
        values["chat_template_kwargs"] = {
            **config.chat_template_kwargs,
            **(json_object(given["chat_template_kwargs"]) or {}),
        }
    return replace(config, **values)


def options_in_place_of_keys(context: click.Context) -> list[str]:
    """Return the names of the options of the command that replace keys of a config.

    Args:
        context: The command, with its options.
    """
    return [name for name in _OVERRIDES if _is_given(context, name)]


def _is_given(context: click.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
