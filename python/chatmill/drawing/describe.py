"""`describe_notes`: what is unusual about a row, as sentences."""

from collections.abc import Sequence

from chatmill._chatmill import NOTES, Encoding

# Notes that need no sentence, because they are the usual case.
_USUAL = ("proved", "tagged")


def describe_notes(encoding: Encoding, offsets: Sequence[tuple[int, int]] | None = None) -> list[str]:
    """Describe the notes of a row in sentences.

    Args:
        encoding: A conversation, from `Mill.encode`.
        offsets: Its offsets, if they are at hand: `Encoding.offsets` makes them anew each time.

    Returns:
        One sentence per note; an empty list for a complete row with verified or tagged labels.
    """
    sentences = [NOTES[note].sentence for note in encoding.notes if note not in _USUAL]
    offsets = encoding.offsets if offsets is None else offsets
    first, last = (offsets[0][0], offsets[-1][1]) if offsets else (0, 0)
    if first:
        sentences.append(f"The first {first:,} characters of the text have no token.")
    if last < len(encoding.text):
        sentences.append(f"The last {len(encoding.text) - last:,} characters of the text have no token.")
    return sentences
