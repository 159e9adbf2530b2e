"""`chatmill plan`, `run-unit` and `merge`: a run on several machines."""

import re
from pathlib import Path
from typing import Any

import click

from chatmill._chatmill import DataError
from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import AtLeast, traceback_option
from chatmill.cli.prepare import prepare
from chatmill.cli.run_arguments import config_of, run_arguments
from chatmill.terminal.lines import say, say_note
from chatmill.text.numbers import counted

# What only one process uses.
_ONLY_FOR_RUNS = ("debug", "progress", "quiet", "fresh", "resume", "cache_size")
# No more digits than any plan needs.
_NUMBER = re.compile(r"[0-9]{1,18}")
_OF_PLAN = ("unit_bytes", "save", "slurm")


@click.command("plan")
@click.option(
    "--unit-bytes", type=AtLeast(1), metavar="N", help="Bytes of rows in a unit. Default: 67,108,864 (64 MiB)."
)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write the plan to this file.")
@click.option("--slurm", is_flag=True, help="Print a script for Slurm that runs the plan of --save.")
@click.pass_context
def plan(context: click.Context, /, unit_bytes: int | None, save: Path | None, slurm: bool, **_options: Any) -> None:
    """Plan a run on several machines.

    It prints the plan as JSON, for `run-unit` and `merge`. The inputs and options are those of `prepare`. Paths must be
    the same on all machines. All machines need the folder of --cache, which keeps the tokens; the default is the output
    with the suffix .blocks, which the merge removes.
    """
    with clear_errors(traceback=context.params["traceback"]):
        if slurm and save is None:
            raise click.UsageError("--slurm needs the file of the plan; add --save plan.json")
        from chatmill.distributed.plan import UNIT_BYTES, make_plan
        from chatmill.distributed.slurm import slurm_script

        found = make_plan(_arguments(context), unit_bytes=unit_bytes or UNIT_BYTES)
        if save is not None:
            _write(found.to_json(), save)
        say(slurm_script(found, str(save)) if slurm else found.to_json() if save is None else _about(found.units, save))


# The options are those of `prepare`.
plan.params = [*(it for it in prepare.params if it.name not in _ONLY_FOR_RUNS), *plan.params]
app.add_command(plan)


@app.command("run-unit")
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path), help="The file of a plan.")
@click.argument(
    "units", metavar="UNIT...", nargs=-1, required=True, help="Numbers of units from 0, or ranges such as 0-9."
)
@traceback_option
def run_unit(plan: Path, units: tuple[str, ...], traceback: bool) -> None:
    """Make the tokens of units of a plan.

    Blocks that are there are not made again.
    """
    with clear_errors(traceback=traceback):
        from chatmill.distributed.plan import DistributedPlan
        from chatmill.distributed.unit import run_unit as run

        found = DistributedPlan.read(plan)
        parts = found.parts()
        for number in _numbers(units, len(found.units)):
            say(run(found, number, parts))


@app.command()
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path), help="The file of a plan.")
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings and errors, on stderr.")
@traceback_option
def merge(plan: Path, quiet: bool, traceback: bool) -> None:
    """Write the output of a plan whose units are done.

    It is the output that `prepare` would have written.
    """
    with clear_errors(traceback=traceback):
        from chatmill.cli.run_report import print_report
        from chatmill.distributed.merge import merge as run
        from chatmill.distributed.plan import DistributedPlan
        from chatmill.terminal.console import new_console

        print_report(run(DistributedPlan.read(plan)), new_console(), quiet=quiet)


def _arguments(context: click.Context) -> dict[str, Any]:
    given = {name: value for name, value in context.params.items() if name not in _OF_PLAN}
    config = config_of(given["inputs"])
    if config is not None:
        from chatmill.cli.config import config_arguments, options_in_place_of_keys
        from chatmill.config import read_config

        chosen, options = config_arguments(context, config)
        if chosen != read_config(config):
            flags = [it.opts[0] for it in context.command.params if it.name in options_in_place_of_keys(context)]
            raise click.UsageError(
                f"options of `chatmill plan` cannot change {config}; remove {', '.join(flags)}, and change the key in "
                f"{config}"
            )
        return {**options, "config": config}
    return run_arguments({**dict.fromkeys(_ONLY_FOR_RUNS), **given, "resume": True, "fresh": False})


def _numbers(units: tuple[str, ...], count: int) -> list[int]:
    from chatmill.distributed.unit import no_such_unit

    found: list[int] = []
    for text in units:
        first, dash, last = text.partition("-")
        if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
            raise click.UsageError(f"{text!r} is not a number of a unit; give numbers such as 0, or ranges such as 0-9")
        start, end = int(first), int(last if dash else first)
        if end < start:
            raise click.UsageError(f"the range {text} ends before it begins; give {last}-{first}")
        if start >= count:
            raise click.UsageError(no_such_unit(start, count))
        # The last job of an array may have fewer units.
        found += range(start, min(end, count - 1) + 1)
    return found


def _write(text: str, save: Path) -> None:
    try:
        save.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write the plan {save} ({error.strerror or error}); give another file") from None


def _about(units: Any, save: Path) -> str:
    numbers = "0" if len(units) == 1 else f"0-{len(units) - 1}"
    each = "" if len(units) == 1 else ", or each unit on a machine of your choice"
    say_note(
        f"the plan has {counted(len(units), 'unit')}: run `chatmill run-unit {save} {numbers}`{each}; then "
        f"`chatmill merge {save}`"
    )
    return str(save)
