"""`shown_name`: the name of an input in reports, manifests and errors."""

from chatmill.text.secrets import without_secrets


def shown_name(path: str) -> str:
    r"""Return the name of an input for people and files: without passwords and keys of a URL, and as UTF-8.

    Bytes of a file name that are not UTF-8 become escapes such as `\xff`.

    Args:
        path: The path or URL.

    Example:
        >>> shown_name("ftp://me:pw@host/a.jsonl"), shown_name("a\udcff.jsonl")
        ('ftp://***@host/a.jsonl', 'a\\xff.jsonl')
    """
    name = without_secrets(path)
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no name of a file has these characters
        return name.encode("utf-8", "backslashreplace").decode()
