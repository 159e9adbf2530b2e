"""`staged_output`: an output that appears completely or not at all. Until then its files are in a workspace."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.commit import commit
from chatmill.outputs.complete import check_complete
from chatmill.outputs.earlier import EarlierOutput, find_earlier, is_unchanged
from chatmill.outputs.lock import hold_folder, hold_output
from chatmill.outputs.place import Base, OutputPlace
from chatmill.outputs.settle import settle, settle_leftovers
from chatmill.outputs.shards import ShardClosed
from chatmill.outputs.workspace import Workspace


class StagedOutput:
    """The new output of a run. `staged_output` makes one.

    Args:
        place: The output folder.
        base: The folder of the workspace.
        workspace: The workspace.
        overwrite: Whether an earlier output may be replaced.
        earlier: The output to replace; None if there is no folder, or an empty one.

    Attributes:
        folder: The folder to write into.
        blocks: The folder in which blocks of the run can be kept beside the output. It does not exist at first, unless
            an earlier run on this output kept blocks.
        shard_closed: What to call with each complete shard that the run does not need any more; None for nothing.
        warnings: Warnings about earlier outputs; complete after the end of the block.
    """

    def __init__(
        self, place: Path, base: Base, workspace: Workspace, *, overwrite: bool, earlier: EarlierOutput | None
    ) -> None:
        self.folder = workspace.output
        self.blocks = base.blocks
        self.shard_closed: ShardClosed | None = None
        self.warnings: list[str] = []
        self._place, self._base, self._workspace = place, base, workspace
        self._overwrite, self._earlier = overwrite, earlier

    def commit(self, files: Sequence[WrittenFile]) -> None:
        """Check the files, and bring them to the output folder in one step.

        Args:
            files: What the writers recorded, for all files besides the manifest.

        Raises:
            DataError: A file is not as it was written, or the output folder changed during the run.
        """
        check_complete(self.folder, files)
        ignored = _ignored(self._base, self._place)
        earlier = self._earlier
        if earlier is None or not self._place.is_dir() or not is_unchanged(self._place, earlier, ignored):
            earlier = find_earlier(self._place, overwrite=self._overwrite, ignored=ignored)
        commit(self._workspace, self._base, self._place, earlier)


@contextmanager
def staged_output(
    destination: str | os.PathLike[str] | OutputPlace, *, overwrite: bool = False
) -> Iterator[StagedOutput]:
    """Hold an output folder, and create a folder to write into. Without `commit`, nothing of it stays.

    After an exception, which includes Ctrl-C, the new folder is removed, and the old content of `destination` stays.
    What runs that were killed have left for this output is removed first.

    Args:
        destination: The output folder, or its place; missing parent folders are created too.
        overwrite: Replace an unchanged output of chatmill at `destination` once the new one is complete.

    Yields:
        The new output.

    Raises:
        DataError: `destination` is a URL or a file, cannot be created, is held by another run, or is a folder that must
            not be replaced.

    Example:
        >>> with staged_output("build/out") as output:  # doctest: +SKIP
        ...     (output.folder / "_manifest.json").write_text("{}")
        ...     output.commit([])
    """
    place = destination if isinstance(destination, OutputPlace) else OutputPlace.of(destination)
    with hold_output(place) as base:
        warnings = settle_leftovers(place)
        earlier = find_earlier(place.folder, overwrite=overwrite, ignored=_ignored(base, place.folder))
        try:
            workspace = Workspace.create(base)
        except OSError as error:
            raise DataError(
                f"cannot create the output folder {place.folder} ({error.strerror or error}); choose another output"
            ) from error
        with hold_folder(workspace.folder):
            staged = StagedOutput(place.folder, base, workspace, overwrite=overwrite, earlier=earlier)
            try:
                yield staged
            finally:
                staged.warnings += [*warnings, *settle(workspace, place.folder)]


def _ignored(base: Base, place: Path) -> frozenset[str]:
    """Return the names in the output folder that are no part of an output."""
    if base.folder != place:
        return frozenset()
    # The root of a disk of Linux has this folder.
    return frozenset({base.lock.name, base.blocks.name, "lost+found", *(folder.name for folder in base.workspaces())})
