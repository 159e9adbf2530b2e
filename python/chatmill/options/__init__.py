"""Options: the lists of values that options accept."""
