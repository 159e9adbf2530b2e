"""`chatmill why`: what a run can take from earlier ones. `chatmill cache`: the blocks in a folder of `--cache`."""

from typing import TYPE_CHECKING

import click

from chatmill.cli.app import app, clear_errors
from chatmill.cli.options import traceback_option
from chatmill.cli.prepare import prepare
from chatmill.cli.run_arguments import config_of, run_arguments
from chatmill.terminal.lines import say

if TYPE_CHECKING:
    from chatmill.pipeline.planned import PlannedRun

# What only an actual run uses.
_ONLY_FOR_RUNS = ("output", "overwrite", "debug", "progress", "quiet", "fresh", "resume")


@click.command("why")
@click.argument("folder", metavar="OUTPUT", type=click.Path(), help="The output folder of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def why(context: click.Context, /, folder: str, as_json: bool, **_options: object) -> None:
    """Tell what a run would take from earlier ones.

    It also tells why it must make the other blocks again. Give the inputs and the options of the run. Nothing is
    written.
    """
    with clear_errors(traceback=context.params["traceback"]):
        from chatmill.pipeline.why import why as explain

        found = explain(_planned(context, folder))
        say(found.to_json() if as_json else found)


# The options are those of `prepare`, so that the command of a run can be repeated with `why` and the output in front.
why.params = [why.params[0], *(it for it in prepare.params if it.name not in _ONLY_FOR_RUNS), *why.params[1:]]
app.add_command(why)


def _planned(context: click.Context, folder: str) -> "PlannedRun":
    from chatmill.config.prepare import plan_config
    from chatmill.pipeline.job import plan

    config = config_of(context.params["inputs"])
    if config is not None:
        from chatmill.cli.config import config_arguments

        chosen, options = config_arguments(context, config)
        return plan_config(chosen, **{**options, "output": folder})
    given = {name: value for name, value in context.params.items() if name not in ("folder", "as_json")}
    return plan(**run_arguments({**dict.fromkeys(_ONLY_FOR_RUNS, False), **given, "output": folder}))


@app.group()
def cache() -> None:
    """List or remove the blocks in a folder of `prepare --cache`."""


@cache.command("ls")
@click.argument("folder", metavar="DIR", type=click.Path(), help="The folder of `--cache`.")
@traceback_option
def list_blocks(folder: str, traceback: bool) -> None:
    """List the blocks in a cache.

    There is a line for each tokenizer, template and set of options.
    """
    with clear_errors(traceback=traceback):
        from chatmill.resume.cache import cache_lines

        for line in cache_lines(folder):
            say(line)


@cache.command()
@click.argument("folder", metavar="DIR", type=click.Path(), help="The folder of `--cache`.")
@click.option(
    "--max-size",
    default="0",
    metavar="SIZE",
    help="The size of the blocks that stay, such as 20GB or 500MB; 0 removes all.",
)
@traceback_option
def prune(folder: str, max_size: str, traceback: bool) -> None:
    """Remove old blocks of a cache.

    The blocks that were not used for the longest time are removed, until the others fit into --max-size.
    """
    with clear_errors(traceback=traceback):
        from chatmill.resume.cache import prune_cache
        from chatmill.resume.cache_size import parse_size

        say(prune_cache(folder, parse_size(max_size)))
