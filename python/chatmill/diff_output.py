"""A mill and a finished output of `prepare`: which rows would come out otherwise today."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa
from rich.text import Text

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, Mill, TokenBatch, Tokenizer, __version__
from chatmill.diff import DiffReport, RowDifference, Side, show_sides
from chatmill.diff_samples import Result, Whole, compare, same
from chatmill.inputs import Block, InputFile, InputPath, find_inputs, read_blocks
from chatmill.labels import Labels
from chatmill.outputs import Output, WrittenRows, read_samples
from chatmill.resolve import resolve_for
from chatmill.run import mill_block
from chatmill.show import place_of

#: What to call the sides.
NAMES = ("made now", "written")

# What decides of tokens and labels; the other options are of speed, of padding and of other columns.
_OPTIONS = (
    "labels",
    "split",
    "max_length",
    "truncation",
    "segment_length",
    "special_tokens",
    "allowed_special_tokens",
    "all_masked",
    "chat_template_kwargs",
    "now",
)


class OutputReport(DiffReport):
    """The rows that differ, as of `diff_rows`; the left side is made now, the right one is written.

    Attributes:
        output: The output.
        mill: What makes the rows now.
        changed: Options that are not those of the manifest, each with what is recorded and what is given.
        warnings: What may explain differences: inputs that have another size than they had.
        rejected_left: Rows that fail now and have tokens in the output.
        rejected_right: Rows that have tokens now and are among the rejects of the output.
    """

    def __init__(
        self,
        pairs: "Iterator[_Pair]",
        *,
        output: Output,
        mill: Mill,
        changed: Mapping[str, tuple[Any, Any]],
        warnings: Sequence[str],
    ) -> None:
        super().__init__(iter(()))
        self.output = output
        self.mill = mill
        self.changed = dict(changed)
        self.warnings = tuple(warnings)
        self.rejected_left = self.rejected_right = 0
        self._compared = pairs
        self._whole_rows = _whole_rows(mill)
        self._options = mill.options

    def __iter__(self) -> Iterator[RowDifference]:
        for pair in self._compared:
            self.rows += 1
            _count(self.left, pair.made)
            _count(self.right, pair.written)
            if same(pair.made, pair.written):
                continue
            is_made, is_written = isinstance(pair.made, list), isinstance(pair.written, list)
            self.rejected_left += is_written and not is_made
            self.rejected_right += is_made and not is_written
            found = compare(pair.made, pair.written, self._whole(pair), self.mill.tokenizer)
            self.differing[found.what] += 1
            place = place_of(pair.block, pair.index)
            if isinstance(pair.made, list) and len(pair.made) > 1 and found.what != "samples":
                place += f", sample {found.sample}"
            yield RowDifference(pair.row, place, found.what, found.spans)

    def _whole(self, pair: "_Pair") -> Whole | None:
        """The row with its text; only rows that differ need it."""
        try:
            encoding = self._whole_rows.encode_row(pair.block.batch, pair.index, json_column=pair.block.json_column)
        except ChatmillError:
            return None
        return Whole(encoding, self._options["truncation"], self._options["max_length"])


def diff_output(
    inputs: InputPath | Sequence[InputPath],
    output: str | os.PathLike[str],
    *,
    tokenizer: Any,
    template: Any = None,
    template_fallback: str | None = None,
    rows: int | None = None,
    **options: Any,
) -> OutputReport:
    """Make the rows of a finished output again, and find where they differ from what is written in it.

    Inputs and shards are read side by side, some rows at a time. Rows that would end the run (`truncation="raise"`,
    `unproved: raise`) count as rejected.

    Args:
        inputs: The files that the output was made from, in the same order; they may lie elsewhere.
        output: A folder that `prepare` has made, perhaps of an earlier version.
        tokenizer: As for `prepare`.
        template: As for `prepare`. None for what the manifest tells: the tokenizer's own, if the recorded one has its
            name; the named template of this version, if it has the name of one; else the recorded source.
        template_fallback: As for `prepare`, with the tokenizer's own template; None for the recorded one.
        rows: How many rows to look at; None for all.
        options: Of the mill, such as `labels` or `max_length`, instead of those that the manifest records.

    Returns:
        The differences, to be iterated over, and their counts.

    Raises:
        DataError: The folder is no output of chatmill, or it was made from other files; while iterating: a file cannot
            be read, or has other rows than it had.
        ChatmillError: Tokenizer or template cannot be loaded.

    Example:
        >>> report = diff_output("chats.jsonl", "tokens", tokenizer="Qwen/Qwen3-8B")  # doctest: +SKIP
        >>> for difference in report:  # doctest: +SKIP
        ...     print(show_difference(difference, names=NAMES))
        >>> print(show_output_summary(report))  # doctest: +SKIP
    """
    written = Output(output)
    written.check_order()
    files = find_inputs(inputs)
    warnings = written.check_inputs(files)
    chosen, changed = _options(written, options)
    form = written.format
    if template is None and template_fallback is None and (form is None or not form.has_text):
        template = _recorded_template(written)
    fallback = template_fallback or written.options.get("template_fallback")
    loaded, compiled = resolve_for(form, tokenizer, template, template_fallback=fallback)
    mill = Mill(loaded, compiled, format=form, on_error="null", **chosen)
    pairs = islice(_pairs(mill, files, written), rows)
    return OutputReport(pairs, output=written, mill=mill, changed=changed, warnings=warnings)


def show_output_summary(report: OutputReport, *, color: bool = True) -> Text:
    """How many rows differ in what, and what was made with something else than now.

    Args:
        report: What `diff_output` gives; the counts are of the rows that it was iterated over.
        color: Print in colours.

    Returns:
        Text for `rich.print`, or for `str`.
    """
    shown = Text()
    shown.append(f"{report.differing.total():,} of {report.rows:,} rows differ", style="bold" if color else "")
    told = _tell_differing(report)
    shown.append(f": {told}" if told else "")
    show_sides(shown, report, NAMES, color=color)
    manifest = report.output.manifest
    created = str(manifest.get("created", ""))[:10]
    shown.append(f"\nwritten by chatmill {manifest['chatmill']}{f' on {created}' if created else ''}")
    shown.append(f"; this is {__version__}")
    for name, now in (("template", report.mill.template), ("tokenizer", report.mill.tokenizer)):
        if manifest[name]["fingerprint"] != now.fingerprint:
            shown.append(f"\n{name}: written with {_tell_source(manifest[name])}, now {_tell_source(now)}")
            # The tokenizer of then is not at hand.
            shown.append("; what is written is told in its words" if name == "tokenizer" else "")
    for name, (recorded, given) in report.changed.items():
        shown.append(f"\n{name}: written with {recorded!r}, now {given!r}")
    for warning in report.warnings:
        shown.append(f"\n{warning}", style="yellow" if color else "")
    return shown


@dataclass(frozen=True)
class _Pair:
    """One row on both sides."""

    row: int
    block: Block
    index: int
    made: Result
    written: Result


def _pairs(mill: Mill, files: Sequence[InputFile], output: Output) -> Iterator[_Pair]:
    written = WrittenRows(output, files)
    row = 0
    columns = None if mill.format is None else mill.format.columns
    for block in read_blocks(files, columns=columns, block_bytes=1 << 20):
        for index, made in enumerate(_made(mill_block(mill, block))):
            yield _Pair(row, block, index, made, written.take(block, index))
            row += 1
    written.finish()


def _made(tokens: TokenBatch) -> list[Result]:
    """What came of each row of a block."""
    batch = pa.record_batch(tokens)
    failures = {failure.row: failure for failure in tokens.failures}
    numbers = batch.column("row").to_pylist() if "row" in batch.schema.names else range(batch.num_rows)
    samples: dict[int, Result] = {row: [] for row in range(tokens.num_rows_in)}
    for row, sample in zip(numbers, read_samples(batch), strict=True):
        of_row = samples[row]
        if isinstance(of_row, list):
            of_row.append(sample)
    return list({**samples, **failures}.values())


def _count(side: Side, result: Result) -> None:
    if not isinstance(result, list):
        side.failed += 1
        return
    for sample in result:
        side.tokens += len(sample)
        side.trained_tokens += sample.count_trained()


def _options(output: Output, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """The options of the mill, and those that are given otherwise than recorded."""
    unknown = [name for name in given if name not in _OPTIONS]
    if unknown:
        raise DataError(f"an output is not compared by {unknown[0]}; the options are {', '.join(_OPTIONS)}")
    recorded = {name: output.options[name] for name in _OPTIONS if name in output.options}
    changed = {
        name: (recorded.get(name), _plain(name, value))
        for name, value in given.items()
        if _plain(name, recorded.get(name)) != _plain(name, value)
    }
    chosen = {"all_masked": "reject", **recorded, **given}
    if isinstance(chosen.get("now"), str):
        chosen["now"] = datetime.fromisoformat(chosen["now"])
    # What ends a run is here a row like others.
    labels = Labels.of(chosen.get("labels", "assistant"))
    chosen["labels"] = replace(labels, unproved="reject") if labels.unproved == "raise" else labels
    if chosen.get("truncation") == "raise":
        chosen["truncation"] = "drop"
    return chosen, changed


def _plain(name: str, value: Any) -> Any:
    """An option as manifests have it."""
    if value is None:
        return {} if name == "chat_template_kwargs" else None
    if name == "labels":
        return Labels.of(value).spec()
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if name == "allowed_special_tokens" else value


def _recorded_template(output: Output) -> ChatTemplate | str | None:
    """The template to take where none is given; None for the tokenizer's own."""
    recorded = output.manifest["template"]
    name: str = recorded["name"]
    if name == output.manifest["tokenizer"]["name"]:
        return None
    if name in ChatTemplate.names():
        return name
    template = ChatTemplate(recorded["source"], name=name, **recorded["special_tokens"])
    if template.fingerprint != recorded["fingerprint"]:
        raise DataError(
            f"{output.folder} was made with a template {name!r} that its manifest does not hold as a whole (rows with "
            "tools may have one of their own): give `template` (`--template`)"
        )
    return template


