"""`found_inputs`: the inputs of a command. It reads files, so a command imports it only when it runs."""

from collections.abc import Sequence

from chatmill.inputs import InputFile, find_inputs
from chatmill.terminal.lines import say_warning


def found_inputs(inputs: Sequence[str], kind: str | None) -> list[InputFile]:
    """Find the inputs of a command, and print what was left out.

    Args:
        inputs: The arguments.
        kind: The value of --input-format.

    Raises:
        DataError: An input cannot be found.
    """
    files = find_inputs(list(inputs), kind)
    for warning in (warning for file in files for warning in file.warnings):
        say_warning(warning)
    return files
