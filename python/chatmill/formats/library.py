"""The library of formats: their definitions in YAML files, and the Jinja texts of prompts and conversations."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from chatmill._chatmill import DataError
from chatmill.text.nearest import suggestion

# An expression that prints nothing. It protects the edges of texts, because Jinja drops line breaks next to a tag.
_EDGE = "{{ '' }}"
_PARTS = ("instruction", "input", "output")
# A text that is a single expression needs no capture (`{% set %}` … `{% endset %}`). Captures, together with unused
# macros, took 1.5 of the 6 µs of a row.
_EXPRESSION = re.compile(r"\{\{ (\w+) \}\}")
_MACRO = re.compile(r"\{%- macro (\w+)\(.*?\{% endmacro %\}", re.DOTALL)


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Return all definitions by name, each merged with its `base`."""
    found: dict[str, dict[str, Any]] = {}
    folder = files(__package__) / "library"
    for file in sorted(folder.iterdir(), key=lambda it: it.name):
        for name, definition in _read_yaml(file.read_text("utf-8")).items():
            found[name] = _on_base(definition, found)
    # A base may be in a later file, so definitions are merged a second time.
    return {name: _on_base(definition, found) for name, definition in found.items()}


@cache
def styles() -> tuple[str, ...]:
    """Return the names of the styles of prompts."""
    return tuple(sorted(_stems("styles")))


@cache
def conversations() -> tuple[str, ...]:
    """Return the names of the conversation texts."""
    return tuple(sorted(_stems("conversations")))


def conversation_text(name: str) -> str:
    """Return the text of a conversation, built from messages.

    Args:
        name: One of `conversations`.
    """
    return with_macros(_read("conversations", name))


def own_text(definition: Mapping[str, Any]) -> str:
    """Return the text of a definition that has a key `text`.

    Args:
        definition: The definition.
    """
    return with_macros(_variables(definition) + str(definition["text"]))


def prompt_text(definition: Mapping[str, Any], style: str) -> str:
    """Return the text of a definition that has a key `prompt`.

    Args:
        definition: The definition.
        style: One of `styles`.
    """
    prompt = definition["prompt"]
    # A part may have the same name as a field. A name that the text sets would hide the field in the whole text, so
    # parts get a prefix.
    parts = "".join(_set(f"part_{name}", str(prompt.get(name, ""))) for name in _PARTS)
    answer = (
        "{% generation %}{{ part_output }}{% if part_output and not part_output.endswith(eos_token) %}"
        "{{ eos_token }}{% endif %}{% endgeneration %}"
    )
    text = f"{_variables(definition)}{parts}{_system(prompt)}{{{{ bos_token }}}}{_read('styles', style)}{answer}"
    return with_macros(text)


def messages_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a prompt: a system message if the row has a system prompt, a question, and an answer.

    Args:
        definition: A definition that has a key `prompt`.
    """
    prompt = definition["prompt"]
    before = with_macros(_variables(definition), used_in=str(prompt))
    question, extra = str(prompt.get("instruction", "")), str(prompt.get("input", ""))
    if extra:
        question += (
            f"{{% set extra %}}{_EDGE}{extra}{_EDGE}{{% endset %}}{{% if extra %}}{{{{ '\\n' ~ extra }}}}{{% endif %}}"
        )
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": before + question},
        {"role": "assistant", "content": before + str(prompt["output"])},
    ]
    if "system" in prompt:
        messages.insert(0, {"role": "system", "content": before + str(prompt["system"]), "optional": True})
    return messages


@cache
def answer_texts() -> dict[str, dict[str, str]]:
    """Return the styles of prompts with answers: how a turn is printed, the start of an answer, and its stop token."""
    found: dict[str, dict[str, str]] = _read_yaml((files(__package__) / "answers.yaml").read_text("utf-8"))
    return found


def answer_prompt(style: Mapping[str, str], prompt: Mapping[str, str]) -> str:
    """Return the text of a prompt, up to the start of the answer.

    Args:
        style: One of `answer_texts`.
        prompt: The texts of the turns by their role; a blank `system` is left out. Or `history`: the field of a list of
            messages; the prompt is all of them except the last.
    """
    turn = f"{{% macro turn(role, text) %}}{style['turn']}{{% endmacro %}}"
    if "history" in prompt:
        turns = f"{{% for it in {prompt['history']}[:-1] %}}{{{{ turn(it.role, it.content) }}}}{{% endfor %}}"
    else:
        system = (
            f"{_set('said', prompt['system'])}{{{{ turn('system', said) if said.strip() }}}}"
            if "system" in prompt
            else ""
        )
        turns = f"{system}{_set('said', prompt['user'])}{{{{ turn('user', said) }}}}"
    return with_macros(f"{turn}{turns}{style['open']}")


def with_macros(text: str, *, used_in: str | None = None) -> str:
    """Put the definitions of all macros that a text uses, directly or through other macros, in front of the text.

    Args:
        text: The text.
        used_in: The text to search for macros, if it is not `text` itself.
    """
    macros = {found[1]: found[0] for found in _MACRO.finditer(_prelude())}
    used = text if used_in is None else used_in
    wanted: list[str] = []
    for name, macro in reversed(macros.items()):
        if f"{name}(" in used:
            wanted.insert(0, macro)
            used += macro
    return "".join(macro.replace("{%- ", "{% ", 1) for macro in wanted) + (_EDGE if wanted else "") + text


def on_base(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a definition with its base, a format of the library.

    Args:
        name: The name of the format.
        definition: A definition that has a key `base`.

    Raises:
        DataError: There is no such base.
    """
    base = definition["base"]
    if base not in definitions():
        known, _, style = str(base).rpartition(":")
        if known in definitions():
            raise DataError(
                f"format {name}: `base` is {base!r}, with a style; write `base: {known}` and `styles: [{style}]`"
            )
        hint = suggestion(str(base), definitions(), otherwise="use a name from `chatmill formats`")
        raise DataError(f"format {name}: there is no format {base!r} to use as `base`; {hint}")
    return _on_base(dict(definition), definitions())


