"""The texts of user-defined formats, from axolotl's format strings such as `{instruction} {input} `."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from chatmill._chatmill import DataError
from chatmill.text.nearest import suggestion

_NAMES = ("instruction", "input", "system")
FORMAT, NO_INPUT_FORMAT = "{instruction} {input} ", "{instruction} "


@dataclass(frozen=True)
class UserText:
    """The text of a format.

    Attributes:
        source: Jinja source with the variables system, instruction, input and output.
        used: The names of the fields in its prompts.
    """

    source: str
    used: frozenset[str]


def user_defined_text(
    system_prompt: str, format: str | None, no_input_format: str | None, system_format: str
) -> UserText:
    """Build the text of a prompt and an answer.

    Args:
        system_prompt: The system prompt of rows without a system field.
        format: The format string of prompts with input; None for the default.
        no_input_format: The format string of prompts without input; None for the default.
        system_format: The format string of the system prompt.

    Raises:
        DataError: A format string is not valid.
    """
    with_input = FORMAT if format is None else format
    without = NO_INPUT_FORMAT if no_input_format is None else no_input_format
    sources = {name: _source(name, text) for name, text in (("format", with_input), ("no_input_format", without))}
    system, _ = _source("system_format", system_format)
    used = frozenset(sources["format"][1] | sources["no_input_format"][1])
    # The default for rows without input prints the instruction, so a format without an instruction serves all rows.
    if format is not None and no_input_format is None and "instruction" not in sources["format"][1]:
        sources["no_input_format"] = sources["format"]
        used = sources["format"][1]
    said = f"{{% set system = system or {system_prompt!r} %}}"
    before = f"{{{{ bos_token }}}}{said}{{% if system %}}{{{{ '' }}}}{system}{{{{ '' }}}}{{% endif %}}"
    prompt = (
        f"{{% if input %}}{{{{ '' }}}}{sources['format'][0]}{{{{ '' }}}}"
        f"{{% else %}}{{{{ '' }}}}{sources['no_input_format'][0]}{{{{ '' }}}}{{% endif %}}"
    )
    return UserText(f"{before}{prompt}{{% generation %}}{{{{ ended(output) }}}}{{% endgeneration %}}", used)


def user_defined_answers(columns: Mapping[str, str], formats: Mapping[str, str]) -> dict[str, Any]:
    """Build the definition of a prompt with answers.

    Args:
        columns: The columns of `prompt`, `system`, and `chosen` and `rejected`, or `completion` and `label`.
        formats: The format strings of the prompt and of each answer, with these names in braces.

    Raises:
        DataError: A format string is not valid.
    """
    answers = [name for name in ("chosen", "rejected", "completion") if name in columns]

    def source(name: str, *known: str) -> str:
        # The format string may also have the name of the column in braces.
        text = formats.get(name) or f"{{{name}}}"
        for it in known:
            text = text.replace(f"{{{columns[it]}}}", f"{{{it}}}")
        return _source(f"{name}_format", text, known)[0]

    made = {"prompt": source("prompt", "system", "prompt"), "answers": [source(name, name) for name in answers]}
    label = {"label": "label"} if "label" in columns else {}
    return {
        "about": "a prompt and answers, in a text that the user defines",
        "fields": {"system": "optional text", "prompt": "text", **dict.fromkeys(answers, "text")},
        "answers": {"prompt": "prompt", "names": answers, **label, "made": made},
    }


def _source(key: str, text: str, known: Sequence[str] = _NAMES) -> tuple[str, frozenset[str]]:
    """Return the Jinja source of a format string, and the names that it uses."""
    source, used = "", set()
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise DataError(f"`{key}` is {text!r}, not a valid format string ({error}); write {{{{ for a brace") from None
    for literal, name, spec, conversion in pieces:
        source += f"{{{{ {literal!r} }}}}" if literal else ""
        if name is None:
            continue
        if name not in known or spec or conversion:
            hint = suggestion(name, known, otherwise=f"use one of {', '.join(known)}")
            raise DataError(f"`{key}` has {{{name}}}, which is not a field (write {{{{ for a brace); {hint}")
        source += f"{{{{ {name} }}}}"
        used.add(name)
    return source, frozenset(used)
