"""`describe_counts`: the numbers of trained and masked tokens of a drawn row."""

from chatmill.drawing.row import DrawnRow
from chatmill.text.numbers import percent


def describe_counts(row: DrawnRow) -> tuple[str, str]:
    """Describe the numbers of trained and masked tokens.

    Args:
        row: The row.

    Returns:
        Two texts, such as `6 of 28 tokens (21.4 %)` and `22`. If tokens have weights other than 0 and 1, the second
        text ends with the mean weight.

    Example:
        >>> describe_counts(DrawnRow((), tokens=28, trained_tokens=6))
        ('6 of 28 tokens (21.4 %)', '22')
    """
    masked = f"{row.tokens - row.trained_tokens:,}"
    if any(span.is_weighted for span in row.spans()):
        weights = [(span.weight, len(span.ids)) for span in row.spans() if span.weight]
        count = sum(tokens for _, tokens in weights)
        if count:
            mean = sum(weight * tokens for weight, tokens in weights) / count
            masked += f"; mean weight of trained tokens {mean:.3g}"
    return f"{row.trained_tokens:,} of {row.tokens:,} tokens ({percent(row.trained_tokens, row.tokens)})", masked