def check_style(name: str, style: str, known: tuple[str, ...]) -> None:
    """Check that a format has a style.

    Args:
        name: The name of the format.
        style: The style.
        known: The styles of the format.

    Raises:
        DataError: The format has no such style.
    """
    if style not in known:
        styles = f"use one of {', '.join(known)}" if known else "remove the style, because this format has none"
        raise DataError(f"format {name} has no style {style!r}; {suggestion(style, known, otherwise=styles)}")


def _on_base(definition: dict[str, Any], known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    base = known.get(definition.get("base", ""))
    if base is None:
        return definition
    base = _on_base(base, known)
    merged = {**base, **{key: value for key, value in definition.items() if key != "base"}}
    for key in ("prompt", "variables"):
        if key in base and key in definition:
            merged[key] = {**base[key], **definition[key]}
    return merged


def _system(prompt: Mapping[str, Any]) -> str:
    """Set the system part: the row's system prompt, or one of two sentences: for rows with or without input."""
    if "system" in prompt:
        return _set("part_system", str(prompt["system"]))
    header, header_no_input = str(prompt.get("header", "")), str(prompt.get("header_no_input", ""))
    if not prompt.get("input"):
        return _set("part_system", header_no_input)
    with_input, without = _expression(header), _expression(header_no_input)
    if with_input is not None and without is not None:
        return f"{{% set part_system = {with_input} if part_input else {without} %}}"
    either = f"{{% if part_input %}}{_EDGE}{header}{_EDGE}{{% else %}}{_EDGE}{header_no_input}{_EDGE}{{% endif %}}"
    return _set("part_system", either)


def _set(name: str, text: str) -> str:
    expression = _expression(text)
    if expression is not None:
        return f"{{% set {name} = {expression} %}}"
    return f"{{% set {name} %}}{_EDGE}{text}{_EDGE}{{% endset %}}"


def _expression(text: str) -> str | None:
    """Return an expression with the value of a text, or None if the text needs a capture."""
    found = _EXPRESSION.fullmatch(text)
    if found is not None:
        return found[1]
    return None if "{" in text else repr(text)


def _variables(definition: Mapping[str, Any]) -> str:
    given = definition.get("variables", {})
    return "".join(f"{{% set {name} = {str(text)!r} %}}" for name, text in given.items())


@cache
def _prelude() -> str:
    return (files(__package__) / "prelude.jinja").read_text(encoding="utf-8")


def _read(folder: str, name: str) -> str:
    text = (files(__package__) / folder / f"{name}.jinja").read_text(encoding="utf-8")
    return text.removesuffix("\n")


def _stems(folder: str) -> list[str]:
    found = (file.name for file in (files(__package__) / folder).iterdir())
    return [name.removesuffix(".jinja") for name in found if name.endswith(".jinja")]


def _read_yaml(text: str) -> Any:
    from chatmill.text.yaml_text import read_own_yaml

    return read_own_yaml(text)
