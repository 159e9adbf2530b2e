"""Formats: the fields of the rows of a data set, and the messages or the text that they become."""

from chatmill.formats.format import Format

__all__ = ["Format"]
