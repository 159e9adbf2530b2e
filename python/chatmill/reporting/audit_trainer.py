"""`AuditedTrainer`: the trainer of an audit, and the labels that it makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import DataError
from chatmill.labels import Labels
from chatmill.labels.presets import PLAIN, preset_names
from chatmill.labels.read import read_labels
from chatmill.text.nearest import suggestion

#: The names of the trainers whose labels chatmill makes.
TRAINERS: tuple[str, ...] = tuple(name for name in preset_names() if name not in PLAIN)

# The core speaks of the option `emulate` of labels, which nobody gave to an audit.
_WORDS = (
    ("use the training template of TRL, or remove `emulate`", "audit an output made with the training template of TRL"),
    (", or remove `emulate`", ""),
    ("`labels.emulate` does not support", "the trainer does not support"),
)
_EMULATED = re.compile(r"`emulate: ([\w-]+)`")


@dataclass(frozen=True)
class AuditedTrainer:
    """The trainer of an audit.

    Attributes:
        name: Its name, one of `TRAINERS`.
        options: Its options, with its own names.
        labels: The labels that it makes.
    """

    name: str
    options: Mapping[str, Any]
    labels: Labels

    @staticmethod
    def of(given: str | Mapping[str, Any]) -> "AuditedTrainer":
        """Read the trainer of an audit.

        Args:
            given: A name of `TRAINERS`; or its options with its name as `preset`: a dict, YAML or JSON text of an
                object, or the path of a file that holds one.

        Raises:
            DataError: There is no such trainer, or it has no such option.

        Example:
            >>> AuditedTrainer.of("{preset: axolotl, train_on_eos: all}").options
            {'train_on_eos': 'all'}
        """
        fields = read_labels(given.strip()) if isinstance(given, str) else dict(given)
        options: dict[str, Any] = {} if fields is None else dict(fields)
        name = options.pop("preset", None) if fields is not None else str(given).strip()
        if name not in TRAINERS:
            raise DataError(_unknown(name))
        return AuditedTrainer(name, options, Labels.preset(name, **options))


def reason_of(text: str) -> str:
    """Return the reason why a trainer makes no tokens of a row, in words that fit an audit.

    Args:
        text: The reason as the core gives it.

    Example:
        >>> reason_of("`emulate: trl` rejects a row without trained tokens")
        'trl rejects a row without trained tokens'
        >>> reason_of("`labels.emulate` does not support this; remove the row, or remove `emulate`")
        'the trainer does not support this; remove the row'
    """
    for of_labels, of_audit in _WORDS:
        text = text.replace(of_labels, of_audit)
    return _EMULATED.sub(r"\1", text)


def _unknown(name: Any) -> str:
    listed = ", ".join(TRAINERS)
    if name is None:
        return f"`trainer` is an object without `preset`; write {{preset: axolotl, …}}, with one of {listed}"
    if name in PLAIN:
        return (
            f"`trainer` is {name!r}, which is the name of labels and not of a trainer; use one of {listed}, or compare "
            "with `chatmill diff --against OUTPUT --labels LABELS`"
        )
    hint = suggestion(str(name), TRAINERS, otherwise=f"use one of {listed}")
    return f"`trainer` is {name!r}, whose labels chatmill cannot make; {hint}"
