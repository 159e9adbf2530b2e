"""`PreparedOutput`: a finished output of `prepare`, opened and checked."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from chatmill._chatmill import DataError
from chatmill.formats import Format
from chatmill.inputs import InputFile
from chatmill.options.choices import LayoutName
from chatmill.outputs.layout_name import layout_name
from chatmill.outputs.manifest import EARLIER_MANIFEST, FORMAT, MANIFEST, is_manifest, manifest_name
from chatmill.outputs.readable import check_readable
from chatmill.outputs.rejects import EARLIER_REJECTS, REJECTS
from chatmill.outputs.url import check_here
from chatmill.text.parsing import parse_json

_GIVE_A_FOLDER = "give a folder that `chatmill prepare` made"
_LISTED_NAMES = 5


class PreparedOutput:
    """An output folder of `prepare`, whose manifest is read and whose shards are present.

    Args:
        folder: The folder.

    Attributes:
        folder: The folder.
        manifest: The content of its manifest.
        manifest_path: The path of its manifest: `_manifest.json`, or `manifest.json` of earlier versions.
        options: The options of its run.

    Raises:
        DataError: The folder is not an output of chatmill, or files are missing.

    Example:
        >>> PreparedOutput("tokens").manifest["chatmill"]  # doctest: +SKIP
        '0.1.0'
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        check_here(folder)
        self.folder = Path(folder).expanduser()
        names = [name for name in (MANIFEST, EARLIER_MANIFEST) if (self.folder / name).exists()]
        self.manifest_path = self.folder / manifest_name(names)
        self.manifest: dict[str, Any] = self._read_manifest()
        self.options: dict[str, Any] = self.manifest["options"]
        self._check_shards()

    @property
    def rejects_path(self) -> Path:
        """The path of the file of its rejected rows, which is there if rows were rejected."""
        return self.folder / (REJECTS if self.manifest_path.name == MANIFEST else EARLIER_REJECTS)

    @property
    def layout(self) -> LayoutName:
        """The layout of its files."""
        name = layout_name(self.manifest)
        if name is None:
            recorded = self.manifest["layout"]
            unknown = recorded.get("name") if isinstance(recorded, dict) else recorded
            raise DataError(
                f"{self.manifest_path} names the layout {unknown!r}, which this chatmill does not read; use chatmill "
                f"{self.manifest['chatmill']}, which made it"
            )
        return name

    @property
    def files(self) -> list[dict[str, Any]]:
        """What the manifest records of each file that holds rows."""
        parts = ("shards", "validation_shards", "layout_files")
        return [record for part in parts for record in self.manifest.get(part) or ()]

    @property
    def format(self) -> Format | None:
        """The format of its rows; None for messages."""
        core = self.options.get("format")
        return None if core is None else Format.from_json(core)

    def check_order(self, *, of_trainers: bool = False) -> None:
        """Check that the rows are in the order of the inputs, so that they can be compared one by one.

        Args:
            of_trainers: Whether the columns of a trainer will do, if they have the ids and labels of a row in each row.

        Raises:
            DataError: The rows come from several datasets, have another order, or have several answers.
        """
        trainer = self.options.get("trainer")
        if "layout" in self.manifest and self.layout != "parquet":
            raise DataError(
                f"{self.folder} has the layout {self.layout}, which cannot be compared; compare an output of the "
                "layout parquet, such as one of `chatmill convert --to parquet`"
            )
        if trainer is not None and not (of_trainers and self._has_labeled_rows(trainer)):
            raise DataError(
                f"{self.folder} has the columns of the trainer {trainer['name']}, which cannot be compared; compare an "
                "output that was made without `--for`"
            )
        if self.options.get("packing") is not None:
            raise DataError(f"{self.folder} holds packs, which cannot be compared; compare the output that was packed")
        if self.format is not None and self.format.kind == "answers":
            raise DataError(
                f"{self.folder} holds rows of a prompt with answers, which cannot be compared; compare another output"
            )
        if "parts" in self.manifest or "arrangement" in self.manifest:
            raise DataError(
                f"{self.folder} has rows of several datasets, or rows in another order than its inputs; compare an "
                "output that was made without shuffle, validation, weights and deduplication"
            )

    def _has_labeled_rows(self, trainer: Mapping[str, Any]) -> bool:
        """Return whether each row has the ids and labels of an input row. Samples of a divided row have no number."""
        columns = trainer.get("columns") or ()
        is_divided = self.options.get("truncation") == "split" or self.options.get("split") is not None
        return trainer.get("files") == "parquet" and {"input_ids", "labels"} <= set(columns) and not is_divided

    def check_inputs(self, files: Sequence[InputFile]) -> list[str]:
        """Check by their names that the output was made from these files, which may have moved.

        Args:
            files: The files, from `find_inputs`.

        Returns:
            A warning for each file whose size has changed.

        Raises:
            DataError: The names or the order of the files differ.
        """
        inputs = self.manifest["inputs"]
        names, recorded = [_name(file.path) for file in files], [_name(it["path"]) for it in inputs]
        if names != recorded:
            raise DataError(
                f"{self.folder} was made from {_listed(recorded)}, but the inputs are {_listed(names)}; give the "
                f"files that {self.manifest_path.name} lists, in that order"
            )
        return [
            f"{file.path} had {it['size']:,} bytes and now has {file.size:,}, so its rows may have changed"
            for file, it in zip(files, inputs, strict=True)
            if None not in (it.get("size"), file.size) and it["size"] != file.size
        ]

    def _read_manifest(self) -> dict[str, Any]:
        path = self.manifest_path
        try:
            manifest: Any = parse_json(path.read_text(encoding="utf-8"))
        except NotADirectoryError:
            raise DataError(f"{self.folder} is a file; {_GIVE_A_FOLDER}") from None
        except FileNotFoundError:
            raise DataError(f"there is no {path}; {_GIVE_A_FOLDER}") from None
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path} ({error}); make the output again") from None
        if not is_manifest(manifest):
            raise DataError(f"{path} is not a manifest of chatmill; {_GIVE_A_FOLDER}")
        if manifest.get("format") != FORMAT:
            raise DataError(
                f"{path} has the format version {manifest.get('format')}, but this chatmill reads version {FORMAT}; "
                f"use chatmill {manifest['chatmill']}, which made it, or make the output again"
            )
        check_readable(manifest, path)
        read: dict[str, Any] = manifest
        return read

    def _check_shards(self) -> None:
        listed = {record["file"] for record in self.files}
        found = [*self.folder.glob("*.parquet"), *self.folder.glob("*/*.parquet")]
        found += [*self.folder.glob("*.arrow"), *self.folder.glob("*/*.arrow")]
        there = {path.relative_to(self.folder).as_posix() for path in found if not path.name.startswith("_")}
        there |= {name for name in listed if ".." not in PurePath(name).parts and (self.folder / name).is_file()}
        if listed != there:
            wrong = [f"{name} is missing" for name in sorted(listed - there)]
            wrong += [f"{name} is not in {self.manifest_path.name}" for name in sorted(there - listed)]
            raise DataError(
                f"{self.folder} was changed after it was written: {_listed(wrong)}; copy it again, or make it again"
            )


def _listed(names: Sequence[str]) -> str:
    """Join at most five names for an error message, and count the others: `a, b, c, d, e and 2 more`."""
    more = len(names) - _LISTED_NAMES
    return ", ".join(names[:_LISTED_NAMES]) + (f" and {more} more" if more > 0 else "") or "nothing"


def _name(path: str) -> str:
    return PurePath(path).name
