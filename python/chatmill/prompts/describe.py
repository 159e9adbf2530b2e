"""`described`: the texts about tools that a prompt has."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError
from chatmill.text.nearest import suggestion
from chatmill.text.parsing import parse_json
from chatmill.tools.schema import schemas_of

#: The template of a tool: a line with its name and its description.
TOOL_TEMPLATE = "- {{ tool.name }}: {{ tool.description }}"
#: The placeholders of the descriptions, one for each tool, and of the names.
DESCRIPTIONS: tuple[str, ...] = ("all_tools", "tool_descriptions", "tools")
NAMES = "tool_names"
OF_TOOLS = (*DESCRIPTIONS, NAMES)

_TAG = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
_KEY = re.compile(r"""\btool(?:\.|\[["'])(\w+)""")
_METHODS = ("get", "items", "keys", "values")
# A chat template renders messages, so it gets one that no template of a tool reads.
_NO_MESSAGE = [{"role": "user", "content": ""}]


def described(tools: Sequence[Any], template: str) -> dict[str, str]:
    """Return the texts about tools by the names of their placeholders.

    Args:
        tools: Python functions, and JSON schemas as mappings or as text.
        template: The template of one tool, as for `Prompt.fill`.

    Raises:
        DataError: A tool or the template is not valid, or two tools have the same name.

    Example:
        >>> tool = {"name": "search", "description": "Searches the web."}
        >>> described([tool], TOOL_TEMPLATE)["all_tools"]
        '- search: Searches the web.'
    """
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Sequence):
        raise DataError(f"`tools` is of type {type(tools).__name__}; give a list of functions or JSON schemas")
    found = [_tool(schema, index) for index, schema in enumerate(schemas_of(tools))]
    names = [tool["name"] for tool in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise DataError(f"tools {names.index(name)} and {index} have the same name, {name!r}; rename one of them")
    text = "\n".join(_describe(tool, template) for tool in found)
    return {**dict.fromkeys(DESCRIPTIONS, text), NAMES: ", ".join(f"'{name}'" for name in names)}


def _tool(schema: Any, index: int) -> dict[str, Any]:
    """Return what a template may read about a tool: its schema, and the names that transformers' agents gave parts."""
    if isinstance(schema, str):
        try:
            schema = parse_json(schema)
        except ValueError as error:
            raise DataError(f"tool {index} is a text that is not JSON ({error}); give a JSON schema") from None
    inner = schema.get("function", schema) if isinstance(schema, Mapping) else None
    if not isinstance(inner, Mapping):
        raise DataError(f"tool {index} is not a JSON schema; give an object with `name` and `description`")
    for key in ("name", "description"):
        if not isinstance(inner.get(key), str):
            raise DataError(f"tool {index} has no text as `{key}`; add one to its JSON schema")
    parameters = inner.get("parameters")
    tool = {**inner, "inputs": parameters.get("properties", {}) if isinstance(parameters, Mapping) else {}}
    returned = inner.get("return")
    if isinstance(returned, Mapping) and "type" in returned:
        tool["output_type"] = returned["type"]
    return tool


def _describe(tool: Mapping[str, Any], template: str) -> str:
    for key in _KEY.findall(" ".join(_TAG.findall(template))):
        if key not in tool and key not in _METHODS:
            hint = suggestion(key, tool, otherwise=f"it has {', '.join(tool)}")
            raise DataError(
                f"`tool_template` reads `tool.{key}`, which the tool {tool['name']!r} does not have; {hint}"
            )
    try:
        compiled = ChatTemplate(template, name="tool_template")
        others = [name for name in compiled.variables if name != "tool"]
        if others:
            raise DataError(f"`tool_template` reads `{others[0]}`; it has only `tool`, such as `tool.name`")
        return compiled.render(_NO_MESSAGE, tool=dict(tool))
    except DataError:
        raise
    except ChatmillError as error:
        raise DataError(f"`tool_template` cannot describe the tool {tool['name']!r}: {error}") from None
