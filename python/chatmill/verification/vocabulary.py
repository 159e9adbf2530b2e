"""`vocabulary_of`: the number of ids that tokens of an output can have."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from chatmill.outputs.manifest import TOKENIZER_FOLDER
from chatmill.text.parsing import parse_json
from chatmill.verification.faults import Faults

_DEFINITION = f"{TOKENIZER_FOLDER}/tokenizer.json"


def vocabulary_of(folder: Path, manifest: Mapping[str, Any], intact: AbstractSet[str], faults: Faults) -> int | None:
    """Return the largest id of the tokenizer plus one, as the manifest or a saved tokenizer tells it.

    Args:
        folder: The output.
        manifest: Its manifest.
        intact: The files whose content is the one that was written.
        faults: Takes the faults.

    Returns:
        The number; None if nothing tells it.
    """
    if _DEFINITION in intact:
        try:
            return _largest(parse_json((folder / _DEFINITION).read_bytes())) + 1
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            faults.add("tokenizer", _DEFINITION, f"it is no definition of a tokenizer ({error})")
    places = (manifest["tokenizer"], manifest.get("layout") or {})
    recorded: int | None = next((it for place in places if (it := place.get("vocabulary_size")) is not None), None)
    if recorded is None:
        faults.note("whether ids are below the size of the vocabulary, which nothing in the output tells")
    return recorded


def _largest(definition: Any) -> int:
    return max(_ids(definition))


def _ids(definition: Any) -> Iterator[int]:
    vocabulary = definition["model"]["vocab"]
    # A list has the token of each id, as in the Unigram model.
    yield len(vocabulary) - 1 if isinstance(vocabulary, list) else max(vocabulary.values(), default=-1)
    yield from (token["id"] for token in definition.get("added_tokens") or ())
