"""`report`: a report of finished outputs, or of rows that are counted and not written."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.outputs.manifest import EARLIER_MANIFEST, MANIFEST, is_manifest
from chatmill.outputs.url import is_url
from chatmill.reporting.choose import some_samples
from chatmill.reporting.model import Report
from chatmill.reporting.shown import ShownReport
from chatmill.text.nearest import suggestion
from chatmill.text.parsing import parse_json

# The options of `prepare` that change what rows become, and how they are read. All others say what is written and how.
_OPTIONS = (
    "template", "template_fallback", "rebuild", "format", "columns", "input_format", "labels", "split", "max_length",
    "reserve", "truncation", "segment_length", "special_tokens", "allowed_special_tokens", "all_masked", "threads",
    "chat_template_kwargs", "limits", "now", "block_bytes", "max_line_bytes", "trainer",
)  # fmt: skip


def report(*inputs: Any, tokenizer: Any = None, samples: bool | int = True, **options: Any) -> ShownReport:
    """Report what outputs hold, or what rows would become.

    The report of an output comes from its manifest; no shard is read. Rows are rendered, tokenized and labeled, but
    nothing is written.

    Args:
        inputs: Folders that `prepare` made, each with a `_manifest.json`; or rows, as the inputs of `prepare`, which
            need a tokenizer. Each of them is a report of its own; a list of files is one.
        tokenizer: For rows: a `Tokenizer`, or any value that `Tokenizer.from_pretrained` accepts.
        samples: Whether the report has samples, which hold texts of rows; or how many at most.
        options: For rows: the options of `prepare` that change tokens and labels, such as `template`, `format`,
            `labels`, `max_length` and `truncation`. Those that say what is written, such as `shuffle`, are refused.

    Returns:
        The reports. `print` shows them, and so does a notebook.

    Raises:
        DataError: An input cannot be read, or is an output of a version without statistics.
        TypeError: An option is unknown, or has no effect because nothing is written.

    Example:
        >>> report = chatmill.report("tokens")  # doctest: +SKIP
        >>> report.status, report.report.totals.truncated  # doctest: +SKIP
        ('good', 12)
        >>> report.to_html("report.html")  # doctest: +SKIP
    """
    # A bool is one too.
    if not isinstance(samples, int) or samples < 0:
        raise DataError(f"`samples` is {samples!r}; give True, False, or a whole number of 0 or more")
    if not inputs:
        raise DataError("there is nothing to report; give a folder that `chatmill prepare` made, or rows")
    _check_options(options)
    given = {name: value for name, value in {"tokenizer": tokenizer, **options}.items() if value is not None}
    outputs = [is_output(it) for it in inputs]
    if given and all(outputs):
        raise DataError(
            f"`{next(iter(given))}` is only for rows, but {_name(inputs[0])} is a finished output, whose manifest has "
            "its options; leave it out"
        )
    if tokenizer is None:
        for entry, is_finished in zip(inputs, outputs, strict=True):
            if not is_finished:
                raise DataError(_needs_tokenizer(entry))
    reports = [
        _of_output(entry, samples) if is_finished else _of_rows(entry, samples, given)
        for entry, is_finished in zip(inputs, outputs, strict=True)
    ]
    return ShownReport(tuple(reports))


def is_output(entry: Any) -> bool:
    """Return whether a value names a folder with a manifest of chatmill.

    Args:
        entry: A folder, a file, or rows in memory.

    Example:
        >>> is_output("no-such-folder"), is_output([{"messages": []}])
        (False, False)
    """
    if not isinstance(entry, (str, os.PathLike)):
        return False
    folder = Path(entry).expanduser()
    try:
        return (folder / MANIFEST).is_file() or is_manifest(parse_json((folder / EARLIER_MANIFEST).read_bytes()))
    except (OSError, ValueError):
        return False


def _of_output(folder: str | os.PathLike[str], samples: bool | int) -> Report:
    from chatmill.reporting.of_output import report_of_output

    return _with_samples(report_of_output(folder, samples=bool(samples)), samples)


def _of_rows(inputs: Any, samples: bool | int, options: Mapping[str, Any]) -> Report:
    from chatmill.reporting.of_rows import report_of_rows

    return _with_samples(report_of_rows(inputs, samples=bool(samples), **options), samples)


def _with_samples(made: Report, samples: bool | int) -> Report:
    if samples is True:
        return made
    return replace(made, samples=some_samples(made.samples, int(samples)))


def _check_options(names: Iterable[str]) -> None:
    for name in names:
        if name not in _OPTIONS:
            raise TypeError(f"report() has no option {name!r}{_hint(name)}")


def _hint(name: str) -> str:
    from chatmill.pipeline.job import prepare

    if name in signature(prepare).parameters:
        return ": it would say what `prepare` writes, and a report writes no output; leave it out"
    hint = suggestion(name, _OPTIONS)
    return f"; {hint}" if hint else ""


def _needs_tokenizer(entry: Any) -> str:
    if not isinstance(entry, (str, os.PathLike)):
        return f"{_name(entry)} holds rows, which need a tokenizer; give `tokenizer`"
    if is_url(entry):
        return (
            f"{_name(entry)} is a URL, so it is read as rows, which need a tokenizer; give `--tokenizer`, in Python "
            "`tokenizer`, or the folder of an output on this machine"
        )
    # Reports of outputs need no inputs.
    from chatmill.inputs.find import is_missing, may_be_hub_id
    from chatmill.inputs.kinds import is_recipe, no_rows

    path = os.fspath(entry)
    if is_missing(path) and not may_be_hub_id(path):
        return f"there is no file or folder {path}; check the path (the working directory is {Path.cwd()})"
    if is_missing(path):
        return (
            f"there is no file or folder {path}; check the path, or give `--tokenizer`, in Python `tokenizer`, if it "
            "is a data set of the Hub"
        )
    if is_recipe(path):
        return no_rows(path)
    return (
        f"{_name(entry)} is not an output of chatmill (it has no {MANIFEST}), and rows need a tokenizer; give "
        "`--tokenizer`, in Python `tokenizer`, or the folder of an output"
    )


def _name(entry: Any) -> str:
    return os.fspath(entry) if isinstance(entry, (str, os.PathLike)) else f"a value of the type {type(entry).__name__}"
