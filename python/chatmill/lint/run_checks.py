"""`RunChecks`: checks of the rows of a run. Notes are counted for all rows; texts are compared for a sample of rows.

Encoding a row again for its text costs more than its share of a batch, so the sample is small: 64 rows of the first
block and 4 of each later one, fewer if rows are large: 13 to 69 ms of processor time for each data set of the corpus
(200 to 17,000 rows). Rows with signs of a problem are checked too; `suspects.py` finds them in 10 to 30 ms. All of it
depends on the rows only, so two runs give the same warnings.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, Encoding, Mill, TokenBatch
from chatmill.inputs import Block
from chatmill.inputs.mill import encode_row_of, encode_rows_of
from chatmill.inputs.values import plain_row
from chatmill.lint.explained import IGNORE, JOINED, explained
from chatmill.lint.row_problems import RowProblems, variables_of
from chatmill.lint.stop import check_stop
from chatmill.lint.subject import Subject
from chatmill.lint.suspects import Suspects
from chatmill.lint.values import row_values
from chatmill.lint.warning import CODES, DataWarning
from chatmill.text.nearest import suggestion
from chatmill.text.parsing import parse_json

_FIRST_SAMPLE, _SAMPLE, _MOST_SAMPLED = 64, 4, 1024
# The size of all rows of a sample: of the first block, and of each later one.
_FIRST_BYTES, _BYTES = 256 << 10, 8 << 10
# A row this large would take too long.
_LARGEST_ROW = 1 << 20
# The rows of a block to search for the first one with a note.
_SEARCHED = 256
# Names of tokens that one warning lists.
_MOST_NAMES = 5
# Notes that are warnings.
_NOTES = ("doubled_bos", "missing_stop", "value_dropped", "other_role", "unread_system")
_ANSWERING = ("assistant", "model", "gpt")


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
        self._problems = RowProblems(mill, self._template, knows_tokens=knows_tokens)
        # Windows of a text, and token ids, have nothing to compare.
        self._compares = mill.format is None or mill.format.kind not in ("text", "tokens")
        self._suspects = Suspects(
            has_tags=self._template is None or self._template.has_generation,
            tokens=sorted(self._problems.control_tokens),
            searches_all=most_sampled is not None,
        )
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
        if not self._compares or not good:
            return
        chosen = {good[at] for at in range(0, len(good), max(1, -(-len(good) // most)))} if most > 0 else set()
        statistics = tokens.statistics
        suspects = self._suspects.rows(block, {} if statistics is None else statistics.first_rows) - failed - chosen
        # Few rows, or large ones: the time of all of them together stays small.
        few = sorted(suspects)[: max(1, size // bytes_per_row)] if self._sampled < _MOST_SAMPLED else []
        parsed = {number: _row(block, number) for number in sorted({*chosen, *few})}
        checked = {number: row for number, row in parsed.items() if row is not None}
        for number, encoding in encode_rows_of(self._mill, block, [*checked]).items():
            self._check_row(block, number, checked[number], encoding)

    def warnings(self) -> list[DataWarning]:
        """Return the warnings, the worst first."""
        found = [*self._of_notes(), *self._of_texts(), *self._unread]
        return sorted(found, key=lambda warning: CODES.index(warning.code))

    def _count_notes(self, block: Block, tokens: TokenBatch, good: Any) -> None:
        for note, rows in tokens.counts.items():
            if note not in _NOTES:
                continue
            if not self._knows_tokens and note in ("doubled_bos", "missing_stop"):
                continue
            if note not in self._notes:
                self._notes[note] = _Found(self._first_with(note, block, good))
            self._notes[note].rows += rows

    def _first_with(self, note: str, block: Block, good: Any) -> str:
        for row in good[:_SEARCHED]:
            with suppress(ChatmillError):
                if note in encode_row_of(self._mill, block, row).notes:
                    return block.place(row)
        return f"between {block.place(good[0])} and {block.place(good[-1])}"

    def _check_row(self, block: Block, index: int, row: dict[str, Any], encoding: Encoding) -> None:
        self._sampled += 1
        text = "\n".join(dict.fromkeys(sample.text for sample in encoding.samples))
        values = list(row_values(row, self._mill.format))
        if self._mill.options["split"] is not None:
            if "pieces_left_out" in encoding.notes:
                # Messages of samples that were left out are not what the template dropped.
                values = [value for value in values if value.message is None]
            # Each sample ends with an answer, so messages after the last answer are in none of them.
            while values and values[-1].message is not None and values[-1].role not in _ANSWERING:
                values.pop()
        seen: set[tuple[str, str]] = set()
        row_place = block.place(index)
        for problem, place in self._problems.of(row, values, text):
            found = self._found.setdefault(problem, _Found(f"{row_place}, {place}" if place else row_place))
            found.rows += problem not in seen
            seen.add(problem)

    def _unread_options(self) -> list[DataWarning]:
        """Return a warning for each variable of the run that nothing reads."""
        given = self._mill.options["chat_template_kwargs"] or {}
        known = set() if self._template is None else variables_of(self._template)
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
            elif note == "unread_system":
                yield DataWarning(
                    "unread_system", f"{rows} have a system prompt in a column beside the messages, which is not read",
                    found.rows, self._rows, found.place, "read it with `--map system=system` (`columns={'system': "
                    "'system'}`) if the messages do not begin with one, or ignore this if it is intended",
                )  # fmt: skip
            elif note == "value_dropped":
                yield DataWarning(
                    "turns_dropped", f"{rows} have an assistant turn that the template does not print, so it is not "
                    "trained", found.rows, self._rows, found.place, f"use a template that prints it, or {IGNORE}",
                )  # fmt: skip
            else:
                yield DataWarning(
                    "turns_dropped", f"{rows} have an assistant turn that the template prints under another role, so "
                    "it is not trained", found.rows, self._rows, found.place, f"use another template, or {IGNORE}",
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
        tokenizer = self._mill.tokenizer.name
        for code in JOINED:
            tokens = [(name, found) for (known, name), found in self._found.items() if known == code]
            if tokens:
                more = ", …" if len(tokens) > _MOST_NAMES else ""
                names = ", ".join(name for name, _ in tokens[:_MOST_NAMES]) + more
                most = max(found.rows for _, found in tokens)
                text, remedy = explained(code, names, self._rows_in_words(most), tokenizer)
                yield DataWarning(code, text, most, self._sampled, tokens[0][1].place, remedy)
        for (code, name), found in self._found.items():
            if code not in JOINED:
                text, remedy = explained(code, name, self._rows_in_words(found.rows), tokenizer)
                yield DataWarning(code, text, found.rows, self._sampled, found.place, remedy)

    def _rows_in_words(self, rows: int) -> str:
        return f"{rows:,} of {self._sampled:,} sampled rows"


def _renders(mill: Mill) -> bool:
    return mill.format is None or mill.format.needs_template


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
