"""Packing: rows of an output are put together into sequences of a fixed length."""
