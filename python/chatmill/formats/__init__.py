"""Formats: descriptions of the rows of a dataset, and of the messages or the text that is made from them."""

from chatmill.formats.format import Format

__all__ = ["Format"]
