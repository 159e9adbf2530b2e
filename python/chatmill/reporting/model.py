"""`Report`: everything that a report shows, as values. The terminal, the page and the JSON file are views of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatmill.drawing.row import DrawnRow

#: How a report ends: nothing was found; a person should check it; something is wrong.
Status = Literal["good", "look", "bad"]


@dataclass(frozen=True)
class Run:
    """What was made, from what, and how.

    Attributes:
        name: The output folder, or the names of the inputs.
        is_output: Whether it is a finished output; otherwise the tokens of the rows were counted and not written.
        chatmill: The version of chatmill.
        created: When the output was made, in ISO 8601; empty for rows.
        template: The name of the chat template; empty if rows need none.
        tokenizer: The name of the tokenizer.
        engine: The name of the tokenizer engine.
        labels: The labels as text, such as `assistant`.
        max_length: The option of this name.
        truncation: The option of this name.
        layout: The kind of files, such as `parquet`; empty for rows.
        has_answers: Whether rows are a prompt with answers. Then each answer with its prompt is a sample, so the tokens
            of a prompt count once for each of its answers.
    """

    name: str
    is_output: bool
    chatmill: str
    created: str
    template: str
    tokenizer: str
    engine: str
    labels: str
    max_length: int | None
    truncation: str
    layout: str
    has_answers: bool = False


@dataclass(frozen=True)
class Totals:
    """The totals of all rows.

    Attributes:
        rows_in: Rows read: `rows_out + rejected`.
        rows_out: Rows that became samples.
        rejected: Rows without tokens.
        samples: Samples written.
        tokens: Tokens of the samples.
        trained_tokens: Those of them that have a label.
        untrained: Samples without a trained token.
        bytes: UTF-8 bytes of the rendered texts, before any cut.
        text_tokens: Tokens of these texts.
        truncated: Rows cut to `max_length`.
        cut_tokens: Tokens that `max_length` cut off.
        cut_trained_tokens: Those of them that would have been trained.
        assistant_turns: Turns of the assistant in the rows of the output.
        trained_turns: Those of them that are trained.
        duplicates: Samples whose tokens and labels equal those of an earlier sample of the same split.
        are_duplicates_exact: Whether all samples were compared; otherwise the number is estimated from a part of them.
        begins_with_bos: Samples that begin with the begin-of-text token.
    """

    rows_in: int
    rows_out: int
    rejected: int
    samples: int
    tokens: int
    trained_tokens: int
    untrained: int
    bytes: int
    text_tokens: int
    truncated: int
    cut_tokens: int
    cut_trained_tokens: int
    assistant_turns: int
    trained_turns: int
    duplicates: int
    are_duplicates_exact: bool
    begins_with_bos: int


@dataclass(frozen=True)
class PackedSplit:
    """What packing made of the rows of a split.

    Attributes:
        split: The name of the split, such as `train`.
        length: The length of a pack in tokens.
        packs: The number of packs.
        tokens: Tokens in packs, without padding.
        room: Tokens that the packs have room for.
        trained_tokens: Tokens in packs that are trained.
        rows: Rows that were packed.
        cut_rows: Rows that are longer than a pack and lost tokens.
        cut_tokens: The tokens that they lost.
        dropped_rows: Rows that are in no pack, because they are too long or because their pack was dropped.
        dropped_tokens: Their tokens.
        lost_trained_tokens: Trained tokens of the rows that are not trained in packs, if packing lost any token.
    """

    split: str
    length: int
    packs: int
    tokens: int
    room: int
    trained_tokens: int
    rows: int
    cut_rows: int
    cut_tokens: int
    dropped_rows: int
    dropped_tokens: int
    lost_trained_tokens: int

    @property
    def lost_rows(self) -> int:
        """Rows that packing cut or dropped."""
        return self.cut_rows + self.dropped_rows

    @property
    def lost_tokens(self) -> int:
        """Tokens that packing cut off or dropped."""
        return self.cut_tokens + self.dropped_tokens


@dataclass(frozen=True)
class Sequences:
    """The sequences before any cut, of which each `LengthLimit` would cut a part.

    A row has one sequence, or one for each of its answers. Rows that were rejected or dropped because they are too long
    have sequences too.

    Attributes:
        number: The number of sequences.
        tokens: Their tokens.
        trained_tokens: Those of them that are trained.
    """

    number: int
    tokens: int
    trained_tokens: int


@dataclass(frozen=True)
class LengthLimit:
    """What a `max_length` would cut.

    Attributes:
        max_length: The limit in tokens.
        cut: Sequences longer than it.
        lost_tokens: Their tokens beyond it.
        lost_trained_tokens: Those of them that are trained.
    """

    max_length: int
    cut: int
    lost_tokens: int
    lost_trained_tokens: int


@dataclass(frozen=True)
class TokenShare:
    """Tokens of one role and one kind of region. The role is empty for text outside of messages."""

    role: str
    kind: str
    tokens: int
    trained_tokens: int


@dataclass(frozen=True)
class Turn:
    """The turns of the assistant with one index in their conversations: 0 for the first.

    Attributes:
        index: The index. The last one stands for all later turns too, if `and_later`.
        and_later: Whether later turns are included.
        turns: The number of turns.
        tokens: Their tokens in samples.
        trained_tokens: Those of them that are trained.
    """

    index: int
    and_later: bool
    turns: int
    tokens: int
    trained_tokens: int


@dataclass(frozen=True)
class Stops:
    """The stop tokens of trained turns of the assistant.

    Attributes:
        trained: Turns whose stop token is trained.
        masked: Turns whose stop token is in the sample, but is not trained.
        cut: Turns whose stop token was cut off by `max_length`.
        missing: Turns that the template ends without an added token.
    """

    trained: int
    masked: int
    cut: int
    missing: int


@dataclass(frozen=True)
class Regions:
    """Tokens by role and kind. Rows labeled by tags have regions only in a part of the rows.

    Attributes:
        rows: Rows whose regions are known.
        of: Rows that became samples.
        shares: Tokens by role and kind.
        turns: Tokens by turn of the assistant.
        stops: The stop tokens of trained turns.
        reasoning_given: Messages that have reasoning in a field of its own.
        reasoning_printed: Those of them whose reasoning the template prints.
    """

    rows: int
    of: int
    shares: Sequence[TokenShare]
    turns: Sequence[Turn]
    stops: Stops
    reasoning_given: int
    reasoning_printed: int


@dataclass(frozen=True)
class TokenCount:
    """How often a token is the first or the last trained token of a sample. The text is empty without a tokenizer."""

    id: int
    text: str
    samples: int


@dataclass(frozen=True)
class Packing:
    """Packs of one length, planned from the lengths of the samples alone.

    Attributes:
        max_length: The length of a pack in tokens.
        packs: The number of packs.
        efficiency: Tokens of samples, divided by places in packs.
        too_long: Samples longer than a pack, which are left out here.
        batch_efficiency: The mean of the same for batches of 8 samples drawn at random, padded to their longest.
    """

    max_length: int
    packs: int
    efficiency: float
    too_long: int
    batch_efficiency: float


@dataclass(frozen=True)
class Source:
    """The figures of one input file.

    Attributes:
        path: The file, or the name of rows in memory.
        dataset: The number of its dataset in a mixture, from 0.
        rows_in: Rows read.
        rejected: Rows without tokens.
        tokens: Tokens of its samples, before samples are left out or copied (`deduplicate`, shares of a mixture).
        trained_tokens: Those of them that have a label.
        bytes: UTF-8 bytes of the rendered texts.
        text_tokens: Tokens of these texts, before any cut.
    """

    path: str
    dataset: int
    rows_in: int
    rejected: int
    tokens: int
    trained_tokens: int
    bytes: int
    text_tokens: int


@dataclass(frozen=True)
class ReportFinding:
    """Something to look at.

    Attributes:
        code: A stable word, such as `doubled_bos`.
        status: `bad`, or `look`.
        text: What was found, with its number of rows.
        rows: The number of rows, among `of`; 0 if it is not a property of rows.
        of: The number of rows that were looked at.
        place: The first place; empty if it is unknown.
        remedy: What to do.
    """

    code: str
    status: Status
    text: str
    rows: int = 0
    of: int = 0
    place: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class RejectReason:
    """Rejected rows with one code, and the first of them."""

    code: str
    rows: int
    place: str
    reason: str


@dataclass(frozen=True)
class ReportSample:
    """A row to look at.

    Attributes:
        why: Why it was chosen: `random`, `longest`, `least_trained`, `most_turns`, the code of a note, or `rejected`.
        place: The file with the line or row.
        source: The path of its file.
        row: The row with its regions and labels; None if it was rejected.
        answer: The name of the answer, for rows with answers; otherwise empty.
        code: The code of the rejection; empty if it was not rejected.
        reason: The reason of the rejection.
        data: The beginning of the rejected row as text.
    """

    why: Sequence[str]
    place: str
    source: str
    row: DrawnRow | None
    answer: str = ""
    code: str = ""
    reason: str = ""
    data: str = ""


@dataclass(frozen=True)
class Report:
    """The report of one output, or of rows that were not written.

    If the output has packs, `packs` and `findings` tell what packing did. All else describes the rows before it.

    Attributes:
        run: What was made.
        totals: The totals.
        lengths: Samples by their length in tokens, ascending. Exact.
        sequences: All sequences before any cut, also those of rows that are too long.
        limits: What each `max_length` would cut of them, ascending.
        trained_shares: Samples by their trained share, 12 numbers: without trained tokens; up to 10 %, up to 20 %, …
            up to 100 %, without those that are trained as a whole; trained as a whole.
        regions: Tokens by role, kind and turn; None if no row has messages.
        messages: Rows by their number of messages.
        role_sequences: Rows by the roles of their messages, such as `system (user assistant)+`; most frequent first.
            A long sequence ends with `…`; if there are too many, `…` stands for all others.
        tools: Rows by their number of declared tools.
        first_trained: The most frequent first trained tokens of samples.
        last_trained: The most frequent last trained tokens of samples.
        packing: What packing would give, for some lengths.
        sources: The figures of each input file.
        findings: What to look at, the worst first.
        rejects: The rejected rows by reason, most frequent first.
        samples: Rows to look at; empty without samples.
        notes: Rows by note, as in `PrepareReport.notes`.
        packs: The packs of each split; empty if the output has rows.
    """

    run: Run
    totals: Totals
    lengths: Mapping[int, int]
    sequences: Sequences
    limits: Sequence[LengthLimit]
    trained_shares: Sequence[int]
    regions: Regions | None
    messages: Mapping[int, int]
    role_sequences: Mapping[str, int]
    tools: Mapping[int, int]
    first_trained: Sequence[TokenCount]
    last_trained: Sequence[TokenCount]
    packing: Sequence[Packing]
    sources: Sequence[Source]
    findings: Sequence[ReportFinding]
    rejects: Sequence[RejectReason]
    samples: Sequence[ReportSample] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    packs: Sequence[PackedSplit] = ()

    @property
    def status(self) -> Status:
        """The worst status of the findings."""
        order: Sequence[Status] = ("bad", "look")
        return next((it for it in order if any(found.status == it for found in self.findings)), "good")
