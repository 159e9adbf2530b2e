"""`describe_notes`: what is unusual about a row, as sentences."""

from collections.abc import Sequence

from chatmill._chatmill import NOTES, Encoding, Token

# Notes that need no sentence, because they are the usual case.
_USUAL = ("proved", "tagged")


def describe_notes(encoding: Encoding, tokens: Sequence[Token] | None = None) -> list[str]:
    """Describe the notes of a row in sentences.

    Args:
        encoding: A conversation, from `Mill.encode`.
        tokens: Its tokens, if they are at hand: `Encoding.tokens` makes them anew each time.

    Returns:
        One sentence per note; an empty list for a complete row with verified or tagged labels.
    """
    sentences = [NOTES[note].sentence for note in encoding.notes if note not in _USUAL]
    tokens = encoding.tokens if tokens is None else tokens
    first, last = (tokens[0].start, tokens[-1].end) if tokens else (0, 0)
    if first:
        sentences.append(f"The first {first:,} characters of the text have no token.")
    if last < len(encoding.text):
        sentences.append(f"The last {len(encoding.text) - last:,} characters of the text have no token.")
    return sentences
