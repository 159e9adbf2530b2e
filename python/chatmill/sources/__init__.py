"""Loading of tokenizers and chat templates from folders, files, the Hub, and objects of other libraries."""
