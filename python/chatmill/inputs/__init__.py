"""Input files as a stream of blocks: JSONL (plain or compressed), Parquet and Arrow IPC, on any store of fsspec.

A block holds a bounded number of bytes, so memory does not grow with the files.
"""

from chatmill.inputs.block import MESSAGE_COLUMNS, Block
from chatmill.inputs.find import InputFile, InputPath, find_inputs
from chatmill.inputs.lines import JSON_COLUMN
from chatmill.inputs.read import BLOCK_BYTES, MAX_LINE_BYTES, read_blocks
from chatmill.inputs.share import share_rows
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
    "find_inputs",
    "read_blocks",
    "share_rows",
]
