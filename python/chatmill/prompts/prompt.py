"""`Prompt`: a text with placeholders of its own, such as `<<task>>`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chatmill._chatmill import DataError
from chatmill.prompts.describe import DESCRIPTIONS, OF_TOOLS, TOOL_TEMPLATE, described
from chatmill.text.nearest import suggestion

# What stands between delimiters and looks like a name: words, with spaces, hyphens and dots that a name cannot have.
# The limits keep the time linear.
_LIKE_A_NAME = r"\s{0,9}[^\W\d][\w .\-]{0,99}?\s{0,9}"


class Piece(NamedTuple):
    """A part of a prompt.

    Attributes:
        text: The text.
        name: The name of a placeholder that has no value; None for text.
        at: The first character of the placeholder in the prompt.
    """

    text: str
    name: str | None = None
    at: int = 0


@dataclass(frozen=True)
class Prompt:
    r"""A text with placeholders, which are filled with values and with descriptions of tools.

    A placeholder is a name between delimiters, such as `<<task>>`. transformers' agents used such prompts.

    Args:
        text: The text.
        delimiters: What is before and after the name of a placeholder.

    Raises:
        DataError: A delimiter is empty, or a placeholder does not have a valid name.

    Example:
        >>> prompt = Prompt("You have these tools:\n<<all_tools>>\nTask: <<task>>")
        >>> prompt.names
        ('all_tools', 'task')
        >>> def search(query: str):
        ...     '''Searches the web.
        ...
        ...     Args:
        ...         query: What to search for.
        ...     '''
        >>> print(prompt.fill(tools=[search], task="Find the height of K2."))
        You have these tools:
        - search: Searches the web.
        Task: Find the height of K2.
    """

    text: str
    delimiters: tuple[str, str] = ("<<", ">>")
    _pieces: tuple[Piece, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in (("text", self.text), *(("delimiters", it) for it in self.delimiters)):
            if not isinstance(value, str):
                raise DataError(f"`{name}` of a prompt has {value!r}, which is not a text; give a text")
        if isinstance(self.delimiters, str) or len(self.delimiters) != 2 or not all(self.delimiters):
            raise DataError(f'`delimiters` is {self.delimiters!r}; give two texts, such as ("<<", ">>")')
        object.__setattr__(self, "delimiters", tuple(self.delimiters))
        object.__setattr__(self, "_pieces", tuple(self._parsed()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the placeholders, in the order in which they come first."""
        return tuple(dict.fromkeys(piece.name for piece in self._pieces if piece.name is not None))

    def fill(self, /, tools: Sequence[Any] | None = None, tool_template: str = TOOL_TEMPLATE, **values: str) -> str:
        """Return the text with all placeholders filled.

        Text that is filled in is not read again: a placeholder in a value or in a description stays as it is.

        Args:
            tools: Python functions, and JSON schemas as mappings or as text, for the placeholders `all_tools`,
                `tool_descriptions` and `tools` (the descriptions of the tools, each on a line of its own) and
                `tool_names` (`'first', 'second'`).
            tool_template: The description of one tool in Jinja. `tool` has the keys of the JSON schema of the function:
                `name`, `description` and others; the arguments as `inputs`, and the type of `return` as `output_type`.
            values: The text of each other placeholder.

        Raises:
            DataError: A placeholder has no value, a value has no placeholder, or a tool or the template is not valid.

        Example:
            >>> tools = [{"name": "add", "description": "Adds.", "parameters": {"properties": {"x": {}}}}]
            >>> Prompt("[tools]", ("[", "]")).fill(tools, "{{ tool.name }}{{ tool.inputs | list }}")
            "add['x']"
        """
        return "".join(piece.text for piece in self.pieces(tools, tool_template, values))

    def pieces(
        self, tools: Sequence[Any] | None, tool_template: str, values: Mapping[str, str], left: Iterable[str] = ()
    ) -> list[Piece]:
        """Return the text in pieces, in which some placeholders may be left without a value.

        Args:
            tools: As for `fill`.
            tool_template: As for `fill`.
            values: The text of each other placeholder.
            left: Names that may have no value.

        Raises:
            DataError: As for `fill`.
        """
        filled: dict[str, str] = {}
        for name, value in values.items():
            if name not in self.names:
                known = ", ".join(self.names) or "none"
                hint = suggestion(name, self.names, otherwise=f"its placeholders: {known}")
                raise DataError(f"the prompt has no placeholder {self._written(name)}; {hint}")
            if not isinstance(value, str):
                raise DataError(
                    f"the value of {self._written(name)} is of type {type(value).__name__}; give a text, such as "
                    f"{name}=str(…)"
                )
            filled[name] = value
        if tools is not None:
            twice = next((name for name in OF_TOOLS if name in filled), None)
            if twice is not None:
                raise DataError(f"{self._written(twice)} has a value, and `tools` describes it too; remove one of them")
            if not any(name in OF_TOOLS for name in self.names):
                raise DataError(
                    f"the prompt has no placeholder for tools; add one such as {self._written(DESCRIPTIONS[0])}, or "
                    "remove `tools`"
                )
            filled.update(described(tools, tool_template))
        left = {*left}
        empty: dict[str, Piece] = {}
        for piece in self._pieces:
            if piece.name is not None and piece.name not in filled and piece.name not in left:
                empty.setdefault(piece.name, piece)
        if empty:
            told = ", ".join(f"{self._written(name)} at {self._place(piece.at)}" for name, piece in empty.items())
            first = next(iter(empty))
            near = f"tools=[…] or {first}=…" if first in OF_TOOLS else f"{first}=…"
            raise DataError(f"the prompt has placeholders without a value: {told}; give {near}")
        return [piece if piece.name not in filled else Piece(filled[piece.name]) for piece in self._pieces]

    def _written(self, name: str) -> str:
        return f"`{name.join(self.delimiters)}`"

    def _place(self, at: int) -> str:
        before = self.text[:at]
        return f"line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"

    def _parsed(self) -> Iterable[Piece]:
        opened, closed = map(re.escape, self.delimiters)
        end = 0
        for found in re.finditer(f"{opened}({_LIKE_A_NAME}){closed}", self.text):
            name, at = found[1], found.start()
            if not name.isidentifier():
                raise DataError(
                    f"{self._place(at)} of the prompt: `{found[0]}` is not a placeholder, because {name!r} is not a "
                    "name of letters, digits and underscores; correct it, or choose other `delimiters`"
                )
            if name == "tool_template":
                raise DataError(
                    f"{self._place(at)} of the prompt: `{found[0]}` has the name of an argument of `fill`; rename it"
                )
            yield from [Piece(self.text[end:at]), Piece(found[0], name, at)]
            end = found.end()
        yield Piece(self.text[end:])
