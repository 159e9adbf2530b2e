"""`explain`: what a run can take from an earlier one, or why it can take nothing."""

from collections.abc import Sequence

from chatmill.resume.differences import differences
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
    kept = {it.key.digest: it for it in store.kept()}
    before = [kept[key] for key in dict.fromkeys(it.key for it in earlier.inputs) if key in kept]
    blocks = sum(it.blocks for it in before)
    if not blocks:
        return []
    wanted = {key.digest for key in keys}
    taken = sum(it.blocks for it in before if it.key.digest in wanted)
    lines = []
    if taken:
        lines.append(
            f"an earlier run on this output did not end; {counted(taken, 'block')} of it need not be made again"
        )
    if taken < blocks:
        lost = counted(blocks - taken, "block")
        lines.append(f"an earlier run on this output did not end; {lost} of it cannot be used, because")
        missing = [it for it in before if it.key.digest not in wanted]
        lines += [f"  {text}" for text in causes(missing, keys)]
    return lines


def causes(before: Sequence[KeptBlocks], keys: Sequence[MillKey]) -> list[str]:
    """Say why blocks of earlier keys cannot be used: how each differs from the new key that is most like it.

    Args:
        before: The blocks of the earlier keys.
        keys: The new keys.

    Returns:
        A sentence for each difference, without those that were said before.
    """
    found: dict[str, None] = {}
    for kept in before:
        nearest = min((differences(kept.key.fields, key.fields) for key in keys), key=len, default=[])
        found.update(dict.fromkeys(it.text for it in nearest))
    return list(found)
