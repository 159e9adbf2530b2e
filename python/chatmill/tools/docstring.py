"""`read_docstring`: reads Google-style docstrings by the rules of transformers.

A schema must equal the schema that transformers makes from the same function, so odd rules are kept on purpose.
"""

import re
from dataclasses import dataclass

_ARGUMENT = re.compile(r"([ \t]*)(\w+):")


@dataclass(frozen=True)
class Docstring:
    """The parts of a docstring that a schema uses.

    Attributes:
        description: The text before the sections.
        arguments: The description of each argument.
        returns: The description of the returned value, or None without a section `Returns:`.
    """

    description: str
    arguments: dict[str, str]
    returns: str | None


def read_docstring(text: str) -> Docstring:
    r"""Split a docstring into its parts.

    Args:
        text: A docstring in Google style, without its indentation.

    Example:
        >>> read_docstring("Multiply.\n\nArgs:\n    x: The number.").arguments
        {'x': 'The number.'}
    """
    # transformers ends the description at these words wherever they occur, even in the middle of a line.
    description = _before(text, "Args:|Returns:|Raises:").strip()
    arguments = _section(text, "Args", "Returns:|Raises:")
    returns = _section(text, "Returns", "Raises:")
    return Docstring(description, _read_arguments(arguments or ""), None if returns is None else returns.strip())


def _section(text: str, title: str, end: str) -> str | None:
    heading = re.search(rf"\n\s*{title}:\n", text)
    return None if heading is None else _before(text[heading.end() :], end).rstrip()


def _before(text: str, end: str) -> str:
    return re.split(end, text, maxsplit=1)[0]


def _read_arguments(section: str) -> dict[str, str]:
    """Return the description of each argument as one line.

    A description reaches from its name to the next name that is not indented deeper.
    """
    words: dict[str, list[str]] = {}
    name, deeper = "", ("", "")
    for line in section.split("\n"):
        if not line.strip():
            continue
        start = _ARGUMENT.match(line)
        # If a name has no text on its line, the next line is its description, even if that line looks like a name.
        if start and (not name or (any(words[name]) and not line.startswith(deeper))):
            indent, name = start.groups()
            deeper = (f"{indent} ", f"{indent}\t")
            words[name] = [line[start.end() :].strip()]
        elif name:
            words[name].append(line.strip())
    return {name: " ".join(filter(None, lines)) for name, lines in words.items()}
