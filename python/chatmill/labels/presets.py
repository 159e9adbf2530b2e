"""The presets of labels: named sets of fields of `Labels`."""

from collections.abc import Mapping
from typing import Any

from chatmill._chatmill import DataError
from chatmill.options.choices import EmulatedTool, RegionKind, choices
from chatmill.text.nearest import suggestion

#: Kinds of regions, in the order in which a turn has them.
KINDS: tuple[RegionKind, ...] = choices(RegionKind)

#: The kinds that are trained by default.
TRAINED_KINDS: tuple[RegionKind, ...] = ("prefix", "reasoning", "content", "tool_call", "tool_result", "closer")

#: Presets that only set fields of `Labels`.
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "assistant": {},
    "all": {"roles": "all", "kinds": KINDS, "flags": (), "ranges": None, "tags": False},
    "none": {"kinds": (), "tags": False},
    "last": {"turns": "last"},
    "tool_calls": {"kinds": ("tool_call", "closer")},
}

#: The tools whose labels the core emulates.
EMULATED: tuple[EmulatedTool, ...] = choices(EmulatedTool)

_LLAMA_FACTORY = "llama-factory"


def preset_names() -> list[str]:
    """Return the names of all presets.

    Example:
        >>> preset_names()[:5]
        ['assistant', 'all', 'none', 'last', 'tool_calls']
    """
    return [*PLAIN, *EMULATED, _LLAMA_FACTORY]


def preset_fields(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Labels` that a preset sets.

    Args:
        name: The name of the preset.
        options: Other fields of `Labels`, or the options of the emulated tool, with its own names.

    Raises:
        DataError: There is no such preset, or `llama-factory` has no such option.

    Example:
        >>> preset_fields("last", {"stop": "none"})
        {'turns': 'last', 'stop': 'none'}
    """
    if name in PLAIN:
        return {**PLAIN[name], **options}
    if name in EMULATED:
        return {"emulate": name, "options": options}
    if name == _LLAMA_FACTORY:
        return _llama_factory(**options)
    names = preset_names()
    hint = suggestion(name, names, otherwise=f"use one of {', '.join(names)}, a file, or an object of fields")
    raise DataError(f"labels: there is no preset {name!r}; {hint}")


def _llama_factory(*, train_on_prompt: bool = False, mask_history: bool = False, **others: Any) -> dict[str, Any]:
    """Train the answer and all text that LLaMA-Factory's slot adds after it; the slot is tokenized on its own."""
    if others:
        raise DataError(
            f"labels: llama-factory has no option {next(iter(others))!r}; use train_on_prompt or mask_history"
        )
    if train_on_prompt and mask_history:
        raise DataError("labels: llama-factory cannot combine train_on_prompt and mask_history; remove one of them")
    common = {"flags": (), "ranges": None, "boundary": "split", "tags": False}
    if train_on_prompt:
        return {"roles": "all", "kinds": KINDS, **common}
    return {"kinds": (*TRAINED_KINDS, "trailing"), "turns": "last" if mask_history else "all", **common}
