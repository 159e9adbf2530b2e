"""`read_datasets`: reads and checks the entries of `datasets`."""

from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.document import Value
from chatmill.config.model import DatasetConfig
from chatmill.config.table import MappingValues


def read_datasets(value: Value) -> tuple[DatasetConfig, ...]:
    """Read a list of datasets.

    Args:
        value: The list.

    Raises:
        DataError: The value is not a list of datasets, or a dataset is not valid.
    """
    if value.tag != "seq":
        raise value.mismatch("a list of datasets, each with a `path`")
    datasets = tuple(_dataset(item) for item in value.items())
    if not datasets:
        raise value.error("the list is empty; add a dataset with a `path`, or remove the key")
    return datasets


def template_name(found: MappingValues) -> str | None:
    """Return the template name of a config or a dataset; a source without a name means `jinja`.

    Args:
        found: The content of the config or the dataset.

    Raises:
        DataError: The name is `jinja`, but there is no source.
    """
    name, source = found.supported.get("chat_template"), found.supported.get("chat_template_jinja")
    if name == "jinja" and source is None:
        raise found.values["chat_template"].error("`jinja` needs a template source; add `chat_template_jinja`")
    return "jinja" if name is None and source is not None else name


def _dataset(item: Value) -> DatasetConfig:
    if item.tag != "map":
        raise item.mismatch("a dataset, such as {path: rows.jsonl, type: chat_template}")
    found = DATASET_TABLE.read(item)
    if "path" not in found.supported:
        raise item.error("the dataset has no `path`; give a file, a folder or the id of a dataset on the Hub")
    _check_shards(found)
    _check_message_fields(found)
    values = {**found.supported, "chat_template": template_name(found)}
    return DatasetConfig(key=item.key, line=item.line, ignored=found.ignored, **values)


def _check_shards(found: MappingValues) -> None:
    shards, index = found.supported.get("shards"), found.supported.get("shards_idx")
    if index is not None and shards is None:
        raise found.values["shards_idx"].error("`shards` is missing; add the number of parts")
    if index is not None and shards is not None and index >= shards:
        raise found.values["shards_idx"].error(
            f"there is no part {index} of {shards} parts, which are counted from 0; use at most {shards - 1}"
        )
    if shards is not None and "preprocess_shards" in found.supported:
        raise found.values["preprocess_shards"].error(
            "axolotl does not support this key together with `shards`; remove one of them"
        )


def _check_message_fields(found: MappingValues) -> None:
    """Check that the older and the newer key for a field of messages have the same value."""
    mappings = found.supported.get("message_property_mappings", {})
    for name in ("role", "content"):
        older = found.supported.get(f"message_field_{name}")
        newer = mappings.get(name, older)
        if older is not None and newer != older:
            value = found.values[f"message_field_{name}"]
            raise value.error(
                f"the value is {older!r}, but `message_property_mappings.{name}` is {newer!r}; remove one of them"
            )
