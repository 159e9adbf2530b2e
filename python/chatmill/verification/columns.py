"""`Columns`: the columns that the files of an output must have, and what their rows are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from chatmill.outputs.shards import ANSWER_COLUMNS
from chatmill.verification.faults import Faults

#: Samples with a label for each token; a prompt with answers; packs.
RowKind: TypeAlias = Literal["samples", "answers", "packs"]
#: What labels are: the id at their place; whether a step is right; any id.
LabelKind: TypeAlias = Literal["ids", "steps", "any"]

_INT32, _INT8, _FLOAT = pa.int32(), pa.int8(), pa.float32()
_LISTS: dict[str, pa.DataType] = {
    **dict.fromkeys(("input_ids", "labels", "position_ids", "seq_start_id"), _INT32),
    **dict.fromkeys(("seq_lengths", "cu_seqlens", "segment_ids"), _INT32),
    **dict.fromkeys(ANSWER_COLUMNS, _INT32),
    **dict.fromkeys(("attention_mask", "loss_mask"), _INT8),
    "weights": _FLOAT,
}
_NUMBERS = {"length": pa.int32(), "row": pa.int64(), "label": pa.bool_()}
_NEMO = ("input_ids", "seq_start_id", "loss_mask")
#: The lists that have a value for each token.
_OF_TOKENS = ("input_ids", "labels", "position_ids", "attention_mask", "loss_mask", "segment_ids", "weights")


@dataclass(frozen=True)
class Columns:
    """The columns of an output.

    Attributes:
        kind: What a row is.
        needed: The columns that must be there.
        optional: Columns that may be there.
        kept: The columns that the user kept, whose types are those of the inputs.
        trainer: The name of the trainer that chose the columns, or None.
        numbering: In packs, the column that numbers the rows.
        has_numbers: Whether samples have a column `row` if there may be several of one input row.
    """

    kind: RowKind
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    kept: frozenset[str]
    trainer: str | None = None
    numbering: str = "segment_ids"
    has_numbers: bool = False

    @classmethod
    def of(cls, manifest: Mapping[str, Any], schema: pa.Schema) -> "Columns":
        """Return the columns that a manifest promises.

        Args:
            manifest: The manifest.
            schema: The columns of the first file. They tell whether rows have answers.
        """
        options = manifest["options"]
        kept = frozenset(() if _marks(options) is not None else options["keep_columns"])
        own = [name for name in schema.names if name not in kept]
        trainer = options.get("trainer")
        layout = manifest.get("layout") or {}
        if layout.get("name") == "nemo":
            trainer = {"name": "nemo", "columns": _NEMO}
        elif layout:
            return cls._of_layout(layout, options, kept)
        if _marks(options) is not None:
            return cls._of_packs(options, trainer)
        kind: RowKind = "samples" if "input_ids" in own else "answers"
        if trainer:
            kind = "samples" if "input_ids" in trainer["columns"] else "answers"
            return cls(kind, tuple(trainer["columns"]), (), kept - set(trainer["columns"]), trainer["name"])
        if kind == "answers":
            answers = tuple(name for name in own if name in ANSWER_COLUMNS)
            return cls(kind, (*(answers or ("input_ids",)), "length"), ("label",), kept)
        made = ["attention_mask"] if options.get("attention_mask") or options["padding"] else []
        made += ["position_ids"] if options.get("position_ids") else []
        needed = ("input_ids", "labels", *made, "length")
        return cls(kind, needed, ("weights", "row"), kept, has_numbers=True)

    @classmethod
    def _of_packs(cls, options: Mapping[str, Any], trainer: Mapping[str, Any] | None) -> "Columns":
        marks = _marks(options) or ()
        if trainer is None:
            return cls("packs", ("input_ids", "labels", *marks, "length"), ("weights",), frozenset())
        names = tuple(trainer["columns"])
        return cls("packs", names, (), frozenset(), trainer["name"], _numbering(names, marks))

    @classmethod
    def _of_layout(cls, layout: Mapping[str, Any], options: Mapping[str, Any], kept: frozenset[str]) -> "Columns":
        marks = _marks(options)
        if "columns" in layout:
            names = tuple(name for name in layout["columns"] if name not in kept)
        else:
            weights = ("weights",) if layout.get("companion") == "weights" else ()
            names = ("input_ids", "labels", *weights, *(() if marks is None else ("seq_lengths",)), "length")
        if marks is not None:
            return cls("packs", names, (), kept, numbering=_numbering(names, marks))
        return cls("samples" if "input_ids" in names else "answers", names, (), kept)

    def check(self, schema: pa.Schema, where: str, faults: Faults) -> bool:
        """Check the columns of a file.

        Args:
            schema: Its columns.
            where: Its name.
            faults: Takes the faults.

        Returns:
            Whether its rows can be checked.
        """
        wrong = [f"the column {name} is missing" for name in self.needed if name not in schema.names]
        wrong += [f"the column {name} is there twice" for name in set(schema.names) if schema.names.count(name) > 1]
        for name in schema.names:
            if name in self.kept:
                continue
            if name not in (*self.needed, *self.optional):
                wrong.append(f"the column {name} is not one that the manifest promises")
            elif not self._has_type(name, schema.field(name).type):
                wrong.append(f"the column {name} has the type {schema.field(name).type}")
        if wrong:
            faults.add("columns", where, wrong[0], count=len(wrong))
        return not wrong

    def of_tokens(self, names: Sequence[str]) -> list[str]:
        """Return the columns with a value for each token.

        Args:
            names: The columns of a file.
        """
        return [name for name in _OF_TOKENS if name in names and name not in self.kept]

    def own(self, names: Sequence[str]) -> list[str]:
        """Return the columns that chatmill made.

        Args:
            names: The columns of a file.
        """
        return [name for name in names if name not in self.kept]

    def _has_type(self, name: str, found: pa.DataType) -> bool:
        if name in _NUMBERS:
            return bool(found == _NUMBERS[name])
        # In packs for LLaMA-Factory it numbers the rows.
        is_numbered = self.kind == "packs" and name == self.numbering
        item = _INT32 if is_numbered else _LISTS.get(name)
        return bool(pa.types.is_list(found) and found.value_type == item)


def _marks(options: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the columns that mark rows in packs; None if rows are no packs."""
    packing = options.get("packing")
    return None if packing is None else tuple(packing["marks"])


def _numbering(names: Sequence[str], marks: Sequence[str]) -> str:
    """Return the column that numbers the rows of packs, which LLaMA-Factory reads as its mask."""
    is_renamed = "segment_ids" in marks and "segment_ids" not in names
    return "attention_mask" if is_renamed else "segment_ids"


def label_kind(manifest: Mapping[str, Any]) -> LabelKind:
    """Return what labels of an output are, besides -100.

    Args:
        manifest: Its manifest.
    """
    options = [part["options"] for part in manifest.get("parts", ())] or [manifest["options"]]
    formats = [it.get("format") or {} for it in options]
    if any(it.get("tokens") for it in formats):
        return "any"
    return "steps" if any("steps" in it for it in formats) else "ids"
