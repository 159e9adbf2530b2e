"""Batches at train time: padded rows as arrays or tensors, and the rows of one process."""

from chatmill.batches.collator import Collator, collate
from chatmill.batches.split import split_between

__all__ = ["Collator", "collate", "split_between"]
