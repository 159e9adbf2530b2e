"""`RunFigures`: the statistics of a finished run, read from its manifest, which may be damaged or forged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chatmill._chatmill import CHOICES, LENGTH_LIMITS
from chatmill.statistics.compact import read_numbers, read_pairs
from chatmill.statistics.run import VERSION

_T = TypeVar("_T")
#: The core counts this many turns of each row; the last one stands for all later ones.
MOST_TURNS = 16
# Sums of figures stay below what JSON readers of other languages hold exactly.
_MOST = 1 << 53
#: The numbers of samples by trained share: none, up to 10 %, … up to 100 %, all.
TRAINED_SHARES = 12
# Sequences of roles, and codes. chatmill counts at most a few hundred; no person reads tables of many more.
_MOST_NAMES = 1000
# It counts 42 roles by name, and writes two splits.
_MOST_ROLES, _MOST_SPLITS = 100, 10
# Different numbers of messages or tools in a row, and samples by their first token.
_MOST_NUMBERS = 1 << 20


@dataclass(frozen=True)
class SampleFigures:
    """The figures of written samples.

    Attributes:
        samples: Their number.
        tokens: Their tokens.
        trained_tokens: Those of them that are trained.
        begins_with_bos: Samples that begin with the begin-of-text token.
        lengths: Samples by length.
        trained_shares: Samples by trained share, `TRAINED_SHARES` numbers.
        first_trained: Samples by their first trained token.
        last_trained: Samples by their last trained token.
        duplicates: Samples that equal an earlier one.
        duplicates_are_exact: Whether all samples were compared.
    """

    samples: int
    tokens: int
    trained_tokens: int
    begins_with_bos: int
    lengths: Mapping[int, int]
    trained_shares: Sequence[int]
    first_trained: Mapping[int, int]
    last_trained: Mapping[int, int]
    duplicates: int
    duplicates_are_exact: bool


@dataclass(frozen=True)
class RowTotals:
    """The figures of rows. `RowStatistics` of the core counts them.

    Attributes:
        lengths: Sequences by length before any cut.
        trained_cells: Trained tokens of sequences by cell of positions: before the first of `LENGTH_LIMITS`, and from
            each of them on.
        counts: Single counts, by name.
        messages: Rows by number of messages.
        roles: Rows by the roles of their messages.
        tools: Rows by number of declared tools.
        regions: Tokens and trained tokens by role and kind.
        turns: For each turn of the assistant: turns, tokens, trained tokens.
        stops: Stop tokens of trained turns, by what became of them.
        marks: For each mark or note: its rows, and the first of them.
    """

    lengths: Mapping[int, int]
    trained_cells: Sequence[int]
    counts: Mapping[str, int]
    messages: Mapping[int, int]
    roles: Mapping[str, int]
    tools: Mapping[int, int]
    regions: Mapping[str, Mapping[str, tuple[int, int]]]
    turns: Sequence[tuple[int, int, int]]
    stops: Mapping[str, int]
    marks: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class RunFigures:
    """The statistics of a run.

    Attributes:
        rows: The figures of rows.
        samples: The figures of samples, by split.
        token_texts: The texts of tokens, by id.
        sources: For each input file, its counts by name.
    """

    rows: RowTotals
    samples: Mapping[str, SampleFigures]
    token_texts: Mapping[int, str]
    sources: Sequence[Mapping[str, int]]


def read_figures(record: Any) -> RunFigures:
    """Read the statistics of a manifest.

    Args:
        record: What the manifest has under `statistics`.

    Raises:
        ValueError: It is damaged, or of another version.
    """
    if not isinstance(record, dict) or record.get("version") != VERSION:
        raise ValueError("they are of another version of chatmill, or damaged")
    try:
        return RunFigures(
            read_row_totals(record["rows"]),
            {_text(split): _sample_figures(it) for split, it in _items(record, "samples", _MOST_SPLITS)},
            {int(token): _text(text) for token, text in _items(record, "token_texts", _MOST_NUMBERS)},
            [{name: _count(it[name]) for name in _SOURCE_COUNTS} for it in _list(record["sources"])],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"they are damaged ({error!r})") from None


_SOURCE_COUNTS = ("dataset", "rows_in", "rejected", "tokens", "trained_tokens", "bytes", "text_tokens")
_COUNTS = ("bytes", "text_tokens", "cut_trained", "region_rows", "reasoning_given", "reasoning_printed")
_STOPS = ("trained", "masked", "cut", "missing")


def read_row_totals(record: Any) -> RowTotals:
    """Read the figures of rows.

    Args:
        record: The record of `row_record`.

    Raises:
        ValueError: A value is damaged.
        KeyError: A value is missing.
        TypeError: A value has another type.
    """
    return RowTotals(
        lengths=read_pairs(_text(record["lengths"])),
        trained_cells=_trained_cells(record["trained_cells"]),
        counts={name: _count(record[name]) for name in _COUNTS},
        messages=_numbered(record, "messages"),
        roles={_text(roles): _count(rows) for roles, rows in _items(record, "roles")},
        tools=_numbered(record, "tools"),
        regions={_text(role): _kinds(kinds) for role, kinds in _items(record, "regions", _MOST_ROLES)},
        turns=[(_count(it["turns"]), _count(it["tokens"]), _count(it["trained"])) for it in _turns(record["turns"])],
        stops={name: _count(record["stops"][name]) for name in _STOPS},
        marks={_text(code): (_count(it["rows"]), _count(it["first"])) for code, it in _items(record, "marks")},
    )


def _sample_figures(record: Any) -> SampleFigures:
    shares = read_numbers(_text(record["trained_shares"]))
    if len(shares) != TRAINED_SHARES:
        raise ValueError(f"trained_shares has {len(shares)} numbers, not {TRAINED_SHARES}")
    return SampleFigures(
        samples=_count(record["samples"]),
        tokens=_count(record["tokens"]),
        trained_tokens=_count(record["trained_tokens"]),
        begins_with_bos=_count(record["begins_with_bos"]),
        lengths=read_pairs(_text(record["lengths"])),
        trained_shares=shares,
        first_trained=read_pairs(_text(record["first_trained"])),
        last_trained=read_pairs(_text(record["last_trained"])),
        duplicates=_count(record["duplicates"]),
        duplicates_are_exact=_of_type(record["duplicates_are_exact"], bool),
    )


def _numbered(record: Any, name: str) -> dict[int, int]:
    return {_count(int(number)): _count(rows) for number, rows in _items(record, name, _MOST_NUMBERS)}


def _kinds(record: Any) -> dict[str, tuple[int, int]]:
    kinds = _of_type(record, dict)
    if not kinds.keys() <= set(CHOICES["region_kind"]):
        raise ValueError("`regions` has a kind that is not known")
    return {_text(kind): (_count(it["tokens"]), _count(it["trained"])) for kind, it in kinds.items()}


def _trained_cells(text: Any) -> list[int]:
    cells = read_numbers(_text(text))
    if len(cells) > len(LENGTH_LIMITS) + 1:
        raise ValueError(f"trained_cells has {len(cells)} numbers, more than {len(LENGTH_LIMITS) + 1}")
    return cells


def _turns(value: Any) -> list[Any]:
    turns = _list(value)
    if len(turns) > MOST_TURNS:
        raise ValueError(f"`turns` has {len(turns):,} entries, more than {MOST_TURNS}")
    return turns


def _items(record: Any, name: str, most: int = _MOST_NAMES) -> Any:
    named: dict[Any, Any] = _of_type(record[name], dict)
    if len(named) > most:
        raise ValueError(f"`{name}` has {len(named):,} entries, more than {most:,}")
    return named.items()


def _list(value: Any) -> list[Any]:
    return _of_type(value, list)


def _text(value: Any) -> str:
    return _of_type(value, str)


def _count(value: Any) -> int:
    number = _of_type(value, int)
    if isinstance(value, bool) or not 0 <= number < _MOST:
        raise ValueError(f"{str(value)[:40]} is not a count")
    return number


def _of_type(value: Any, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise ValueError(f"a value is {type(value).__name__}")  # the file is wrong, not the caller
    return value
