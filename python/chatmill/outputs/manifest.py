"""`_manifest.json`: the inputs, options and versions of an output, to identify, check and remake it."""

import hashlib
import json
import platform
import re
from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from chatmill._chatmill import ChatTemplate, Mill, Tokenizer, __version__
from chatmill.inputs import InputFile
from chatmill.outputs.checksums import WrittenFile
from chatmill.outputs.durable import write_durably
from chatmill.outputs.shards import Shard
from chatmill.text.parsing import parse_json

# Readers of folders (pyarrow, pandas, polars, Spark) skip names that begin with `_`, so an output opens as a whole.
MANIFEST = "_manifest.json"
#: Its name in outputs of earlier versions, which are still read and replaced.
EARLIER_MANIFEST = "manifest.json"
#: The version of the manifest's form.
FORMAT = 1
#: The last key: the SHA-256 of the manifest without this key, as `manifest_bytes` writes it.
SEAL = "sha256"

#: The folder of a tokenizer in an output. pyarrow, Spark and others skip names that begin with `_`.
TOKENIZER_FOLDER = "_tokenizer"

_KEYS = {"chatmill", "inputs", "options", "shards", "template", "tokenizer"}
# A manifest may come from anywhere, so it may only list names that chatmill gives, within its folder.
_OWN_NAME = re.compile(
    r"((train|validation)/)?((part|train|validation)-[0-9]{5,}\.(parquet|arrow)|dataset_info\.json|state\.json)|dataset_dict\.json"
    r"|_?rejects\.jsonl|_samples\.jsonl|_packs(_validation)?\.parquet"
    # The layouts megatron, mds, datatrove and olmo.
    r"|((train|validation)/)?((train|validation)_(text|loss_mask|weights)_document\.(bin|idx)"
    r"|shard\.[0-9]{5,}\.mds|index\.json|(train|validation)-[0-9]{5,}\.ds(\.(index|loss|metadata))?"
    r"|token_ids_part_[0-9]{4,}\.(npy|csv\.gz)|labels_mask_part_[0-9]{4,}\.npy)"
)
_TOKENIZER_NAME = re.compile(rf"{TOKENIZER_FOLDER}/[a-z_]+\.(json|jinja)")


def build_manifest(
    *,
    mills: Sequence[tuple[Mill, int]],
    files: Sequence[InputFile],
    rows_by_file: Sequence[int],
    options: Mapping[str, Any],
    arrangement: Mapping[str, Any] | None,
    counts: Mapping[str, Any],
    warnings: Sequence[Mapping[str, Any]],
    shards: Sequence[Shard],
    validation_shards: Sequence[Shard],
    rejects: WrittenFile | None,
    dataset_files: Sequence[WrittenFile] = (),
    tokenizer_files: Sequence[WrittenFile] = (),
    sample_files: Sequence[WrittenFile] = (),
    statistics: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a finished run.

    Args:
        mills: The mill of each part of the run, with the number of files of the part.
        files: The files of all parts.
        rows_by_file: The number of rows of each file, in the same order.
        options: The options of the run, besides the options of the mill.
        arrangement: How the rows of the parts were merged; None if they were written in their input order.
        counts: Rows, tokens and rejects.
        warnings: The warnings of the run.
        shards: The shards for training.
        validation_shards: The shards for validation.
        rejects: The file of the rejected rows; None if there are none.
        dataset_files: The files by which `datasets` opens the shards.
        tokenizer_files: The files of the tokenizer, if the run added tokens to it.
        sample_files: The file of the rows that a report shows.
        statistics: The statistics of rows and samples, which a report shows.

    Returns:
        A value that JSON can hold.
    """
    (mill, _), *others = mills
    manifest = {
        "format": FORMAT,
        "chatmill": __version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "inputs": [
            {"path": file.path, "size": file.size, "rows": rows, **file.about}
            for file, rows in zip(files, rows_by_file, strict=True)
        ],
        "template": _template(mill.template),
        "tokenizer": _tokenizer(mill.tokenizer),
        "options": {**_options(mill), **options},
        "versions": {
            "python": platform.python_version(),
            "pyarrow": pa.__version__,
            "platform": platform.platform(),
        },
        "counts": dict(counts),
        "warnings": [dict(warning) for warning in warnings],
        "shards": [shard.record() for shard in shards],
        "rejects": None if rejects is None else rejects.record(),
    }
    if others:
        manifest["parts"] = [
            {"files": count, "template": _template(mill.template), "options": _options(mill)} for mill, count in mills
        ]
    if dataset_files:
        manifest["dataset_files"] = [file.record() for file in dataset_files]
    if tokenizer_files:
        manifest["tokenizer_files"] = [file.record() for file in tokenizer_files]
    if sample_files:
        manifest["sample_files"] = [file.record() for file in sample_files]
    if arrangement is not None:
        manifest["arrangement"] = dict(arrangement)
        manifest["validation_shards"] = [shard.record() for shard in validation_shards]
    if statistics is not None:
        manifest["statistics"] = dict(statistics)
    return manifest


def _options(mill: Mill) -> dict[str, Any]:
    options = {**mill.options, "format": None if mill.format is None else mill.format.core}
    now = options["now"]
    return {**options, "now": None if now is None else now.isoformat()}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write `_manifest.json` into a folder with its own checksum, completely or not at all.

    Args:
        folder: The output folder.
        manifest: The manifest from `build_manifest`.
    """
    write_durably(folder / MANIFEST, manifest_bytes({**_unsealed(manifest), SEAL: seal_of(manifest)}))


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    r"""Return the bytes of a manifest: UTF-8, indented by two, keys in their order, a line feed at the end.

    Args:
        manifest: A value that JSON can hold.

    Example:
        >>> manifest_bytes({"format": 1})
        b'{\n  "format": 1\n}\n'
    """
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    # A file name need not be UTF-8. Python reads its other bytes as lone surrogates, which JSON writes as `\udcff`.
    return (text + "\n").encode("utf-8", "backslashreplace")


def seal_of(manifest: Mapping[str, Any]) -> str:
    """Return the checksum that a manifest has of itself: the SHA-256 of its bytes without the key `sha256`.

    Args:
        manifest: A manifest, with or without this key.

    Example:
        >>> seal_of({"format": 1}) == seal_of({"format": 1, "sha256": "0"})
        True
    """
    return hashlib.sha256(manifest_bytes(_unsealed(manifest))).hexdigest()


def _unsealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key != SEAL}


