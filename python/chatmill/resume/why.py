"""`explain`: what a run can take from an earlier one, or why it can take nothing."""

from collections.abc import Iterable, Sequence

from chatmill.resume.differences import nearest_differences
from chatmill.resume.key import MillKey
from chatmill.resume.record import RunRecord
from chatmill.resume.store import BlockStore, KeptBlocks
from chatmill.text.numbers import counted


def explain(store: BlockStore, earlier: RunRecord | None, keys: Sequence[MillKey]) -> list[str]:
    """Say what a run can take.

    Args:
        store: The blocks that are kept.
        earlier: The earlier run on the same output; None if there is no record of one.
        keys: The keys of the parts of the new run.

    Returns:
        Sentences; none if no earlier run left anything.
    """
    if earlier is None or earlier.has_ended:
        return []
    before = blocks_of(store, [it.key for it in earlier.inputs])
    blocks = sum(it.blocks for it in before)
    if not blocks:
        return []
    wanted = {key.digest for key in keys}
    taken = sum(it.blocks for it in before if it.key.digest in wanted)
    lines = []
    if taken:
        lines.append(f"an earlier run on this output did not end; {counted(taken, 'block')} of it can be used")
    if taken < blocks:
        lost = counted(blocks - taken, "block")
        lines.append(f"an earlier run on this output did not end; {lost} of it cannot be used, because")
        missing = [it.key.fields for it in before if it.key.digest not in wanted]
        lines += [f"  {it.text}" for it in nearest_differences(missing, [key.fields for key in keys])]
    return lines


def blocks_of(store: BlockStore, digests: Iterable[str]) -> list[KeptBlocks]:
    """Return the kept blocks of keys.

    Args:
        store: The blocks that are kept.
        digests: The digests of the keys. A digest may be there several times.
    """
    kept = {it.key.digest: it for it in store.kept()}
    return [kept[digest] for digest in dict.fromkeys(digests) if digest in kept]
