"""The formats of axolotl's user-defined type, `{instruction} {input} `, as the text of a format."""

from dataclasses import dataclass
from string import Formatter

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


def _source(key: str, text: str) -> tuple[str, frozenset[str]]:
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
        if name not in _NAMES or spec or conversion:
            raise DataError(f"{key}: {{{name}}} is no field; there are {', '.join(_NAMES)}; write {{{{ for a brace")
        source += f"{{{{ {name} }}}}"
        used.add(name)
    return source, frozenset(used)
