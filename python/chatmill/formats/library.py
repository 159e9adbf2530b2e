"""The files of this folder: definitions of formats, and the pieces of text that they are put together from."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from chatmill._chatmill import DataError

# Texts begin and end with an expression that prints nothing: Jinja would drop line breaks beside a tag.
_EDGE = "{{ '' }}"
_PARTS = ("instruction", "input", "output")
# What is no more than one expression need not be captured: captures, with macros that a text does not use, took 1.5 of
# the 6 µs of a row.
_EXPRESSION = re.compile(r"\{\{ (\w+) \}\}")
_MACRO = re.compile(r"\{%- macro (\w+)\(.*?\{% endmacro %\}", re.DOTALL)


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """All definitions by name, as the files have them, with their `base` filled in."""
    found: dict[str, dict[str, Any]] = {}
    folder = files(__package__) / "library"
    for file in sorted(folder.iterdir(), key=lambda it: it.name):
        for name, definition in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            found[name] = _on_base(definition, found)
    # Files refer to each other; a second pass finds bases of files that come later.
    return {name: _on_base(definition, found) for name, definition in found.items()}


@cache
def styles() -> tuple[str, ...]:
    """The names of the styles that a prompt may have."""
    return tuple(sorted(_stems("styles")))


@cache
def conversations() -> tuple[str, ...]:
    """The names of the conversation texts."""
    return tuple(sorted(_stems("conversations")))


def conversation_text(name: str) -> str:
    """The text of a conversation, from messages."""
    return with_macros(_read("conversations", name))


def own_text(definition: Mapping[str, Any]) -> str:
    """The text of a definition that writes it itself."""
    return with_macros(_variables(definition) + str(definition["text"]))


def prompt_text(definition: Mapping[str, Any], style: str) -> str:
    """The text of a definition by its prompt, in a style."""
    prompt = definition["prompt"]
    # A part may have the name of a field, and a name that is set is not the field any more, nowhere in the text.
    parts = "".join(_set(f"part_{name}", str(prompt.get(name, ""))) for name in _PARTS)
    answer = (
        "{% generation %}{{ part_output }}{% if part_output and not part_output.endswith(eos_token) %}"
        "{{ eos_token }}{% endif %}{% endgeneration %}"
    )
    text = f"{_variables(definition)}{parts}{_system(prompt)}{{{{ bos_token }}}}{_read('styles', style)}{answer}"
    return with_macros(text)


def messages_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages that a prompt stands for: a system message if the row has one, a question, an answer."""
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
    """The styles of prompts with answers: how a turn is written, how an answer begins, and what ends it."""
    found: dict[str, dict[str, str]] = yaml.safe_load((files(__package__) / "answers.yaml").read_text(encoding="utf-8"))
    return found


def answer_prompt(style: Mapping[str, str], prompt: Mapping[str, str]) -> str:
    """The text of a prompt, up to where the answer begins.

    Args:
        style: One of `answer_texts`.
        prompt: The texts of the turns by their role; a `system` that is blank is left out. Or `history`: a list of
            messages of which all but the last are the prompt.
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
    """A text behind the macros that it uses, and those that these use."""
    macros = {found[1]: found[0] for found in _MACRO.finditer(_prelude())}
    used = text if used_in is None else used_in
    wanted: list[str] = []
    for name, macro in reversed(macros.items()):
        if f"{name}(" in used:
            wanted.insert(0, macro)
            used += macro
    return "".join(macro.replace("{%- ", "{% ", 1) for macro in wanted) + (_EDGE if wanted else "") + text


def on_base(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with what the format of the library says that it is like."""
    base = definition["base"]
    if base not in definitions():
        raise DataError(f"format {name}: there is no base {base!r}; there are {', '.join(sorted(definitions()))}")
    return _on_base(dict(definition), definitions())


def check_style(name: str, style: str, known: tuple[str, ...]) -> None:
    """Refuse a style that a format lacks."""
    if style not in known:
        raise DataError(f"format {name} has no style {style!r}; there are {', '.join(known)}")


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
    """What is said first: the row's own system prompt, or a sentence that depends on whether there is an input."""
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
    """The expression that has the value of a text, where that is simple."""
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
