"""`some_samples`: fewer samples of a report, which still show as many reasons as possible."""

from collections.abc import Sequence

from chatmill.reporting.model import ReportSample


def some_samples(samples: Sequence[ReportSample], number: int) -> tuple[ReportSample, ...]:
    """Choose samples: first one for each reason, then a second one, and so on.

    Args:
        samples: All samples.
        number: How many to choose at most.

    Returns:
        The chosen samples, in their order.
    """
    turns: dict[str, int] = {}
    order = []
    for index, sample in enumerate(samples):
        # A rejected row is of the kind of its code.
        reason = sample.code or (sample.why[0] if sample.why else "")
        order.append((turns.setdefault(reason, 0), index))
        turns[reason] += 1
    return tuple(samples[index] for index in sorted(index for _, index in sorted(order)[: max(0, number)]))
