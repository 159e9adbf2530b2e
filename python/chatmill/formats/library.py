"""The files of this folder: definitions of formats, and the pieces of text that they are put together from."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from chatmill._chatmill import DataError

# Texts begin and end with an expression that prints nothing: Jinja would drop line breaks beside a tag.
_EDGE = "{{ '' }}"
_PARTS = ("instruction", "input", "output")


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
    return _prelude() + _read("conversations", name)


def own_text(definition: Mapping[str, Any]) -> str:
    """The text of a definition that writes it itself."""
    return _prelude() + _variables(definition) + str(definition["text"])


def prompt_text(definition: Mapping[str, Any], style: str) -> str:
    """The text of a definition by its prompt, in a style."""
    prompt = definition["prompt"]
    parts = {"system": _system(prompt), **{name: str(prompt.get(name, "")) for name in _PARTS}}
    sets = "".join(f"{{% set {name} %}}{_EDGE}{text}{_EDGE}{{% endset %}}" for name, text in _renamed(parts).items())
    answer = "{% generation %}{{ ended(part_output) }}{% endgeneration %}"
    return f"{_prelude()}{_variables(definition)}{sets}{{{{ bos_token }}}}{_read('styles', style)}{answer}"


def messages_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages that a prompt stands for: a system message if the row has one, a question, an answer."""
    prompt = definition["prompt"]
    before = _variables(definition)
    if "yaml(" in str(prompt):
        before = _prelude() + before
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


# A part may have the name of a field, and a name that is set is not the field any more, nowhere in the text.
def _renamed(parts: Mapping[str, str]) -> dict[str, str]:
    return {f"part_{name}": text for name, text in parts.items()}


def _system(prompt: Mapping[str, Any]) -> str:
    if "system" in prompt:
        return str(prompt["system"])
    header, header_no_input = str(prompt.get("header", "")), str(prompt.get("header_no_input", ""))
    if not prompt.get("input"):
        return header_no_input
    test = f"{{% set probe %}}{_EDGE}{prompt['input']}{_EDGE}{{% endset %}}"
    return f"{test}{{% if probe %}}{_EDGE}{header}{_EDGE}{{% else %}}{_EDGE}{header_no_input}{_EDGE}{{% endif %}}"


def _variables(definition: Mapping[str, Any]) -> str:
    given = definition.get("variables", {})
    return "".join(
        f"{{% set {name} %}}{_EDGE}{_verbatim(str(text))}{_EDGE}{{% endset %}}" for name, text in given.items()
    )


def _verbatim(text: str) -> str:
    return "{{ " + repr(text) + " }}"


@cache
def _prelude() -> str:
    return (files(__package__) / "prelude.jinja").read_text(encoding="utf-8")


def _read(folder: str, name: str) -> str:
    text = (files(__package__) / folder / f"{name}.jinja").read_text(encoding="utf-8")
    return text.removesuffix("\n")


def _stems(folder: str) -> list[str]:
    found = (file.name for file in (files(__package__) / folder).iterdir())
    return [name.removesuffix(".jinja") for name in found if name.endswith(".jinja")]
