"""`check_recorded`: whether a manifest has what a report shows of it, also if somebody else wrote it."""

from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.fields import (
    Test,
    is_count,
    is_counts,
    is_list,
    is_object,
    is_text,
    or_none,
    wrong_fields,
)

# Codes of reasons and notes, of which chatmill has less than 200.
_MOST_CODES = 1000
_SPLITS = ("train", "validation")
_OF_PACKS = ("packs", "tokens", "room", "rows", "cut_rows", "cut_tokens", "dropped_rows", "dropped_tokens")


def _is_by_code(value: Any) -> bool:
    return is_counts(value) and len(value) <= _MOST_CODES


def _is_labels(value: Any) -> bool:
    return is_text(value) or is_object(value)


_FIELDS: dict[str, Test] = {
    "created": is_text,
    "template": is_object,
    "template.name": is_text,
    "tokenizer.name": is_text,
    "tokenizer.engine": is_object,
    "tokenizer.engine.name": is_text,
    "tokenizer.engine.version": is_text,
    "options.labels?": or_none(_is_labels),
    "options.max_length?": or_none(is_count),
    "options.truncation?": or_none(is_text),
    **{f"options.packing?.{name}?": is_object for name in ("report", "trained")},
    "options.packing?.max_length?": is_count,
    **{f"options.packing?.report?.{split}?": is_object for split in _SPLITS},
    **{f"options.packing?.report?.{split}?.{name}?": is_count for split in _SPLITS for name in _OF_PACKS},
    **{f"options.packing?.trained?.{split}?.tokens?": is_count for split in _SPLITS},
    "parts?": is_list,
    "parts?.*.options": is_object,
    "parts?.*.options.labels": _is_labels,
    "inputs": is_list,
    "inputs.*.path": is_text,
    "counts": is_object,
    **{f"counts.{name}": is_count for name in ("rows_in", "rows_out", "rejected")},
    **{f"counts.{name}?": is_count for name in ("cut_tokens", "assistant_turns", "trained_turns")},
    **{f"counts.{name}?": _is_by_code for name in ("notes", "rejected_by_reason")},
    "warnings?": is_list,
    "warnings?.*.text": is_text,
    **{f"warnings?.*.{name}?": is_text for name in ("code", "place", "remedy")},
    **{f"warnings?.*.{name}?": is_count for name in ("rows", "of")},
}


def check_recorded(manifest: Any, path: Path) -> None:
    """Check the types of the values of a manifest that a report shows, besides its statistics.

    Args:
        manifest: The manifest, after `check_readable`.
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
