"""The names of what samples are chosen for, and of their filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatmill.reporting.model import ReportSample
from chatmill.reporting.page.clipped import clipped
from chatmill.text.visible import visible

_WHY: Mapping[str, str] = {
    "random": "picked at random",
    "longest": "longest",
    "least_trained": "least trained",
    "most_turns": "most turns",
    "rejected": "rejected",
}


def name_of_why(why: str) -> str:
    """Return the name of a reason for which a sample was chosen: words, or the code of a note or finding.

    Args:
        why: The reason.

    Example:
        >>> name_of_why("least_trained"), name_of_why("doubled_bos")
        ('least trained', 'doubled_bos')
    """
    return _WHY.get(why, why)


@dataclass(frozen=True)
class Choices:
    """The values of the filters, each once. Samples name them by their numbers, so that no text is a key.

    Attributes:
        reports: The names of the reports.
        why: The reasons for which samples were chosen, and the codes of rejections.
        sources: The files.
        roles: The roles of messages, as they are shown.
    """

    reports: Sequence[str]
    why: Sequence[str]
    sources: Sequence[str]
    roles: Sequence[str]


def choices_of(samples: Sequence[ReportSample], names: Sequence[str]) -> Choices:
    """Return the values of the filters.

    Args:
        samples: The samples of the page.
        names: The names of the reports.
    """
    return Choices(
        names,
        list(dict.fromkeys(why for sample in samples for why in reasons(sample))),
        list(dict.fromkeys(sample.source for sample in samples)),
        list(dict.fromkeys(role for sample in samples for role in _roles(sample))),
    )


def reasons(sample: ReportSample) -> list[str]:
    """Return the reasons for which a sample was chosen, with the code of its rejection.

    Args:
        sample: The sample.
    """
    return list(dict.fromkeys([*sample.why, *([sample.code] if sample.code else [])]))


def _roles(sample: ReportSample) -> list[str]:
    # The page compares the role of a filter with that of a region, which is shown with its hidden characters visible.
    every = (short_role(region.role) for region in sample.row.regions) if sample.row else ()
    return [visible(role) for role in every if role]


def short_role(role: str | None) -> str | None:
    """Return the beginning of a role: each of its regions has it, so a long one would fill the page.

    Args:
        role: The role.
    """
    return role and clipped(role, 60)
