"""What may be wrong with a chat template, or surprising in training.

A template is not read but tried: small conversations are rendered, and what comes out is compared. Each check is a
function of a `Subject` that yields `Finding`s; `run.py` lists them all.
"""

from chatmill.lint.finding import Finding, Level
from chatmill.lint.run import lint_source, lint_template

__all__ = ["Finding", "Level", "lint_source", "lint_template"]
