"""Options: the values that each option accepts."""
