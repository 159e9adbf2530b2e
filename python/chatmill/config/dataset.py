"""Reading the entries of `datasets`."""

from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.document import Value
from chatmill.config.model import DatasetConfig
from chatmill.config.table import Found


def read_datasets(value: Value) -> tuple[DatasetConfig, ...]:
    """Read a list of datasets.

    Args:
        value: The list.

    Raises:
        DataError: It is no list of datasets, or a dataset is not right.
    """
    if value.tag != "seq":
        raise value.mismatch("a list of datasets, each with a `path`")
    datasets = tuple(_dataset(item) for item in value.items())
    if not datasets:
        raise value.error("the list is empty: give a dataset with a `path`, or remove the key")
    return datasets


def jinja_as_said(found: Found) -> str | None:
    """The template that a config or a dataset names; source alone means `jinja`.

    Args:
        found: What the config or dataset holds.

    Raises:
        DataError: There is to be source, and there is none.
    """
    name, source = found.served.get("chat_template"), found.served.get("chat_template_jinja")
    if name == "jinja" and source is None:
        raise found.values["chat_template"].error("jinja needs the template itself: give `chat_template_jinja`")
    return "jinja" if name is None and source is not None else name


def _dataset(item: Value) -> DatasetConfig:
    if item.tag != "map":
        raise item.mismatch("a dataset, such as {path: rows.jsonl, type: chat_template}")
    found = DATASET_TABLE.read(item)
    if "path" not in found.served:
        raise item.error("the dataset has no `path`: give a file, a folder or the id of a dataset on the Hub")
    _check_shards(found)
    _check_message_fields(found)
    served = {**found.served, "chat_template": jinja_as_said(found)}
    return DatasetConfig(key=item.key, line=item.line, passed_over=found.passed_over, **served)


def _check_shards(found: Found) -> None:
    shards, index = found.served.get("shards"), found.served.get("shards_idx")
    if index is not None and shards is None:
        raise found.values["shards_idx"].error("give `shards` as well: of how many parts this is one")
    if index is not None and index >= shards:
        raise found.values["shards_idx"].error(f"there is no part {index} of {shards}: they are counted from 0")
    if shards is not None and "preprocess_shards" in found.served:
        raise found.values["preprocess_shards"].error("axolotl takes it or `shards`, not both: remove one")


def _check_message_fields(found: Found) -> None:
    """The older names of fields, where they say something else than the newer one."""
    mappings = found.served.get("message_property_mappings", {})
    for name in ("role", "content"):
        older = found.served.get(f"message_field_{name}")
        newer = mappings.get(name, older)
        if older is not None and newer != older:
            value = found.values[f"message_field_{name}"]
            raise value.error(f"it says {older}, and message_property_mappings.{name} says {newer}: remove one")
