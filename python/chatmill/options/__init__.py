"""Options: the lists of values that options accept, and the check of their types."""
