"""The meaning of each note: one text per code, read as a sentence about a row or as a phrase after a count of rows.

A note is an observation about one row, such as `proved`. The core reports notes as codes: `Encoding.notes`,
`TokenBatch.counts`, `PrepareReport.notes` and the manifest.
"""

from collections.abc import Mapping

# Each text completes "The row has …" and "rows with …".
_TEXTS = {
    "proved": "verified labels",
    "proved_by_prefixes": "labels verified with extra renders of the conversation up to some of its turns",
    "tagged": "labels from {% generation %} tags",
    "emulated": "labels as another tool makes them",
    "value_dropped": "a turn that the template does not print; this turn is not trained",
    "other_role": "a turn that the template prints under a user's header; this turn is not trained",
    "header_mismatch": "a turn whose header is not the generation prompt; this turn is not trained",
    "merged": "a turn that is mixed with another message; this turn is not trained",
    "unanchored": "a turn without text, so that its end is uncertain; this turn is not trained",
    "missing_stop": "a trained turn that does not end in a stop token",
    "doubled_bos": "two BOS tokens at the start",
    "control_text": "control tokens in message texts, encoded as plain text",
    "empty_answer": "an empty answer; only the template's wrapper around it is trained",
    "pieces_left_out": "samples left out: too long, or without a trained token",
    "truncated": "tokens cut off at `max_length`",
}
# The core still reports `emulated` under this code.
_OLD_CODES = {"like_another_tool": "emulated"}

#: Notes on how the labels of a row were made; all other notes are worth a look.
LABEL_NOTES = ("proved", "proved_by_prefixes", "tagged", "emulated", *_OLD_CODES)


def note_texts() -> Mapping[str, str]:
    """Return the text of each note by its code, in the order in which reports list notes.

    Returns:
        Texts that complete "The row has …" and "rows with …".

    Example:
        >>> note_texts()["doubled_bos"]
        'two BOS tokens at the start'
    """
    return {**_TEXTS, **{old: _TEXTS[code] for old, code in _OLD_CODES.items()}}


def note_sentence(code: str) -> str:
    """Return a sentence about one row.

    Args:
        code: A note.

    Returns:
        The sentence; the code itself if it has no text.

    Example:
        >>> note_sentence("doubled_bos")
        'The row has two BOS tokens at the start.'
    """
    text = note_texts().get(code)
    return code if text is None else f"The row has {text}."


def note_phrase(code: str) -> str:
    """Return the phrase that follows a count of rows.

    Args:
        code: A note.

    Returns:
        The phrase; the code itself if it has no text.

    Example:
        >>> note_phrase("doubled_bos")
        'rows with two BOS tokens at the start'
    """
    text = note_texts().get(code)
    return code if text is None else f"rows with {text}"
