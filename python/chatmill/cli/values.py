"""Parsing of option values: JSON objects, times, shares and `NAME=PATH`."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from chatmill._chatmill import DataError
from chatmill.pipeline.limit import RejectLimit
from chatmill.text.parsing import parse_json

_EXAMPLES = {"--chat-template-kwargs": '{"enable_thinking": false}', "--limits": '{"memory": 1073741824}'}


def json_object(text: str | None, option: str = "--chat-template-kwargs") -> dict[str, Any] | None:
    """Parse the value of an option that is a JSON object.

    Args:
        text: JSON text of an object, or None.
        option: The option, for errors: --chat-template-kwargs or --limits.

    Raises:
        click.UsageError: The text is not a JSON object.

    Example:
        >>> json_object('{"enable_thinking": false}')
        {'enable_thinking': False}
    """
    if text is None:
        return None
    try:
        value = parse_json(text)
    except ValueError as cause:
        raise click.UsageError(
            f"{option} is {text!r}, which is not valid JSON ({cause}); give a JSON object such as '{_EXAMPLES[option]}'"
        ) from None
    if not isinstance(value, dict):
        raise click.UsageError(
            f"{option} is {text!r}, which is not a JSON object; give one such as '{_EXAMPLES[option]}'"
        )
    return value


def time_of(text: str | None) -> datetime | None:
    """Parse the value of --now.

    Args:
        text: A time in ISO format, or None.

    Raises:
        click.UsageError: The text is not a time.

    Example:
        >>> time_of("2025-07-01T12:00")
        datetime.datetime(2025, 7, 1, 12, 0)
    """
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--now is {text!r}; give a time such as 2025-07-01T12:00") from None


def share_or_number(text: str) -> float | int:
    """Parse the value of --validation.

    Args:
        text: A share such as `0.05`, or a number of samples.

    Raises:
        click.UsageError: The text is not a number.

    Example:
        >>> share_or_number("0.05"), share_or_number("500")
        (0.05, 500)
    """
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise click.UsageError(f"--validation is {text!r}; give a share such as 0.05, or a number of samples") from None


def columns_of(texts: Sequence[str] | None) -> dict[str, str] | None:
    """Parse the values of --map.

    Args:
        texts: Texts such as `NAME=COLUMN`, or None.

    Raises:
        click.UsageError: A text has no `=`, or a name is empty or given twice.

    Example:
        >>> columns_of(["question=problem", "answer=solution"])
        {'question': 'problem', 'answer': 'solution'}
    """
    columns: dict[str, str] = {}
    for text in texts or ():
        name, found, column = (it.strip() for it in text.partition("="))
        if not (name and found and column):
            raise click.UsageError(f"--map is {text!r}; give NAME=COLUMN, such as answer=solution")
        if name in columns:
            raise click.UsageError(f"--map names {name!r} twice; give each name once")
        columns[name] = column
    return columns or None


def check_reject_limit(text: str) -> str:
    """Check the value of --max-rejected.

    Args:
        text: A percentage, a share or a number.

    Raises:
        click.UsageError: The text is none of these.

    Example:
        >>> check_reject_limit("5%")
        '5%'
    """
    try:
        RejectLimit.of(text)
    except DataError as error:
        raise click.UsageError(str(error).replace("`max_rejected`", "--max-rejected")) from None
    return text


def check_trainer(text: str | None) -> str | None:
    """Check the value of --for.

    Args:
        text: The name of a trainer, or None.

    Raises:
        click.UsageError: chatmill has no columns for it.

    Example:
        >>> check_trainer("trl")
        'trl'
    """
    from chatmill.trainers.input import input_of

    try:
        input_of(text)
    except DataError as error:
        raise click.UsageError(str(error).replace("`trainer`", "--for")) from None
    return text


def check_debug(trainer: str | None, to: str | None = None, pack: int | None = None) -> None:
    """Check that --debug can print the rows of an output.

    Args:
        trainer: The value of --for, or None.
        to: The value of --to, or None.
        pack: The value of --pack, or None.

    Raises:
        click.UsageError: The output has no labels, or is not Parquet.

    Example:
        >>> check_debug("trl")
    """
    from chatmill.trainers.input import input_of

    if pack is not None:
        raise click.UsageError("--debug cannot print packs; leave out --debug, or use `show`")
    if to not in (None, "parquet"):
        raise click.UsageError(f"--debug cannot print the layout {to}; leave out --debug, or use `show`")
    trainer_input = input_of(trainer)
    if trainer_input is not None and (trainer_input.files != "parquet" or "loss_mask" in trainer_input.columns):
        raise click.UsageError(f"--debug cannot print an output for {trainer}; leave out --debug, or use `show`")


def check_debug_output(output: str | os.PathLike[str] | None) -> None:
    """Check that --debug can read an output.

    Args:
        output: The value of --output, or None.

    Raises:
        click.UsageError: The output is not on this machine.

    Example:
        >>> check_debug_output("tokens")
    """
    from chatmill.outputs.url import is_url

    if output is not None and is_url(output):
        raise click.UsageError(
            "--debug cannot print an output that is not on this machine; leave out --debug, or use `show`"
        )


def name_and_path(text: str) -> tuple[str, str]:
    """Parse a value of --local.

    Args:
        text: `NAME=PATH`.

    Raises:
        click.UsageError: The text has no `=`.

    Example:
        >>> name_and_path("org/set=rows.jsonl")
        ('org/set', 'rows.jsonl')
    """
    name, found, path = text.partition("=")
    if not found:
        raise click.UsageError(f"--local is {text!r}, without a `=`; give NAME=PATH, such as org/set=rows.jsonl")
    return name, path
