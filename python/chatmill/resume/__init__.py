"""Resume: the tokens of blocks of rows are kept until a run has ended, so that it can go on after an interruption."""
