"""Formats: what the rows of a data set look like, and what messages or text they stand for."""

from chatmill.formats.format import Format

__all__ = ["Format"]
