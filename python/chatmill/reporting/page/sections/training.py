"""What is trained: by sample, by role and kind, by turn; the stop tokens; the first and last trained tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatmill.reporting.model import Regions, Report, TokenCount, TokenShare, Turn
from chatmill.reporting.page.charts.bars import BarNames, bars
from chatmill.reporting.page.charts.meter import meter
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.section import of_each, pair, section
from chatmill.reporting.page.tables import Column, Row, folded, table

_SHARES = ("none", *(f"up to {10 * step} %" for step in range(1, 11)), "all")
_SHARES_ACROSS = ("none", *(f"{10 * step} %" for step in range(1, 11)), "all")
_STOPS: Sequence[tuple[str, Callable[[Regions], int]]] = (
    ("trained", lambda it: it.stops.trained),
    ("in the sample, but not trained", lambda it: it.stops.masked),
    ("cut off by max_length", lambda it: it.stops.cut),
    ("missing: the template ends the turn without one", lambda it: it.stops.missing),
)
# A run has a dozen roles.
_MOST_SHARES = 200
_TOKENS = (Column("tokens"), Column("share of tokens"), Column("trained"), Column("share trained"))


def training(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    """Return the section on what is trained.

    Args:
        reports: The reports.
        names: Their names.
    """
    return section(
        "training",
        "What is trained",
        _trained_shares(reports, names),
        _regions(reports, names),
        pair(
            names,
            _ends(reports, names, "First trained tokens of the samples", lambda it: it.first_trained),
            _ends(reports, names, "Last trained tokens of the samples", lambda it: it.last_trained),
        ),
    )


def _trained_shares(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    title = "Samples by their share of trained tokens"
    axis = list(enumerate(_SHARES_ACROSS))
    charts = [bars(title, list(it.trained_shares), BarNames(_SHARES, axis, True, "samples")) for it in reports]
    rows = [
        (
            [name],
            [(count(it.trained_shares[at]), share(it.trained_shares[at], sum(it.trained_shares))) for it in reports],
        )
        for at, name in enumerate(_SHARES)
    ]
    shown = table(title, ["Trained tokens"], [Column("samples"), Column("share")], names, rows)
    return joined(element("h3", title), of_each(names, charts), folded("Show as a table", shown))


def _regions(reports: Sequence[Report], names: Sequence[str]) -> Markup:
    known = [report.regions for report in reports]
    if not any(known):
        return element("p", "No row has messages, so nothing is known by role and turn.", class_="remark")
    remarks = [
        element("p", f"{name}: known for {count(it.rows)} of {count(it.of)} rows.", class_="remark")
        for name, it in zip(names, known, strict=True)
        if it is not None and it.rows != it.of
    ]
    return joined(
        *remarks,
        _shares(known, names),
        _turns(known, names),
        pair(names, _stops(known, names), _reasoning(known, names)),
    )


def _shares(known: Sequence[Regions | None], names: Sequence[str]) -> Markup:
    by_key = [{(it.role, it.kind): it for it in regions.shares} if regions else {} for regions in known]
    wholes = [_Whole.of(list(shares.values())) for shares in by_key]
    every = list(dict.fromkeys(key for shares in by_key for key in shares))
    rows: list[Row] = [
        (
            [clipped(role) or "outside of messages", clipped(kind) or "–"],
            [
                None if (it := shares.get((role, kind))) is None else _token_cells(it, whole)
                for shares, whole in zip(by_key, wholes, strict=True)
            ],
        )
        for role, kind in every[:_MOST_SHARES]
    ]
    rest = every[_MOST_SHARES:]
    if rest:
        others = [[shares[key] for key in rest if key in shares] for shares in by_key]
        sums = [_sum_of(of) for of in others]
        cells = [_token_cells(it, whole) for it, whole in zip(sums, wholes, strict=True)]
        rows.append(([f"{count(len(rest))} others", "–"], cells))
    return table("Tokens by role and kind of region", ["role", "kind"], _TOKENS, names, rows)


def _sum_of(shares: Sequence[TokenShare]) -> TokenShare:
    return TokenShare("", "", sum(it.tokens for it in shares), sum(it.trained_tokens for it in shares))


def _turns(known: Sequence[Regions | None], names: Sequence[str]) -> Markup:
    by_name = [{_turn_name(it): it for it in regions.turns} if regions else {} for regions in known]
    wholes = [_Whole.of(list(turns.values())) for turns in by_name]
    every = dict.fromkeys(name for turns in by_name for name in turns)
    rows = [
        (
            [name],
            [
                None if (it := turns.get(name)) is None else (count(it.turns), *_token_cells(it, whole))
                for turns, whole in zip(by_name, wholes, strict=True)
            ],
        )
        for name in every
    ]
    return table("Tokens by turn of the assistant", ["turn"], [Column("turns"), *_TOKENS], names, rows)


def _turn_name(turn: Turn) -> str:
    number = count(turn.index + 1)
    return f"{number} and later" if turn.and_later else number


@dataclass(frozen=True)
class _Whole:
    """What the rows of a table are parts of: the tokens of the largest row, and of all rows."""

    most: int
    tokens: int

    @staticmethod
    def of(parts: Sequence[TokenShare | Turn]) -> "_Whole":
        return _Whole(max((it.tokens for it in parts), default=0), sum(it.tokens for it in parts))


def _token_cells(it: TokenShare | Turn, whole: _Whole) -> list[object]:
    return [
        joined(count(it.tokens), meter(it.tokens, whole.most, trained=it.trained_tokens)),
        share(it.tokens, whole.tokens),
        count(it.trained_tokens),
        share(it.trained_tokens, it.tokens),
    ]


def _stops(known: Sequence[Regions | None], names: Sequence[str]) -> Markup:
    rows = [
        ([name], [None if it is None else (count(value(it)), share(value(it), _all_stops(it))) for it in known])
        for name, value in _STOPS
    ]
    return table(
        "Stop tokens of the trained turns of the assistant",
        ["Stop token"],
        [Column("turns"), Column("share")],
        names,
        rows,
    )


def _all_stops(regions: Regions) -> int:
    return sum(value(regions) for _, value in _STOPS)


def _reasoning(known: Sequence[Regions | None], names: Sequence[str]) -> Markup:
    given = [None if it is None else (count(it.reasoning_given), "") for it in known]
    printed = [
        None if it is None else (count(it.reasoning_printed), share(it.reasoning_printed, it.reasoning_given))
        for it in known
    ]
    rows: list[Row] = [
        (["with reasoning in a field of its own"], given),
        (["whose reasoning the template prints"], printed),
    ]
    return table("Reasoning", ["Messages"], [Column("number"), Column("share")], names, rows)


def _ends(
    reports: Sequence[Report], names: Sequence[str], title: str, of: Callable[[Report], Sequence[TokenCount]]
) -> Markup:
    by_token = [{(it.id, it.text): it.samples for it in of(report)} for report in reports]
    every = dict.fromkeys(key for tokens in by_token for key in tokens)
    rows = [
        (
            [str(id_), clipped(_quoted(text), 100)],
            [
                None
                if (number := tokens.get((id_, text))) is None
                else (count(number), share(number, report.totals.samples))
                for report, tokens in zip(reports, by_token, strict=True)
            ],
        )
        for id_, text in every
    ]
    return table(title, ["id", "token"], [Column("samples"), Column("share")], names, rows)


def _quoted(text: str) -> str:
    """A token in quotation marks, so that its spaces have an edge; its line breaks and tabs have a sign."""
    return "“" + text.replace("\n", "⏎").replace("\t", "⇥") + "”" if text else "–"
