"""`Labels`: which tokens are trained, selected by messages and regions of the text, or exactly as in another tool."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal

from chatmill._chatmill import DataError, check_labels
from chatmill.labels.presets import PLAIN, TRAINED_KINDS, preset_fields, preset_names
from chatmill.labels.read import read_labels
from chatmill.options.choices import Boundary, EmulatedTool, RegionKind, Stop, Unproved
from chatmill.text.nearest import suggestion

# The name of `emulate` in manifests and label files of earlier versions.
_OLD_NAME_OF_EMULATE = "like"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Which tokens are trained.

    Without arguments, each assistant turn is trained from the end of the generation prompt up to and including the stop
    token. In templates with `{% generation %}` tags, the text between the tags is trained instead.

    Attributes:
        roles: Roles whose messages are trained, or `"all"`. `assistant` and `model` are the same role, and so are
            `tool`, `function`, `ipython` and `observation`.
        train_on_inputs: Train the messages of all roles.
        turns: Which turns of these roles are trained: `"all"`, only the `"last"` one, or a number `n` for the first n.
        flags: Names of fields that switch training on or off for one message, or for one part of its content. Their
            value is true, false or a weight.
        ranges: The field of a message that lists ranges of its characters, in the form of axolotl's `train_detail`:
            `{"begin_offset": 0, "end_offset": 4, "train": True}`. Both ends are included. None reads no such field.
        kinds: Kinds of regions that are trained: `header` (the text that the generation prompt supplies), `prefix` (the
            text that the template adds before the model's first word), `reasoning`, `content`, `tool_call`,
            `tool_result`, `closer` (up to and including the stop token), `trailing` (the text after the stop token),
            `scaffold` (text of no message).
        weights: Weights of kinds; 0 means not trained. Weights other than 0 and 1 are written to a column `weights`.
        weighted: Whether to write a column `weights`. None writes it if `weights` has a number other than 0 and 1.
            If messages have such weights in their flags, `weighted=True` is required.
        stop: Which stop tokens are trained: those of each trained `"turn"`, of `"all"` turns, of the `"last"` trained
            turn, or `"none"`.
        stop_tokens: Tokens that end a turn; each must be one token of the tokenizer. Empty means `eos_token` and the
            stop tokens of the model's generation config.
        borrow_stop: Whether to train the stop token at the start of the next turn, if the template ends a turn without
            a stop token.
        tags: Whether `{% generation %}` tags select the trained text, in templates that have them. None means yes,
            unless `roles`, `kinds`, `weights` or `stop` are set.
        boundary: What to do with a token that is only partly inside the trained text: `"overlap"` trains it,
            `"contained"` masks it, `"first"` trains it if its first byte is inside, `"split"` cuts the text at the edge
            before it is tokenized.
        unproved: What to do with a row that has a trained turn whose labels cannot be verified: `"reject"` the row,
            `"raise"` an error that ends the run, or `"mask"` the turn and count the row.
        emulate: The tool whose labels are reproduced: hf, trl, axolotl, unsloth, open-instruct or completion. The only
            other fields that can be combined with it are `options` and `unproved`.
        options: Options of the emulated tool, with the tool's own names.

    Raises:
        DataError: A field is not valid.

    Example:
        >>> Labels(turns="last")
        Labels(turns='last')
        >>> Labels.preset("axolotl", train_on_eos="all")
        Labels(emulate='axolotl', options={'train_on_eos': 'all'})
    """

    roles: str | Sequence[str] = ("assistant",)
    train_on_inputs: bool = False
    turns: Literal["all", "last"] | int = "all"
    flags: Sequence[str] = ("train", "training", "weight")
    ranges: str | None = "train_detail"
    kinds: Sequence[RegionKind] = TRAINED_KINDS
    weights: Mapping[RegionKind, float] = field(default_factory=dict)
    weighted: bool | None = None
    stop: Stop = "turn"
    stop_tokens: Sequence[str] = ()
    borrow_stop: bool = True
    tags: bool | None = None
    boundary: Boundary = "overlap"
    unproved: Unproved = "reject"
    emulate: EmulatedTool | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("flags", "kinds", "stop_tokens"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise DataError(f"labels: `{name}` is {value!r}, which is not a list of names; write [{value}]")
        # JSON and YAML give lists. As tuples, equal labels compare equal.
        for name in ("roles", "flags", "kinds", "stop_tokens"):
            value = getattr(self, name)
            if not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
        check_labels(self.to_json())

    def __repr__(self) -> str:
        changed = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        return f"Labels({changed})"

    def __hash__(self) -> int:
        return hash(self.to_json())

    @staticmethod
    def preset(name: str, **options: Any) -> "Labels":
        """Return the labels of a preset.

        Args:
            name: `assistant` (the default), `all`, `none`, `last`, `tool_calls`, or a tool: `hf`, `trl`, `axolotl`,
                `unsloth`, `open-instruct`, `llama-factory`, `completion`.
            options: For a tool: its options, with its own names, such as axolotl's `train_on_eos`. For the first five
                names: other fields of `Labels`.

        Raises:
            DataError: There is no such preset, or no such option.

        Example:
            >>> Labels.preset("last") == Labels(turns="last")
            True
        """
        return _labels(preset_fields(name, options))

    @staticmethod
    def presets() -> list[str]:
        """Return the names that `preset` accepts."""
        return preset_names()

    @staticmethod
    def of(given: Any) -> "Labels":
        """Make `Labels` from a name, a file, YAML text or a dict.

        Args:
            given: `Labels`; a name of `presets`; the path of a YAML or JSON file; YAML or JSON text of an object, such
                as `{turns: last}`; or a dict. An object holds fields of `Labels`, or a `preset` with its options.

        Raises:
            DataError: The value has none of these forms, or a field is not valid.

        Example:
            >>> Labels.of("{preset: axolotl, train_on_eos: all}").options
            {'train_on_eos': 'all'}
        """
        if isinstance(given, Labels):
            return given
        if isinstance(given, str):
            text = given.strip()
            read = read_labels(text)
            return Labels.preset(text) if read is None else Labels.of(read)
        if not isinstance(given, Mapping):
            raise DataError(
                f"labels: {given!r} has the type {type(given).__name__}; give a name, the path of a file, a dict or "
                "Labels"
            )
        chosen = dict(given)
        if "preset" in chosen:
            return Labels.preset(str(chosen.pop("preset")), **chosen)
        if _OLD_NAME_OF_EMULATE in chosen and "emulate" not in chosen:
            chosen["emulate"] = chosen.pop(_OLD_NAME_OF_EMULATE)
        return _labels(chosen)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain values that JSON and YAML can hold."""
        changed = {}
        for it in fields(self):
            default = it.default_factory() if it.default_factory is not MISSING else it.default
            value = getattr(self, it.name)
            value = list(value) if isinstance(value, tuple) else value
            if value != (list(default) if isinstance(default, tuple) else default):
                changed[it.name] = dict(value) if isinstance(value, Mapping) else value
        return changed

    def spec(self) -> str | dict[str, Any]:
        """Return the name of the preset, or `to_dict()` if there is none. Manifests hold this form; `of` reads it."""
        changed = self.to_dict()
        if set(changed) == {"emulate"}:
            return str(self.emulate)
        named = (name for name in PLAIN if Labels.preset(name).to_dict() == changed)
        return next(named, changed)

    def to_json(self) -> str:
        """Return all fields as JSON, in the form that the core reads."""
        return json.dumps(asdict(self), sort_keys=True)


def _labels(chosen: Mapping[str, Any]) -> Labels:
    names = [it.name for it in fields(Labels)]
    for name in chosen:
        if name not in names:
            hint = suggestion(str(name), ["preset", *names], otherwise=f"use one of preset, {', '.join(names)}")
            raise DataError(f"labels: there is no field {name!r}; {hint}")
    return Labels(**chosen)
