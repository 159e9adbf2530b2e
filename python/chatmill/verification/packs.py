"""`PackRules`: what holds for each pack: its rows are those of the plan, and its columns tell where they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.verification.columns import Columns, LabelKind
from chatmill.verification.places import Places
from chatmill.verification.reporter import Reporter
from chatmill.verification.shards import lists_of
from chatmill.verification.tokens import check_ids, check_labels, check_weights, counted, has_equal_lengths


@dataclass(frozen=True)
class Sequences:
    """The sequences of some packs: rows with the padding that aligns them, and the padding at the end of a pack.

    Attributes:
        of_packs: The lengths of the sequences of each pack.
        tokens: For each sequence of all packs its tokens without padding; 0 for padding at the end.
        numbers: For each sequence its number in its pack, from 1.
    """

    of_packs: list[list[int]]
    tokens: list[int]
    numbers: list[int]


class PackRules:
    """The rules for the packs of one split.

    Args:
        columns: The columns of the output.
        about: What made the packs.
        plan: The plan of the split, in the order of packs.
        labels: What labels are.
        vocabulary: The number of ids; None if nothing tells it.
    """

    def __init__(
        self, columns: Columns, about: Mapping[str, Any], plan: pa.Table, labels: LabelKind, vocabulary: int | None
    ) -> None:
        self._columns, self._about, self._labels, self._vocabulary = columns, about, labels, vocabulary
        self._pack = plan["pack"].combine_chunks()
        self._lengths = pc.cast(pc.subtract(plan["stop"], plan["start"]).combine_chunks(), pa.int64())
        self._next = 0

    def check(
        self, batch: pa.RecordBatch, first_pack: int, report: Reporter
    ) -> tuple[pa.Array, pa.Array | None, Sequences] | None:
        """Check some packs. They must come in their order.

        Args:
            batch: The packs.
            first_pack: The number of the first one.
            report: Takes the faults.

        Returns:
            The lengths of the packs, their numbers of trained tokens, if they have labels, and their sequences; None if
            they cannot be compared with the plan.
        """
        names = self._columns.of_tokens(batch.schema.names)
        widths, ids = lists_of(batch, "input_ids")
        sequences = self._sequences(first_pack, widths.to_pylist())
        if not has_equal_lengths(batch, names, widths, report):
            return None
        if "length" in batch.schema.names:
            problem = "length is not the number of tokens"
            report.rows("length", problem, pc.not_equal(batch.column("length"), widths))
        wrong = [sum(lengths) != width for lengths, width in zip(sequences.of_packs, widths.to_pylist(), strict=True)]
        problem = "the pack has another number of tokens than its rows in the plan"
        if not report.rows("pack_length", problem, pa.array(wrong, pa.bool_())):
            return None
        places = Places(widths)
        flat = Places(pa.array([length for lengths in sequences.of_packs for length in lengths], pa.int64()))
        is_token = pc.less(flat.positions, flat.of_rows(pa.array(sequences.tokens, pa.int64())))
        check_ids(ids, self._vocabulary, "input_ids", places, report)
        self._check_padding(ids, is_token, places, report)
        values = {name: lists_of(batch, name)[1] for name in names if name != "input_ids"}
        self._check_marks(batch, values, sequences, flat, is_token, places, report)
        if "labels" not in values:
            mask = values.get("loss_mask")
            return widths, None if mask is None else counted(pc.not_equal(mask, 0), places), sequences
        is_trained = check_labels(values["labels"], ids, self._labels, self._vocabulary, places, report)
        is_first = pc.equal(flat.positions, 0)
        problem = f"the label of the first token of a row is not {MASKED}, so another row would be trained on it"
        report.tokens("first_label", problem, pc.and_(is_first, is_trained), places)
        problem = f"the label of padding is not {MASKED}"
        report.tokens("padding_labels", problem, pc.and_(pc.invert(is_token), is_trained), places)
        if "weights" in values:
            check_weights(values["weights"], is_trained, places, report)
        if "loss_mask" in values:
            before = pc.and_(is_trained[1:], pc.invert(is_first[1:]))
            expected = pa.concat_arrays([before, pa.array([False] * min(1, len(is_trained)), pa.bool_())])
            wrong = pc.not_equal(values["loss_mask"], pc.cast(expected, pa.int8()))
            report.tokens("loss_mask", "loss_mask is not whether the next token of the row is trained", wrong, places)
        return widths, counted(is_trained, places), sequences

    def _sequences(self, first_pack: int, widths: list[int]) -> Sequences:
        """Return the sequences of the next packs, as the plan has them."""
        options = self._about
        align, shifted, max_length = options["align"], int(options["shifted"]), options["max_length"]
        fills = options["pad_to_max_length"] or self._columns.trainer == "llama-factory"
        found = Sequences([], [], [])
        end = self._next
        last = first_pack + len(widths)
        while end < len(self._pack) and self._pack[end].as_py() < last:
            end += 1
        packs, lengths = (it[self._next : end].to_pylist() for it in (self._pack, self._lengths))
        self._next = end
        of_pack: dict[int, list[int]] = {}
        for pack, length in zip(packs, lengths, strict=True):
            of_pack.setdefault(pack, []).append(length)
        for pack in range(first_pack, last):
            own = of_pack.get(pack, [])
            rows = [-(-max(0, length - shifted) // align) * align + shifted for length in own]
            tail = max(0, max_length - sum(rows)) if fills or not rows else 0
            found.of_packs.append([*rows, *([tail] if tail else [])])
            found.tokens.extend([*own, *([0] if tail else [])])
            found.numbers.extend(range(1, len(found.of_packs[-1]) + 1))
        return found

    def _marked(self, sequences: Sequences) -> list[list[int]]:
        """Return the lengths of the sequences as marks tell them. Numbers of rows do not tell where padding begins."""
        if set(self._about["marks"]) - {"segment_ids", "loss_mask"} or "segment_ids" in self._columns.needed:
            return sequences.of_packs
        tokens, marked = iter(sequences.tokens), []
        for lengths in sequences.of_packs:
            merged: list[int] = []
            for length in lengths:
                if not next(tokens) and merged:
                    merged[-1] += length
                else:
                    merged.append(length)
            marked.append(merged)
        return marked

    def _check_padding(self, ids: pa.Array, is_token: pa.Array, places: Places, report: Reporter) -> None:
        pad = self._about["pad_id"]
        wrong = pc.invert(is_token)
        if pad is not None:
            wrong = pc.and_(wrong, pc.not_equal(ids, pad))
        report.tokens("padding_ids", f"the id of padding is not {pad}", wrong, places)

    def _check_marks(
        self,
        batch: pa.RecordBatch,
        values: Mapping[str, pa.Array],
        sequences: Sequences,
        flat: Places,
        is_token: pa.Array,
        places: Places,
        report: Reporter,
    ) -> None:
        of_packs = self._marked(sequences)
        expected: dict[str, list[list[int]]] = {
            "seq_lengths": of_packs,
            "cu_seqlens": [list(accumulate(lengths, initial=0)) for lengths in of_packs],
            "seq_start_id": [list(accumulate(lengths, initial=0))[:-1] for lengths in of_packs],
        }
        for name in expected.keys() & set(batch.schema.names):
            found = batch.column(name).to_pylist()
            wrong = [one != other for one, other in zip(found, expected[name], strict=True)]
            report.rows(name, f"{name} does not tell where the rows of the plan are", pa.array(wrong, pa.bool_()))
        if "position_ids" in values:
            wrong = pc.not_equal(values["position_ids"], flat.positions)
            report.tokens("position_ids", "position_ids do not restart at 0 with each row", wrong, places)
        numbers = pc.if_else(is_token, flat.of_rows(pa.array(sequences.numbers, pa.int64())), 0)
        numbered = self._columns.numbering
        if numbered in values:
            wrong = pc.not_equal(values[numbered], numbers)
            report.tokens(numbered, f"{numbered} does not number the rows from 1", wrong, places)
        elif "attention_mask" in values:
            wrong = pc.not_equal(values["attention_mask"], 1)
            report.tokens("attention_mask", "attention_mask is not 1", wrong, places)
        if "loss_mask" in values and "labels" not in values:
            mask = values["loss_mask"]
            ends = pc.subtract(flat.of_rows(pa.array(sequences.tokens, pa.int64())), 1)
            wrong = pc.or_(
                pc.invert(pc.is_in(mask, pa.array([0, 1], pa.int8()))),
                pc.and_(pc.not_equal(mask, 0), pc.greater_equal(flat.positions, ends)),
            )
            report.tokens("loss_mask", "loss_mask is not 0 at the end of a row and in padding", wrong, places)
