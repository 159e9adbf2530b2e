"""`read_labels`: reads the fields of labels from YAML or JSON, in a text or a file."""

from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError

_SUFFIXES = (".yaml", ".yml", ".json")


def read_labels(text: str) -> dict[str, Any] | None:
    """Read an object of fields from YAML or JSON text, or from a file.

    Args:
        text: The text of an object, or the path of a `.yaml`, `.yml` or `.json` file.

    Returns:
        The fields; None if the text is neither an object nor such a path, so it can only be the name of a preset.

    Raises:
        DataError: The file cannot be read, or the text is not an object.

    Example:
        >>> read_labels("{turns: last}"), read_labels("last")
        ({'turns': 'last'}, None)
    """
    if text.startswith("{") or "\n" in text:
        return _object(text, "labels")
    if text.endswith(_SUFFIXES):
        return _object(_read(Path(text)), text)
    return None


def _object(text: str, where: str) -> dict[str, Any]:
    from chatmill.text.yaml_text import read_yaml

    value = read_yaml(text, name=where)
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object such as {{turns: last}}, found {type(value).__name__}")
    # A config file may hold the fields in a section `labels`.
    inner = value.get("labels")
    return inner if isinstance(inner, dict) and len(value) == 1 else value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"labels: cannot read {path} ({error}); check the path and the encoding") from None
