"""`check_fields`: whether the values of a manifest have the types that chatmill writes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatmill.options.choices import LayoutName, PackMark, PaddingSide, choices
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
from chatmill.outputs.manifest import FORMAT, recorded_files
from chatmill.outputs.manifest import manifest_bytes as _bytes
from chatmill.verification.faults import AGAIN, Faults


def _is_size(value: Any) -> bool:
    return is_count(value) and 1 <= value < 1 << 32


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _are_texts(value: Any) -> bool:
    return is_list(value) and all(map(is_text, value))


def _is_trainer(value: Any) -> bool:
    return is_object(value) and is_text(value.get("name")) and _are_texts(value.get("columns"))


def _are_numbers(value: Any) -> bool:
    return is_list(value) and all(type(it) in (int, float) and 0 <= it < float("inf") for it in value)


_FILE = {"file": is_text, "rows": is_count, "bytes": is_count, "sha256": is_sha256}
_SHARD = {**_FILE, "tokens": is_count}
_WRITTEN = {"rows": is_count, "tokens": is_count, "trained_tokens": is_count}

# What must be there, by its path; `*` stands for each item of a list, `*?` for each item of a list that may be missing,
# and `?` at the end of a name for a value that may be missing.
_FIELDS: dict[str, Test] = {
    "format": lambda value: value == FORMAT,
    "chatmill": is_text,
    "created": _is_time,
    "inputs": is_list,
    "inputs.*.path": is_text,
    "inputs.*.size": or_none(is_count),
    "inputs.*.rows": is_count,
    "template": is_object,
    "tokenizer": is_object,
    "tokenizer.fingerprint": is_text,
    "tokenizer.vocabulary_size?": is_count,
    "options": is_object,
    "options.keep_columns": is_list,
    "options.keep_columns.*": is_text,
    "options.max_length": or_none(is_count),
    "options.padding": or_none(is_text),
    "options.padding_side?": lambda value: value in choices(PaddingSide),
    "options.format": or_none(is_object),
    "options.trainer?": or_none(_is_trainer),
    "versions": is_object,
    "counts": is_object,
    **{
        f"counts.{name}": is_count
        for name in ("rows_in", "rows_out", "rejected", "tokens", "trained_tokens", "samples", "untrained")
    },
    "counts.rejected_by_reason": is_counts,
    "counts.lengths": is_counts,
    "counts.arranged?": is_object,
    "counts.arranged?.datasets": is_list,
    **{f"counts.arranged?.datasets.*.{name}": is_count for name in ("rows", "duplicates", "validation", "training")},
    "counts.arranged?.duplicates": is_count,
    **{f"counts.arranged?.training.{name}": test for name, test in _WRITTEN.items()},
    **{f"counts.arranged?.validation.{name}": test for name, test in _WRITTEN.items()},
    "warnings": is_list,
    "shards": lambda value: is_list(value) and len(value) > 0,
    **{f"shards.*.{name}": test for name, test in _SHARD.items()},
    "validation_shards?": is_list,
    **{f"validation_shards?.*.{name}": test for name, test in _SHARD.items()},
    "rejects": or_none(is_object),
    **{
        f"{group}?.*.{name}": test
        for group in ("dataset_files", "tokenizer_files", "sample_files", "packs", "layout_files")
        for name, test in _FILE.items()
    },
    "layout?": is_object,
    "layout?.name": lambda value: value in choices(LayoutName),
    "layout?.notes": is_list,
    "layout?.vocabulary_size?": or_none(is_count),
    "layout?.lost_labels?": or_none(is_counts),
    "layout?.source?": is_object,
    "layout?.columns?": is_list,
    "layout?.columns?.*": is_text,
    "parts?": is_list,
    "parts?.*.options": is_object,
    "statistics?": is_object,
    "arrangement?": is_object,
    "arrangement?.weights?": or_none(_are_numbers),
}
_REJECTS = {f"rejects.{name}": test for name, test in _FILE.items()}

# What `layout` has besides, by its name: what is written without it cannot be read.
_RAW = {"layout.dtype": lambda value: value in ("uint16", "uint32")}
_OF_LAYOUT: dict[str, dict[str, Test]] = {
    "datatrove": _RAW,
    "olmo": _RAW,
    "megatron": {
        "layout.dtype": lambda value: value in ("uint16", "int32"),
        "layout.companion": lambda value: value in ("loss_mask", "weights"),
        "layout.companion_dtype": lambda value: value in ("uint8", "float32"),
    },
}

_PLAN = {
    **dict.fromkeys(("max_length", "align", "multiple_of"), _is_size),
    **dict.fromkeys(("max_rows", "group_size"), or_none(_is_size)),
    "pad_id": or_none(is_count),
    "seed": or_none(lambda value: isinstance(value, int) and 0 <= value < 1 << 64),
    **{f"{name}": is_text for name in ("strategy", "truncation", "remainder")},
    "shifted": lambda value: isinstance(value, bool),
    "pad_to_max_length": lambda value: isinstance(value, bool),
    "marks": lambda value: _are_texts(value) and set(value) <= set(choices(PackMark)),
    "tokens": is_object,
    "tokens.folder": or_none(is_text),
    "tokens.manifest_sha256": or_none(is_sha256),
    "tokens.shards": is_list,
    "tokens.shards.*.file": is_text,
    "tokens.shards.*.sha256": or_none(is_sha256),
    "report": is_object,
    "trained?": is_object,
}
_REPORT = (
    *("rows", "packs", "empty_packs", "tokens", "room", "pieces", "most_rows", "squared_lengths", "dropped_rows"),
    *("dropped_tokens", "cut_rows", "cut_tokens", "empty_rows"),
)
#: The keys of a manifest.
_KEYS = {
    *(path.rstrip("?") for path in _FIELDS if "." not in path),
    *("dataset_files", "tokenizer_files", "sample_files", "packs", "layout_files", "sha256"),
}


def check_fields(manifest: Any, name: str, faults: Faults) -> bool:
    """Check the types of the values of a manifest, and that all of its files have names of chatmill.

    Args:
        manifest: The content of the file.
        name: The name of the file.
        faults: Takes the faults.

    Returns:
        Whether other checks can read the manifest.
    """
    if not isinstance(manifest, dict):
        faults.add("field", name, "it is no object of JSON")
        return False
    fields = {**_FIELDS, **(_REJECTS if isinstance(manifest.get("rejects"), dict) else {})}
    found = list(wrong_fields(manifest, fields))
    if not found and "layout" in manifest:
        found += wrong_fields(manifest, _OF_LAYOUT.get(manifest["layout"]["name"], {}))
    options = manifest.get("options")
    packing = options.get("packing") if isinstance(options, dict) else None
    if packing is not None:
        found += [f"options.packing.{path}" for path in wrong_plan_fields(packing)]
    for path in dict.fromkeys(found):
        faults.add("field", f"{name}, {path}", "the value is missing, or has another type than chatmill writes", AGAIN)
    if not found and recorded_files(_bytes(manifest)) is None:
        faults.add("field", name, "it lists a file with a name that chatmill does not give")
        return False
    return not found


def wrong_plan_fields(about: Any) -> list[str]:
    """Return the paths of the values that are wrong in the description of packs.

    Args:
        about: `options.packing` of a manifest, or what an index has.
    """
    if not isinstance(about, dict):
        return [""]
    found = list(wrong_fields(about, _PLAN))
    reports = about.get("report")
    for split, report in reports.items() if isinstance(reports, dict) else ():
        counts = report if isinstance(report, dict) else {}
        found += [f"report.{split}.{name}" for name in _REPORT if not is_count(counts.get(name))]
        if not _are_numbers([counts.get("efficiency", 0)]):
            found.append(f"report.{split}.efficiency")
    trained = about.get("trained")
    for split, share in trained.items() if isinstance(trained, dict) else ():
        if not isinstance(share, dict) or not is_count(share.get("tokens")):
            found.append(f"trained.{split}.tokens")
    return found


def unknown_keys(manifest: Mapping[str, Any]) -> list[str]:
    """Return the keys that no manifest has.

    Args:
        manifest: A manifest.
    """
    return sorted(manifest.keys() - _KEYS)
