"""Checks of chat templates: errors, and problems in training.

Checks test what a template prints, not its source: small conversations are rendered, and the texts are compared. Each
check is a function that gets a `Subject` and yields `Finding`s; `run.py` lists all checks.
"""

from chatmill.lint.finding import Finding, Level
from chatmill.lint.run import lint_source, lint_template

__all__ = ["Finding", "Level", "lint_source", "lint_template"]
