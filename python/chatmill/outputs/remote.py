"""`remote_output`: an output in a store of fsspec, such as S3. Its manifest comes last, so what has one is complete."""

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.claim import MARKER, Claim
from chatmill.outputs.complete import check_complete
from chatmill.outputs.earlier_remote import find_earlier_in
from chatmill.outputs.manifest import MANIFEST, manifest_name
from chatmill.outputs.object_store import ObjectStore
from chatmill.outputs.place import OutputPlace, names_of
from chatmill.outputs.shards import Shard
from chatmill.outputs.staging import StagedOutput, staged_output
from chatmill.outputs.url import checked_url

# The shards on this machine that wait for the store. More would only need more room.
_SHARDS_AHEAD = 2
_THREADS = 4


class RemoteOutput:
    """The new output of a run in a store. `remote_output` makes one.

    Args:
        staged: The folder on this machine.
        store: The folder in the store.
        claim: The marker of this run, which is in the store.
        earlier: The sizes of the files of the output to replace, the manifest first; empty if there is none.
        overwrite: Whether an earlier output may be replaced.

    Attributes:
        folder: The folder to write into.
        blocks: The folder in which blocks of the run can be kept on this machine.
        warnings: Warnings; complete after the end of the block.
        shard_closed: Puts a shard into the store, and removes it here. None if an earlier output is to stay until all
            files are complete.
    """

    def __init__(
        self, staged: StagedOutput, store: ObjectStore, claim: Claim, earlier: Mapping[str, int], *, overwrite: bool
    ) -> None:
        self.folder, self.blocks, self.warnings = staged.folder, staged.blocks, staged.warnings
        self.shard_closed = None if earlier else self._take
        self._store, self._claim, self._earlier, self._overwrite = store, claim, dict(earlier), overwrite
        self._pool = ThreadPoolExecutor(_THREADS, "chatmill-put")
        self._pending: deque[Future[None]] = deque()
        self._put: dict[str, int] = {}
        self._is_replacing = self._is_complete = False

    def commit(self, files: Sequence[WrittenFile]) -> None:
        """Check the files, and put those into the store that are not there yet, the manifest last.

        Args:
            files: What the writers recorded, for all files besides the manifest.

        Raises:
            DataError: A file is not as it was written, the folder in the store changed during the run, or the store
                does not take the files.
        """
        while self._pending:
            self._pending.popleft().result()
        rest = [file for file in files if file.file not in self._put]
        check_complete(self.folder, rest)
        self._check_earlier()
        sizes = {file.file: file.bytes for file in files}
        manifest = self.folder / MANIFEST
        # A name may have an earlier and a new size.
        self._declare(self._earlier, sizes, {MANIFEST: manifest.stat().st_size})
        try:
            self._replace(rest, sizes, manifest)
        except DataError as error:
            if not self._is_replacing:
                raise
            raise DataError(
                f"{error}. The earlier output in {self._store.name} is no longer complete; run the same command "
                "again to write the new one"
            ) from None
        self._is_complete = True
        # The next run removes the marker if this one cannot.
        with suppress(DataError):
            self._store.remove(MARKER)

    def end(self) -> None:
        """Remove what is in the store, if the output is not complete. The next run removes what cannot be removed."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._is_complete or self._is_replacing:
            return
        with suppress(DataError):
            self._check_claim()
            _remove(self._store, self._put)

    def _take(self, path: Path, shard: Shard) -> None:
        name = path.relative_to(self.folder).as_posix()
        while len(self._pending) >= _SHARDS_AHEAD:
            self._pending.popleft().result()
        if self._store.has(name):
            raise _appeared(self._store, [name])
        self._declare({name: shard.bytes})
        self._put[name] = shard.bytes
        self._pending.append(self._pool.submit(self._move, path, name))

    def _move(self, path: Path, name: str) -> None:
        self._store.put(path, name)
        path.unlink()

    def _declare(self, *several: Mapping[str, int]) -> None:
        """Write into the marker which files follow, so that the next run knows them if this one is killed."""
        self._check_claim()
        for sizes in several:
            self._claim = self._claim.with_files(sizes)
        self._claim.write(self._store)

    def _check_claim(self) -> None:
        found = Claim.read(self._store)
        if found is None or found.run != self._claim.run:
            who = f"its {MARKER} is gone" if found is None else f"another run ({found}) writes there now"
            raise DataError(f"{self._store.name} is no longer the output of this run: {who}; choose another output")

    def _check_earlier(self) -> None:
        sizes = _without_marker(self._store.sizes())
        if self._earlier:
            if sizes != self._earlier:
                self._earlier = find_earlier_in(self._store, sizes, overwrite=self._overwrite)
        elif sizes.keys() - self._put.keys():
            raise _appeared(self._store, sorted(sizes.keys() - self._put.keys()))

    def _replace(self, rest: Sequence[WrittenFile], sizes: Mapping[str, int], manifest: Path) -> None:
        if self._earlier:
            self._is_replacing = True
            self._store.remove(next(iter(self._earlier)))
        self._put.update({file.file: file.bytes for file in rest})
        for putting in [self._pool.submit(self._store.put, self.folder / file.file, file.file) for file in rest]:
            putting.result()
        for name in self._earlier.keys() - sizes.keys():
            self._store.remove(name)
        there = _without_marker(self._store.sizes())
        if foreign := sorted(there.keys() - sizes.keys()):
            raise _appeared(self._store, foreign)
        if wrong := sorted(name for name, size in sizes.items() if there.get(name) != size):
            raise DataError(
                f"{self._store.name} does not have the files that were put there ({names_of(wrong)}); run the "
                "same command again, and let nothing else write there"
            )
        self._check_claim()
        self._put[MANIFEST] = manifest.stat().st_size
        self._store.put(manifest, MANIFEST)


@contextmanager
def remote_output(url: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[RemoteOutput]:
    """Hold an output in a store, and create a folder on this machine to write into.

    After an exception, what was put into the store is removed. What runs that were killed have left is removed first.

    Args:
        url: The URL of the output.
        overwrite: Replace an unchanged output of chatmill once the new one is complete.

    Yields:
        The new output.

    Raises:
        DataError: The store cannot be used, another run holds the output, or files there must not be replaced.
    """
    store = ObjectStore(checked_url(url))
    with staged_output(local_place(store)) as staged:
        claim, earlier = _claimed(store, staged.folder.parent.parent, overwrite=overwrite)
        output = RemoteOutput(staged, store, claim, earlier, overwrite=overwrite)
        try:
            yield output
        finally:
            output.end()


def local_place(store: ObjectStore) -> OutputPlace:
    """Return the place of the lock, the blocks and the unfinished files of an output in a store: the user's cache.

    Args:
        store: The folder in the store.
    """
    name = hashlib.sha256(store.identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return OutputPlace((_cache() / "outputs").resolve() / name, store.name)


def _cache() -> Path:
    # The folder of the core, `VerdictStore`, with the same variable.
    named = os.environ.get("CHATMILL_CACHE")
    if named is not None and named not in ("", "off"):
        return Path(named)
    if named is None:
        user = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
        with suppress(RuntimeError):
            return Path(user if user and Path(user).is_absolute() else Path.home() / ".cache") / "chatmill"
    own = Path(tempfile.gettempdir(), f"chatmill-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
    own.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and own.lstat().st_uid != os.getuid():
        raise DataError(f"{own} belongs to another user; name a folder with the variable CHATMILL_CACHE")
    return own


def _claimed(store: ObjectStore, folder: Path, *, overwrite: bool) -> tuple[Claim, dict[str, int]]:
    """Put the marker of this run, and return it with the sizes of the files of an earlier output."""
    own, before = Claim.new(folder), Claim.read(store)
    sizes = _without_marker(store.sizes())
    has_manifest = manifest_name(sizes) in sizes
    if before is not None and not has_manifest:
        if not before.has_lock_of(own) and not overwrite:
            raise DataError(
                f"another run of chatmill ({before}) writes to {store.name}, or was killed; wait until it has ended, "
                "or replace what it left with `overwrite` (`--overwrite`)"
            )
        foreign = sorted(name for name, size in sizes.items() if size not in before.files.get(name, ()))
        if foreign:
            raise DataError(
                f"{store.name} has files that the killed run did not write, or wrote only in part "
                f"({names_of(foreign)}); choose another output, or remove these files yourself"
            )
        _remove(store, sizes)
        sizes = {}
    elif before is not None and (overwrite or before.has_lock_of(own)):
        # The output was complete when its run was killed.
        store.remove(MARKER)
    earlier = find_earlier_in(store, sizes, overwrite=overwrite)
    own.write(store)
    return own, earlier


def _remove(store: ObjectStore, names: Mapping[str, int]) -> None:
    """Remove files: the manifest first, and the marker, which tells whose they are, last."""
    for name in sorted(names, key=lambda name: name != MANIFEST):
        store.remove(name)
    store.remove(MARKER)
    store.remove_folders([*sorted({name.rpartition("/")[0] for name in names if "/" in name}), ""])


def _without_marker(sizes: Mapping[str, int]) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if name != MARKER}


def _appeared(store: ObjectStore, names: Sequence[str]) -> DataError:
    return DataError(
        f"files appeared in {store.name} during the run ({names_of(names)}), so nothing was written; choose another "
        "output"
    )
