"""`AuditedOutput`: an output with the inputs, the tokenizer and the template that it was made with."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatmill._chatmill import ChatmillError, ChatTemplate, DataError, Mill, TemplateError, Tokenizer
from chatmill.inputs import InputFile, find_inputs
from chatmill.inspect.diff.recorded import recorded_options
from chatmill.inspect.rows import check_can_compare
from chatmill.labels import Labels
from chatmill.outputs.manifest import TOKENIZER_FOLDER
from chatmill.outputs.read import PreparedOutput
from chatmill.sources.resolve import resolve
from chatmill.sources.with_tokens import with_special_tokens

# Inputs that cannot be read a second time, by their names in manifests.
_PASSING = ("memory", "standard input")
_FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class AuditedOutput:
    """An output with everything that its rows can be made of again.

    Attributes:
        output: The output.
        files: Its inputs.
        tokenizer: Its tokenizer.
        template: Its template; None if its rows need none.
        options: The options of the mill that made it, which change tokens or labels.
    """

    output: PreparedOutput
    files: list[InputFile]
    tokenizer: Tokenizer
    template: ChatTemplate | None
    options: Mapping[str, Any]

    @staticmethod
    def open(folder: str | os.PathLike[str], *, inputs: Any = None, tokenizer: Any = None) -> "AuditedOutput":
        """Open an output for an audit.

        Args:
            folder: The output folder.
            inputs: Its inputs, as for `prepare`; None for those of the manifest.
            tokenizer: Its tokenizer, as for `prepare`; None for that of the manifest.

        Raises:
            DataError: The folder is no output whose rows can be compared one by one; or its inputs or its tokenizer are
                not there any more, or have changed.
        """
        output = PreparedOutput(folder)
        output.check_order(of_trainers=True)
        check_can_compare(output.format)
        if output.options.get("split") is not None:
            raise DataError(
                f"{output.folder} has one sample for each trained turn, and no trainer makes such samples; "
                "audit an output that was made without `split`"
            )
        files = _files(output, inputs)
        loaded = _tokenizer(output, tokenizer)
        options = {**recorded_options(output, {})[0], "limits": output.options.get("limits")}
        form = output.format
        needs_template = form is None or form.needs_template
        template = _template(output, given=tokenizer) if needs_template else None
        return AuditedOutput(output, files, loaded, template, options)

    def mill(self) -> Mill:
        """Return a mill that makes the rows of the output again."""
        return Mill(self.tokenizer, self.template, format=self.output.format, on_error="null", **self.options)

    def whole_mill(self) -> Mill:
        """Return the same mill, which also keeps rows and samples without a trained token."""
        return self._raising({})

    def trainer_mill(self, labels: Labels) -> Mill:
        """Return a mill that makes the same rows with the labels of a trainer.

        A trainer encodes control tokens in texts as what they are. It has no rule for rows without trained tokens: they
        are kept, and counted.

        Args:
            labels: The labels.

        Raises:
            DataError: The trainer cannot make labels for such rows.
        """
        try:
            return self._raising({"labels": labels, "special_tokens": "allow", "allowed_special_tokens": ()})
        except ChatmillError as error:
            raise DataError(f"{self.output.folder} cannot be audited: {error}") from error

    def _raising(self, changes: Mapping[str, Any]) -> Mill:
        options = {**self.options, "all_masked": "keep", **changes}
        return Mill(self.tokenizer, self.template, format=self.output.format, on_error="raise", **options)


def _files(output: PreparedOutput, inputs: Any) -> list[InputFile]:
    recorded = output.manifest["inputs"]
    kind = output.options.get("input_format")
    if inputs is None:
        for it in recorded:
            if it["path"] in _PASSING:
                where = "rows in memory" if it["path"] == "memory" else "standard input"
                raise DataError(f"{output.folder} was made from {where}; give the same rows as inputs (INPUTS…)")
        try:
            files = find_inputs([it["path"] for it in recorded], kind)
        except DataError as error:
            raise DataError(
                f"cannot find the inputs of {output.folder}: {error}; give them as inputs (INPUTS…)"
            ) from error
    else:
        files = find_inputs(inputs, kind)
    changed = output.check_inputs(files)
    if changed:
        raise DataError(
            f"{changed[0]}; give the file as it was when {output.folder} was made, or make the output again"
        )
    # A folder may hold more files now than it held then; `check_inputs` compares them all.
    return [replace(file, position=at) for at, file in enumerate(files)]


def _tokenizer(output: PreparedOutput, given: Any) -> Tokenizer:
    recorded = output.manifest["tokenizer"]
    source: Any = given if given is not None else _recorded_tokenizer(output)
    give = "give it as `tokenizer` (`--tokenizer`)"
    if source is None:
        raise DataError(
            f"{output.folder} was made with the tokenizer {recorded['name']!r}, and its manifest does not say where "
            f"that is; {give}"
        )
    rebuilds = bool(output.options.get("rebuild", True))
    try:
        loaded = source if isinstance(source, Tokenizer) else Tokenizer.from_pretrained(source, rebuild=rebuilds)
    except ChatmillError as error:
        if given is not None:
            raise
        raise DataError(f"cannot load the tokenizer of {output.folder}: {error}; {give}") from error
    pad_token = output.options.get("pad_token")
    if pad_token is not None:
        loaded = with_special_tokens(loaded, {"pad_token": pad_token})
    if loaded.fingerprint != recorded["fingerprint"]:
        written, now = (it[:_FINGERPRINT_DIGITS] for it in (recorded["fingerprint"], loaded.fingerprint))
        raise DataError(
            f"{output.folder} was made with the tokenizer {recorded['name']!r} ({written}), but {loaded.name!r} is "
            f"now another tokenizer ({now}); {give} as it was then"
        )
    return loaded


def _recorded_tokenizer(output: PreparedOutput) -> str | None:
    """Return where the tokenizer of an output is: in the output, at the place that the run was given, or on the Hub."""
    if output.manifest.get("tokenizer_files"):
        return str(output.folder / TOKENIZER_FOLDER)
    source = output.options.get("tokenizer")
    if isinstance(source, str):
        return source
    # Outputs of earlier versions have only its name, which for a folder is its last part.
    name: str = output.manifest["tokenizer"]["name"]
    return name if "/" in name or Path(name).exists() else None


def _template(output: PreparedOutput, *, given: Any) -> ChatTemplate:
    recorded = output.manifest["template"]
    name, fingerprint = recorded["name"], recorded["fingerprint"]
    template = ChatTemplate(recorded["source"], name=name, **recorded["special_tokens"])
    if template.fingerprint == fingerprint:
        return template
    # A template for rows with tools is not in the manifest.
    if name in ChatTemplate.names():
        named = ChatTemplate.named(name, **recorded["special_tokens"])
        if named.fingerprint == fingerprint:
            return named
    if name == output.manifest["tokenizer"]["name"]:
        own = _own_template(output, None if isinstance(given, Tokenizer) else given)
        if own is not None and own.fingerprint == fingerprint:
            return own
    raise DataError(
        f"{output.folder} was made with the template {name!r}, which its manifest does not hold completely (its "
        "template for rows with tools is missing), and the tokenizer now has another template; give the tokenizer as "
        "it was then"
    )


def _own_template(output: PreparedOutput, given: Any) -> ChatTemplate | None:
    """Return the template of the tokenizer; None if it has none any more."""
    source = _recorded_tokenizer(output) if given is None else given
    if source is None:
        return None
    try:
        _, own = resolve(source, rebuild=bool(output.options.get("rebuild", True)))
    except TemplateError:
        return None
    return own
