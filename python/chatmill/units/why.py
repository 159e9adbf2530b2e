"""`explain`: what a run can take from an earlier one, or why it can take nothing."""

from collections.abc import Sequence

from chatmill.units.differences import differences
from chatmill.units.key import MillKey
from chatmill.units.record import RunRecord
from chatmill.units.store import KeptUnits, UnitStore


def explain(store: UnitStore, earlier: RunRecord | None, keys: Sequence[MillKey]) -> list[str]:
    """Say what a run can take.

    Args:
        store: The units that are kept.
        earlier: The earlier run on the same output; None if there is no record of one.
        keys: The keys of the parts of the new run.

    Returns:
        Sentences; none if no earlier run left anything.
    """
    kept = {it.key.digest: it for it in store.kept()}
    if earlier is None or earlier.has_ended:
        return []
    before = [kept[key] for key in dict.fromkeys(it.key for it in earlier.inputs) if key in kept]
    units = sum(it.units for it in before)
    if not units:
        return []
    wanted = {key.digest for key in keys}
    taken = sum(it.units for it in before if it.key.digest in wanted)
    lines = []
    if taken:
        lines.append(f"an earlier run on this output did not end; its {taken:,} units need not be made again")
    if taken < units:
        some = "some" if taken else "nothing"
        lines.append(f"an earlier run on this output did not end, but {some} of its {units:,} units can be used")
        missing = [it for it in before if it.key.digest not in wanted]
        lines += [f"  {text}" for text in causes(missing, keys)]
    return lines


def causes(before: Sequence[KeptUnits], keys: Sequence[MillKey]) -> list[str]:
    """Say why units of earlier keys cannot be used: how each differs from the new key that is most like it.

    Args:
        before: The units of the earlier keys.
        keys: The new keys.

    Returns:
        A sentence for each difference, without those that were said before.
    """
    found: dict[str, None] = {}
    for kept in before:
        nearest = min((differences(kept.key.fields, key.fields) for key in keys), key=len, default=[])
        found.update(dict.fromkeys(it.text for it in nearest))
    return list(found)
