"""What a run counts of its rows and samples, for the manifest and reports."""
