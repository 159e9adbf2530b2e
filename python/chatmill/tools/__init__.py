"""Tools of conversations: JSON schemas made from Python functions."""
