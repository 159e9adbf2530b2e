"""`TextReuse`: how much of the texts of a run the tokenizer knew from earlier rows."""

from collections.abc import Sequence

from chatmill._chatmill import Tokenizer


class TextReuse:
    """Counts the texts of a run, from the moment that it is made.

    Args:
        tokenizers: The tokenizers of the run; each may be there several times.
    """

    def __init__(self, tokenizers: Sequence[Tokenizer]) -> None:
        self._tokenizers = list({id(it): it for it in tokenizers}.values())
        self._before = self._counts()

    def record(self) -> dict[str, int]:
        """Return the bytes of the texts that were encoded, and those whose ids were known, for the manifest."""
        before, now = self._before, self._counts()
        return {"text_bytes": now[0] - before[0], "reused_text_bytes": now[1] - before[1]}

    def _counts(self) -> tuple[int, int]:
        counts = [it.reuse for it in self._tokenizers]
        return sum(bytes_ for bytes_, _ in counts), sum(reused for _, reused in counts)
