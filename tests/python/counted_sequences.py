"""`Sequenced`: one sequence of a row with its regions, cut in plain Python."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chatmill import ChatmillError, Encoding

MASKED = -100


@dataclass(frozen=True)
class Cut:
    """How rows are cut: the options of the run."""

    max_length: int | None = None
    truncation: str = "keep_start"
    all_masked: str = "reject"
    split: str | None = None


class Sequenced:
    """One sequence before it is cut, and the parts of it that are kept."""

    def __init__(self, encoding: Encoding, cut: Cut) -> None:
        self.answer, self.notes = encoding.answer, encoding.notes
        self.bytes = len(encoding.text.encode())
        self.ids, labels = encoding.input_ids, encoding.labels
        self.trained = [place for place, label in enumerate(labels) if label != MASKED]
        self.owners: Sequence[tuple[int | None, str]] = ()
        self._turn_ends: list[int] = []
        if self.answer is None:
            self._find_owners(encoding)
        #: Whether its regions are counted.
        self.has_regions = False
        self.left_out = 0
        self.failure = ""
        self.kept = self._cut(cut)

    def _find_owners(self, encoding: Encoding) -> None:
        """Find the region in which each token begins."""
        try:
            regions = [it for it in encoding.regions if it.start < it.end]
        except ChatmillError:
            return
        tokens, ends = encoding.tokens, [it.end for it in regions]
        places = [min(bisect_right(ends, it.start), len(ends) - 1) for it in tokens]
        self.owners = [(regions[at].message, regions[at].kind) for at in places]
        last = [
            it.end
            for it, after in zip(regions, [*regions[1:], None], strict=True)
            if it.message is not None and (after is None or after.message != it.message)
        ]
        self._turn_ends = [sum(token.end <= end for token in tokens) for end in last]

    def _cut(self, cut: Cut) -> list[range]:
        length, most = len(self.ids), cut.max_length
        parts = [range(length)]
        if most is not None and length > most:
            parts = {
                "keep_start": [range(most)],
                "keep_end": [range(length - most, length)],
                "split": [range(start, min(start + most, length)) for start in range(0, length, most)],
                "turns": [range(max([end for end in self._turn_ends if end <= most], default=0))],
                "drop": [range(0)],
            }[cut.truncation]
            if parts == [range(0)]:
                self.failure = "too_long"
                return []
        kept = parts
        if cut.all_masked == "reject":
            kept = [part for part in parts if any(place in part for place in self.trained)]
            self.left_out = len(parts) - len(kept)
        if not kept:
            self.failure = "trained_part_cut_off" if self.trained else "nothing_to_train"
        return kept

    @property
    def is_kept(self) -> bool:
        """Whether a part of it becomes a sample."""
        return bool(self.kept)

    @property
    def is_cut(self) -> bool:
        """Whether it is divided, or tokens of it are not kept."""
        return bool(self.kept) and (len(self.kept[0]) < len(self.ids) or self.left_out > 0)

    @property
    def kept_tokens(self) -> int:
        """The number of kept tokens."""
        return sum(map(len, self.kept))

    @property
    def kept_trained(self) -> int:
        """The number of kept tokens that are trained."""
        return sum(any(place in part for part in self.kept) for place in self.trained)

    @property
    def last_message(self) -> int:
        """The last message that has a region."""
        return max(message for message, _ in self.owners if message is not None)

    def kept_places(self) -> list[int]:
        """The places of the kept tokens."""
        return [place for part in self.kept for place in part]

    def trained_messages(self, answers: Sequence[int]) -> set[int]:
        """The turns of the assistant with a trained token before the cut."""
        owned = {self.owners[place][0] for place in self.trained if self.owners}
        return {answer for answer in answers if answer in owned}

    def kept_turns(self, answers: Sequence[int]) -> set[int]:
        """The turns of the assistant of which a trained token is kept."""
        owned = {self.owners[place][0] for place in {*self.trained} & {*self.kept_places()} if self.owners}
        return {answer for answer in answers if answer in owned}

    def messages_with(self, kinds: set[str]) -> set[int]:
        """The messages with tokens of some kinds before the cut."""
        return {message for message, kind in self.owners if kind in kinds and message is not None}

    def stops(self, answers: Sequence[int], added: set[int]) -> Counter[str]:
        """What became of the stop token of each trained turn: the last token of the end of the turn."""
        found: Counter[str] = Counter()
        kept, trained, owners = set(self.kept_places()), set(self.trained), list(enumerate(self.owners))
        for answer in sorted(self.trained_messages(answers)):
            closing = [place for place, owner in owners if owner == (answer, "closer")]
            stop = closing[-1] if closing and self.ids[closing[-1]] in added else None
            if stop is None:
                found["missing"] += 1
            elif stop not in trained:
                found["masked"] += 1
            else:
                found["trained" if stop in kept else "cut"] += 1
        return found


def share_cut(sequences: Sequence[Sequenced], cut: Cut) -> None:
    """Cut the answers of a row together: all of them, or none, are too long."""
    most = cut.max_length
    prompt = min(it.trained[0] for it in sequences)
    longest = max(len(it.ids) for it in sequences)
    fails = most is not None and longest > most and (cut.truncation != "keep_start" or prompt >= most)
    for it in sequences:
        it.kept = [] if fails else [range(min(len(it.ids), most or longest))]
        it.failure = "too_long" if fails else ""
        it.left_out = 0
    # Of whole conversations, the answer is the first token.
    left = [it.ids[: most or longest] for it in sequences]
    if prompt and not fails and len(left) > 1 and left[0] == left[1]:
        for it in sequences:
            it.kept, it.failure = [], "equal_answers"
