"""`check_fields`: whether the values of a manifest have the types that chatmill writes."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from chatmill.options.choices import LayoutName, PaddingSide, choices
from chatmill.outputs.manifest import FORMAT, recorded_files
from chatmill.outputs.manifest import manifest_bytes as _bytes
from chatmill.verification.faults import AGAIN, Faults

_Test: TypeAlias = Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    # Arrow counts in 64 bits.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _is_size(value: Any) -> bool:
    return _is_count(value) and 1 <= value < 1 << 32


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _or_none(test: _Test) -> _Test:
    return lambda value: value is None or test(value)


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


_FILE = {"file": _is_text, "rows": _is_count, "bytes": _is_count, "sha256": _is_sha256}
_SHARD = {**_FILE, "tokens": _is_count}
_WRITTEN = {"rows": _is_count, "tokens": _is_count, "trained_tokens": _is_count}

# What must be there, by its path; `*` stands for each item of a list, `*?` for each item of a list that may be missing,
# and `?` at the end of a name for a value that may be missing.
_FIELDS: dict[str, _Test] = {
    "format": lambda value: value == FORMAT,
    "chatmill": _is_text,
    "created": _is_time,
    "inputs": _is_list,
    "inputs.*.path": _is_text,
    "inputs.*.size": _or_none(_is_count),
    "inputs.*.rows": _is_count,
    "template": _is_object,
    "tokenizer": _is_object,
    "tokenizer.fingerprint": _is_text,
    "tokenizer.vocabulary_size?": _is_count,
    "options": _is_object,
    "options.keep_columns": _is_list,
    "options.keep_columns.*": _is_text,
    "options.max_length": _or_none(_is_count),
    "options.padding": _or_none(_is_text),
    "options.padding_side?": lambda value: value in choices(PaddingSide),
    "options.pad_to_multiple_of?": _or_none(lambda value: _is_count(value) and value > 0),
    "options.format": _or_none(_is_object),
    "options.trainer?": _or_none(_is_object),
    "versions": _is_object,
    "counts": _is_object,
    **{
        f"counts.{name}": _is_count
        for name in ("rows_in", "rows_out", "rejected", "tokens", "trained_tokens", "samples", "untrained")
    },
    "counts.rejected_by_reason": _is_counts,
    "counts.lengths": _is_counts,
    "counts.arranged?": _is_object,
    "counts.arranged?.datasets": _is_list,
    **{f"counts.arranged?.datasets.*.{name}": _is_count for name in ("rows", "duplicates", "validation", "training")},
    "counts.arranged?.duplicates": _is_count,
    **{f"counts.arranged?.training.{name}": test for name, test in _WRITTEN.items()},
    **{f"counts.arranged?.validation.{name}": test for name, test in _WRITTEN.items()},
    "warnings": _is_list,
    "shards": lambda value: _is_list(value) and len(value) > 0,
    **{f"shards.*.{name}": test for name, test in _SHARD.items()},
    "validation_shards?": _is_list,
    **{f"validation_shards?.*.{name}": test for name, test in _SHARD.items()},
    "rejects": _or_none(_is_object),
    **{
        f"{group}?.*.{name}": test
        for group in ("dataset_files", "tokenizer_files", "packs", "layout_files")
        for name, test in _FILE.items()
    },
    "layout?": _is_object,
    "layout?.name": lambda value: value in choices(LayoutName),
    "layout?.notes": _is_list,
    "layout?.vocabulary_size?": _or_none(_is_count),
    "layout?.lost_labels?": _or_none(_is_counts),
    "layout?.source?": _is_object,
    "layout?.columns?": _is_list,
    "layout?.columns?.*": _is_text,
    "parts?": _is_list,
    "parts?.*.options": _is_object,
    "arrangement?": _is_object,
}
_REJECTS = {f"rejects.{name}": test for name, test in _FILE.items()}

# What `layout` has besides, by its name: what is written without it cannot be read.
_RAW = {"layout.dtype": lambda value: value in ("uint16", "uint32")}
_OF_LAYOUT: dict[str, dict[str, _Test]] = {
    "datatrove": _RAW,
    "olmo": _RAW,
    "megatron": {
        "layout.dtype": lambda value: value in ("uint16", "int32"),
        "layout.companion": lambda value: value in ("loss_mask", "weights"),
        "layout.companion_dtype": lambda value: value in ("uint8", "float32"),
    },
}

_PLAN = {
    **{f"{name}": _is_size for name in ("max_length", "align", "multiple_of")},
    **{f"{name}": _or_none(_is_size) for name in ("max_rows", "group_size")},
    **{f"{name}": _or_none(_is_count) for name in ("pad_id",)},
    "seed": _or_none(lambda value: isinstance(value, int) and 0 <= value < 1 << 64),
    **{f"{name}": _is_text for name in ("strategy", "truncation", "remainder")},
    "shifted": lambda value: isinstance(value, bool),
    "pad_to_max_length": lambda value: isinstance(value, bool),
    "marks": _is_list,
    "tokens": _is_object,
    "tokens.folder": _or_none(_is_text),
    "tokens.manifest_sha256": _or_none(_is_sha256),
    "tokens.shards": _is_list,
    "tokens.shards.*.file": _is_text,
    "tokens.shards.*.sha256": _or_none(_is_sha256),
    "report": _is_object,
    "trained?": _is_object,
}
_REPORT = (
    *("rows", "packs", "empty_packs", "tokens", "room", "pieces", "most_rows", "squared_lengths", "dropped_rows"),
    *("dropped_tokens", "cut_rows", "cut_tokens", "empty_rows"),
)
#: The keys of a manifest.
_KEYS = {
    *(path.rstrip("?") for path in _FIELDS if "." not in path),
    *("dataset_files", "tokenizer_files", "packs", "layout_files", "sha256"),
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
    found = list(_wrong(manifest, fields))
    if not found and "layout" in manifest:
        found += _wrong(manifest, _OF_LAYOUT.get(manifest["layout"]["name"], {}))
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
    found = list(_wrong(about, _PLAN))
    reports = about.get("report")
    for split, report in reports.items() if isinstance(reports, dict) else ():
        counts = report if isinstance(report, dict) else {}
        found += [f"report.{split}.{name}" for name in _REPORT if not _is_count(counts.get(name))]
    trained = about.get("trained")
    for split, share in trained.items() if isinstance(trained, dict) else ():
        if not isinstance(share, dict) or not _is_count(share.get("tokens")):
            found.append(f"trained.{split}.tokens")
    return found


def unknown_keys(manifest: Mapping[str, Any]) -> list[str]:
    """Return the keys that no manifest has.

    Args:
        manifest: A manifest.
    """
    return sorted(manifest.keys() - _KEYS)


def _wrong(value: Any, fields: Mapping[str, _Test]) -> Iterator[str]:
    for path, test in fields.items():
        for place, found, is_there in _values(value, path.split("."), ()):
            if not is_there or not test(found):
                yield place


def _values(value: Any, path: list[str], place: tuple[str, ...]) -> Iterator[tuple[str, Any, bool]]:
    """Yield the place of each value at a path, the value, and whether it is there."""
    if not path:
        yield ".".join(place), value, True
        return
    first, *rest = path
    if first == "*":
        # That it is a list is a field of its own.
        for at, item in enumerate(value if isinstance(value, list) else ()):
            yield from _values(item, rest, (*place, str(at)))
        return
    name = first.rstrip("?")
    if isinstance(value, dict) and name in value:
        yield from _values(value[name], rest, (*place, name))
    elif first == name:
        yield ".".join((*place, name)), None, False
