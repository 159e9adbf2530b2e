"""What a report tells of rows, counted in plain Python from the texts, offsets and regions of `Mill.encode_row`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
from chatmill import ChatmillError, Mill
from counted_sequences import Cut, Sequenced, share_cut

ASSISTANT = {"assistant", "model"}
REASONING = ("reasoning_content", "reasoning", "thinking")
#: Where labels do not need regions, they are counted for some rows: of the first block, of each later one, of all.
FIRST_ROWS, LATER_ROWS, MOST_ROWS = 256, 4, 2048
#: The last of the turns that are counted stands for all later ones.
LAST_TURN = 15

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Conversation:
    """The messages of a row, with the number of its tools. It is read from the row without chatmill."""

    messages: Sequence[Message]
    tools: int = 0


Read = Callable[[Mapping[str, Any]], Conversation]


@dataclass(frozen=True)
class RowFile:
    """A file of rows: its path, its lines, and the number of rows of each block."""

    path: str
    lines: Sequence[bytes]
    blocks: Sequence[int]


@dataclass
class FileCounts:
    """The counts of one file."""

    rows_in: int = 0
    rejected: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    bytes: int = 0
    text_tokens: int = 0


@dataclass
class Turns:
    """Turns of the assistant with one index: their number, and their tokens."""

    turns: int = 0
    tokens: int = 0
    trained: int = 0


@dataclass
class CountedRows:
    """Counts of rows.

    Args:
        whole: A mill that cuts nothing and keeps rows without trained tokens.
        cut: How the run cuts rows.
        read: Reads the messages of a row; None if its rows are not conversations.
        added: The ids of added tokens, which end turns.
        control: The ids of control tokens.
        needs_regions: Whether the labels need the regions of each row.
        counts_turns: Whether labels tell which turns are trained: `policy`, `all`, or nothing.
        longest_line: The bytes of the longest line that is read.
    """

    whole: Mill
    cut: Cut
    read: Read | None
    added: set[int]
    control: set[int]
    needs_regions: bool = True
    counts_turns: str = "policy"
    longest_line: int = 1 << 30

    #: Rows whose regions were counted though labels do not need them.
    examined: int = 0
    files: dict[str, FileCounts] = field(default_factory=dict)
    rejects: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    #: Rows by mark, and the first of them as file and row.
    marks: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[str, int]] = field(default_factory=dict)
    lengths: Counter[int] = field(default_factory=Counter)
    trained_places: Counter[int] = field(default_factory=Counter)
    messages: Counter[int] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    tools: Counter[int] = field(default_factory=Counter)
    regions: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    turns: dict[int, Turns] = field(default_factory=dict)
    stops: Counter[str] = field(default_factory=Counter)
    region_rows: int = 0
    reasoning_given: int = 0
    reasoning_printed: int = 0
    truncated: int = 0
    cut_tokens: int = 0
    cut_trained: int = 0
    assistant_turns: int = 0
    trained_turns: int = 0

    def add(self, file: RowFile) -> None:
        """Count the rows of a file."""
        assert sum(file.blocks) == len(file.lines)
        first = 0
        for rows in file.blocks:
            read = [self._sequences(line) for line in file.lines[first : first + rows]]
            good = [at for at, (sequences, code) in enumerate(read) if sequences and not code]
            chosen = good if self.needs_regions else self._examined(good)
            for at, (sequences, code) in enumerate(read):
                for it in sequences:
                    it.has_regions = at in chosen and bool(it.owners)
                self._add(file, first + at, sequences, code)
            first += rows

    def _examined(self, good: Sequence[int]) -> Sequence[int]:
        """The rows of a block whose regions are counted though labels do not need them."""
        most = min(LATER_ROWS if self.examined else FIRST_ROWS, MOST_ROWS - self.examined)
        chosen = good[:: max(1, -(-len(good) // most))] if most > 0 and self.read is not None else []
        self.examined += len(chosen)
        return chosen

    def _sequences(self, line: bytes) -> tuple[Sequence[Sequenced], str]:
        """The sequences of a row, and why it is rejected; empty if it is not."""
        if len(line) > self.longest_line:
            return [], "line_too_long"
        try:
            encoded = self.whole.encode_row(pa.record_batch({"json": pa.array([line])}), 0, json_column="json")
        except ChatmillError as error:
            return [], error.failure.code  # type: ignore[attr-defined]
        sequences = [Sequenced(it, self.cut) for it in encoded.samples]
        if sequences[0].answer is not None:
            share_cut(sequences, self.cut)
        return sequences, self._failure(sequences)

    def _add(self, file: RowFile, row: int, sequences: Sequence[Sequenced], failed: str) -> None:
        counts = self.files.setdefault(file.path, FileCounts())
        counts.rows_in += 1
        if failed in {"", "too_long", "trained_part_cut_off", "equal_answers"}:
            for it in sequences:
                self.lengths[len(it.ids)] += 1
                self.trained_places.update(it.trained)
        if failed:
            counts.rejected += 1
            self.rejects[failed] += 1
            return
        marks = self._written(counts, sequences) | set(sequences[0].notes)
        self.notes.update(marks)
        if not any(it.kept_trained for it in sequences if it.is_kept):
            marks.add("untrained")
        if self.read is not None:
            talk, written = self.read(json.loads(file.lines[row])), [it for it in sequences if it.is_kept]
            marks |= self._conversation(talk, written)
            marks |= self._regions(talk, written)
        for mark in marks:
            self.marks[mark] += 1
            self.first.setdefault(mark, (file.path, row))

    def _written(self, counts: FileCounts, sequences: Sequence[Sequenced]) -> set[str]:
        """Count the texts and samples of a row, and return the notes on its cut."""
        written = [it for it in sequences if it.is_kept]
        for it in sequences:
            counts.bytes += it.bytes
            counts.text_tokens += len(it.ids)
        for it in written:
            kept, trained = it.kept_tokens, it.kept_trained
            counts.tokens += kept
            counts.trained_tokens += trained
            self.cut_tokens += len(it.ids) - kept
            self.cut_trained += len(it.trained) - trained
        noted = set()
        if any(it.is_cut for it in written):
            noted.add("truncated")
            self.truncated += 1
        if len(written) < len(sequences) or any(it.left_out for it in sequences):
            noted.add("pieces_left_out")
        return noted

    def _failure(self, sequences: Sequence[Sequenced]) -> str:
        """Why a row is rejected; empty if it is not."""
        if any(it.is_kept for it in sequences) and (self.cut.split or all(it.is_kept for it in sequences)):
            return ""
        last = next(it for it in reversed(sequences) if not it.is_kept)
        return last.failure

    def _conversation(self, talk: Conversation, sequences: Sequence[Sequenced]) -> set[str]:
        """Count the messages of a row, and return what is odd about them."""
        roles = [str(it["role"]) for it in talk.messages]
        self.messages[len(roles)] += 1
        self.roles[roles_text(roles)] += 1
        self.tools[talk.tools] += 1
        answers = [at for at, role in enumerate(roles) if role in ASSISTANT]
        if self.counts_turns:
            self.assistant_turns += len(answers)
        if self.counts_turns == "all":
            self.trained_turns += len(answers)
        elif self.counts_turns:
            self.trained_turns += sum(len(it.kept_turns(answers)) for it in sequences if it.is_kept)
        marks = set()
        others = [it for it in talk.messages if it["role"] not in ASSISTANT]
        if any(is_empty(it) for it in others):
            marks.add("empty_message")
        sides = [role if role in ASSISTANT else "user" if role == "user" else "" for role in roles]
        if any(left == right and left for left, right in pairwise(sides)):
            marks.add("repeated_role")
        if roles[-1] not in ASSISTANT:
            marks.add("unanswered")
        if any(role in {"system", "developer"} for role in roles[1:]):
            marks.add("late_system")
        return marks

    def _regions(self, talk: Conversation, sequences: Sequence[Sequenced]) -> set[str]:
        """Count the tokens of a row by role, kind and turn, and return what is odd about them."""
        known = [it for it in sequences if it.has_regions]
        if not known:
            return set()
        self.region_rows += 1
        answers = [at for at, it in enumerate(talk.messages) if it["role"] in ASSISTANT]
        given = {at for at, it in enumerate(talk.messages) if any(_has_text(it.get(name)) for name in REASONING)}
        texts = {at for at, it in enumerate(talk.messages) if at not in answers and not is_empty(it)}
        printed: set[int] = set()
        dropped = control = False
        turns, trained = set[int](), set[int]()
        stops: Counter[str] = Counter()
        for it in known:
            turns |= self._tokens(talk, answers, it).keys()
            # What the cut takes is not what labels leave out.
            trained |= {answers.index(message) for message in it.trained_messages(answers)}
            stops.update(it.stops(answers, self.added))
            printed |= given & it.messages_with({"reasoning"})
            here = texts if self.cut.split is None else {at for at in texts if at < it.last_message}
            dropped |= not here <= it.messages_with({"content", "reasoning", "tool_call", "tool_result"})
            control |= any(
                kind == "content" and token in self.control for token, (_, kind) in zip(it.ids, it.owners, strict=True)
            )
        self.stops.update(stops)
        self.reasoning_given += len(given)
        self.reasoning_printed += len(printed)
        found = {
            "untrained_turn": not turns <= trained,
            "stop_masked": stops["masked"],
            "stop_cut": stops["cut"],
            "stop_missing": stops["missing"],
            "reasoning_dropped": len(printed) < len(given),
            "content_dropped": dropped,
            "control_token": control,
        }
        return {mark for mark, is_marked in found.items() if is_marked}

    def _tokens(self, talk: Conversation, answers: Sequence[int], sequence: Sequenced) -> Counter[int]:
        """Count the tokens of a sequence, and return the trained ones of each turn that has tokens."""
        trained, seen = set(sequence.trained), Counter[int]()
        for place in sequence.kept_places():
            message, kind = sequence.owners[place]
            role = "" if message is None else str(talk.messages[message]["role"])
            both = self.regions.setdefault((role, kind), [0, 0])
            both[0] += 1
            both[1] += place in trained
            if message in answers:
                turn = answers.index(message)
                counted = self.turns.setdefault(min(turn, LAST_TURN), Turns())
                counted.turns += turn not in seen
                counted.tokens += 1
                counted.trained += place in trained
                seen[turn] += place in trained
        return seen


def roles_text(roles: Sequence[str]) -> str:
    """Roles with groups of up to four that repeat written once; a long text ends with `…`."""
    text: list[str] = []
    rest = list(roles)
    while rest:
        if len(" ".join(text)) >= 160:
            text.append("…")
            break
        for size in range(1, 5):
            times = 1
            while len(rest) >= size * (times + 1) and rest[size * times : size * (times + 1)] == rest[:size]:
                times += 1
            if times > 1:
                text.append(f"({' '.join(rest[:size])})+")
                rest = rest[size * times :]
                break
        else:
            text.append(rest.pop(0))
    return " ".join(text)


def is_empty(message: Message) -> bool:
    """Whether a message has no text, and no calls or reasoning in its place."""
    return not any(_has_text(message.get(name)) for name in ("content", "tool_calls", *REASONING))


def _has_text(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)
