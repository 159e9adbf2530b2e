"""Verification: whether a finished output is what its manifest says, and whether its rows contradict themselves."""
