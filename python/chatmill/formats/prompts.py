"""`prompt_text`: a prompt with placeholders as the content of a message of a format."""

from collections.abc import Mapping
from typing import Any

from chatmill._chatmill import DataError
from chatmill.prompts import Prompt
from chatmill.prompts.describe import OF_TOOLS, TOOL_TEMPLATE
from chatmill.text.nearest import suggestion

_KEYS = ("prompt", "delimiters", "tools", "tool_template", "values")


def prompt_text(given: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return a prompt in Jinja. Placeholders without a value are fields of the rows.

    Args:
        given: The content of a message: `prompt`, and optionally `delimiters`, `tools`, `tool_template` and `values`.
        fields: The fields of the format.

    Raises:
        DataError: A key is not valid, or a placeholder has neither a value nor a field.

    Example:
        >>> prompt_text({"prompt": "<<who>>, <<task>>", "values": {"who": "You"}}, {"task": "text"})
        "{{ 'You' }}{{ ', ' }}{{ task }}"
    """
    for key in sorted(set(given) - set(_KEYS)):
        hint = suggestion(str(key), _KEYS, otherwise=f"use one of {', '.join(_KEYS)}")
        raise DataError(f"the content of a message has no key {key!r}; {hint}")
    if "prompt" not in given:
        raise DataError("the content of a message is an object without `prompt`; write a text, or add `prompt`")
    prompt = Prompt(given["prompt"], given.get("delimiters", ("<<", ">>")))
    template = given.get("tool_template", TOOL_TEMPLATE)
    tools, values = given.get("tools"), given.get("values", {})
    if not isinstance(values, Mapping):
        raise DataError(f"the `values` of a prompt are {values!r}; give an object with a text for each placeholder")
    known = {*values, *fields, *(() if tools is None else OF_TOOLS)}
    for name in prompt.names:
        if name not in known:
            hint = suggestion(name, known, otherwise="add it to `values`, or give `tools` if it is about tools")
            raise DataError(f"the placeholder {name!r} of a prompt has no value, and is not a field; {hint}")
    pieces = prompt.pieces(tools, template, values, left=fields)
    return "".join(f"{{{{ {piece.name or repr(piece.text)} }}}}" for piece in pieces if piece.text)
