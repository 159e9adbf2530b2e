"""A template against the rows it shall be used for: keys that are not read, values that are not printed, failures."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatmill.lint.finding import Finding, Level
from chatmill.lint.quote import line_in_error, reason_in_error, shorten
from chatmill.lint.rows import Row, to_rows
from chatmill.lint.subject import Subject

# Fields that ShareGPT rows have for `role` and `content`.
_SHAREGPT = {"from", "value"}
# Values that templates print; others, such as ids, are compared or left out on purpose.
_PRINTED = ("content", "reasoning_content")
_ESCAPED = '{\\"'


@dataclass
class _Seen:
    """What rows showed, with the first example of each."""

    rows: int = 0
    present: Counter[str] = field(default_factory=Counter)
    asked: dict[str, bool] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    failures: dict[str, tuple[int, Row, str]] = field(default_factory=dict)
    unproved: dict[str, tuple[int, Row, str]] = field(default_factory=dict)
    untrained: list[int] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, list[tuple[Row, int, str]]] = field(default_factory=dict)
    escaped: list[Row] = field(default_factory=list)


def check_data(subject: Subject, data: Iterable[Any]) -> Iterator[Finding]:
    """Everything that rows show.

    Args:
        subject: The template.
        data: The rows; see `to_rows`.
    """
    seen = _Seen()
    for row in to_rows(data):
        _look(subject, row, seen)
    if seen.rows:
        yield from _failures(seen)
        yield from _keys(seen)
        yield from _values(seen)


def _look(subject: Subject, row: Row, seen: _Seen) -> None:
    seen.rows += 1
    for message in row.messages:
        for key, value in message.items():
            if value is not None and not (key in _SHAREGPT and "from" in message):
                seen.present[key] += 1
                seen.examples.setdefault(key, f"row {row.index}: {shorten(repr(value), 80)}")
    given = {"documents": row.documents, **row.variables}
    rendered = subject.render_once(row.messages, row.tools, **given)
    if not rendered.ok:
        _count(seen.failures, rendered.reason, row, rendered.error or "")
        return
    for key, has in subject.keys_read(row.messages, row.tools, **given).items():
        seen.asked[key] = seen.asked.get(key, False) or has
    is_trained, error = subject.trains(row.messages, row.tools, **given)
    if error:
        _count(seen.unproved, reason_in_error(error), row, error)
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
        ("rows-fail", "the template does not take", seen.failures, "correct the rows, or take another template"),
        (
            "rows-unproved",
            "chatmill cannot tell which part is the answer in, and would refuse,",
            seen.unproved,
            "put {% generation %} … {% endgeneration %} around the answer and its stop token",
        ),
    )
    for code, said, found, remedy in groups:
        for reason, (count, row, error) in found.items():
            level: Level = "error" if count == seen.rows else "warning"
            text = f"{said} {_of(count, seen.rows, 'rows')}"
            yield Finding(code, level, text, f"row {row.index}: {shorten(reason, 300)}", remedy, line_in_error(error))
    if seen.untrained:
        yield Finding(
            "rows-untrained",
            "error" if len(seen.untrained) == seen.rows else "warning",
            f"nothing is trained of {_of(len(seen.untrained), seen.rows, 'rows')}: no message of role assistant is "
            "printed",
            example=f"row {seen.untrained[0]}",
            remedy="look at the roles of the messages; leave such rows out",
        )


def _keys(seen: _Seen) -> Iterator[Finding]:
    if not seen.asked:
        return
    for key, count in seen.present.items():
        if key not in seen.asked:
            yield Finding(
                "key-unread",
                "warning",
                f"{_of(count, None, 'messages')} have the key {key!r}, which the template never reads",
                example=seen.examples[key],
                remedy=f"nothing, if {key!r} shall not be in the text; else rename it, or take another template",
            )
    # The core gives reasoning under all the names that templates have for it.
    missing = sorted(key for key, has in seen.asked.items() if not has and not seen.present[key])
    if missing:
        yield Finding(
            "key-missing",
            "warning" if "content" in missing or "role" in missing else "note",
            f"the template asks for {', '.join(map(repr, missing))}, which no message has",
            remedy="nothing, if the rows shall not have it; else look whether it has another name there: "
            + ", ".join(sorted(seen.present)),
        )


def _values(seen: _Seen) -> Iterator[Finding]:
    for key, dropped in seen.dropped.items():
        row, index, value = dropped[0]
        characters = sum(len(value) for _, _, value in dropped)
        yield Finding(
            "values-dropped",
            "warning",
            f"{len(dropped):,} of {seen.values[key]:,} values of {key!r} are not in the text as they are: the template "
            f"drops or changes them ({characters:,} characters)",
            example=f"row {row.index}, message {index}: {shorten(repr(value), 100)}",
            remedy="see what else is found here on reasoning, roles and tools",
        )
    if seen.escaped:
        yield Finding(
            "arguments-double-escaped",
            "warning",
            f"the arguments of tool calls are JSON text and are escaped once more, in "
            f"{_of(len(seen.escaped), seen.rows, 'rows')}",
            example=f"row {seen.escaped[0].index}",
            remedy="give the arguments as dicts (`json.loads` them)",
        )


def _count(found: dict[str, tuple[int, Row, str]], reason: str, row: Row, error: str) -> None:
    count, first, text = found.get(reason, (0, row, error))
    found[reason] = (count + 1, first, text)


def _of(count: int, whole: int | None, what: str) -> str:
    return f"{count:,} {what}" if whole is None else f"{count:,} of {whole:,} {what}"
