"""`Labels`: which tokens are trained, in the terms of messages and regions, or as another tool has it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from chatmill._chatmill import DataError, _check_labels

Kind: TypeAlias = Literal[
    "scaffold", "header", "prefix", "reasoning", "content", "tool_call", "tool_result", "closer", "trailing"
]

#: Kinds of regions, in the order in which a turn has them.
KINDS: tuple[Kind, ...] = (
    "scaffold",
    "header",
    "prefix",
    "reasoning",
    "content",
    "tool_call",
    "tool_result",
    "closer",
    "trailing",
)
_TRAINED: tuple[Kind, ...] = ("prefix", "reasoning", "content", "tool_call", "tool_result", "closer")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Which tokens are trained.

    Without arguments: of every assistant turn what the model has to generate, from behind the generation prompt through
    the stop token; where the template carries `{% generation %}`, what its author put between the tags.

    Attributes:
        roles: Roles whose messages are trained, or `"all"`. `assistant` and `model` are one, so are the names of tools.
        train_on_inputs: Train the messages of all roles.
        turns: `"all"` turns of these roles, the `"last"` one, or the first so many.
        flags: Fields of a message, or of a part of its content, that decide for it alone: true, false or a weight.
        ranges: The field of a message that lists ranges of its characters, as axolotl's `train_detail`:
            `{"begin_offset": 0, "end_offset": 4, "train": True}`, both ends counted. None to read none.
        kinds: Kinds of regions that are trained: `header` (what the generation prompt supplies), `prefix` (what the
            template puts before the model's first word), `reasoning`, `content`, `tool_call`, `tool_result`, `closer`
            (through the stop token), `trailing` (text behind it), `scaffold` (text of no message).
        weights: Weights of kinds; 0 is not trained. Others than 0 and 1 come out as a column `weights`.
        weighted: Whether there is a column `weights`; None for: if `weights` has other numbers than 0 and 1. Messages
            with such weights of their own need it.
        stop: Whose stop tokens are trained: of each trained `"turn"`, of `"all"` turns, of the `"last"` trained one, or
            `"none"`.
        stop_tokens: Tokens that end a turn, each one token of the tokenizer. Empty for `eos_token` and those that the
            model's generation config names.
        borrow_stop: Where a template gives a turn no stop token, train the one that the next turn begins with.
        tags: Whether `{% generation %}` decides in templates that have it; None for: unless kinds are chosen.
        boundary: A token across the edge of what is trained: `"overlap"` trains it, `"contained"` does not, `"first"`
            goes by its first byte, `"split"` cuts the text at the edge before it is tokenized.
        unproved: A row with a trained turn whose labels are not proved fails like other rows (`"reject"`), ends the run
            (`"raise"`), or keeps that turn masked (`"mask"`) and is counted.
        like: The tool whose labels are wanted: hf, trl, axolotl, unsloth, open-instruct or completion. Only `options`
            and `unproved` go with it.
        options: That tool's own options.

    Raises:
        DataError: An option is not valid.

    Example:
        >>> Labels(turns="last")
        Labels(turns='last')
        >>> Labels.preset("axolotl", train_on_eos="all")
        Labels(like='axolotl', options={'train_on_eos': 'all'})
    """

    roles: str | Sequence[str] = ("assistant",)
    train_on_inputs: bool = False
    turns: Literal["all", "last"] | int = "all"
    flags: Sequence[str] = ("train", "training", "weight")
    ranges: str | None = "train_detail"
    kinds: Sequence[Kind] = _TRAINED
    weights: Mapping[Kind, float] = field(default_factory=dict)
    weighted: bool | None = None
    stop: Literal["turn", "all", "last", "none"] = "turn"
    stop_tokens: Sequence[str] = ()
    borrow_stop: bool = True
    tags: bool | None = None
    boundary: Literal["overlap", "contained", "first", "split"] = "overlap"
    unproved: Literal["reject", "raise", "mask"] = "reject"
    like: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("flags", "kinds", "stop_tokens"):
            if isinstance(getattr(self, name), str):
                raise DataError(f"labels: {name} must be a list of names, not one name")
        # One form for what JSON and YAML give as lists, so that equal labels are equal.
        for name in ("roles", "flags", "kinds", "stop_tokens"):
            value = getattr(self, name)
            if not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
        _check_labels(self.to_json())

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"Labels({chosen})"

    def __hash__(self) -> int:
        return hash(self.to_json())

    @staticmethod
    def preset(name: str, **options: Any) -> "Labels":
        """The labels of this name.

        Args:
            name: `assistant` (the default), `all`, `none`, `last`, or a tool: `hf`, `trl`, `axolotl`, `unsloth`,
                `open-instruct`, `llama-factory`, `completion`.
            options: Of the tool, by its own names, such as axolotl's `train_on_eos`.

        Raises:
            DataError: There is no such preset, or no such option.

        Example:
            >>> Labels.preset("last") == Labels(turns="last")
            True
        """
        if name == "llama-factory":
            return _llama_factory(**options)
        if name in _PLAIN:
            try:
                return Labels(**{**_PLAIN[name], **options})
            except TypeError as error:
                raise DataError(f"labels: {str(error).rpartition('() ')[2]}") from None
        if name in _PEERS:
            return Labels(like=name, options=options)
        known = ", ".join(Labels.presets())
        raise DataError(f"labels must be one of {known}, a file, or an object, not {name!r}")

    @staticmethod
    def presets() -> list[str]:
        """The names that `preset` knows."""
        return [*_PLAIN, *_PEERS, "llama-factory"]

    @staticmethod
    def of(given: Any) -> "Labels":
        """Labels from whatever says which.

        Args:
            given: `Labels`; a name of `presets`; the path of a YAML or JSON file; YAML or JSON text of an object such
                as `{turns: last}`; or a dict. An object names fields of `Labels`, or a `preset` with its options.

        Raises:
            DataError: It says nothing that can be understood.

        Example:
            >>> Labels.of("{preset: axolotl, train_on_eos: all}").options
            {'train_on_eos': 'all'}
        """
        if isinstance(given, Labels):
            return given
        if isinstance(given, str):
            text = given.strip()
            if text.startswith("{") or "\n" in text:
                return Labels.of(_object(text, "labels"))
            if text.endswith((".yaml", ".yml", ".json")):
                return Labels.of(_object(_read(Path(text)), text))
            return Labels.preset(text)
        if isinstance(given, Mapping):
            chosen = dict(given)
            if "preset" in chosen:
                return Labels.preset(str(chosen.pop("preset")), **chosen)
            unknown = sorted(set(chosen) - {it.name for it in fields(Labels)})
            if unknown:
                known = ", ".join(it.name for it in fields(Labels))
                raise DataError(f"labels: unknown field {unknown[0]}; there are preset, {known}")
            return Labels(**chosen)
        raise DataError(f"labels must be a name, an object or Labels, not {type(given).__name__}")

    def to_dict(self) -> dict[str, Any]:
        """The fields that are not as they are by default; plain values that JSON and YAML can hold."""
        chosen = {}
        for it in fields(self):
            default = it.default_factory() if it.default_factory is not MISSING else it.default
            value = getattr(self, it.name)
            value = list(value) if isinstance(value, tuple) else value
            if value != (list(default) if isinstance(default, tuple) else default):
                chosen[it.name] = dict(value) if isinstance(value, Mapping) else value
        return chosen

    def spec(self) -> str | dict[str, Any]:
        """The name of the preset that this is, else `to_dict()`: what manifests record and `of` reads."""
        chosen = self.to_dict()
        if set(chosen) == {"like"}:
            return str(self.like)
        named = (name for name in _PLAIN if Labels.preset(name).to_dict() == chosen)
        return next(named, chosen)

    def to_json(self) -> str:
        """The same as JSON, all fields, as the core reads it."""
        return json.dumps(asdict(self), sort_keys=True)


