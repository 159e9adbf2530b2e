"""Tools of conversations: the JSON schemas of Python functions."""
