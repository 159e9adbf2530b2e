"""`FIGURES`: the named numbers of a report that conditions such as `stop_untrained > 0` ask for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from chatmill.reporting.model import Report, Stops
from chatmill.statistics.quantiles import quantiles

_Value = Callable[[Report], "float | Fraction | None"]


@dataclass(frozen=True)
class Figure:
    """A named number of a report.

    Attributes:
        name: Its name, such as `truncated_tokens`.
        about: What it counts, in one line.
        base: The name of the figure that is 100 % of it; empty if it has no percentage.
        is_share: Whether it is a share from 0 to 1 itself, so that `10%` means 0.1.
    """

    name: str
    about: str
    value_of: _Value
    base: str = ""
    is_share: bool = False

    def value(self, report: Report) -> Fraction | None:
        """Return the number, exactly as the report has it.

        Args:
            report: The report.

        Returns:
            The number; None if this report does not know it.
        """
        value = self.value_of(report)
        return None if value is None else Fraction(value)


def figure_values(report: Report) -> dict[str, float | None]:
    """Return all figures of a report, by their names; None for those that it does not know.

    Args:
        report: The report.
    """
    values = {name: figure.value(report) for name, figure in FIGURES.items()}
    return {
        name: None if value is None else int(value) if value.denominator == 1 else float(value)
        for name, value in values.items()
    }


def _total(name: str) -> _Value:
    return lambda report: getattr(report.totals, name)


def _total_and_packs(name: str, of_packs: str) -> _Value:
    return lambda report: getattr(report.totals, name) + sum(getattr(it, of_packs) for it in report.packs)


def _note(code: str) -> _Value:
    return lambda report: report.notes.get(code, 0)


def _quantile(name: str) -> _Value:
    return lambda report: quantiles(report.lengths).get(name, 0)


def _findings(*statuses: str) -> _Value:
    return lambda report: sum(found.status in statuses for found in report.findings)


def _stops(value: Callable[[Stops], int]) -> _Value:
    """Return a value of the stop tokens, which are known only if the regions of at least one row are."""

    def of(report: Report) -> int | None:
        regions = report.regions
        return None if regions is None or (regions.of and not regions.rows) else value(regions.stops)

    return of


def _reasoning(report: Report) -> int | None:
    regions = report.regions
    return None if regions is None else regions.reasoning_given


def _reasoning_dropped(report: Report) -> int | None:
    regions = report.regions
    return None if regions is None else regions.reasoning_given - regions.reasoning_printed


def _share(part: str, whole: str) -> _Value:
    def of(report: Report) -> Fraction:
        all_of_them = getattr(report.totals, whole)
        return Fraction(getattr(report.totals, part), all_of_them) if all_of_them else Fraction(0)

    return of


def _figures() -> Iterator[Figure]:
    yield Figure("findings", "findings, `bad` and `look` together", _findings("bad", "look"))
    yield Figure("findings_bad", "findings with the status `bad`: something is wrong", _findings("bad"))
    yield Figure("findings_look", "findings with the status `look`: a person should check it", _findings("look"))

    yield Figure("rows_in", "rows read", _total("rows_in"))
    yield Figure("rows_out", "rows that became samples", _total("rows_out"), "rows_in")
    yield Figure("rejected", "rows without tokens; the report has their reasons", _total("rejected"), "rows_in")
    yield Figure("samples", "samples written", _total("samples"))
    yield Figure("duplicates", "samples that are equal to an earlier sample", _total("duplicates"), "samples")
    yield Figure("sources", "input files", lambda report: len(report.sources))

    yield Figure("tokens", "tokens of the samples", _total("tokens"))
    yield Figure("trained_tokens", "tokens that have a label", _total("trained_tokens"), "tokens")
    yield Figure(
        "trained_share",
        "`trained_tokens` divided by `tokens`; a share from 0 to 1",
        _share("trained_tokens", "tokens"),
        is_share=True,
    )
    yield Figure("untrained", "samples without a trained token", _total("untrained"), "samples")
    yield Figure(
        "fully_trained", "samples of which all tokens are trained", lambda it: it.trained_shares[-1], "samples"
    )
    yield Figure("bytes", "UTF-8 bytes of the rendered texts", _total("bytes"))
    yield Figure("text_tokens", "tokens of the rendered texts, before any cut", _total("text_tokens"))
    yield Figure("tokens_per_byte", "`text_tokens` divided by `bytes`", _share("text_tokens", "bytes"))

    for percent in ("50", "90", "95", "99"):
        about = f"the length in tokens that {percent} % of the samples do not exceed"
        yield Figure(f"length_{percent}", about, _quantile(percent))
    yield Figure("length_max", "the length of the longest sample in tokens", _quantile("max"))

    yield Figure(
        "truncated",
        "rows that `max_length` cut, and rows that packing cut or dropped",
        _total_and_packs("truncated", "lost_rows"),
        "rows_out",
    )
    yield Figure(
        "truncated_tokens",
        "tokens that `max_length` or packing cut off, or that packing dropped",
        _total_and_packs("cut_tokens", "lost_tokens"),
        "uncut_tokens",
    )
    yield Figure(
        "truncated_trained_tokens",
        "those of them that would have been trained",
        _total_and_packs("cut_trained_tokens", "lost_trained_tokens"),
        "uncut_trained_tokens",
    )
    yield Figure(
        "uncut_tokens",
        "`tokens`, and the tokens that `max_length` cut off",
        lambda report: report.totals.tokens + report.totals.cut_tokens,
    )
    yield Figure(
        "uncut_trained_tokens",
        "`trained_tokens`, and the trained tokens that `max_length` cut off",
        lambda report: report.totals.trained_tokens + report.totals.cut_trained_tokens,
    )

    yield Figure("assistant_turns", "turns of the assistant in the rows of the output", _total("assistant_turns"))
    yield Figure("trained_turns", "turns of the assistant that are trained", _total("trained_turns"), "assistant_turns")
    yield Figure(
        "untrained_turns",
        "turns of the assistant that are not trained",
        lambda report: report.totals.assistant_turns - report.totals.trained_turns,
        "assistant_turns",
    )
    yield Figure(
        "stops",
        "trained turns of the assistant whose stop token was looked for: `stop_trained`, `stop_untrained`, "
        "`stop_cut` and `stop_missing` together",
        _stops(lambda it: it.trained + it.masked + it.cut + it.missing),
    )
    yield Figure("stop_trained", "trained turns whose stop token is trained", _stops(lambda it: it.trained), "stops")
    yield Figure(
        "stop_untrained",
        "trained turns whose stop token is in the sample, but not trained: the model does not learn to stop",
        _stops(lambda it: it.masked),
        "stops",
    )
    yield Figure("stop_cut", "trained turns whose stop token was cut off", _stops(lambda it: it.cut), "stops")
    yield Figure(
        "stop_missing",
        "trained turns that the template ends without a stop token",
        _stops(lambda it: it.missing),
        "stops",
    )
    yield Figure("reasoning_given", "messages that have reasoning in a field of its own", _reasoning)
    yield Figure(
        "reasoning_dropped",
        "messages whose reasoning the template does not print",
        _reasoning_dropped,
        "reasoning_given",
    )

    yield Figure(
        "begins_with_bos", "samples that begin with the begin-of-text token", _total("begins_with_bos"), "samples"
    )
    yield Figure("doubled_bos", "rows that begin with two begin-of-text tokens", _note("doubled_bos"), "rows_out")
    yield Figure(
        "control_text",
        "rows with control tokens in their texts, encoded as plain text",
        _note("control_text"),
        "rows_out",
    )
    yield Figure("empty_answers", "rows with an empty answer", _note("empty_answer"), "rows_out")


#: All figures by their names. docs/report.md lists them.
FIGURES = {figure.name: figure for figure in _figures()}
