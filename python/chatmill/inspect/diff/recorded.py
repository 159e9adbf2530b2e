"""`recorded_options` and `made_rows`: the rows of an output, made again with the options of its manifest."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError, TokenBatch
from chatmill.inspect.diff.samples import SampledRow
from chatmill.labels import Labels
from chatmill.outputs.read import PreparedOutput
from chatmill.outputs.samples import read_samples
from chatmill.text.nearest import suggestion

# The options that change tokens or labels. The other options are about speed, padding and other columns.
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


def recorded_options(
    output: PreparedOutput, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """Return the options of a mill that makes the rows of an output again.

    Rows that would end the run count as failed rows.

    Args:
        output: The output.
        given: Options in place of those in the manifest.

    Returns:
        The options that change tokens or labels, and those that differ from the manifest, each with the recorded and
        the given value.

    Raises:
        DataError: There is no such option.
    """
    for name in given:
        if name not in _OPTIONS:
            hint = suggestion(name, _OPTIONS, otherwise=f"use only {', '.join(_OPTIONS)}")
            raise DataError(f"a comparison with an output has no option `{name}`; {hint}")
    recorded = {name: output.options[name] for name in _OPTIONS if name in output.options}
    changed = {
        name: (recorded.get(name), _recorded_form(name, value))
        for name, value in given.items()
        if _recorded_form(name, recorded.get(name)) != _recorded_form(name, value)
    }
    chosen = {"all_masked": "reject", **recorded, **given}
    if isinstance(chosen.get("now"), str):
        chosen["now"] = datetime.fromisoformat(chosen["now"])
    # A row that would end the run counts as a failed row here.
    labels = Labels.of(chosen.get("labels", "assistant"))
    chosen["labels"] = replace(labels, unproved="reject") if labels.unproved == "raise" else labels
    if chosen.get("truncation") == "raise":
        chosen["truncation"] = "drop"
    return chosen, changed


def _recorded_form(name: str, value: Any) -> Any:
    """Return an option in the form of the manifest."""
    if value is None:
        return {} if name == "chat_template_kwargs" else None
    if name == "labels":
        return Labels.of(value).spec()
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if name == "allowed_special_tokens" else value


def made_rows(tokens: TokenBatch) -> list[SampledRow]:
    """Return the samples or the failure of each row of a block.

    Args:
        tokens: The tokens of the block, from a mill with `on_error="null"`.
    """
    batch = pa.record_batch(tokens)
    failures = {failure.row: failure for failure in tokens.failures}
    numbers = batch.column("row").to_pylist() if "row" in batch.schema.names else range(batch.num_rows)
    samples: dict[int, SampledRow] = {row: [] for row in range(tokens.num_rows_in)}
    for row, sample in zip(numbers, read_samples(batch), strict=True):
        of_row = samples[row]
        if isinstance(of_row, list):
            of_row.append(sample)
    return list({**samples, **failures}.values())
