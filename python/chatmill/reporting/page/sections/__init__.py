"""The sections of the page, in its order: the verdict first, the rows last."""
