"""`check_rejects`: whether `_rejects.jsonl` has each rejected row once, with the counts of the manifest."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill.text.parsing import parse_json
from chatmill.verification.faults import Faults

_KEYS = {"file", "code", "reason", "message", "template_line", "data"}


def check_rejects(path: Path, manifest: Mapping[str, Any], faults: Faults) -> None:
    """Check the file of the rejected rows, line by line.

    Args:
        path: The file.
        manifest: The manifest of the output.
        faults: Takes the faults.
    """
    paths = [it["path"] for it in manifest["inputs"]]
    times = Counter(paths)
    # A file that was given twice has each of its rows twice.
    rows = Counter(dict.fromkeys(paths, 0))
    for it in manifest["inputs"]:
        rows[it["path"]] += it["rows"]
    last: dict[str, tuple[int, int]] = {}
    codes: Counter[str] = Counter()
    of_file: Counter[str] = Counter()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path.name}, line {number}"
            record = _parsed(line)
            if record is None:
                faults.add("reject_form", where, "it is not the record of a rejected row")
                continue
            file = record["file"]
            codes[record["code"]] += 1
            of_file[file] += 1
            if file not in rows:
                faults.add("reject_file", where, f"it names the file {file!r}, which is no input of the manifest")
            place = (record.get("line", -1), record.get("row", -1))
            if times[file] == 1 and last.get(file, (-2, -2)) >= place:
                faults.add("reject_order", where, "this row, or one after it, was rejected before")
            last[file] = place
    if dict(codes) != manifest["counts"]["rejected_by_reason"]:
        faults.add("reject_counts", path.name, "it has other numbers of rows by code than the manifest counts")
    for file, count in of_file.items():
        if file in rows and count > rows[file]:
            faults.add("reject_counts", path.name, f"it has more rows of {file} than the file had")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = parse_json(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or not record.keys() >= _KEYS:
        return None
    places = [record[unit] for unit in ("line", "row") if unit in record]
    is_placed = places and all(isinstance(it, int) and it >= 0 for it in places)
    return record if is_placed and isinstance(record["file"], str) and isinstance(record["code"], str) else None
