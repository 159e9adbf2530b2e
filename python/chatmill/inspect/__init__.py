"""Rows as people read them: with the trained text marked, token by token, and as differences between two sides."""
