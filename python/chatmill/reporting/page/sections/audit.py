"""The audit: where the labels differ from what a trainer would have trained on the same rows."""

from collections.abc import Sequence

from chatmill.reporting.audit_model import Audit, AuditedRow, AuditedSide, AuditedSpan, TrainedTokens
from chatmill.reporting.page.clipped import clipped
from chatmill.reporting.page.marks import with_marks
from chatmill.reporting.page.markup import Markup, element, joined
from chatmill.reporting.page.numbers import count, share
from chatmill.reporting.page.sections.section import section
from chatmill.reporting.page.tables import Column, Row, table

_MOST_ROWS = 50
_MOST_SPANS = 20
_MOST_NAMES = 100
_ASPECTS = {
    "failure": "tokens on one side only",
    "samples": "another number of samples",
    "text": "another text",
    "ids": "other tokens",
    "labels": "other labels",
    "weights": "other weights",
}
_SIDES = {"output": "the output", "trainer": "the trainer"}
_BY_SIDE = (Column("trained by both"), Column("only by the output"), Column("only by the trainer"))


def audited(audit: Audit) -> Markup:
    """Return the section on an audit.

    Args:
        audit: The audit.
    """
    return section(
        "audit",
        f"Audit: {audit.trainer} on the same rows",
        _verdict(audit),
        *(element("p", clipped(note, 1000), class_="remark") for note in audit.notes[:_MOST_NAMES]),
        _differing(audit),
        _sides(audit),
        _regions(audit),
        _failures(audit),
        _first(audit),
    )


def _verdict(audit: Audit) -> Markup:
    options = ", ".join(f"{name}: {value}" for name, value in audit.options.items())
    sentence = (
        f"Of {count(audit.rows)} compared rows, {count(audit.differing_rows)} differ "
        f"({share(audit.differing_rows, audit.rows)}). The inputs have {count(audit.of)} rows."
    )
    labels = f"Output: {audit.output}, labels {audit.labels}, template {audit.template}, tokenizer {audit.tokenizer}."
    trainer = f"Trainer: {audit.trainer}{f' ({options})' if options else ''}."
    return element(
        "div",
        element("p", element("b", sentence)),
        element("p", clipped(labels, 1000)),
        element("p", clipped(trainer, 1000)),
        class_=f"card {'good' if audit.is_equal else 'look'}",
    )


def _differing(audit: Audit) -> Markup:
    rows: list[Row] = [
        ([_ASPECTS.get(aspect, aspect)], [(count(number), share(number, audit.rows))])
        for aspect, number in audit.differing.items()
    ]
    columns = [Column("rows"), Column("share")]
    return (
        table("Rows that differ, by the first difference", ["they have"], columns, [""], rows) if rows else Markup("")
    )


def _sides(audit: Audit) -> Markup:
    rows: list[Row] = [(["output"], [_side(audit.of_output)]), ([audit.trainer], [_side(audit.of_trainer)])]
    columns = [
        Column("rows with tokens"), Column("tokens"), Column("trained tokens"), Column("share trained"),
        Column("rows without a trained token"),
    ]  # fmt: skip
    return table("Totals of both sides", ["side"], columns, [""], rows)


def _side(it: AuditedSide) -> Sequence[str]:
    trained = count(it.trained_tokens), share(it.trained_tokens, it.tokens)
    return count(it.rows), count(it.tokens), *trained, count(it.untrained)


def _regions(audit: Audit) -> Markup:
    rows: list[Row] = [
        ([clipped(it.role) or "outside of messages", clipped(it.kind) or "–"], [_by_side(it.trained)])
        for it in audit.regions[:_MOST_NAMES]
    ]
    rows.append((["all", "all"], [_by_side(audit.trained)]))
    return table("Trained tokens by role and kind of region", ["role", "kind"], _BY_SIDE, [""], rows)


def _by_side(it: TrainedTokens) -> Sequence[str]:
    return count(it.both), count(it.only_output), count(it.only_trainer)


def _failures(audit: Audit) -> Markup:
    if not audit.failures:
        return Markup("")
    rows: list[Row] = [
        (
            [_SIDES.get(it.side, it.side), clipped(it.code)],
            [(count(it.rows), count(it.differing), clipped(it.place), clipped(it.reason, 1000))],
        )
        for it in audit.failures[:_MOST_NAMES]
    ]
    columns = [
        Column("rows"), Column("trained by the other side"), Column("first", is_text=True),
        Column("its reason", is_text=True),
    ]  # fmt: skip
    return table("Rows without tokens on one side", ["side", "code"], columns, [""], rows)


def _first(audit: Audit) -> Markup:
    shown = audit.first[:_MOST_ROWS]
    if not shown:
        return Markup("")
    return joined(element("h3", "The first rows that differ"), *map(_row, shown))


def _row(it: AuditedRow) -> Markup:
    line = joined(
        element("b", clipped(it.place)), f" (row {count(it.row)}): {_ASPECTS.get(it.aspect, it.aspect)}. ",
        f"Tokens trained by both: {count(it.trained.both)}, only by the output: {count(it.trained.only_output)}, "
        f"only by the trainer: {count(it.trained.only_trainer)}.",
    )  # fmt: skip
    spans = it.spans[:_MOST_SPANS]
    more = it.more_spans + len(it.spans) - len(spans)
    rows: list[Row] = [([_where(span)], [_span(span)]) for span in spans]
    columns = [Column("output", is_text=True), Column("trainer", is_text=True), Column("text", is_text=True)]
    return element(
        "details",
        element("summary", line),
        table(f"Differing texts of {clipped(it.place)}", ["where"], columns, [""], rows),
        element("p", f"{count(more)} more differing texts are left out.", class_="remark") if more else "",
    )


def _where(span: AuditedSpan) -> str:
    message = "" if span.message is None else f"message {span.message}"
    region = " · ".join(filter(None, (message, clipped(span.role or "", 60), span.kind)))
    return f"{region or 'text'} · characters {count(span.start)} to {count(span.end)}"


def _span(span: AuditedSpan) -> Sequence[object]:
    shown = element("code", with_marks(element("span", clipped(span.text))), class_="text")
    return clipped(span.output), clipped(span.trainer), shown
