"""`TokenRows`: the rows that were packed, if their output is there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import sha256_of
from chatmill.outputs.read import PreparedOutput
from chatmill.verification.faults import Faults
from chatmill.verification.row_parts import parts_of


class TokenRows:
    """The rows of an output that was packed.

    Args:
        output: The output.
    """

    def __init__(self, output: PreparedOutput) -> None:
        self._output = output

    def of_split(self, split: str) -> Iterator[tuple[str, int, pa.RecordBatch]]:
        """Yield the rows of a split, each batch with its file and the number of its first row in it.

        Args:
            split: The split.
        """
        for part in parts_of(self._output.folder, self._output.manifest, split):
            with part.open() as rows:
                first = 0
                for batch in rows.batches():
                    yield str(self._output.folder / part.name), first, batch
                    first += batch.num_rows


def token_rows(about: Mapping[str, Any], given: Path | None, faults: Faults) -> TokenRows | None:
    """Return the rows that packs were made from.

    Args:
        about: What made the packs.
        given: The folder that the user gave; None for the one that `about` names, if it has not changed.
        faults: Takes the faults.

    Returns:
        The rows; None if they are not there, or have changed.

    Raises:
        DataError: The folder that the user gave is no output.
    """
    recorded = about["tokens"]
    if given is None and recorded["folder"] is None:
        faults.note("whether packs have the tokens of their rows: `prepare` wrote packs in place of the rows")
        return None
    folder = Path(recorded["folder"]) if given is None else given
    what = f"whether packs have the tokens of their rows: {folder}"
    remedy = "give the folder that was packed with `tokens` (`--tokens`)"
    try:
        output = PreparedOutput(folder)
        if given is None and sha256_of(output.manifest_path) != recorded["manifest_sha256"]:
            faults.note(f"{what} is not the folder that was packed; {remedy}")
            return None
        changed = _changed(output, recorded["shards"])
    except (DataError, OSError) as error:
        if given is not None:
            raise
        faults.note(
            f"{what} cannot be read ({error}); {remedy}" if folder.exists() else f"{what} is not there; {remedy}"
        )
        return None
    if changed and given is None:
        faults.note(f"{what} has changed since it was packed ({changed}); {remedy}")
    elif changed:
        faults.add("tokens_folder", changed, "this file is not the one that was packed", remedy)
    return None if changed else TokenRows(output)


def _changed(output: PreparedOutput, shards: list[dict[str, Any]]) -> str | None:
    """Return the first shard that has other content than when it was packed."""
    own = [*output.manifest["shards"], *(output.manifest.get("validation_shards") or ())]
    if [shard["file"] for shard in own] != [shard["file"] for shard in shards]:
        return str(output.manifest_path)
    for shard in shards:
        path = output.folder / shard["file"]
        if shard["sha256"] is not None and sha256_of(path) != shard["sha256"]:
            return str(path)
    return None
