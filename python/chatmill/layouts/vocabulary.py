"""The size of a vocabulary with added tokens, which decides how many bytes an id needs: `size_of`, `size_in_output`."""

from typing import Any

from chatmill._chatmill import Tokenizer
from chatmill.outputs.manifest import TOKENIZER_FOLDER
from chatmill.outputs.read import PreparedOutput
from chatmill.text.parsing import parse_json


def size_of(tokenizer_json: str | bytes) -> int | None:
    """Return the largest id of a tokenizer, plus one. Ids may have gaps, so their number is not enough.

    Args:
        tokenizer_json: The content of a `tokenizer.json`.

    Returns:
        The size; None if the vocabulary has another form.

    Example:
        >>> size_of('{"model": {"vocab": {"a": 0, "b": 9}}, "added_tokens": [{"id": 12, "content": "<s>"}]}')
        13
    """
    definition: Any = parse_json(tokenizer_json)
    vocabulary = definition.get("model", {}).get("vocab")
    if isinstance(vocabulary, dict):
        ids = [*vocabulary.values()]
    elif isinstance(vocabulary, list):
        ids = [len(vocabulary) - 1]
    else:
        return None
    ids += [token["id"] for token in definition.get("added_tokens") or ()]
    return max(ids, default=-1) + 1


def size_of_tokenizer(tokenizer: Tokenizer) -> int:
    """Return the largest id of a loaded tokenizer, plus one.

    Args:
        tokenizer: The tokenizer.
    """
    return tokenizer.vocabulary_size


def size_in_output(output: PreparedOutput) -> int | None:
    """Return the largest id that can occur in an output, plus one, if the output tells it.

    Args:
        output: The output.

    Returns:
        The size that its manifest records, or that of the tokenizer in it; None if there is neither.
    """
    places = (output.manifest.get("layout") or {}, output.manifest["tokenizer"])
    recorded = next((size for place in places if (size := place.get("vocabulary_size")) is not None), None)
    if recorded is not None:
        return int(recorded)
    path = output.folder / TOKENIZER_FOLDER / "tokenizer.json"
    return size_of(path.read_bytes()) if path.is_file() else None
