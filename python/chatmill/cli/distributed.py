"""`chatmill plan`, `run-unit` and `merge`: a run on several machines."""

import re
from pathlib import Path
from typing import Any

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import AtLeast, traceback_option
from chatmill.cli.prepare import prepare
from chatmill.cli.run_arguments import config_of, run_arguments
from chatmill.terminal.lines import say, say_note

# What only one process uses.
_ONLY_FOR_RUNS = ("debug", "progress", "quiet", "fresh", "resume")
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

    It prints the units of the run as JSON, for `run-unit` and `merge`. The inputs and options are those of `prepare`.
    All machines must read the same paths; --cache names the folder in which they leave tokens, which is the output with
    the suffix .blocks by default.
    """
    with clear_errors(traceback=context.params["traceback"]):
        if slurm and save is None:
            raise click.UsageError("--slurm needs the file of the plan; add --save plan.json")
        from chatmill.distributed.plan import UNIT_BYTES, make_plan
        from chatmill.distributed.slurm import slurm_script

        found = make_plan(_arguments(context), unit_bytes=unit_bytes or UNIT_BYTES)
        if save is not None:
            save.write_text(found.to_json(), encoding="utf-8")
        say(slurm_script(found, str(save)) if slurm else found.to_json() if save is None else _about(found.units, save))


# The options are those of `prepare`.
plan.params = [*(it for it in prepare.params if it.name not in _ONLY_FOR_RUNS), *plan.params]
app.add_command(plan)


@app.command("run-unit")
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path), help="The file of a plan.")
@click.argument("units", metavar="K", nargs=-1, required=True, help="Numbers of units from 0, or ranges such as 0-9.")
@traceback_option
def run_unit(plan: Path, units: tuple[str, ...], traceback: bool) -> None:
    """Make the tokens of units of a plan.

    Those that are there are not made again.
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
        from chatmill.cli.config import print_report
        from chatmill.distributed.merge import merge as run
        from chatmill.distributed.plan import DistributedPlan
        from chatmill.terminal.console import new_console

        print_report(run(DistributedPlan.read(plan)), new_console(), quiet=quiet)


def _arguments(context: click.Context) -> dict[str, Any]:
    given = {name: value for name, value in context.params.items() if name not in _OF_PLAN}
    config = config_of(given["inputs"])
    if config is not None:
        from chatmill.cli.config import config_arguments
        from chatmill.config import read_config

        chosen, options = config_arguments(context, config)
        if chosen != read_config(config):
            raise click.UsageError(
                f"a plan takes the values of {config} alone; change its keys in place of the options"
            )
        return {**options, "config": config}
    return run_arguments({**dict.fromkeys(_ONLY_FOR_RUNS), **given, "resume": True, "fresh": False})


def _numbers(units: tuple[str, ...], count: int) -> list[int]:
    found: list[int] = []
    for text in units:
        first, dash, last = text.partition("-")
        if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
            raise click.UsageError(f"{text!r} is no unit; give numbers such as 0, or ranges such as 0-9")
        start, end = int(first), int(last if dash else first)
        if start > end:
            raise click.UsageError(f"{text!r} has no unit; give the smaller number first")
        if start >= count:
            raise click.UsageError(f"there is no unit {start}; the plan has the units 0 to {count - 1}")
        # The last job of an array may have fewer units.
        found += range(start, min(end, count - 1) + 1)
    return found


def _about(units: Any, save: Path) -> str:
    say_note(
        f"run each of the {len(units):,} units with `chatmill run-unit {save} K`, and then `chatmill merge {save}`"
    )
    return str(save)
