"""Runs on several machines: a plan lists units, any process makes a unit, and a merge writes the output."""
