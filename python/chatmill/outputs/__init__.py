"""Output folders of `prepare`: the files in them, written and read back."""
