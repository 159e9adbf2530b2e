"""`TextSpan`: a part of the text of a conversation whose tokens have the same weight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chatmill._chatmill import ChatmillError, Encoding, Region
from chatmill.labels import MASKED


@dataclass(frozen=True)
class TextSpan:
    """Consecutive characters whose tokens have the same weight.

    Attributes:
        start: First character, an index into the text.
        end: One past the last character.
        weight: The weight of the tokens: 1 for trained, 0 for masked, other numbers if labels are weighted. None for
            text before the first and after the last token of a truncated row.
    """

    start: int
    end: int
    weight: float | None

    @property
    def state(self) -> str:
        """The weight in words, as in `describe_weight`."""
        return describe_weight(self.weight)


def describe_weight(weight: float | None) -> str:
    """Describe a weight in words.

    Args:
        weight: The weight of some tokens; None for text without tokens.

    Example:
        >>> [describe_weight(weight) for weight in (1, 0.5, 0, None)]
        ['trained', 'trained × 0.5', 'masked', 'no token']
    """
    if weight is None:
        return "no token"
    if weight == 1:
        return "trained"
    return f"trained × {weight:g}" if weight else "masked"


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
    return [span for span, _, _ in token_spans(encoding) if span.start < span.end]


def token_spans(
    encoding: Encoding, offsets: Sequence[tuple[int, int]] | None = None
) -> Iterator[tuple[TextSpan, int, int]]:
    """Yield consecutive tokens of equal weight: their span, the first one, and one past the last one.

    The spans cover the text without gaps. Tokens without characters of their own may have a span without characters: a
    token that the tokenizer adds before the text, or one whose characters belong to the token before it too.

    Args:
        encoding: A conversation, from `Mill.encode`.
        offsets: Its offsets, if they are at hand: `Encoding.offsets` makes them anew each time.
    """
    offsets = encoding.offsets if offsets is None else offsets
    position = offsets[0][0] if offsets else 0
    if position:
        yield TextSpan(0, position, None), 0, 0
    first = 0
    for weight, group in groupby(token_weights(encoding)):
        last = first + len(list(group))
        end = max(position, offsets[last - 1][1])
        yield TextSpan(position, end, weight), first, last
        position, first = end, last
    if position < len(encoding.text):
        yield TextSpan(position, len(encoding.text), None), first, first


def known_regions(encoding: Encoding) -> list[Region]:
    """Return the regions of the text; an empty list if they cannot be verified.

    Args:
        encoding: A conversation, from `Mill.encode`.
    """
    try:
        return encoding.regions
    except ChatmillError:
        return []


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
