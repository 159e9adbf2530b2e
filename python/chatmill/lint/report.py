"""Findings as text or as a JSON list, as `chatmill lint` prints them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.text import Text

from chatmill.lint.finding import LEVELS, Finding

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_MARGIN = "    "


def show_findings(name: str, findings: Sequence[Finding]) -> Text:
    """Show the findings of one template, grouped by level.

    Args:
        name: The name of the template.
        findings: The findings, from `lint_template`.

    Returns:
        Text for `rich.print` or `str`.

    Example:
        >>> print(show_findings("chatml", []))
        chatml: nothing found
    """
    counts = Counter(finding.level for finding in findings)
    parts = [f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}" for level in LEVELS if counts[level]]
    shown = Text()
    shown.append(name, style="bold")
    shown.append(f": {', '.join(parts) or 'nothing found'}")
    for level in LEVELS:
        for finding in findings:
            if finding.level == level:
                _append(shown, finding)
    return shown


def to_json(findings: Mapping[str, Sequence[Finding]]) -> str:
    """Return the findings of all templates as a JSON list. Each item has the fields of `Finding` and `template`.

    Args:
        findings: The findings of each template by its name.

    Example:
        >>> to_json({"chatml": []})
        '[]'
    """
    listed = [{"template": name, **finding.to_dict()} for name, found in findings.items() for finding in found]
    return json.dumps(listed, ensure_ascii=False, indent=2)


def _append(shown: Text, finding: Finding) -> None:
    line = f" (template line {finding.line})" if finding.line is not None else ""
    shown.append("\n  ")
    shown.append(finding.level, style=_STYLES[finding.level])
    shown.append(f" {finding.code}", style="bold")
    shown.append(f"{line}: {finding.text}")
    for name, text in finding.details:
        # A syntax error quotes a line of the source, with a marker below it, so it has several lines.
        lines = text.splitlines()
        shown.append(f"\n{_MARGIN}{name}: ", style="dim")
        shown.append(lines[0] if len(lines) == 1 else "".join(f"\n{_MARGIN}{it}" for it in lines))
