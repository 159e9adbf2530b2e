"""`check_data`: checks a template on rows of data, for unread keys, missing values and failures."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatmill._chatmill import ChatmillError
from chatmill.lint.finding import Finding, Level
from chatmill.lint.rows import Row, to_rows
from chatmill.lint.subject import Subject, line_of_error
from chatmill.text.failures import reason_of
from chatmill.text.quote import shorten

# The keys of ShareGPT messages in place of `role` and `content`.
_SHAREGPT = {"from", "value"}
# The keys whose values templates should print. Other values, such as ids, may be missing in the text on purpose.
_PRINTED = ("content", "reasoning_content")
_ESCAPED = '{\\"'


@dataclass
class _Failure:
    """Rows that fail for the same reason, with the first of them."""

    row: Row
    line: int | None
    count: int = 0


@dataclass
class _Seen:
    """Counts over all rows, with the first example of each observation."""

    rows: int = 0
    present: Counter[str] = field(default_factory=Counter)
    read: dict[str, bool] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    failures: dict[str, _Failure] = field(default_factory=dict)
    unproved: dict[str, _Failure] = field(default_factory=dict)
    untrained: list[int] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, list[tuple[Row, int, str]]] = field(default_factory=dict)
    escaped: list[Row] = field(default_factory=list)


def check_data(subject: Subject, data: Iterable[Any]) -> Iterator[Finding]:
    """Check a template on rows of data.

    Args:
        subject: The template.
        data: The rows; see `to_rows`.
    """
    seen = _Seen()
    for row in to_rows(data):
        _observe(subject, row, seen)
    if seen.rows:
        yield from _failures(seen)
        yield from _keys(seen)
        yield from _values(seen)


def _observe(subject: Subject, row: Row, seen: _Seen) -> None:
    seen.rows += 1
    for message in row.messages:
        for key, value in message.items():
            if value is not None and not (key in _SHAREGPT and "from" in message):
                seen.present[key] += 1
                seen.examples.setdefault(key, f"row {row.index}: {shorten(repr(value), 80)}")
    given = {"documents": row.documents, **row.variables}
    rendered = subject.render_once(row.messages, row.tools, **given)
    if rendered.error is not None:
        _count(seen.failures, row, rendered.error)
        return
    for key, has in subject.keys_read(row.messages, row.tools, **given).items():
        seen.read[key] = seen.read.get(key, False) or has
    is_trained, error = subject.trains(row.messages, row.tools, **given)
    if error is not None:
        _count(seen.unproved, row, error)
    elif not is_trained:
        seen.untrained.append(row.index)
    _find_values(rendered.text, row, seen)


def _find_values(text: str, row: Row, seen: _Seen) -> None:
    for index, message in enumerate(row.messages):
        for key in _PRINTED:
            value = message.get(key)
            if isinstance(value, str) and value.strip():
                seen.values[key] += 1
                if value.strip() not in text:
                    seen.dropped.setdefault(key, []).append((row, index, value))
        for call in message.get("tool_calls") or ():
            function = call.get("function", call) if isinstance(call, dict) else {}
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if isinstance(arguments, str) and arguments.lstrip().startswith('{"') and arguments not in text:
                is_escaped = _ESCAPED in text and (not seen.escaped or seen.escaped[-1] is not row)
                seen.escaped += [row] if is_escaped else []


def _failures(seen: _Seen) -> Iterator[Finding]:
    groups = (
        ("rows-fail", "the template fails on", seen.failures, "correct the rows, or use another template"),
        (
            "rows-unproved",
            "chatmill cannot verify which text is the answer, so it rejects",
            seen.unproved,
            "put {% generation %} … {% endgeneration %} around the answer and its stop token",
        ),
    )
    for code, problem, found, remedy in groups:
        for reason, failure in found.items():
            level: Level = "error" if failure.count == seen.rows else "warning"
            text = f"{problem} {failure.count:,} of {seen.rows:,} rows"
            yield Finding(code, level, text, f"row {failure.row.index}: {shorten(reason, 300)}", remedy, failure.line)
    if seen.untrained:
        yield Finding(
            "rows-untrained",
            "error" if len(seen.untrained) == seen.rows else "warning",
            f"{len(seen.untrained):,} of {seen.rows:,} rows have no trained token: the template prints no message of "
            "role assistant",
            example=f"row {seen.untrained[0]}",
            remedy="check the roles of the messages, or remove these rows",
        )


def _keys(seen: _Seen) -> Iterator[Finding]:
    if not seen.read:
        return
    for key, count in seen.present.items():
        if key not in seen.read:
            yield Finding(
                "key-unread",
                "warning",
                f"the template never reads the key {key!r} (in {_counted(count, 'message')})",
                example=seen.examples[key],
                remedy=f"ignore this if intended; otherwise rename {key!r}, or use another template",
            )
    # The core passes reasoning to the template under all names that templates use for it.
    missing = sorted(key for key, has in seen.read.items() if not has and not seen.present[key])
    if missing:
        yield Finding(
            "key-missing",
            "warning" if "content" in missing or "role" in missing else "note",
            f"the template reads {', '.join(map(repr, missing))}, but no message has it",
            remedy="ignore this if intended; otherwise rename the key in the rows, which have: "
            + ", ".join(sorted(seen.present)),
        )


def _values(seen: _Seen) -> Iterator[Finding]:
    for key, dropped in seen.dropped.items():
        row, index, value = dropped[0]
        characters = sum(len(value) for _, _, value in dropped)
        yield Finding(
            "values-dropped",
            "warning",
            f"{len(dropped):,} of {seen.values[key]:,} values of {key!r} are not in the text: the template drops or "
            f"changes them ({characters:,} characters)",
            example=f"row {row.index}, message {index}: {shorten(repr(value), 100)}",
            remedy="see the other findings on reasoning, roles and tools",
        )
    if seen.escaped:
        yield Finding(
            "arguments-double-escaped",
            "warning",
            f"in {len(seen.escaped):,} of {seen.rows:,} rows the arguments of tool calls are JSON text, and the "
            "template escapes them again",
            example=f"row {seen.escaped[0].index}",
            remedy="convert the arguments to dicts with `json.loads`",
        )


def _count(found: dict[str, _Failure], row: Row, error: ChatmillError) -> None:
    failure = found.setdefault(reason_of(error), _Failure(row, line_of_error(error)))
    failure.count += 1


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
