"""`report_of_output`: the report of a finished output. It reads the manifest and the kept rows, and no shard."""

import json
import os
from collections.abc import Mapping
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.read import PreparedOutput
from chatmill.reporting.build import Counted, build_report
from chatmill.reporting.model import Report, Run
from chatmill.reporting.sample_file import read_sample_file
from chatmill.statistics.read import RunFigures, read_figures
from chatmill.statistics.samples import SAMPLES


def report_of_output(folder: str | os.PathLike[str], *, samples: bool = True) -> Report:
    """Report what a finished output holds.

    Args:
        folder: The output folder of `prepare`, `pack` or `convert`.
        samples: Whether the report has rows to look at.

    Raises:
        DataError: The folder is not an output of chatmill, an earlier version made it, or it is damaged.

    Example:
        >>> report_of_output("tokens").totals.trained_tokens  # doctest: +SKIP
        372963
    """
    output = PreparedOutput(folder)
    manifest = output.manifest
    if "statistics" not in manifest:
        raise DataError(
            f"{output.folder} has no statistics, because chatmill {manifest['chatmill']} made it without; make it "
            "again, or give its rows with `--tokenizer`"
        )
    figures = _figures(output)
    path = output.folder / SAMPLES
    try:
        counted = Counted(
            run=_run(output),
            counts=_counts(manifest["counts"]),
            figures=figures,
            warnings=[_warning(it) for it in manifest.get("warnings", ())],
            paths=[str(it["path"]) for it in manifest["inputs"]],
            labels=[it["options"]["labels"] for it in manifest.get("parts", ())] or [output.options.get("labels")],
            samples=read_sample_file(path) if manifest.get("sample_files") else (),
        )
        return build_report(counted, samples=samples)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{output.manifest_path} is damaged ({error!r}); make the output again") from None


def _figures(output: PreparedOutput) -> RunFigures:
    try:
        return read_figures(output.manifest["statistics"])
    except ValueError as error:
        raise DataError(
            f"the statistics in {output.manifest_path} cannot be read: {error}; make the output again"
        ) from None


def _run(output: PreparedOutput) -> Run:
    manifest, options = output.manifest, output.options
    template, tokenizer = manifest["template"], manifest["tokenizer"]
    form = output.format
    return Run(
        name=str(output.folder),
        is_output=True,
        chatmill=str(manifest["chatmill"]),
        created=str(manifest["created"]),
        template=str(template["name"]) if form is None or form.needs_template else "",
        tokenizer=str(tokenizer["name"]),
        engine=" ".join(str(tokenizer["engine"][name]) for name in ("name", "version")),
        labels=labels_text(options.get("labels")),
        max_length=options.get("max_length"),
        truncation=str(options.get("truncation") or ""),
        layout="packs" if options.get("packing") is not None else output.layout,
    )


def labels_text(spec: Any) -> str:
    """Return labels in the form of a manifest as a short text.

    Args:
        spec: The name of a preset, or the fields that differ from the default.

    Example:
        >>> labels_text("assistant"), labels_text({"turns": "last"})
        ('assistant', '{"turns": "last"}')
    """
    return spec if isinstance(spec, str) else json.dumps(spec, ensure_ascii=False)


def _counts(counts: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("rows_in", "rows_out", "rejected"):
        if not isinstance(counts[name], int) or counts[name] < 0:
            raise ValueError(f"`{name}` is not a count")
    return counts


def _warning(record: Mapping[str, Any]) -> Mapping[str, Any]:
    checked = {name: str(record.get(name, "")) for name in ("text", "place", "remedy")}
    numbers = {name: int(record.get(name, 0)) for name in ("rows", "of")}
    code = {"code": str(record["code"])} if "code" in record else {}
    return {**checked, **numbers, **code}