_PLAIN: dict[str, dict[str, Any]] = {
    "assistant": {},
    "all": {"roles": "all", "kinds": KINDS, "flags": (), "ranges": None, "tags": False},
    "none": {"kinds": (), "tags": False},
    "last": {"turns": "last"},
}
_PEERS = ("hf", "trl", "axolotl", "unsloth", "open-instruct", "completion")


def _llama_factory(*, train_on_prompt: bool = False, mask_history: bool = False, **others: Any) -> Labels:
    """LLaMA-Factory's slots: the answer with all that its slot puts behind it, encoded on its own."""
    if others:
        raise DataError(f"labels: llama-factory has no option {next(iter(others))}")
    if train_on_prompt and mask_history:
        raise DataError("labels: llama-factory refuses train_on_prompt together with mask_history")
    if train_on_prompt:
        return Labels(roles="all", kinds=KINDS, flags=(), ranges=None, tags=False, boundary="split")
    turns: Literal["all", "last"] = "last" if mask_history else "all"
    return Labels(kinds=(*_TRAINED, "trailing"), flags=(), ranges=None, turns=turns, boundary="split", tags=False)


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{where}: not YAML: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object such as {{turns: last}}, found {type(value).__name__}")
    # A config file may have a section of this name.
    inner = value.get("labels")
    return inner if isinstance(inner, dict) and len(value) == 1 else value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"labels: {path} cannot be read: {error}") from None
