"""`find`: what looks wrong in the counts and warnings of a run, the worst first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatmill.reporting.model import PackedSplit, RejectReason, ReportFinding, Status, Totals
from chatmill.reporting.packed import packing_findings
from chatmill.statistics.read import RunFigures
from chatmill.text.numbers import percent


@dataclass(frozen=True)
class Evidence:
    """What findings are made of.

    Attributes:
        totals: The totals of the run.
        figures: Its statistics.
        warnings: Its warnings, as in a manifest: `text`, and for problems of rows also `code`, `rows` and others.
        rejects: The rejected rows by reason.
        labels: The labels of all parts of the run.
        place: Gives the first place of a code; empty if it is unknown.
        packs: What packing made of the rows.
    """

    totals: Totals
    figures: RunFigures
    warnings: Sequence[Mapping[str, Any]]
    rejects: Sequence[RejectReason]
    labels: Sequence[Any]
    place: Callable[[str], str]
    packs: Sequence[PackedSplit] = ()


# Warnings about rows whose text or labels are certainly not what was meant. The others may be intended.
_BAD = (
    "doubled_bos", "stop_token", "arguments_escaped", "content_dropped", "roles_dropped", "tools_dropped",
    "template_tokens", "control_token",
)  # fmt: skip
# Marks that say the same as a warning.
_SAID = {
    "content_dropped": ("content_dropped", "roles_dropped"),
    "reasoning_dropped": ("reasoning_dropped",),
    "stop_masked": ("stop_token",),
    "stop_missing": ("stop_token",),
    "value_dropped": ("turns_dropped",),
    "other_role": ("turns_dropped",),
    "missing_stop": ("stop_token",),
    "doubled_bos": ("doubled_bos",),
    "unread_system": ("unread_system",),
    "control_token": ("control_token",),
}
_WITHOUT_STOP: tuple[Status, str, str] = (
    "bad",
    "have a trained answer that does not end with a stop token, so the model does not learn to stop",
    "check that the template ends answers with a token of the tokenizer",
)
# Code of a mark or note: status, text after the number of rows, remedy.
_MARKS: Mapping[str, tuple[Status, str, str]] = {
    "stop_masked": (
        "bad", "have a trained answer whose stop token is not trained, so the model does not learn to stop",
        "train stop tokens (`labels` with `stop: turn`), or check the tags of the template",
    ),
    "stop_missing": _WITHOUT_STOP,
    "missing_stop": _WITHOUT_STOP,
    "doubled_bos": (
        "bad", "begin with two begin-of-text tokens", "remove one of the two, from the template or from the rows",
    ),
    "content_dropped": (
        "bad", "have a message whose text the template does not print",
        "use a template that prints the role, or remove the messages",
    ),
    "control_token": (
        "bad", "have a control token in the text of a message, which is encoded as a control token",
        'encode them as plain text (`special_tokens="text"`), or clean the rows',
    ),
    "stop_cut": (
        "look", "have a trained answer whose end was cut off by `max_length`, with its stop token",
        "increase `max_length`, or reject long rows (`truncation=\"drop\"`)",
    ),
    "untrained_turn": (
        "look", "have a turn of the assistant without any trained token", "check the training flags of the messages",
    ),
    "reasoning_dropped": (
        "look", "have reasoning that the template does not print",
        "make a sample for each turn (`split=\"per_turn\"`), or ignore this if it is intended",
    ),
    "empty_message": (
        "look", "have an empty message of a role other than the assistant", "fill or remove these messages",
    ),
    "empty_answer": ("look", "have an empty answer, so the model learns to say nothing", "fill or remove these rows"),
    "repeated_role": (
        "look", "have two messages of the user, or two of the assistant, one after the other",
        "check that no message is missing between them",
    ),
    "unanswered": (
        "look", "end with a message that is not of the assistant",
        "remove the last message, or add the answer; nothing is wrong if you train such messages",
    ),
    "late_system": (
        "look", "have a system message that is not the first message",
        "check with `chatmill show` how the template prints it",
    ),
    "control_text": (
        "look", "have a control token in a text; it is encoded as plain text",
        "remove the token from the rows if it is not intended",
    ),
    "value_dropped": (
        "look", "have a turn of the assistant that the template does not print, so it is not trained",
        "use a template that prints it",
    ),
    "other_role": (
        "look", "have a turn of the assistant that the template prints under another role, so it is not trained",
        "use another template",
    ),
    "header_mismatch": (
        "look", "have a turn whose header differs from the generation prompt, so it is not trained",
        "use another template",
    ),
    "merged": (
        "look", "have a turn whose text the template mixes with another message, so it is not trained",
        "use another template",
    ),
    "unread_system": (
        "look", "have a system prompt in a column beside the messages, which is not read",
        "read it with `--map system=system`, if the messages do not begin with one",
    ),
    "unanchored": (
        "look", "have an empty turn, whose end is uncertain, so it is not trained", "fill or remove the turns",
    ),
}  # fmt: skip
# Other labels than these may leave out turns and stop tokens on purpose.
_OF_PLAIN_LABELS = ("untrained_turn", "stop_masked")
# Marks that only regions tell.
_OF_REGIONS = (
    "stop_masked", "stop_missing", "stop_cut", "untrained_turn", "reasoning_dropped", "content_dropped",
    "control_token",
)  # fmt: skip
_MANY_REJECTED, _LITTLE = 0.01, 0.02


def find(evidence: Evidence) -> list[ReportFinding]:
    """Return what looks wrong, the worst first.

    Args:
        evidence: The counts and warnings of a run.
    """
    found = [*_of_warnings(evidence), *_of_marks(evidence), *_of_totals(evidence), *packing_findings(evidence.packs)]
    return sorted(found, key=lambda it: (it.status != "bad", -it.rows))


def _of_warnings(evidence: Evidence) -> Iterator[ReportFinding]:
    for warning in evidence.warnings:
        code = warning.get("code", "warning")
        if code == "stop_token" and _is_masked(evidence):
            status, text, remedy = _MARKS["stop_masked"]
            rows, of, place = warning["rows"], warning["of"], warning["place"]
            yield ReportFinding("stop_masked", status, f"{rows:,} of {of:,} rows {text}", rows, of, place, remedy)
            continue
        found = ReportFinding(
            code,
            "bad" if code in _BAD else "look",
            warning["text"],
            warning.get("rows", 0),
            warning.get("of", 0),
            warning.get("place", ""),
            warning.get("remedy", ""),
        )
        yield _with_all_rows(found, evidence)


def _is_masked(evidence: Evidence) -> bool:
    """Return whether trained turns have stop tokens, but do not train them."""
    marks = evidence.figures.rows.marks
    return "stop_masked" in marks and "stop_missing" not in marks


def _with_all_rows(found: ReportFinding, evidence: Evidence) -> ReportFinding:
    """Return the finding of a check of some rows with the count of a mark of all rows, if both tell the same."""
    codes = [warning.get("code") for warning in evidence.warnings]
    for mark, said in _SAID.items():
        if found.code in said and sum(codes.count(code) for code in said) == 1 and mark in evidence.figures.rows.marks:
            rows, of = evidence.figures.rows.marks[mark][0], _counted_rows(mark, evidence)
            if of > found.of > 0 and rows >= found.rows:
                place = evidence.place(mark)
                is_same = found.place == place or found.place.startswith(f"{place}, ")
                text = f"{found.text} ({rows:,} of {of:,} rows in all)"
                return replace(found, text=text, rows=rows, of=of, place=found.place if is_same else place)
    return found


def _of_marks(evidence: Evidence) -> Iterator[ReportFinding]:
    said = {warning.get("code") for warning in evidence.warnings}
    figures = evidence.figures.rows
    is_plain = all(labels in ("assistant", "all") for labels in evidence.labels)
    for code, (status, text, remedy) in _MARKS.items():
        if code not in figures.marks or said.intersection(_SAID.get(code, ())):
            continue
        if (code in _OF_PLAIN_LABELS and not is_plain) or (code == "missing_stop" and "stop_missing" in figures.marks):
            continue
        rows, _ = figures.marks[code]
        of = _counted_rows(code, evidence)
        yield ReportFinding(code, status, f"{rows:,} of {of:,} rows {text}", rows, of, evidence.place(code), remedy)


def _counted_rows(mark: str, evidence: Evidence) -> int:
    return evidence.figures.rows.counts["region_rows"] if mark in _OF_REGIONS else evidence.totals.rows_out


def _of_totals(evidence: Evidence) -> Iterator[ReportFinding]:
    totals = evidence.totals
    if totals.rejected:
        first = evidence.rejects[0] if evidence.rejects else None
        most = f", most often {first.code}" if first is not None else ""
        share = percent(totals.rejected, totals.rows_in)
        text = f"{totals.rejected:,} of {totals.rows_in:,} rows ({share}) are rejected{most}"
        status: Status = "bad" if totals.rejected > _MANY_REJECTED * totals.rows_in else "look"
        place = "" if first is None else first.place
        remedy = (
            "correct or remove these rows; the reasons of rejections are in the report, "
            "and in `_rejects.jsonl` of an output"
        )
        yield ReportFinding("rejected", status, text, totals.rejected, totals.rows_in, place, remedy)
    trains = any(labels != "none" for labels in evidence.labels)
    if totals.untrained and trains:
        text = f"{totals.untrained:,} of {totals.samples:,} samples have no trained token, so they teach nothing"
        remedy = 'check the labels, or reject these rows (`all_masked="reject"`)'
        yield ReportFinding(
            "untrained", "bad", text, totals.untrained, totals.samples, evidence.place("untrained"), remedy
        )
    whole = sum(it.trained_shares[-1] for it in evidence.figures.samples.values())
    has_prompts = bool(evidence.figures.rows.messages) and all(labels != "all" for labels in evidence.labels)
    if whole and has_prompts:
        text = f"{whole:,} of {totals.samples:,} samples are trained as a whole, with their prompts"
        yield ReportFinding("all_trained", "look", text, whole, totals.samples, "", "check the labels and the roles")
    if totals.duplicates:
        about = "" if totals.are_duplicates_exact else "about "
        text = f"{about}{totals.duplicates:,} of {totals.samples:,} samples equal an earlier sample"
        remedy = "leave them out (`deduplicate`), or ignore this if it is intended"
        place = evidence.place("duplicates")
        yield ReportFinding("duplicates", "look", text, totals.duplicates, totals.samples, place, remedy)
    lost = totals.cut_trained_tokens
    # If the answers that were cut are known, they are a finding of their own, and a few tokens need no second one.
    is_told = "stop_cut" in evidence.figures.rows.marks
    if lost > (_LITTLE * (totals.trained_tokens + lost) if is_told else 0):
        share = percent(lost, totals.trained_tokens + lost)
        text = f"{lost:,} trained tokens ({share}) are beyond `max_length`, in {totals.truncated:,} rows"
        place = evidence.place("truncated")
        yield ReportFinding(
            "truncated", "look", text, totals.truncated, totals.rows_out, place, "increase `max_length`"
        )
    if 0 < totals.begins_with_bos < totals.samples:
        others = totals.samples - totals.begins_with_bos
        text = (
            f"{others:,} of {totals.samples:,} samples begin without the begin-of-text token; the others begin with it"
        )
        yield ReportFinding(
            "missing_bos", "look", text, others, totals.samples, "", "check the templates of the datasets"
        )
