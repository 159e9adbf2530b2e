"""`Format`: one format, from the library, from a file, or of the user's own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from chatmill._chatmill import DataError, _check_format
from chatmill.formats import library
from chatmill.formats.answers import answer_styles, answers_of
from chatmill.formats.mapping import messages_of
from chatmill.formats.user_defined import user_defined_answers, user_defined_text

_MESSAGES = "messages"
_DEFINITION = {
    "about", "answers", "base", "fields", "prompt", "styles", "text", "messages", "conversations", "steps", "tokens",
    "variables", "windows", "defaults", "example", "tools", "other_names",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Format:
    """What the rows of a data set look like, and what they stand for.

    A format says which fields a row must have, and what becomes of them: messages, which the model's chat template
    renders, or a text of its own, which needs no chat template and says itself what is trained. `docs/formats.md` tells
    how a format is written.

    Attributes:
        name: What it is called.
        core: The format as the core reads it.
        about: What its rows are, in a line.
        example: A row of this format.
        defaults: Options of `Mill` and `prepare` that go with it, where the user names no others.

    Example:
        >>> Format.named("alpaca:chat")
        Format('alpaca:chat')
        >>> Format.named("alpaca", fields={"instruction": "question"}).example["question"]
        'Name a colour.'
    """

    name: str
    core: Mapping[str, Any] = field(repr=False)
    about: str = field(default="", repr=False)
    example: Mapping[str, Any] | None = field(default=None, repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _check_format(self.to_json())

    def __repr__(self) -> str:
        return f"Format({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.core == other.core

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def has_text(self) -> bool:
        """Whether it has a text of its own, and so needs no chat template."""
        parts = self.core.get("answers", {}).get("parts", {})
        return self.core.get("text") is not None or isinstance(parts.get("prompt"), str)

    @property
    def has_answers(self) -> bool:
        """Whether its rows have a prompt with answers: the output then has columns of its own for them."""
        return "answers" in self.core

    @property
    def holds_tokens(self) -> bool:
        """Whether its rows are tokens already."""
        return bool(self.core.get("tokens"))

    @property
    def has_messages_style(self) -> bool:
        """Whether the style `messages` makes messages of the same rows."""
        base = self.name if self.name in library.definitions() else self.name.rpartition(":")[0]
        return _MESSAGES in _styles(library.definitions().get(base, {}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read where rows are columns; some may be missing."""
        names = [name for it in self.core["fields"] for name in (it.get("column", it["name"]), *it.get("others", ()))]
        names.append(self.core.get("tools"))
        messages = self.core.get("messages")
        answers = self.core.get("answers")
        if answers is not None:
            names += [answers["prompt"], *(column for _, column in answers["names"])]
            names += [(answers["label"] or [None, None])[1], answers["mapping"].get("tools", "tools")]
            names += [answers["mapping"].get("system"), "documents", "chat_template_kwargs"]
        if isinstance(messages, Mapping):
            names += [*messages["fields"], messages.get("system"), messages.get("tools", "tools")]
            names += ["documents", "chat_template_kwargs"]
        return tuple(dict.fromkeys(filter(None, names)))

    @staticmethod
    def names() -> list[str]:
        """The formats that come with chatmill. A style follows behind a colon: `alpaca:chat`, `sharegpt:chatml`."""
        return sorted(library.definitions())

    @staticmethod
    def styles(name: str) -> tuple[str, ...]:
        """The styles that a format of this name may have; the first is taken where none is named.

        Args:
            name: One of `names`.

        Raises:
            DataError: There is no such format.

        Example:
            >>> Format.styles("alpaca")
            ('instruct', 'chat', 'chatml', 'phi', 'plain', 'messages')
        """
        return _styles(_definition(name))

    @staticmethod
    def named(name: str, **options: Any) -> "Format":
        """A format of the library.

        Args:
            name: One of `names`, perhaps with a style behind a colon. The style `messages` makes messages of an
                instruction, for the model's chat template.
            options: `fields`: what the rows call fields, such as `{"instruction": "question"}`; `allow_empty`: fields
                that may be blank (`content`: that of answers); `variables`: other sentences for the prompt; and for
                messages `properties` (what they call role, content and others), `roles` (roles to the names of their
                speakers), `unknown_roles` (`"keep"` or `"refuse"`), `drop_system`, and `field_messages`,
                `field_system`, `field_tools`.

        Raises:
            DataError: There is no such format, style or option.

        Example:
            >>> Format.named("sharegpt:vicuna_v1.1").has_text
            True
        """
        if name in library.definitions():
            return _built(name, library.definitions()[name], None, options)
        base, colon, style = name.rpartition(":")
        return _built(name, _definition(base if colon else name), style, options)

    @staticmethod
    def user_defined(
        *,
        system_prompt: str = "",
        field_system: str = "system",
        field_instruction: str = "instruction",
        field_input: str = "input",
        field_output: str = "output",
        format: str | None = None,
        no_input_format: str | None = None,
        system_format: str = "{system}",
    ) -> "Format":
        """A format of a prompt and an answer, in the terms of axolotl's user-defined type.

        Args:
            system_prompt: What is said before each prompt where the row has no system field.
            field_system: The field of the system prompt. It may be missing.
            field_instruction: The field of the instruction.
            field_input: The field of the input. It may be missing.
            field_output: The field of the answer.
            format: The prompt, with `{instruction}`, `{input}` and `{system}`; `{{` stands for a brace.
            no_input_format: The prompt of rows without input.
            system_format: How the system prompt is written, with `{system}`.

        Raises:
            DataError: A format has a brace without a partner, or another name in braces.

        Example:
            >>> Format.user_defined(format="[INST] {instruction} [/INST]").has_text
            True
        """
        text = user_defined_text(system_prompt, format, no_input_format, system_format)
        # `{input}` may be all of the prompt: axolotl's own example has no instruction.
        instruction = {"name": "instruction", "column": field_instruction, "optional": field_instruction == field_input}
        if "instruction" not in text.used:
            instruction["optional"] = True
        fields = [
            {"name": "system", "column": field_system, "optional": True},
            instruction,
            {"name": "input", "column": field_input, "optional": "instruction" in text.used},
            {"name": "output", "column": field_output},
        ]
        core = {"name": "user_defined", "fields": fields, "text": library.own_text({"text": text.source})}
        return Format("user_defined", core, "a prompt in the user's own words, and the answer")

    @staticmethod
    def user_defined_answers(**given: str) -> "Format":
        """A format of a prompt with answers, in the terms of axolotl's user-defined types for preferences.

        Args:
            given: `field_prompt`, `field_system`, and of pairs `field_chosen`, `field_rejected`, of judged answers
                `field_completion`, `field_label`: the columns, called by these names where nothing is given.
                `prompt_format`, `chosen_format`, `rejected_format`, `completion_format`: how each is written, with
                `{prompt}`, `{system}` and the answer's name in braces; as it is where nothing is given.

        Raises:
            DataError: A format cannot be read, or there is no such option.

        Example:
            >>> Format.user_defined_answers(prompt_format="Q: {prompt}", field_chosen="good").columns[1]
            'prompt'
        """
        is_judged = any(name in given for name in ("field_completion", "field_label", "completion_format"))
        names = ["prompt", "system", *(("completion", "label") if is_judged else ("chosen", "rejected"))]
        columns = {name: given.get(f"field_{name}", name) for name in names}
        formats = {name: given[f"{name}_format"] for name in names if f"{name}_format" in given}
        unknown = set(given) - {f"field_{name}" for name in names} - {f"{name}_format" for name in names}
        if unknown:
            raise DataError(f"user-defined answers: {min(unknown)} has no place beside {', '.join(sorted(given))}")
        return _built("user_defined", user_defined_answers(columns, formats), None, {"fields": columns})

    @staticmethod
    def of(given: Any) -> "Format":
        """A format from whatever says which.

        Args:
            given: A `Format`; a name, perhaps with a style; the path of a YAML file that defines one; or a dict: a
                definition, or a `format` with its options.

        Raises:
            DataError: It says nothing that can be understood.

        Example:
            >>> Format.of({"format": "alpaca:chat", "fields": {"output": "answer"}}).columns
            ('instruction', 'input', 'answer')
        """
        if isinstance(given, Format):
            return given
        if isinstance(given, str):
            if given.endswith((".yaml", ".yml")):
                return _from_file(Path(given))
            return Format.named(given)
        if isinstance(given, Mapping):
            chosen = dict(given)
            if "format" in chosen:
                return Format.named(str(chosen.pop("format")), **chosen)
            return _built(str(chosen.pop("name", "of the user")), chosen, None, {})
        raise DataError(f"a format must be a name, a file, a dict or a Format, not {type(given).__name__}")

    @staticmethod
    def from_json(core: Mapping[str, Any]) -> "Format":
        """The format that the core reads from `core`: what `to_json` writes."""
        return Format(str(core["name"]), dict(core))

    def to_json(self) -> str:
        """The format as the core reads it."""
        return json.dumps(self.core, sort_keys=True)

    def with_default(self, **defaults: Any) -> "Format":
        """The same format with other defaults."""
        return replace(self, defaults={**self.defaults, **defaults})


