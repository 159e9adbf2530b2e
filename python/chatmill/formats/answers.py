"""The prompt and the answers of a format: the fields that hold them, or the parts that they are built from."""

from collections.abc import Mapping
from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats import library
from chatmill.formats.mapping import built_message, messages_of
from chatmill.text.nearest import suggestion

MESSAGES = "messages"


def answer_styles(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the possible styles of the prompt and the answers of a definition.

    Args:
        given: The key `answers` of the definition.
    """
    made = given.get("made")
    if made is None or isinstance(made["prompt"], str):
        return ()
    texts = () if isinstance(made["prompt"], list) else tuple(library.answer_texts())
    # Earlier turns have roles of their own. As messages, they would be the same as the format `preference`.
    return texts if "history" in made["prompt"] else (*texts, MESSAGES)


def answers_of(
    name: str, definition: Mapping[str, Any], style: str | None, renamed: Mapping[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the prompt and the answers of a format, in the form that the core reads.

    Args:
        name: The name of the format.
        definition: Its definition.
        style: One of `answer_styles`, or None if there are none.
        renamed: The column of each renamed field.
        options: The options of the user; this function removes those that it uses.

    Raises:
        DataError: There is no such field or option.
    """
    given = definition["answers"]
    prompt = given.get("prompt")
    held = [*filter(None, [prompt]), *given["names"]] if "made" not in given else list(definition["fields"])
    known = [*held, *filter(None, [given.get("label")])]
    for used in renamed:
        if used not in known:
            hint = suggestion(str(used), known, otherwise=f"use one of {', '.join(known)}")
            raise DataError(f"format {name} has no field {used!r}; {hint}")
    label = given.get("label")
    renamed = {**given.get("columns", {}), **renamed}
    # If prompt and answers are built from fields, rows have no messages, so options for message keys are not accepted.
    mapping = messages_of(name, {**given.get("messages", {}), "fields": []}, {} if "made" in given else options)
    answers = {
        "prompt": renamed.get(prompt, prompt),
        "names": [[it, renamed.get(it, it)] for it in given["names"]],
        "whole": bool(given.get("whole")),
        "label": None if label is None else [label, renamed.get(label, label)],
        "mapping": mapping,
    }
    if "made" in given:
        answers["parts"] = _parts(name, definition, str(style))
    return answers


def _parts(name: str, definition: Mapping[str, Any], style: str) -> dict[str, Any]:
    made = definition["answers"]["made"]
    answers = [library.with_macros(text) for text in made["answers"]]
    prompt = made["prompt"]
    if isinstance(prompt, list):
        return {"prompt": [built_message(it, name, definition.get("fields", {})) for it in prompt], "answers": answers}
    if isinstance(prompt, str):
        return {"prompt": library.with_macros(prompt), "answers": answers}
    if style == MESSAGES:
        messages = [{"role": role, "content": text, "optional": role == "system"} for role, text in prompt.items()]
        return {"prompt": [built_message(it) for it in messages], "answers": answers}
    text = library.answer_texts()[style]
    return {"prompt": library.answer_prompt(text, prompt), "answers": answers, "stop": text["stop"]}