def _whole_rows(mill: Mill) -> Mill:
    """A mill that cuts nothing off."""
    whole = {"split": None, "max_length": None, "truncation": "keep_start", "all_masked": "keep", "on_error": "raise"}
    return Mill(mill.tokenizer, mill.template, **{**mill.options, **whole})


def _tell_differing(report: OutputReport) -> str:
    differing = report.differing
    texts, other_ids = differing["text"], differing["text"] + differing["ids"]
    one_side = report.rejected_left + report.rejected_right
    sides = f"{NAMES[0]} {report.rejected_left:,}, {NAMES[1]} {report.rejected_right:,}"
    told = [
        (other_ids, f"ids {other_ids:,}" + (f" (in {texts:,} the text)" if texts else "")),
        *((differing[what], f"{what} {differing[what]:,}") for what in ("labels", "weights")),
        (differing["samples"], f"number of samples {differing['samples']:,}"),
        (one_side, f"rejected on one side only {one_side:,} ({sides})"),
        (differing["failure"] - one_side, f"rejected for another reason {differing['failure'] - one_side:,}"),
    ]
    return ", ".join(text for count, text in told if count)


def _tell_source(source: Mapping[str, Any] | ChatTemplate | Tokenizer) -> str:
    facts = source if isinstance(source, Mapping) else {"name": source.name, "fingerprint": source.fingerprint}
    return f"{facts['name']} ({facts['fingerprint'][:12]})"
