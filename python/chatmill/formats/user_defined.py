"""The formats of axolotl's user-defined types, such as `{instruction} {input} `, as the texts of a format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from chatmill._chatmill import DataError

_NAMES = ("instruction", "input", "system")
FORMAT, NO_INPUT_FORMAT = "{instruction} {input} ", "{instruction} "


@dataclass(frozen=True)
class UserText:
    """A text of a format.

    Attributes:
        source: Jinja source over system, instruction, input and output.
        used: The fields that its prompts print.
    """

    source: str
    used: frozenset[str]


def user_defined_text(
    system_prompt: str, format: str | None, no_input_format: str | None, system_format: str
) -> UserText:
    """Put the text together.

    Args:
        system_prompt: What is said where a row has no system field.
        format: The prompt with input.
        no_input_format: The prompt without.
        system_format: How the system prompt is written.

    Raises:
        DataError: A format cannot be read.
    """
    with_input = FORMAT if format is None else format
    without = NO_INPUT_FORMAT if no_input_format is None else no_input_format
    sources = {name: _source(name, text) for name, text in (("format", with_input), ("no_input_format", without))}
    system, _ = _source("system_format", system_format)
    used = frozenset(sources["format"][1] | sources["no_input_format"][1])
    # A format that prints the input alone has nothing to say of rows without one.
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
    """The definition of a prompt and answers in the user's own words.

    Args:
        columns: What rows call `prompt` and `system`, and `chosen` and `rejected`, or `completion` and `label`.
        formats: How the prompt and each answer are written, with these names in braces.

    Raises:
        DataError: A format cannot be read.
    """
    answers = [name for name in ("chosen", "rejected", "completion") if name in columns]

    def source(name: str, *known: str) -> str:
        # What a row calls the field is understood as well.
        text = formats.get(name) or f"{{{name}}}"
        for it in known:
            text = text.replace(f"{{{columns[it]}}}", f"{{{it}}}")
        return _source(f"{name}_format", text, known)[0]

    made = {"prompt": source("prompt", "system", "prompt"), "answers": [source(name, name) for name in answers]}
    label = {"label": "label"} if "label" in columns else {}
    return {
        "about": "a prompt and answers in the user's own words",
        "fields": {"system": "optional text", "prompt": "text", **dict.fromkeys(answers, "text")},
        "answers": {"prompt": "prompt", "names": answers, **label, "made": made},
    }


def _source(key: str, text: str, known: Sequence[str] = _NAMES) -> tuple[str, frozenset[str]]:
    """Jinja for a text with names in braces, and the names."""
    source, used = "", set()
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise DataError(f"{key}: {error}; write {{{{ for a brace that is text") from None
    for literal, name, spec, conversion in pieces:
        source += f"{{{{ {literal!r} }}}}" if literal else ""
        if name is None:
            continue
        if name not in known or spec or conversion:
            raise DataError(f"{key}: {{{name}}} is no field; there are {', '.join(known)}; write {{{{ for a brace")
        source += f"{{{{ {name} }}}}"
        used.add(name)
    return source, frozenset(used)
