"""Merging the rows of several datasets: weights, a seeded shuffle, exact de-duplication and a validation split.

Token batches are first written to a `Spool` on disk. The place of each row in the output is computed from its number
only; then the rows are written in their final order. The result depends on the rows, their order and the `Arrangement`,
and on nothing else.
"""

from chatmill.arrange.arrangement import Arranged, Arrangement, DatasetRows, WrittenCounts
from chatmill.arrange.spool import Spool

__all__ = ["Arranged", "Arrangement", "DatasetRows", "Spool", "WrittenCounts"]
