"""Output folders of `prepare`: writing and reading of the files in them."""
