"""`check_readable`: whether a manifest has what readers of an output need, also if somebody else wrote it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.fields import (
    Test,
    is_count,
    is_counts,
    is_list,
    is_object,
    is_sha256,
    is_text,
    or_none,
    wrong_fields,
)
from chatmill.outputs.manifest import is_own_name

# Earlier versions wrote neither sizes nor checksums.
_FILE: dict[str, Test] = {
    "file": lambda value: isinstance(value, str) and is_own_name(value),
    "rows": is_count,
    "bytes?": is_count,
    "sha256?": or_none(is_sha256),
}
_FILES = ("tokenizer_files", "sample_files", "packs", "layout_files", "dataset_files")
_FIELDS: dict[str, Test] = {
    "chatmill": is_text,
    "tokenizer": is_object,
    "tokenizer.name?": is_text,
    "tokenizer.vocabulary_size?": or_none(is_count),
    "options": is_object,
    "options.keep_columns?": or_none(is_list),
    "options.keep_columns?.*": is_text,
    "options.format?": or_none(is_object),
    "options.tokenizer?": or_none(is_text),
    "options.trainer?": or_none(is_object),
    "options.packing?": or_none(is_object),
    "shards": lambda value: is_list(value) and len(value) > 0,
    "validation_shards?": or_none(is_list),
    **{f"{group}?": or_none(is_list) for group in _FILES},
    **{f"{group}?.*.{name}": test for group in _FILES for name, test in _FILE.items()},
    **{
        f"{group}.*.{name}": test
        for group in ("shards", "validation_shards?")
        for name, test in {**_FILE, "tokens": is_count}.items()
    },
    "layout?": or_none(is_object),
    "layout?.vocabulary_size?": or_none(is_count),
    "layout?.lost_labels?": or_none(is_counts),
}
# Readers of rows and of their number may make room for this many rows for each byte of the files.
_MOST_ROWS = 1 << 13


def check_readable(manifest: Mapping[str, Any], path: Path) -> None:
    """Check the types of the values of a manifest that readers use, and that its files have names of chatmill.

    Args:
        manifest: The manifest.
        path: Its path.

    Raises:
        DataError: A value is missing or wrong.
    """
    wrong = next(wrong_fields(manifest, _FIELDS), None)
    if wrong is not None:
        raise DataError(
            f"`{wrong}` in {path} is missing, or is not a value that chatmill writes; copy the output again, or make "
            "it again"
        )


def check_row_counts(manifest: Mapping[str, Any], path: Path, size: int) -> None:
    """Check that files can hold as many rows as a manifest lists: lists make room for them before they are read.

    Args:
        manifest: The manifest.
        path: Its path.
        size: The bytes of the files.

    Raises:
        DataError: They cannot.
    """
    rows = sum(it["rows"] for key in ("shards", "validation_shards") for it in manifest.get(key) or ())
    if rows > _MOST_ROWS * size:
        raise DataError(
            f"{path} lists {rows:,} rows, more than files of {size:,} bytes can hold; copy the output again, or make "
            "it again"
        )
