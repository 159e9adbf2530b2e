"""The tokenizer that `transformers.AutoTokenizer` makes of a folder, as the text of a `tokenizer.json`.

transformers 5 picks a class for each folder (`choice`). About fifty of its classes do not follow `tokenizer.json`: they
take its vocabulary and merges and build all else themselves, from their own rules and `tokenizer_config.json`. The
recipes hold these rules as data; `rebuild` applies them. transformers is not imported.
"""
