"""The report as one HTML page that needs nothing else and asks for nothing else."""

from chatmill.reporting.page.document import page

__all__ = ["page"]
