"""`Format`: the description of the rows of a dataset, from the library, from a file, or defined by the user."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError, FormatInfo, format_info
from chatmill.formats import library
from chatmill.formats.build import MESSAGES, BuiltFormat, build, definition_of, read_definition, styles_of
from chatmill.formats.columns import renamed_columns
from chatmill.formats.user_defined import user_defined_answers, user_defined_text
from chatmill.options.choices import RowKind
from chatmill.text.nearest import suggestion

_USER_DEFINED = "user_defined"


@lru_cache(maxsize=256)
def _info_of(definition: str) -> FormatInfo:
    return format_info(definition)


@dataclass(frozen=True, eq=False)
class Format:
    """The fields of the rows of a dataset, and the messages or the text that is made from them.

    The model's chat template renders messages. A format with a text of its own needs no chat template; it defines
    which parts of the text are trained. `docs/formats.md` describes how to write a format.

    Attributes:
        name: The name of the format.
        core: The format in the form that the core reads.
        about: One line about its rows.
        example: A row of this format.
        defaults: Options of `Mill` and `prepare` that the format sets, unless the user gives them.

    Example:
        >>> Format.named("alpaca:chat")
        Format('alpaca:chat')
        >>> Format.named("alpaca", fields={"instruction": "question"}).example["question"]
        'Name a color.'
    """

    name: str
    core: Mapping[str, Any] = field(repr=False)
    about: str = field(default="", repr=False)
    example: Mapping[str, Any] | None = field(default=None, repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._info  # noqa: B018  # raises an error if the definition is not valid

    def __repr__(self) -> str:
        return f"Format({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.core == other.core

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def _info(self) -> FormatInfo:
        """The kind and the columns of the rows, from the core."""
        return _info_of(self.to_json())

    @property
    def kind(self) -> RowKind:
        """The kind of its rows.

        `chat`: messages for the chat template; `segments`: the format's own text, in which the format defines the
        trained parts; `answers`: a prompt with answers, with other output columns; `tokens`: token ids; `text`: plain
        text, cut into windows that overlap.
        """
        return self._info.kind

    @property
    def needs_template(self) -> bool:
        """Whether the model's chat template renders its rows."""
        return self._info.needs_template

    @property
    def has_messages(self) -> bool:
        """Whether its rows hold messages, or become messages."""
        return self._info.has_messages

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read from a Parquet or Arrow file; some of them may be missing in the file."""
        return tuple(self._info.columns)

    @property
    def answer_columns(self) -> tuple[str, ...]:
        """The output names of the answers and of the label, for rows with answers; empty for other rows."""
        label = () if self._info.label is None else (self._info.label,)
        return (*self._info.answers, *label)

    @property
    def base(self) -> str:
        """The name without the style."""
        return self.name if self.name in library.definitions() else self.name.rpartition(":")[0]

    @property
    def has_messages_style(self) -> bool:
        """Whether the format has the style `messages`, which makes messages from the same rows."""
        known = library.definitions()
        return f"{self.base}:{MESSAGES}" in known or MESSAGES in styles_of(known.get(self.base, {}))

    @staticmethod
    def names() -> list[str]:
        """Return the names of the formats of the library. A style may follow a colon: `alpaca:chat`."""
        return sorted(library.definitions())

    @staticmethod
    def styles(name: str) -> tuple[str, ...]:
        """Return the styles of a format of the library; the first one is the default.

        Args:
            name: One of `names`.

        Raises:
            DataError: There is no such format.

        Example:
            >>> Format.styles("alpaca")
            ('instruct', 'chat', 'chatml', 'phi', 'plain', 'messages')
        """
        return styles_of(definition_of(name))

    @staticmethod
    def named(name: str, **options: Any) -> "Format":
        """Return a format of the library.

        Args:
            name: One of `names`, with or without a style after a colon. The style `messages` makes messages for the
                model's chat template, such as a question and an answer from an instruction.
            options: `fields`: the column of each field, such as `{"instruction": "question"}`; `allow_empty`: fields
                that may be blank (`content` for the content of answers); `variables`: other sentences for the prompt.
                For formats with messages also `properties` (the keys of role, content and others), `roles` (each role
                with the names of its speakers), `unknown_roles` (`"keep"` or `"refuse"`), `drop_system`,
                `field_messages`, `field_system` and `field_tools`.

        Raises:
            DataError: There is no such format, style or option.

        Example:
            >>> Format.named("sharegpt:vicuna_v1.1").kind
            'segments'
        """
        if name in library.definitions():
            return _format(build(name, library.definitions()[name], None, options))
        base, colon, style = name.rpartition(":")
        return _format(build(name, definition_of(base if colon else name), style, options))

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
        """Define a format of rows with a prompt and an answer, with the options of axolotl's user-defined type.

        Args:
            system_prompt: The system prompt of rows that have none.
            field_system: The field of the system prompt; optional in rows.
            field_instruction: The field of the instruction.
            field_input: The field of the input; optional in rows.
            field_output: The field of the answer.
            format: The format string of the prompt, with `{instruction}`, `{input}` and `{system}`. Write `{{` for a
                brace.
            no_input_format: The format string of prompts without input.
            system_format: The format string of the system prompt, with `{system}`.

        Raises:
            DataError: A format string has an unmatched brace, or an unknown name in braces.

        Example:
            >>> Format.user_defined(format="[INST] {instruction} [/INST]").needs_template
            False
        """
        text = user_defined_text(system_prompt, format, no_input_format, system_format)
        # `{input}` may be the whole prompt: axolotl's own example has no instruction.
        instruction = {"name": "instruction", "column": field_instruction, "optional": field_instruction == field_input}
        if "instruction" not in text.used:
            instruction["optional"] = True
        fields = [
            {"name": "system", "column": field_system, "optional": True},
            instruction,
            {"name": "input", "column": field_input, "optional": "instruction" in text.used},
            {"name": "output", "column": field_output},
        ]
        core = {"name": _USER_DEFINED, "fields": fields, "text": library.own_text({"text": text.source})}
        return Format(_USER_DEFINED, core, "a prompt and an answer, in a text that the user defines")

    @staticmethod
    def user_defined_answers(**given: str) -> "Format":
        """Define a format of rows with a prompt and answers, with the options of axolotl's user-defined types.

        Args:
            given: The columns: `field_prompt`, `field_system`, and `field_chosen` and `field_rejected` for pairs, or
                `field_completion` and `field_label` for judged answers. By default a column has the name of its field,
                such as `prompt`. The format strings: `prompt_format`, `chosen_format`, `rejected_format` and
                `completion_format`, with `{prompt}`, `{system}` and the name of the answer in braces. A part without a
                format string is used unchanged.

        Raises:
            DataError: A format string is not valid, or there is no such option.

        Example:
            >>> Format.user_defined_answers(prompt_format="Q: {prompt}", field_chosen="good").columns[1]
            'prompt'
        """
        is_judged = any(name in given for name in ("field_completion", "field_label", "completion_format"))
        names = ["prompt", "system", *(("completion", "label") if is_judged else ("chosen", "rejected"))]
        columns = {name: given.get(f"field_{name}", name) for name in names}
        formats = {name: given[f"{name}_format"] for name in names if f"{name}_format" in given}
        known = [*(f"field_{name}" for name in names), *(f"{name}_format" for name in names)]
        for name in sorted(set(given) - set(known)):
            hint = suggestion(name, known, otherwise=f"use one of {', '.join(known)}")
            raise DataError(f"user-defined answers: there is no option {name!r} for these answers; {hint}")
        return _format(build(_USER_DEFINED, user_defined_answers(columns, formats), None, {"fields": columns}))

    @staticmethod
    def of(given: Any) -> "Format":
        """Make a `Format` from a name, a file or a dict.

        Args:
            given: A `Format`; a name, with or without a style; the path of a YAML file that defines a format; or a
                dict: a definition, or a key `format` with its options.

        Raises:
            DataError: The value has none of these forms, or the definition is not valid.

        Example:
            >>> Format.of({"format": "alpaca:chat", "fields": {"output": "answer"}}).columns
            ('instruction', 'input', 'answer')
        """
        if isinstance(given, Format):
            return given
        if isinstance(given, str):
            if not given.endswith((".yaml", ".yml")):
                return Format.named(given)
            name, definition = read_definition(Path(given))
            return Format.of(definition) if "format" in definition else _format(build(name, definition, None, {}))
        if isinstance(given, Mapping):
            chosen = dict(given)
            if "format" in chosen:
                return Format.named(str(chosen.pop("format")), **chosen)
            return _format(build(str(chosen.pop("name", "user_defined")), chosen, None, {}))
        raise DataError(
            f"`format` has the type {type(given).__name__}; give a name, the path of a YAML file, a dict or a Format"
        )

    @staticmethod
    def from_json(core: Mapping[str, Any]) -> "Format":
        """Make a `Format` from the parsed output of `to_json`.

        Args:
            core: The format in the form that the core reads.

        Example:
            >>> alpaca = Format.named("alpaca")
            >>> Format.from_json(json.loads(alpaca.to_json())) == alpaca
            True
        """
        return Format(str(core["name"]), dict(core))

    def to_json(self) -> str:
        """Return the format as JSON, in the form that the core reads."""
        return json.dumps(self.core, sort_keys=True)

    def with_columns(self, columns: Mapping[str, str]) -> "Format":
        """Return the same format for rows whose columns have other names.

        Args:
            columns: The column in the rows for each column that the format reads.

        Raises:
            DataError: The format reads no such column.

        Example:
            >>> Format.named("alpaca").with_columns({"output": "solution"}).columns
            ('instruction', 'input', 'solution')
        """
        known = [name for name in self.columns if name not in ("documents", "chat_template_kwargs")]
        for name in columns:
            if name not in known:
                hint = suggestion(name, known, otherwise=f"it reads {', '.join(known)}")
                raise DataError(f"the format {self.name} reads no column {name!r}; {hint}")
        example = None if self.example is None else {columns.get(key, key): it for key, it in self.example.items()}
        return replace(self, core=renamed_columns(self.core, columns), example=example)

    def with_default(self, **defaults: Any) -> "Format":
        """Return the same format with other defaults.

        Args:
            defaults: Options of `Mill` and `prepare`.

        Example:
            >>> dict(Format.named("alpaca").with_default(truncation="drop").defaults)
            {'truncation': 'drop'}
        """
        return replace(self, defaults={**self.defaults, **defaults})


def _format(built: BuiltFormat) -> Format:
    return Format(built.name, built.core, built.about, built.example, built.defaults)