def manifest_name(names: Container[str]) -> str:
    """Return the name of the manifest in an output, which earlier versions gave another name.

    Args:
        names: The names of the files in the output.

    Example:
        >>> manifest_name(["_manifest.json"]), manifest_name(["manifest.json"]), manifest_name([])
        ('_manifest.json', 'manifest.json', '_manifest.json')
    """
    return EARLIER_MANIFEST if EARLIER_MANIFEST in names and MANIFEST not in names else MANIFEST


def is_manifest(value: Any) -> bool:
    """Return whether a JSON value is a manifest of chatmill.

    Args:
        value: The content of a `_manifest.json`.

    Example:
        >>> is_manifest({"name": "my extension"})
        False
    """
    return isinstance(value, dict) and value.keys() >= _KEYS


def is_own_name(name: str) -> bool:
    """Return whether a name is one that chatmill gives to a file of an output, within its folder.

    Args:
        name: The name.

    Example:
        >>> is_own_name("train/train-00000.parquet"), is_own_name("../train-00000.parquet")
        (True, False)
    """
    return bool(_OWN_NAME.fullmatch(name) or _TOKENIZER_NAME.fullmatch(name))


def recorded_files(content: bytes) -> list[WrittenFile] | None:
    """Return the files of an output, besides the manifest, as the manifest records them.

    Args:
        content: The content of a `_manifest.json`.

    Returns:
        The files; None if it is not a manifest of chatmill, or an old one without checksums.

    Raises:
        ValueError: It is not JSON.
    """
    manifest = parse_json(content)
    if not is_manifest(manifest):
        return None
    try:
        optional = ("validation_shards", "dataset_files", "tokenizer_files", "packs", "layout_files", "sample_files")
        records = [*manifest["shards"], *(file for name in optional for file in manifest.get(name, ()))]
        records += [] if manifest["rejects"] is None else [manifest["rejects"]]
        files = [WrittenFile(it["file"], it["rows"], it["bytes"], it["sha256"]) for it in records]
        is_valid = all(is_own_name(it.file) for it in files)
    except (KeyError, TypeError):
        return None
    return files if is_valid else None


def _template(template: ChatTemplate) -> dict[str, Any]:
    return {
        "name": template.name,
        "fingerprint": template.fingerprint,
        "special_tokens": template.special_tokens,
        "source": template.source,
    }


def _tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    engine = tokenizer.engine
    return {
        "name": tokenizer.name,
        "fingerprint": tokenizer.fingerprint,
        "vocabulary_size": tokenizer.vocabulary_size,
        "rules": tokenizer.rules,
        "engine": {"name": engine.name, "version": engine.version, "reason": engine.reason},
    }
