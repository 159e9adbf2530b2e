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
    """

    kind: RowKind
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    kept: frozenset[str]
    trainer: str | None

    @classmethod
    def of(cls, manifest: Mapping[str, Any], schema: pa.Schema) -> "Columns":
        """Return the columns that a manifest promises.

        Args:
            manifest: The manifest.
            schema: The columns of the first file. They tell whether rows have answers.
        """
        options = manifest["options"]
        trainer = options.get("trainer")
        if options.get("packing") is not None:
            marks = tuple(options["packing"]["marks"])
            needed = tuple(trainer["columns"]) if trainer else ("input_ids", "labels", *marks, "length")
            optional = () if trainer else ("weights",)
            return cls("packs", needed, optional, frozenset(), trainer and trainer["name"])
        kept = frozenset(options["keep_columns"])
        own = [name for name in schema.names if name not in kept]
        kind: RowKind = "samples" if "input_ids" in own else "answers"
        if trainer:
            return cls(kind, tuple(trainer["columns"]), (), kept - set(trainer["columns"]), trainer["name"])
        if kind == "answers":
            answers = tuple(name for name in own if name in ANSWER_COLUMNS)
            return cls(kind, (*(answers or ("input_ids",)), "length"), ("label",), kept, None)
        made = ["attention_mask"] if options.get("attention_mask") or options["padding"] else []
        made += ["position_ids"] if options.get("position_ids") else []
        return cls(kind, ("input_ids", "labels", *made, "length"), ("weights", "row"), kept, None)

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
        is_numbered = name == "attention_mask" and self.kind == "packs" and self.trainer == "llama-factory"
        item = _INT32 if is_numbered else _LISTS.get(name)
        return bool(pa.types.is_list(found) and found.value_type == item)


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
