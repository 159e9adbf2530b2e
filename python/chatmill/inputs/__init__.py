"""Inputs as a stream of blocks: JSON, CSV, Parquet and Arrow files on any store of fsspec, standard input, and memory.

A block holds a bounded number of bytes, so memory does not grow with the files.
"""

from chatmill.inputs.block import MESSAGE_COLUMNS, Block
from chatmill.inputs.file import InputFile, InputPath
from chatmill.inputs.find import find_inputs, folders_of
from chatmill.inputs.lines import JSON_COLUMN
from chatmill.inputs.read import BLOCK_BYTES, MAX_LINE_BYTES, read_blocks
from chatmill.inputs.share import choose_rows, row_counts, share_rows
from chatmill.inputs.unchanged import check_states, check_unchanged

__all__ = [
    "BLOCK_BYTES",
    "JSON_COLUMN",
    "MAX_LINE_BYTES",
    "MESSAGE_COLUMNS",
    "Block",
    "InputFile",
    "InputPath",
    "check_states",
    "check_unchanged",
    "choose_rows",
    "find_inputs",
    "folders_of",
    "read_blocks",
    "row_counts",
    "share_rows",
]
