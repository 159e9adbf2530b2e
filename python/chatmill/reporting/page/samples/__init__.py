"""Rows as a person reads them, and what finds them: filters, search, keys."""