def _definition(name: str) -> dict[str, Any]:
    known = library.definitions()
    if name not in known:
        raise DataError(
            f"no format is called {name!r}; there are {', '.join(sorted(known))}, and files that define one"
        )
    return known[name]


def _styles(definition: Mapping[str, Any]) -> tuple[str, ...]:
    if "answers" in definition:
        return answer_styles(definition["answers"])
    if "prompt" in definition:
        first = definition.get("styles", ["instruct"])
        return tuple(dict.fromkeys([*first, *library.styles(), _MESSAGES]))
    first = definition.get("conversations")
    if first:
        # A data set may have a text of its own; others are for any of them, and the chat template comes first.
        return tuple(dict.fromkeys([_MESSAGES if first is True else first, _MESSAGES, *library.conversations()]))
    return ()


def _from_file(path: Path) -> Format:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"format: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise DataError(f"format: {path} must hold an object with fields, and messages, a prompt or a text")
    if "format" in found:
        return Format.of(found)
    if len(found) == 1:
        ((name, inner),) = found.items()
        if isinstance(inner, dict) and name not in _DEFINITION:
            return _built(str(name), inner, None, {})
    return _built(path.stem, found, None, {})


def _built(name: str, definition: Mapping[str, Any], style: str | None, options: Mapping[str, Any]) -> Format:
    """The format of a definition in a style, with the user's options. Either may hold anything."""
    try:
        if "base" in definition:
            definition = library.on_base(name, definition)
        return _put_together(name, definition, style, options)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"format {name}: the key {error} is missing; docs/formats.md tells what there is") from error
    except (AttributeError, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"format {name}: it cannot be understood ({reason}); docs/formats.md tells its keys") from error


