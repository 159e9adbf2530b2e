"""`SampleRules`: what holds for each sample: one value for each token, labels, masks, positions and padding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.options.choices import PaddingSide
from chatmill.verification.columns import Columns, LabelKind, label_kind
from chatmill.verification.places import Places, first_true
from chatmill.verification.reporter import Reporter
from chatmill.verification.shards import lists_of
from chatmill.verification.tokens import check_ids, check_labels, check_weights, counted, has_equal_lengths

_FLAGS = pa.array([0, 1], pa.int8())


@dataclass(frozen=True)
class SampleRules:
    """The rules for the samples of an output.

    Attributes:
        columns: Its columns.
        labels: What labels are.
        vocabulary: The number of ids; None if nothing tells it.
        max_length: The most tokens of a sample; None if there is no limit.
        padding: How samples are padded; None if they are not.
        padding_side: The side of the padding.
        multiple: Padded samples have a multiple of this number of values.
        pad_ids: The ids of padding that were found.
    """

    columns: Columns
    labels: LabelKind
    vocabulary: int | None
    max_length: int | None
    padding: str | None
    padding_side: PaddingSide = "right"
    multiple: int = 1
    pad_ids: set[int] = field(default_factory=set, compare=False)

    @classmethod
    def of(cls, manifest: Mapping[str, Any], columns: Columns, vocabulary: int | None) -> "SampleRules":
        """Return the rules of an output.

        Args:
            manifest: Its manifest.
            columns: Its columns.
            vocabulary: The number of ids, or None.
        """
        parts = [part["options"].get("max_length") for part in manifest.get("parts", ())]
        limits = parts or [manifest["options"]["max_length"]]
        limit = None if None in limits else max(limits)
        options = manifest["options"]
        # Earlier versions padded on the right.
        side, multiple = options.get("padding_side", "right"), options.get("pad_to_multiple_of") or 1
        return cls(columns, label_kind(manifest), vocabulary, limit, options["padding"], side, multiple)

    def check(self, batch: pa.RecordBatch, report: Reporter) -> tuple[pa.Array, pa.Array | None] | None:
        """Check some samples.

        Args:
            batch: The samples.
            report: Takes the faults.

        Returns:
            The lengths of the samples, and their numbers of trained tokens, if they have labels; None if columns
            contradict each other.
        """
        names = self.columns.of_tokens(batch.schema.names)
        widths, ids = lists_of(batch, "input_ids")
        if not has_equal_lengths(batch, names, widths, report):
            return None
        places = Places(widths)
        lengths = batch.column("length") if "length" in self.columns.own(batch.schema.names) else widths
        if not self._check_lengths(lengths, widths, report):
            return None
        counts = pc.cast(lengths, pa.int64())
        first = pc.subtract(places.lengths, counts) if self.padding_side == "left" else pc.subtract(counts, counts)
        numbers = pc.subtract(places.positions, places.of_rows(first))
        is_token = pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, places.of_rows(counts)))
        check_ids(ids, self.vocabulary, "input_ids", places, report)
        values = {name: lists_of(batch, name)[1] for name in names if name != "input_ids"}
        if self.padding is not None:
            self._check_padding(ids, values, is_token, places, report)
        if "attention_mask" in values:
            wrong = pc.not_equal(values["attention_mask"], pc.cast(is_token, pa.int8()))
            report.tokens("attention_mask", "attention_mask is not 1 for tokens and 0 for padding", wrong, places)
        if "position_ids" in values:
            expected = pc.if_else(is_token, numbers, 0)
            report.tokens(
                "position_ids",
                "position_ids do not number the tokens from 0",
                pc.not_equal(values["position_ids"], expected),
                places,
            )
        if "loss_mask" in values:
            self._check_nemo(batch, values["loss_mask"], places, report)
        if "labels" not in values:
            mask = values.get("loss_mask")
            return lengths, None if mask is None else counted(pc.not_equal(mask, 0), places)
        is_trained = check_labels(values["labels"], ids, self.labels, self.vocabulary, places, report)
        if "weights" in values:
            check_weights(values["weights"], is_trained, places, report)
        return lengths, counted(is_trained, places)

    def _check_lengths(self, lengths: pa.Array, widths: pa.Array, report: Reporter) -> bool:
        wrong = pc.not_equal(lengths, widths)
        if self.padding is not None:
            wrong = pc.or_(pc.greater(lengths, widths), pc.less(lengths, 0))
        is_right = report.rows("length", "length is not the number of tokens", wrong)
        if self.max_length is not None:
            report.rows(
                "max_length", f"the row is longer than {self.max_length:,} tokens", pc.greater(lengths, self.max_length)
            )
        if self.padding == "max_length" and self.max_length is not None:
            width = -(-self.max_length // self.multiple) * self.multiple
            report.rows("width", "the row is not padded to the length of all rows", pc.not_equal(widths, width))
        elif self.padding is not None and self.multiple > 1:
            rest = pc.subtract(widths, pc.multiply(pc.divide(widths, self.multiple), self.multiple))
            report.rows(
                "width", f"the row is not padded to a multiple of {self.multiple:,} tokens", pc.not_equal(rest, 0)
            )
        return is_right

    def _check_padding(
        self,
        ids: pa.Array,
        values: Mapping[str, pa.Array],
        is_token: pa.Array,
        places: Places,
        report: Reporter,
    ) -> None:
        is_padding = pc.invert(is_token)
        pads = pc.unique(ids.filter(is_padding)).to_pylist()
        self.pad_ids.update(pads[:1] if not self.pad_ids else ())
        wrong = pc.and_(is_padding, pc.invert(pc.is_in(ids, pa.array(self.pad_ids, pa.int32()))))
        report.tokens("padding_ids", "padding has more than one id", wrong, places)
        for name, pad in (("labels", MASKED), ("weights", 0)):
            if name in values:
                wrong = pc.and_(is_padding, pc.not_equal(values[name], pad))
                report.tokens(f"padding_{name}", f"the padding of {name} is not {pad}", wrong, places)

    def _check_nemo(self, batch: pa.RecordBatch, mask: pa.Array, places: Places, report: Reporter) -> None:
        is_last = pc.equal(places.positions, pc.subtract(places.of_rows(places.lengths), 1))
        report.tokens("loss_mask", "loss_mask is not 0 or 1", pc.invert(pc.is_in(mask, _FLAGS)), places)
        report.tokens(
            "loss_mask_end",
            "loss_mask trains a token after the last one",
            pc.and_(is_last, pc.not_equal(mask, 0)),
            places,
        )
        counts, starts = lists_of(batch, "seq_start_id")
        wrong = pc.not_equal(counts, 1)
        if first_true(wrong) is None:
            wrong = pc.not_equal(starts, 0)
        report.rows("seq_start_id", "seq_start_id is not [0]", wrong)
