"""`RunChecks`: checks of the rows of a run. Notes are counted for all rows; texts are compared for a sample of rows.

Encoding a row again for its text costs more than its share of a batch, so the sample is small: 64 rows of the first
block and 8 of each later one, fewer if rows are large: 13 to 69 ms of processor time for each data set of the corpus
(200 to 17,000 rows). The sample depends on the rows only, so two runs give the same warnings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, Encoding, Mill, TokenBatch
from chatmill.inputs import Block
from chatmill.inputs.mill import encode_row_of
from chatmill.inputs.values import plain_row
from chatmill.lint.stop import check_stop
from chatmill.lint.subject import Subject
from chatmill.lint.values import RowValue, row_values, squeezed
from chatmill.lint.warning import CODES, DataWarning
from chatmill.text.nearest import suggestion
from chatmill.text.parsing import parse_json
from chatmill.text.quote import shorten

_FIRST_SAMPLE, _SAMPLE, _MOST_SAMPLED = 64, 8, 1024
# The size of all rows of a sample: of the first block, and of each later one.
_FIRST_BYTES, _BYTES = 256 << 10, 16 << 10
# A row this large would take too long.
_LARGEST_ROW = 1 << 20
# The rows of a block to search for the first one with a note.
_SEARCHED = 256
_TOKENS = re.compile(r"<\|[^<>|\s]{1,60}\|>|<｜[^<>｜\s]{1,60}｜>|<(?:start|end)_of_turn>")
_ANSWERING = ("assistant", "model", "gpt")
_ESCAPED = '{\\"'
_IGNORE = "ignore this if it is intended"


@dataclass
class _Found:
    """Rows with a problem."""

    place: str
    rows: int = 0


class RunChecks:
    """Checks the rows of one part of a run.

    Args:
        mill: The mill of the part.
        most_sampled: The maximum number of rows whose texts are compared; all of them are if it is given.
        knows_tokens: Whether the tokens of the mill are those of the model.
    """

    def __init__(self, mill: Mill, *, most_sampled: int | None = None, knows_tokens: bool = True) -> None:
        self._mill = mill
        self._most_sampled, self._knows_tokens = most_sampled, knows_tokens
        self._template: ChatTemplate | None = mill.template if _renders(mill) else None
        self._rows = self._sampled = self._blocks = 0
        self._notes: dict[str, _Found] = {}
        self._found: dict[tuple[str, str], _Found] = {}
        self._unread = self._unread_options()

    def add(self, block: Block, tokens: TokenBatch) -> None:
        """Check a block.

        Args:
            block: The rows.
            tokens: Their tokens.
        """
        failed = {failure.row for failure in tokens.failures}
        good = (
            [row for row in range(block.batch.num_rows) if row not in failed] if failed else range(tokens.num_rows_in)
        )
        self._rows += len(good)
        self._count_notes(block, tokens, good)
        rows, size = (_SAMPLE, _BYTES) if self._blocks else (_FIRST_SAMPLE, _FIRST_BYTES)
        bytes_per_row = max(1, block.batch.nbytes // max(1, block.batch.num_rows))
        most = min(rows, max(1, size // bytes_per_row), _MOST_SAMPLED - self._sampled)
        if self._most_sampled is not None:
            most = self._most_sampled - self._sampled
        self._blocks += 1
        for at in range(0, len(good), max(1, -(-len(good) // most))) if most > 0 else ():
            self._check_row(block, good[at])

    def warnings(self) -> list[DataWarning]:
        """Return the warnings, the worst first."""
        found = [*self._of_notes(), *self._of_texts(), *self._unread]
        return sorted(found, key=lambda warning: CODES.index(warning.code))

    def _count_notes(self, block: Block, tokens: TokenBatch, good: Any) -> None:
        for note, rows in tokens.counts.items():
            if note not in ("doubled_bos", "missing_stop", "value_dropped", "other_role"):
                continue
            if not self._knows_tokens and note in ("doubled_bos", "missing_stop"):
                continue
            if note not in self._notes:
                self._notes[note] = _Found(self._first_with(note, block, good))
            self._notes[note].rows += rows

    def _first_with(self, note: str, block: Block, good: Any) -> str:
        for row in good[:_SEARCHED]:
            encoding = self._encoded(block, row)
            if encoding is not None and note in encoding.notes:
                return block.place(row)
        return f"between {block.place(good[0])} and {block.place(good[-1])}"

    def _encoded(self, block: Block, row: int) -> Encoding | None:
        try:
            return encode_row_of(self._mill, block, row)
        except ChatmillError:
            return None

    def _check_row(self, block: Block, index: int) -> None:
        if self._mill.format is not None and self._mill.format.kind in ("text", "tokens"):
            return  # windows of a text, and token ids, have nothing to compare
        row = _row(block, index)
        encoding = None if row is None else self._encoded(block, index)
        if row is None or encoding is None:
            return
        self._sampled += 1
        text = "\n".join(dict.fromkeys(sample.text for sample in encoding.samples))
        values = list(row_values(row, self._mill.format))
        if self._mill.options["split"] is not None:
            # Each sample ends with an answer, so messages after the last answer are in none of them.
            while values and values[-1].message is not None and values[-1].role not in _ANSWERING:
                values.pop()
        seen: set[tuple[str, str]] = set()
        row_place = block.place(index)
        for problem, place in (*_dropped(values, text), *self._of_tokens(values, text), *self._of_variables(row)):
            found = self._found.setdefault(problem, _Found(f"{row_place}, {place}" if place else row_place))
            found.rows += problem not in seen
            seen.add(problem)

    def _of_tokens(self, values: list[RowValue], text: str) -> Iterator[tuple[tuple[str, str], str]]:
        """Find tokens that the template writes, and that the vocabulary lacks."""
        if self._template is None or not self._knows_tokens:
            return
        for token in sorted(set(_TOKENS.findall(text))):
            if self._mill.tokenizer.token_to_id(token) is None and not any(token in value.text for value in values):
                yield ("template_tokens", token), ""

    def _of_variables(self, row: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
        given = row.get("chat_template_kwargs")
        given = _parsed(given) if isinstance(given, str) else given
        if self._template is not None and isinstance(given, dict):
            for name in sorted(set(given) - _variables(self._template)):
                yield ("unread_variable", name), "chat_template_kwargs"

    def _unread_options(self) -> list[DataWarning]:
        """Return a warning for each variable of the run that nothing reads."""
        given = self._mill.options["chat_template_kwargs"] or {}
        known = set() if self._template is None else _variables(self._template)
        return [
            DataWarning("unread_variable", f"`chat_template_kwargs` has {name!r}, but {_reader(self._template)}",
                        remedy=suggestion(name, sorted(known), otherwise="remove it"))
            for name in given if name not in known
        ]  # fmt: skip

    def _of_notes(self) -> Iterator[DataWarning]:
        for note, found in self._notes.items():
            rows = f"{found.rows:,} of {self._rows:,} rows"
            if note == "doubled_bos":
                yield DataWarning(
                    "doubled_bos", f"{rows} begin with two begin-of-text tokens", found.rows, self._rows, found.place,
                    "remove one of the two, from the template or from the rows",
                )  # fmt: skip
            elif note == "missing_stop":
                cause, remedy = self._cause_of_missing_stop()
                text = f"{rows} have a trained turn that does not end with a stop token{cause}"
                yield DataWarning("stop_token", text, found.rows, self._rows, found.place, remedy)
            elif note == "value_dropped":
                yield DataWarning(
                    "turns_dropped", f"{rows} have an assistant turn that the template does not print, so it is not "
                    "trained", found.rows, self._rows, found.place, f"use a template that prints it, or {_IGNORE}",
                )  # fmt: skip
            else:
                yield DataWarning(
                    "turns_dropped", f"{rows} have an assistant turn that the template prints under another role, so "
                    "it is not trained", found.rows, self._rows, found.place, f"use another template, or {_IGNORE}",
                )  # fmt: skip

    def _cause_of_missing_stop(self) -> tuple[str, str]:
        if self._template is not None:
            subject = Subject(self._template, tokenizer=self._mill.tokenizer)
            findings = {finding.code: finding for finding in check_stop(subject)}
            for code in ("stop-token-split", "stop-token-missing"):
                if code in findings:
                    return f": {findings[code].text}", findings[code].remedy
        return "", "check that the stop token of the template is an added token of the tokenizer"

    def _of_texts(self) -> Iterator[DataWarning]:
        tokens = [(name, found) for (code, name), found in self._found.items() if code == "template_tokens"]
        if tokens:
            names = ", ".join(name for name, _ in tokens)
            place, most = tokens[0][1].place, max(found.rows for _, found in tokens)
            yield DataWarning(
                "template_tokens", f"the template writes {names}, which the vocabulary of {self._mill.tokenizer.name} "
                "lacks, so plain text is trained in their place", most, self._sampled, place,
                f"use the template of this tokenizer, or add the tokens to it; {_IGNORE}",
            )  # fmt: skip
        for (code, name), found in self._found.items():
            if code != "template_tokens":
                rows = f"{found.rows:,} of {self._sampled:,} sampled rows"
                text, remedy = _explained(code, name, rows)
                yield DataWarning(code, text, found.rows, self._sampled, found.place, remedy)


def _explained(code: str, name: str, rows: str) -> tuple[str, str]:
    if code == "arguments_escaped":
        text = f"in {rows} the arguments of tool calls are JSON text, and the template escapes them again"
        return text, "make them objects (`json.loads` of `tool_calls[…].function.arguments`)"
    if code == "roles_dropped":
        return f"in {rows} the template drops messages of the role {shorten(repr(name), 60)}", (
            f"rename the role, such as to 'system', or use a template that prints it; {_IGNORE}"
        )
    if code == "unread_variable":
        return f"in {rows} `chat_template_kwargs` has {shorten(repr(name), 60)}, which the template does not read", (
            f"correct the name, or {_IGNORE}"
        )
    what = {
        "content": "contents of messages", "parts": "contents that are lists of parts", "field": "fields",
        "reasoning": "reasoning",
    }.get(name, name)  # fmt: skip
    if name == "reasoning":
        remedy = f"train each turn as at inference (`--split per_turn`), or {_IGNORE}"
    elif name == "parts":
        remedy = "join the texts of the parts to one string"
    else:
        remedy = f"look at the row with `chatmill show`; {_IGNORE}"
    return f"in {rows} the template drops or changes {what}", remedy


def _dropped(values: list[RowValue], text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Find values that are not in the text of their row."""
    plain = squeezed(text)
    printed_roles = {value.role for value in values if value.kind in ("content", "parts") and value.is_in(plain)}
    for value in values:
        if value.kind == "arguments":
            if value.text not in text and _ESCAPED in text:
                yield ("arguments_escaped", ""), value.place
        elif not value.is_in(plain):
            is_role = value.kind == "content" and value.role not in (
                *printed_roles,
                "assistant",
                "user",
                "gpt",
                "human",
            )
            if is_role:
                yield ("roles_dropped", value.role), value.place
            else:
                code = "reasoning_dropped" if value.kind == "reasoning" else "content_dropped"
                yield (code, value.kind), value.place


def _renders(mill: Mill) -> bool:
    return mill.format is None or mill.format.needs_template


def _variables(template: ChatTemplate) -> set[str]:
    names = set(template.variables)
    return names if template.tool_use is None else names | set(ChatTemplate(template.tool_use).variables)


def _reader(template: ChatTemplate | None) -> str:
    return "the rows need no chat template" if template is None else f"the template {template.name} does not read it"


def _row(block: Block, index: int) -> dict[str, Any] | None:
    """Return a row as Python values; None if it is too large, or not an object."""
    if block.json_column is None:
        if block.batch.slice(index, 1).nbytes > _LARGEST_ROW:
            return None
        row: Any = plain_row(block.batch, index)
        return row if isinstance(row, dict) else None
    line = block.batch.column(block.json_column)[index]
    if not line.is_valid or len(line.as_buffer()) > _LARGEST_ROW:
        return None
    row = _parsed(line.as_py())
    return row if isinstance(row, dict) else None


def _parsed(text: str | bytes) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None