def _put_together(name: str, definition: Mapping[str, Any], style: str | None, options: Mapping[str, Any]) -> Format:
    unknown = sorted(set(definition) - _DEFINITION)
    if unknown:
        raise DataError(f"format {name}: unknown key {unknown[0]}; there are {', '.join(sorted(_DEFINITION))}")
    known = _styles(definition)
    if style:
        library.check_style(name.rpartition(":")[0], style, known)
    left = dict(options)
    renamed = dict(left.pop("fields", {}))
    definition = {**definition, "variables": {**definition.get("variables", {}), **left.pop("variables", {})}}
    empty = left.pop("allow_empty", ())
    if isinstance(empty, str):
        raise DataError(f"format {name}: allow_empty must be a list of fields, such as [{empty}]")
    empty = list(empty)
    if "answers" in definition:
        if empty:
            raise DataError(f"format {name}: allow_empty has no place: a blank answer cannot be preferred")
        answers = answers_of(name, definition, style or next(iter(known), None), renamed, left)
        given = definition.get("fields", {})
        own = {variable: column for variable, column in renamed.items() if variable in given}
        core: dict[str, Any] = {"name": name, "fields": _fields(name, definition, own, ()), "answers": answers}
    else:
        messages = definition.get("messages")
        if isinstance(messages, Mapping):
            contents = {"content", messages.get("properties", {}).get("content")}
            if contents & set(empty):
                left["empty_answers"] = "allowed"
                empty = [used for used in empty if used not in contents]
        fields = _fields(name, definition, renamed, empty)
        core = {"name": name, "fields": fields, **_body(name, definition, style or next(iter(known), None), left)}
    if left:
        raise DataError(f"format {name}: unknown option {min(left)}")
    example = definition.get("example")
    if example is not None:
        example = {renamed.get(key, key): value for key, value in example.items()}
    return Format(name, core, str(definition.get("about", "")), example, definition.get("defaults", {}))


def _body(name: str, definition: Mapping[str, Any], style: str | None, left: dict[str, Any]) -> dict[str, Any]:
    """Messages, text and steps of a definition; takes the options that it knows out of `left`."""
    body: dict[str, Any] = {}
    if "prompt" in definition:
        if style == _MESSAGES:
            body["messages"] = library.messages_of(definition)
        else:
            body["text"] = library.prompt_text(definition, str(style))
    elif "text" in definition:
        body["text"] = library.own_text(definition)
    if "messages" in definition:
        body["messages"] = messages_of(name, definition["messages"], left)
        if style is not None and style != _MESSAGES:
            body["text"] = library.conversation_text(style)
    for key in ("tokens", "windows", "tools"):
        if definition.get(key):
            body[key] = definition[key]
    if "steps" in definition:
        body["steps"] = {**definition["steps"], **left.pop("steps", {})}
    return body


def _fields(
    name: str, definition: Mapping[str, Any], renamed: Mapping[str, str], empty: Sequence[str]
) -> list[dict[str, Any]]:
    given, others = definition.get("fields", {}), definition.get("other_names", {})
    for used in (*renamed, *empty):
        if used not in given:
            raise DataError(f"format {name} has no field {used}; there are {', '.join(given) or 'none'}")
    for used in others:
        if used not in given:
            raise DataError(f"format {name}: other_names of {used}, which is no field; there are {', '.join(given)}")
    fields = []
    for variable, holds in given.items():
        optional = isinstance(holds, str) and holds.startswith("optional ")
        entry: dict[str, Any] = {"name": variable, "column": renamed.get(variable, variable)}
        entry["type"] = _type(holds.removeprefix("optional ")) if isinstance(holds, str) else holds
        if variable in others and variable not in renamed:
            entry["others"] = list(others[variable])
        fields.append({**entry, "optional": optional, "empty": variable in empty})
    return fields


def _type(text: str) -> Any:
    """`[number]` behind `optional` is text to YAML."""
    return yaml.safe_load(text)
