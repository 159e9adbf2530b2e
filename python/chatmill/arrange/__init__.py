"""The rows of several datasets as one: weights, a seeded shuffle, exact de-duplication and a validation split.

Token batches go to a `Spool` on disk first. What becomes of each row is decided from its number alone; then the rows
are written in their order. The result depends on the rows, their order and the `Arrangement`, on nothing else.
"""

from chatmill.arrange.arrangement import Arranged, Arrangement, DatasetRows, Written
from chatmill.arrange.spool import Spool

__all__ = ["Arranged", "Arrangement", "DatasetRows", "Spool", "Written"]
