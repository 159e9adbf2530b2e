"""`check_answers`: rows of a prompt with answers have ids of tokens, and the lengths that they say."""

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from chatmill.outputs.shards import ANSWER_COLUMNS
from chatmill.verification.columns import Columns
from chatmill.verification.places import Places
from chatmill.verification.reporter import Reporter
from chatmill.verification.shards import lists_of
from chatmill.verification.tokens import check_ids


def check_answers(
    batch: pa.RecordBatch, columns: Columns, vocabulary: int | None, report: Reporter
) -> tuple[pa.Array, pa.Array]:
    """Check some rows.

    Args:
        batch: The rows.
        columns: The columns of the output.
        vocabulary: The number of ids, or None.
        report: Takes the faults.

    Returns:
        The tokens of each row, and its tokens of answers, all of which are trained.
    """
    names = [name for name in columns.own(batch.schema.names) if name in ANSWER_COLUMNS]
    counts = {}
    for name in names:
        lengths, ids = lists_of(batch, name)
        check_ids(ids, vocabulary, name, Places(lengths), report)
        counts[name] = pc.cast(lengths, pa.int64())
        if name != "prompt_ids":
            report.rows("empty_answer", f"{name} has no tokens", pc.equal(lengths, 0))
    answers = reduce(pc.add, [lengths for name, lengths in counts.items() if name != "prompt_ids"])
    total = pc.add(answers, counts["prompt_ids"]) if "prompt_ids" in counts else answers
    if "length" in columns.own(batch.schema.names):
        problem = "length is not the number of tokens of the prompt and the answers"
        report.rows("length", problem, pc.not_equal(batch.column("length"), total))
    return total, answers
