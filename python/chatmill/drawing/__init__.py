"""Rows as people read them: drawn once, for the terminal, notebooks and pages."""
