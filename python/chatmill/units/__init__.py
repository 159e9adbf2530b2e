"""Units: the tokens of blocks of rows, kept until a run has ended, so that it can go on after it was interrupted."""
