"""`report_of_output`: the report of a finished output. It reads the manifest and the kept rows, and no shard."""

import os

from chatmill._chatmill import DataError
from chatmill.outputs.read import PreparedOutput
from chatmill.reporting.build import Counted, build_report
from chatmill.reporting.labels import labels_text
from chatmill.reporting.model import Report, Run
from chatmill.reporting.recorded import check_recorded
from chatmill.reporting.sample_file import read_sample_file
from chatmill.statistics.read import RunFigures, read_figures
from chatmill.statistics.samples import SAMPLES


def report_of_output(folder: str | os.PathLike[str], *, samples: bool = True) -> Report:
    """Report what a finished output holds.

    Args:
        folder: The output folder of `prepare`, `pack` or `convert`.
        samples: Whether the report has rows to look at, and the reasons of rejections, which may quote rows.

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
            f"{output.folder} has no statistics, because chatmill {manifest['chatmill']} did not count them; make it "
            "again, or give its rows with `--tokenizer`"
        )
    check_recorded(manifest, output.manifest_path)
    figures = _figures(output)
    path = output.folder / SAMPLES
    # Who shares an output may remove the file with its texts. The places of rejections are missing then.
    has_samples = bool(manifest.get("sample_files")) and (samples or path.exists())
    kept = read_sample_file(path) if has_samples else []
    try:
        counted = Counted(
            run=_run(output),
            counts=manifest["counts"],
            figures=figures,
            warnings=manifest.get("warnings", ()),
            paths=[it["path"] for it in manifest["inputs"]],
            labels=[it["options"]["labels"] for it in manifest.get("parts", ())] or [output.options.get("labels")],
            samples=kept,
            packing=output.options.get("packing"),
        )
        return build_report(counted, samples=samples)
    except DataError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
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
        chatmill=manifest["chatmill"],
        created=manifest["created"],
        template=template["name"] if form is None or form.needs_template else "",
        tokenizer=tokenizer["name"],
        engine=" ".join(tokenizer["engine"][name] for name in ("name", "version")),
        labels=labels_text(options.get("labels")),
        max_length=options.get("max_length"),
        truncation=options.get("truncation") or "",
        layout="packs" if options.get("packing") is not None else output.layout,
        has_answers=form is not None and form.kind == "answers",
    )
