"""A conversation as its tokens, the trained part coloured: what the labels look like, for eyes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

from rich.console import Console
from rich.text import Text

from chatmill._chatmill import ChatmillError, DataError, Encoding, Mill, Region, RowError
from chatmill.inputs import InputPath, find_inputs, read_blocks
from chatmill.inputs.block import Block

_MASKED = -100
_OPEN, _CLOSE = "⟦", "⟧"
_NEWLINE, _GUTTER = "↵", " │ "
_LONGEST_ROLE = 20
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# What would move a terminal's cursor or be dropped, as signs that stand for it; tab and newline stay.
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
_VISIBLE = {**_CONTROLS, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}

# What goes without saying.
_USUAL = ("proved", "tagged")
_SENTENCES = {
    "proved_by_prefixes": "The labels are proved by rendering the conversation up to some of its turns as well.",
    "value_dropped": "A turn is not trained, since the template does not print it.",
    "other_role": "A turn is not trained, since the template prints it under a user's header.",
    "header_mismatch": "A turn is not trained, since its header is not the generation prompt.",
    "merged": "A turn is not trained, since it has no place of its own.",
    "unanchored": "A turn is not trained, since it has no words that tell its place.",
    "missing_stop": "A trained turn does not end in a stop token.",
    "doubled_bos": "The text begins with two begin-of-text tokens.",
    "empty_answer": "An answer has no words: of its turn only what the template puts around it is trained.",
    "truncated": "The row is cut to max_length.",
    "pieces_left_out": "Samples of the row are left out: without a trained token, or too long.",
    "control_text": "Text of a user that reads as a control token was encoded as plain text.",
    "like_another_tool": "The labels are made as another tool makes them.",
}


@dataclass(frozen=True)
class Stretch:
    """Characters in a row whose tokens count the same.

    Attributes:
        start: First character, an index into the text.
        end: One past the last character.
        weight: What the tokens count: 1 trained, 0 masked, others where labels are weighted. None behind the last
            token, in a row that is cut.
    """

    start: int
    end: int
    weight: float | None

    @property
    def state(self) -> str:
        """In words, such as `trained × 0.5`."""
        if self.weight is None:
            return "no token"
        if self.weight == 1:
            return "trained"
        return f"trained × {self.weight:g}" if self.weight else "masked"


def token_weights(encoding: Encoding) -> list[float]:
    """What each token counts: its weight; without weights 1 where it is trained, else 0.

    Args:
        encoding: What `Mill.encode` gives.
    """
    weights = encoding.weights or [1.0] * len(encoding)
    return [0.0 if label == _MASKED else weight for label, weight in zip(encoding.labels, weights, strict=True)]


def stretches(encoding: Encoding) -> list[Stretch]:
    """The whole text, cut where tokens begin to count otherwise.

    Args:
        encoding: What `Mill.encode` gives.

    Example:
        >>> import chatmill
        >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), template)
        >>> stretches(mill.encode([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]))
        [Stretch(start=0, end=2, weight=0.0), Stretch(start=2, end=7, weight=1.0)]
    """
    found: list[Stretch] = []
    position = 0
    for weight, tokens in groupby(zip(token_weights(encoding), encoding.tokens, strict=True), key=lambda it: it[0]):
        end = max(token.end for _, token in tokens)
        if end > position:
            found.append(Stretch(position, end, weight))
            position = end
    if position < len(encoding.text):
        found.append(Stretch(position, len(encoding.text), None))
    return found


def known_regions(encoding: Encoding) -> list[Region]:
    """The regions of the text; none where they could not be proved.

    Args:
        encoding: What `Mill.encode` gives.
    """
    try:
        return encoding.regions
    except ChatmillError:
        return []


def by_region(encoding: Encoding, regions: Sequence[Region]) -> Iterator[tuple[Region, list[Stretch]]]:
    """The stretches of each region, cut at its edges.

    Args:
        encoding: What `Mill.encode` gives.
        regions: Those of its text.
    """
    rest = stretches(encoding)[::-1]
    for region in regions:
        inside: list[Stretch] = []
        while rest and rest[-1].start < region.end:
            stretch = rest.pop()
            if stretch.end > region.end:
                rest.append(replace(stretch, start=region.end))
            inside.append(replace(stretch, end=min(stretch.end, region.end)))
        yield region, inside


def name_region(message: int | None, role: str | None, kind: str) -> str:
    """What a region is called.

    Args:
        message: Its message, None for text of no message.
        role: The role of that message.
        kind: The kind of region.

    Example:
        >>> name_region(1, "assistant", "content"), name_region(None, None, "scaffold")
        ('message 1 · assistant · content', 'scaffold')
    """
    return kind if message is None else f"message {message} · {role} · {kind}"


def visible(text: str) -> str:
    r"""The text with signs for control characters but tab and newline, which then harm no terminal.

    Args:
        text: Any text.

    Example:
        >>> visible("a\x1b[2Jb")
        'a␛[2Jb'
    """
    return text.translate(_VISIBLE)


def tell_counts(encoding: Encoding) -> tuple[str, str]:
    """What is to say of the trained and of the masked tokens.

    Args:
        encoding: What `Mill.encode` gives.

    Returns:
        Two texts such as `6 of 28 tokens (21.4 %)` and `22`; the second ends with the mean weight, if there are any.
    """
    trained = [weight for weight in token_weights(encoding) if weight]
    count = len(encoding)
    masked = f"{count - len(trained):,}"
    if encoding.weights is not None and trained:
        masked += f"; mean weight of trained tokens {sum(trained) / len(trained):.3g}"
    return f"{len(trained):,} of {count:,} tokens ({100 * len(trained) / max(1, count):.1f} %)", masked


def tell_notes(encoding: Encoding) -> list[str]:
    """What was noted of the row, in sentences; a note without a sentence is told by its code.

    Args:
        encoding: What `Mill.encode` gives.

    Returns:
        Nothing for labels that are proved or tagged and have nothing odd.
    """
    told = [_SENTENCES.get(note, note) for note in encoding.notes if note not in _USUAL]
    last = encoding.tokens[-1].end if len(encoding) else 0
    if last < len(encoding.text):
        told.append(f"The last {len(encoding.text) - last:,} characters of the text have no token.")
    return told


def show_encoding(encoding: Encoding, *, color: bool = True, regions: bool = False) -> Text:
    """The text of a conversation with its trained part marked, and a line that says what the marks mean.

    Args:
        encoding: What `Mill.encode` gives.
        color: Mark by colour: trained green, masked dim. Without colour ⟦ ⟧ stand around the trained parts.
        regions: Begin a line with each region and name it on the left; ↵ stands for the ends of lines in the text.

    Returns:
        Text for `rich.print`, or for `str`.

    Example:
        >>> print(show_encoding(mill.encode(messages), color=False))  # doctest: +SKIP
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant
        ⟦Hello!<|im_end|>⟧
    """
    shown = Text()
    known = known_regions(encoding) if regions else []
    if known:
        _append_regions(shown, encoding, known, color=color)
    else:
        for is_trained, group in groupby(stretches(encoding), key=lambda it: bool(it.weight)):
            found = list(group)
            _append_marked(shown, encoding.text[found[0].start : found[-1].end], trained=is_trained, color=color)
    shown.append("\n" if encoding.text.endswith("\n") and not known else "\n\n")
    notes = tell_notes(encoding)
    if regions and encoding.text and not known:
        notes.append("The regions of the text are not known.")
    for note in notes:
        shown.append(f"{note}\n", style="yellow" if color else "")
    trained, masked = tell_counts(encoding)
    _append_marked(shown, "trained", trained=True, color=color)
    shown.append(f" {trained}, ")
    _append_marked(shown, "masked", trained=False, color=color)
    shown.append(f" {masked}")
    return shown


def print_encoding(encoding: Encoding, *, regions: bool = True) -> None:
    """Print a conversation to the terminal, in colour if that has colours.

    Args:
        encoding: What `Mill.encode` gives.
        regions: As for `show_encoding`.

    Example:
        >>> print_encoding(mill.encode(messages))  # doctest: +SKIP
        0 user      header   │ <|im_start|>user↵
        …
    """
    console = Console()
    # NO_COLOR takes the colours of a console that has them.
    color = console.color_system is not None and not console.no_color
    shown = show_encoding(encoding, color=color, regions=regions)
    # Chat text is no markup, and a soft wrap leaves it as it is where it is copied or piped.
    console.print(shown, soft_wrap=True, markup=False, highlight=False, emoji=False)


def encode_row(mill: Mill, inputs: InputPath | list[InputPath], row: int = 0) -> Encoding:
    """Render, tokenize and label one row of the inputs.

    Args:
        mill: What encodes.
        inputs: As for `prepare`.
        row: Which one, from 0, over all inputs.

    Raises:
        DataError: There is no such row, or it has not the form of a conversation.
        RowError: The row cannot be turned into tokens.

    Example:
        >>> encode_row(mill, "chats.jsonl", 3).text  # doctest: +SKIP
        '<|im_start|>user…'
    """
    rows_before = 0
    columns = None if mill.format is None else mill.format.columns
    for block in read_blocks(find_inputs(inputs), columns=columns, block_bytes=1 << 20):
        index = row - rows_before
        if 0 <= index < block.batch.num_rows:
            try:
                return mill.encode_row(block.batch, index, json_column=block.json_column)
            except RowError as error:
                places = filter(None, (place_of(block, index), place_in_row(error.failure)))
                raise RowError(f"{', '.join(places)}: {error.failure.text}") from error
        rows_before += block.batch.num_rows
    raise DataError(f"there is no row {row}: the inputs have {rows_before} rows, counted from 0")


def place_of(block: Block, index: int) -> str:
    """Where a row stands, such as `chats.jsonl, line 3`.

    Args:
        block: What was read.
        index: The row in it.
    """
    return ", ".join(str(at) if unit == "file" else f"{unit} {at}" for unit, at in block.where(index).items())


class _Failed(Protocol):
    """Why a row has no tokens: a `RowFailure`, or what was written of one."""

    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def message(self) -> int | None: ...
    @property
    def template_line(self) -> int | None: ...


def place_in_row(failure: _Failed) -> str:
    """Where in a row the fault is, such as `message 0, template line 8`, as far as that is known.

    Args:
        failure: Why the row failed.
    """
    places = {"message": failure.message, "template line": failure.template_line}
    return ", ".join(f"{unit} {at}" for unit, at in places.items() if at is not None)


def tell_failure(failure: _Failed) -> str:
    """Why a row has no tokens, with its place in the row.

    Args:
        failure: What the mill or the rejects say.
    """
    place = place_in_row(failure)
    return f"{failure.code}{f' ({place})' if place else ''}: {failure.text}"


def _append_marked(shown: Text, text: str, *, trained: bool, color: bool) -> None:
    if color:
        shown.append(text, style="green" if trained else "dim")
    else:
        shown.append(f"{_OPEN}{text}{_CLOSE}" if trained else text)


def _append_regions(shown: Text, encoding: Encoding, regions: Sequence[Region], *, color: bool) -> None:
    rows = [_name_cells(region) for region in regions]
    number, role, kind = (max(len(row[column]) for row in rows) for column in range(3))
    margin, style = " " * (number + role + kind + 2), "cyan" if color else ""
    for row, (region, found) in zip(rows, by_region(encoding, regions), strict=True):
        shown.append("\n" if shown else "")
        shown.append(f"{row[0]:>{number}} {row[1]:<{role}} {row[2]:<{kind}}{_GUTTER}", style)
        for stretch in found:
            for line in _LINE.finditer(encoding.text, stretch.start, stretch.end):
                text = visible(line[0]).replace("\n", _NEWLINE)
                _append_marked(shown, text, trained=bool(stretch.weight), color=color)
                if stretch.weight not in (None, 0, 1):
                    shown.append(f"×{stretch.weight:g}", style)
                if line[0].endswith("\n") and line.end() < region.end:
                    shown.append(f"\n{margin}{_GUTTER}", style)


def _name_cells(region: Region) -> tuple[str, str, str]:
    """Message, role and kind; a role is whatever the row has."""
    role = visible(region.role or "").replace("\n", _NEWLINE)
    role = role if len(role) <= _LONGEST_ROLE else f"{role[: _LONGEST_ROLE - 1]}…"
    return "" if region.message is None else str(region.message), role, region.kind
