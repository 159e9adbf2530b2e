"""`write_dataset_files`: the files by which `datasets.load_from_disk` opens Arrow shards."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import DataError
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.complete import recorded
from chatmill.outputs.durable import write_durably
from chatmill.outputs.shards import Shard
from chatmill.trainers.splits import TRAINING, VALIDATION

_NUMBERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
_OTHERS = {pa.bool_(): "bool", pa.string(): "string", pa.large_string(): "large_string", pa.binary(): "binary"}
_VALUES = {getattr(pa, name)(): name for name in _NUMBERS} | _OTHERS


def write_dataset_files(folder: Path, shards: Sequence[Shard], validation: Sequence[Shard]) -> list[WrittenFile]:
    """Write the descriptions of the datasets of an output.

    Args:
        folder: The output folder.
        shards: The shards for training.
        validation: The shards for validation; empty if there are none.

    Returns:
        A record of each file.

    Example:
        >>> write_dataset_files(folder, shards, [])  # doctest: +SKIP
        [WrittenFile(file='dataset_info.json', …), WrittenFile(file='state.json', …)]
    """
    files = dataset_files(folder, shards, validation)
    for name, content in files.items():
        write_durably(folder / name, content)
    return [recorded(folder, name, lines=content.count(b"\n")) for name, content in files.items()]


def dataset_files(folder: Path, shards: Sequence[Shard], validation: Sequence[Shard]) -> dict[str, bytes]:
    """Return the content of the descriptions of the datasets of an output, by their paths in it.

    Args:
        folder: The output folder, with its shards.
        shards: The shards for training.
        validation: The shards for validation; empty if there are none.
    """
    splits = {split: own for split, own in ((TRAINING, shards), (VALIDATION, validation)) if own}
    if "/" not in shards[0].file:
        return _describe(folder, "", TRAINING, shards)
    files = {"dataset_dict.json": _json({"splits": list(splits)})}
    for split, own in splits.items():
        files.update(_describe(folder, f"{split}/", split, own))
    return files


def _describe(folder: Path, within: str, split: str, shards: Sequence[Shard]) -> dict[str, bytes]:
    with pa.ipc.open_stream(folder / shards[0].file) as stream:
        features = features_of(stream.schema)
    info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
    state: dict[str, Any] = {
        "_data_files": [{"filename": shard.file.removeprefix(within)} for shard in shards],
        # `datasets` names its cached results of `map` after it, so it stands for the content.
        "_fingerprint": hashlib.sha256("".join(shard.sha256 for shard in shards).encode()).hexdigest()[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    return {f"{within}dataset_info.json": _json(info), f"{within}state.json": _json(state)}


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the columns of a dataset in the words of `datasets`.

    Args:
        schema: The columns.

    Raises:
        DataError: A column has a type that is not supported.

    Example:
        >>> features_of(pa.schema({"length": pa.int32()}))
        {'length': {'dtype': 'int32', '_type': 'Value'}}
    """
    return {field.name: _feature(field) for field in schema}


def _feature(field: pa.Field) -> dict[str, Any]:
    inner = field.type.value_type if pa.types.is_list(field.type) else field.type
    if inner not in _VALUES:
        raise DataError(
            f"a folder for `load_from_disk` cannot have the column {field.name} of the type {field.type}; remove it "
            "from `keep_columns`, or use the layout parquet or arrow"
        )
    value = {"dtype": _VALUES[inner], "_type": "Value"}
    # Versions of `datasets` before 4 have only this name for a list, and later ones read it as well.
    return value if inner == field.type else {"feature": value, "_type": "Sequence"}


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
