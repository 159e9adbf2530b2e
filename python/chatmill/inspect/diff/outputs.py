"""`diff_output`: the rows of a finished output of `prepare` that differ if they are made again."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, Mill
from chatmill.inputs import Block, InputFile, find_inputs, read_blocks
from chatmill.inputs.mill import mill_block
from chatmill.inspect.diff.recorded import made_rows, recorded_options
from chatmill.inspect.diff.report import DiffReport, RowDifference, Side
from chatmill.inspect.diff.samples import SampledRow, WholeRow, compare_samples, same_samples
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.written import WrittenRows
from chatmill.sources.resolve import resolve_for

#: The names of the two sides.
OUTPUT_NAMES = ("made now", "written")

_BLOCK_BYTES = 1 << 20


class OutputReport(DiffReport):
    """The rows that differ from an output. The left side holds the rows made now, the right side the written rows.

    Attributes:
        output: The output.
        mill: The mill that makes the rows now.
        changed: Options that differ from the manifest, each with the recorded and the given value.
        warnings: Possible reasons for differences: inputs whose size has changed.
        rejected_left: Rows that fail now and have tokens in the output.
        rejected_right: Rows that have tokens now and are among the rejects of the output.
    """

    def __init__(
        self,
        pairs: "Iterator[_SampledPair]",
        *,
        output: PreparedOutput,
        mill: Mill,
        changed: Mapping[str, tuple[Any, Any]],
        warnings: Sequence[str],
    ) -> None:
        super().__init__()
        self.output = output
        self.mill = mill
        self.changed = dict(changed)
        self.warnings = tuple(warnings)
        self.rejected_left = self.rejected_right = 0
        self._pairs = pairs
        self._whole_rows = _whole_rows(mill)
        self._options = mill.options

    def __iter__(self) -> Iterator[RowDifference]:
        for pair in self._pairs:
            self.rows += 1
            _count(self.left, pair.made)
            _count(self.right, pair.written)
            if same_samples(pair.made, pair.written):
                continue
            is_made, is_written = isinstance(pair.made, list), isinstance(pair.written, list)
            self.rejected_left += is_written and not is_made
            self.rejected_right += is_made and not is_written
            found = compare_samples(pair.made, pair.written, self._whole(pair), self.mill.tokenizer)
            self.differing[found.aspect] += 1
            place = pair.block.place(pair.index)
            if isinstance(pair.made, list) and len(pair.made) > 1 and found.aspect != "samples":
                place += f", sample {found.sample}"
            yield RowDifference(pair.row, place, found.aspect, found.spans)

    def _whole(self, pair: "_SampledPair") -> WholeRow | None:
        """Encode a row without truncation. Only rows that differ need it."""
        try:
            encoding = self._whole_rows.encode_row(pair.block.batch, pair.index, json_column=pair.block.json_column)
        except ChatmillError:
            return None
        return WholeRow(encoding, self._options["truncation"], self._options["max_length"])


def diff_output(
    inputs: Any,
    output: str | os.PathLike[str],
    *,
    tokenizer: Any,
    template: Any = None,
    template_fallback: str | None = None,
    rebuild: bool | None = None,
    rows: int | None = None,
    **options: Any,
) -> OutputReport:
    """Make the rows of a finished output again, and find the differences from the written rows.

    Inputs and shards are read in parallel, some rows at a time. Rows that would end the run (`truncation="raise"`,
    `unproved: raise`) count as rejected.

    Args:
        inputs: The files that the output was made from, in the same order; they may have moved. As for `prepare`, or
            files from `find_inputs`.
        output: An output folder of `prepare`, which an earlier version may have made.
        tokenizer: As for `prepare`.
        template: As for `prepare`. None for the template of the manifest: the tokenizer's own if the names match; the
            named template of this version if there is one of that name; otherwise the recorded source.
        template_fallback: As for `prepare`, for the tokenizer's own template; None for the recorded one.
        rebuild: As for `prepare`; None for the recorded value.
        rows: The maximum number of rows to compare; None for all.
        options: Options of the mill, such as `labels` or `max_length`, in place of the options in the manifest.

    Returns:
        A report: iterate over it to get the differences; then it has the counts.

    Raises:
        DataError: The folder is not an output of chatmill, or it was made from other files. During the iteration: a
            file cannot be read, or its rows have changed.
        ChatmillError: The tokenizer or the template cannot be loaded.

    Example:
        >>> report = diff_output("chats.jsonl", "tokens", tokenizer="Qwen/Qwen3-8B")  # doctest: +SKIP
        >>> for difference in report:  # doctest: +SKIP
        ...     print(show_difference(difference, names=OUTPUT_NAMES))
        >>> print(show_output_summary(report))  # doctest: +SKIP
    """
    written = PreparedOutput(output)
    written.check_order()
    files = find_inputs(inputs)
    warnings = written.check_inputs(files)
    chosen, changed = recorded_options(written, options)
    form = written.format
    if template is None and template_fallback is None and (form is None or form.needs_template):
        template = _recorded_template(written)
    fallback = template_fallback or written.options.get("template_fallback")
    rebuilds = bool(written.options.get("rebuild", True)) if rebuild is None else rebuild
    loaded, compiled = resolve_for(form, tokenizer, template, template_fallback=fallback, rebuild=rebuilds)
    mill = Mill(loaded, compiled, format=form, on_error="null", **chosen)
    pairs = islice(_pairs(mill, files, written), rows)
    return OutputReport(pairs, output=written, mill=mill, changed=changed, warnings=warnings)


@dataclass(frozen=True)
class _SampledPair:
    """One row on both sides."""

    row: int
    block: Block
    index: int
    made: SampledRow
    written: SampledRow


def _pairs(mill: Mill, files: Sequence[InputFile], output: PreparedOutput) -> Iterator[_SampledPair]:
    written = WrittenRows(output, files)
    row = 0
    columns = None if mill.format is None else mill.format.columns
    for block in read_blocks(files, columns=columns, block_bytes=_BLOCK_BYTES):
        for index, made in enumerate(made_rows(mill_block(mill, block))):
            yield _SampledPair(row, block, index, made, written.take(block, index))
            row += 1
    written.finish()


def _count(side: Side, row: SampledRow) -> None:
    if not isinstance(row, list):
        side.failed += 1
        return
    for sample in row:
        side.add(tokens=len(sample), trained=sample.count_trained())


def _recorded_template(output: PreparedOutput) -> ChatTemplate | str | None:
    """Return the template of the manifest; None for the tokenizer's own."""
    recorded = output.manifest["template"]
    name: str = recorded["name"]
    if name == output.manifest["tokenizer"]["name"]:
        return None
    if name in ChatTemplate.names():
        return name
    template = ChatTemplate(recorded["source"], name=name, **recorded["special_tokens"])
    if template.fingerprint != recorded["fingerprint"]:
        raise DataError(
            f"{output.folder} was made with the template {name!r}, which its manifest does not hold completely (its "
            "template for rows with tools is missing); give `template` (`--template`)"
        )
    return template


def _whole_rows(mill: Mill) -> Mill:
    """Return a mill with the same options that does not split or truncate rows."""
    whole = {"split": None, "max_length": None, "truncation": "keep_start", "all_masked": "keep", "on_error": "raise"}
    return Mill(mill.tokenizer, mill.template, **{**mill.options, **whole})
