"""`TextSpan`: a part of the text of a conversation; the text is divided by token weights and by regions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from chatmill._chatmill import NOTES, ChatmillError, Encoding, Region
from chatmill.labels import MASKED
from chatmill.text.numbers import percent

# Notes that need no sentence, because they are the usual case.
_USUAL = ("proved", "tagged")


@dataclass(frozen=True)
class TextSpan:
    """Consecutive characters whose tokens have the same weight.

    Attributes:
        start: First character, an index into the text.
        end: One past the last character.
        weight: The weight of the tokens: 1 for trained, 0 for masked, other numbers if labels are weighted. None for
            text after the last token of a truncated row.
    """

    start: int
    end: int
    weight: float | None

    @property
    def state(self) -> str:
        """The weight in words: `trained`, `trained × 0.5`, `masked` or `no token`."""
        if self.weight is None:
            return "no token"
        if self.weight == 1:
            return "trained"
        return f"trained × {self.weight:g}" if self.weight else "masked"


def token_weights(encoding: Encoding) -> list[float]:
    """Return the weight of each token: 0 if it is masked; 1 for a trained token if labels are not weighted.

    Args:
        encoding: A conversation, from `Mill.encode`.
    """
    weights = encoding.weights or [1.0] * len(encoding)
    return [0.0 if label == MASKED else weight for label, weight in zip(encoding.labels, weights, strict=True)]


def text_spans(encoding: Encoding) -> list[TextSpan]:
    """Divide the whole text into spans of equal weight.

    Args:
        encoding: A conversation, from `Mill.encode`.

    Example:
        >>> import chatmill
        >>> template = chatmill.ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}")
        >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), template)
        >>> text_spans(mill.encode([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]))
        [TextSpan(start=0, end=2, weight=0.0), TextSpan(start=2, end=7, weight=1.0)]
    """
    found: list[TextSpan] = []
    position = 0
    for weight, tokens in groupby(zip(token_weights(encoding), encoding.tokens, strict=True), key=lambda it: it[0]):
        end = max(token.end for _, token in tokens)
        if end > position:
            found.append(TextSpan(position, end, weight))
            position = end
    if position < len(encoding.text):
        found.append(TextSpan(position, len(encoding.text), None))
    return found


def known_regions(encoding: Encoding) -> list[Region]:
    """Return the regions of the text; an empty list if they cannot be verified.

    Args:
        encoding: A conversation, from `Mill.encode`.
    """
    try:
        return encoding.regions
    except ChatmillError:
        return []


def by_region(encoding: Encoding, regions: Sequence[Region]) -> Iterator[tuple[Region, list[TextSpan]]]:
    """Yield each region with its spans, cut at the edges of the region.

    Args:
        encoding: A conversation, from `Mill.encode`.
        regions: The regions of its text.
    """
    rest = text_spans(encoding)[::-1]
    for region in regions:
        inside: list[TextSpan] = []
        while rest and rest[-1].start < region.end:
            span = rest.pop()
            if span.end > region.end:
                rest.append(replace(span, start=region.end))
            inside.append(replace(span, end=min(span.end, region.end)))
        yield region, inside


def name_region(message: int | None, role: str | None, kind: str) -> str:
    """Return the name of a region for people.

    Args:
        message: Index of its message, or None for text of no message.
        role: The role of the message.
        kind: The kind of region.

    Example:
        >>> name_region(1, "assistant", "content"), name_region(None, None, "scaffold")
        ('message 1 · assistant · content', 'scaffold')
    """
    return kind if message is None else f"message {message} · {role} · {kind}"


def describe_counts(encoding: Encoding) -> tuple[str, str]:
    """Describe the numbers of trained and masked tokens.

    Args:
        encoding: A conversation, from `Mill.encode`.

    Returns:
        Two texts, such as `6 of 28 tokens (21.4 %)` and `22`. If tokens are weighted, the second text ends with the
        mean weight.
    """
    trained = [weight for weight in token_weights(encoding) if weight]
    count = len(encoding)
    masked = f"{count - len(trained):,}"
    if encoding.weights is not None and trained:
        masked += f"; mean weight of trained tokens {sum(trained) / len(trained):.3g}"
    return f"{len(trained):,} of {count:,} tokens ({percent(len(trained), count)})", masked


def describe_notes(encoding: Encoding) -> list[str]:
    """Describe the notes of a row in sentences.

    Args:
        encoding: A conversation, from `Mill.encode`.

    Returns:
        One sentence per note; an empty list for a complete row with verified or tagged labels.
    """
    sentences = [NOTES[note].sentence for note in encoding.notes if note not in _USUAL]
    last = encoding.tokens[-1].end if len(encoding) else 0
    if last < len(encoding.text):
        sentences.append(f"The last {len(encoding.text) - last:,} characters of the text have no token.")
    return sentences
