"""Sources of tokenizers and chat templates: folders, files, the Hub, and objects of other libraries."""
