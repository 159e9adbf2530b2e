"""Names of data files among the arguments of `chatmill lint`."""

from collections.abc import Sequence

_DATA = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".pq", ".arrow", ".ipc", ".feather")
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")


def split_templates(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide the arguments of a command into templates and data files.

    A shell expands `--data *.jsonl` to one value of the option and more arguments.

    Args:
        arguments: Names, paths, Hub ids and Jinja sources.

    Example:
        >>> split_templates(["chatml", "b.jsonl.gz", "tokenizer.json"])
        (['chatml', 'tokenizer.json'], ['b.jsonl.gz'])
    """
    data = [it for it in arguments if _is_data(it)]
    return [it for it in arguments if it not in data], data


def _is_data(argument: str) -> bool:
    name = argument.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    # A folder of a tokenizer may be given by one of its files.
    return name.endswith(_DATA) and not name.endswith(("tokenizer.json", "tokenizer_config.json", "chat_template.json"))
