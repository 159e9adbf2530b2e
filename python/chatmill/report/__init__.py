"""`chatmill report`: what an output holds, as a table, a page and JSON; what a trainer would have trained.

`chatmill.report("tokens")` calls `chatmill.report.job.report`.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableFolder(ModuleType):
    """This folder as the function of the same name: Python sets `chatmill.report` to the folder at its first import."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        from chatmill.report.job import report  # noqa: PLC0415  # it imports rich, which a mill does not need

        return report(*inputs, **options)


sys.modules[__name__].__class__ = _CallableFolder
