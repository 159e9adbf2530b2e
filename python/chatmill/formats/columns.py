"""`renamed_columns`: a format for rows whose columns have other names; `parse_columns`: the names of a command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from chatmill._chatmill import DataError
from chatmill.text.nearest import suggestion


def renamed_columns(core: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return a format, in the form that the core reads, with other columns.

    Args:
        core: The format.
        columns: The column in the rows for each column that the format reads.

    Example:
        >>> renamed_columns({"name": "x", "fields": [{"name": "output"}]}, {"output": "answer"})["fields"]
        [{'name': 'output', 'column': 'answer'}]
    """

    def one(name: str) -> str:
        return columns.get(name, name)

    changed = {**core, "fields": [_field(field, columns) for field in core.get("fields", ())]}
    if isinstance(core.get("messages"), Mapping):
        changed["messages"] = _mapping(core["messages"], columns)
    elif "tools" in core or "tools" in columns:
        changed["tools"] = one(core.get("tools", "tools"))
    if "answers" in core:
        answers = core["answers"]
        label = answers.get("label")
        changed["answers"] = {
            **answers,
            "prompt": None if answers["prompt"] is None else one(answers["prompt"]),
            "names": [[name, one(column)] for name, column in answers["names"]],
            "label": None if label is None else [label[0], one(label[1])],
            "mapping": _mapping(answers["mapping"], columns),
        }
    return changed


def check_renamed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, where: str) -> None:
    """Check that rows have the columns to rename.

    Args:
        rows: Some rows.
        columns: The column in the rows for each known name.
        where: The name of the rows in an error.

    Raises:
        DataError: None of the rows has a column; it may be that both names are exchanged.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    for known, column in columns.items():
        if names and column not in names:
            hint = suggestion(column, names, otherwise=f"the rows have {', '.join(names)}")
            if known in names:
                hint = f"did you mean `{column}={known}`? The name in the rows comes after the `=`"
            raise DataError(f"{where}: no row has the column {column!r} of `{known}={column}`; {hint}")


def renamed_row(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return a row under the names that formats know.

    Args:
        row: The row.
        columns: The column in the row for each known name.

    Example:
        >>> renamed_row({"q": "Why?", "output": "So."}, {"instruction": "q"})
        {'instruction': 'Why?', 'output': 'So.'}
    """
    known = {column: name for name, column in columns.items()}
    # A column that already has a known name gives way to the one that is renamed.
    kept = {key: value for key, value in row.items() if key in known or key not in columns}
    return {known.get(key, key): value for key, value in kept.items()}


def _field(field: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    column = field.get("column", field["name"])
    if column in columns:
        return {**{key: it for key, it in field.items() if key != "others"}, "column": columns[column]}
    given = {other: columns[other] for other in field.get("others", ()) if other in columns}
    if given:
        return {**field, "others": [given.get(other, other) for other in field["others"]]}
    return dict(field)


def _mapping(mapping: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    changed = dict(mapping)
    if any(name in columns for name in mapping.get("fields", ())):
        # Only the renamed column holds the messages.
        changed["fields"] = [columns[name] for name in mapping["fields"] if name in columns]
    for key in ("system", "completion"):
        if mapping.get(key) in columns:
            changed[key] = columns[mapping[key]]
    if mapping.get("tools", "tools") in columns:
        changed["tools"] = columns[mapping.get("tools", "tools")]
    return changed
