"""Checks of columns with a value for each token: ids, labels and weights."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.labels import MASKED
from chatmill.verification.columns import LabelKind
from chatmill.verification.places import Places
from chatmill.verification.reporter import Reporter
from chatmill.verification.shards import lists_of


def has_equal_lengths(batch: pa.RecordBatch, names: Sequence[str], widths: pa.Array, report: Reporter) -> bool:
    """Check that all columns of tokens have lists of one length.

    Args:
        batch: Rows.
        names: The columns.
        widths: The lengths of the lists of `input_ids`.
        report: Takes the faults.
    """
    is_right = True
    for name in names:
        wrong = pc.not_equal(lists_of(batch, name)[0], widths)
        is_right &= report.rows("list_lengths", f"{name} has another number of values than input_ids", wrong)
    return is_right


def check_ids(ids: pa.Array, vocabulary: int | None, name: str, places: Places, report: Reporter) -> None:
    """Check that ids are ids of tokens.

    Args:
        ids: The ids.
        vocabulary: The number of ids; None if it is not known.
        name: Their column.
        places: Their places.
        report: Takes the faults.
    """
    wrong = pc.less(ids, 0)
    if vocabulary is not None:
        wrong = pc.or_(wrong, pc.greater_equal(ids, vocabulary))
    known = "" if vocabulary is None else f" from 0 to {vocabulary - 1:,}"
    report.tokens("ids", f"{name} has a number that is no id{known}", wrong, places)


def check_labels(
    labels: pa.Array, ids: pa.Array, kind: LabelKind, vocabulary: int | None, places: Places, report: Reporter
) -> pa.Array:
    """Check labels.

    Args:
        labels: The labels.
        ids: The ids.
        kind: What labels are.
        vocabulary: The number of ids, or None.
        places: The places of both.
        report: Takes the faults.

    Returns:
        For each token whether it is trained.
    """
    is_trained = pc.not_equal(labels, MASKED)
    if kind == "ids":
        wrong, problem = pc.not_equal(labels, ids), f"the label is neither {MASKED} nor the id of the token"
    elif kind == "steps":
        wrong, problem = pc.invert(pc.is_in(labels, pa.array([0, 1], pa.int32()))), f"the label is not {MASKED}, 0 or 1"
    else:
        wrong, problem = pc.less(labels, 0), f"the label is neither {MASKED} nor an id"
        if vocabulary is not None:
            wrong = pc.or_(wrong, pc.greater_equal(labels, vocabulary))
    report.tokens("labels", problem, pc.and_(is_trained, wrong), places)
    return is_trained


def check_weights(weights: pa.Array, is_trained: pa.Array, places: Places, report: Reporter) -> None:
    """Check weights: 0 for masked tokens, and never negative or infinite.

    Args:
        weights: The weights.
        is_trained: For each token whether it has a label.
        places: Their places.
        report: Takes the faults.
    """
    wrong = pc.or_(pc.invert(pc.is_finite(weights)), pc.less(weights, 0))
    wrong = pc.or_(wrong, pc.and_(pc.invert(is_trained), pc.not_equal(weights, 0)))
    problem = "the weight is negative, not a number, or not 0 for a token without a label"
    report.tokens("weights", problem, wrong, places)


def counted(mask: pa.Array, places: Places) -> pa.Array:
    """Return how many values of each row a mask marks.

    Args:
        mask: For each value whether it is marked.
        places: The places of the values.
    """
    before = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(pc.cast(mask, pa.int64()))])
    ends = pc.add(places.starts, places.lengths)
    return pc.subtract(pc.take(before, ends), pc.take(before, places.starts))
