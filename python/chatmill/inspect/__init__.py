"""Rows as people read them: with the trained text marked, token by token, and as differences between two sides."""

from chatmill.inspect.debug import debug_encoding, debug_output, debug_tokens, print_debug
from chatmill.inspect.diff import diff_output, diff_rows
from chatmill.inspect.html import to_html
from chatmill.inspect.rows import encode_row
from chatmill.inspect.show import print_encoding, show_encoding

__all__ = [
    "debug_encoding",
    "debug_output",
    "debug_tokens",
    "diff_output",
    "diff_rows",
    "encode_row",
    "print_debug",
    "print_encoding",
    "show_encoding",
    "to_html",
]
