"""`hub_input`: the rows of a data set of the Hub, read as a stream by the `datasets` library."""

from typing import Any

from chatmill._chatmill import DataError
from chatmill.inputs.file import InputFile
from chatmill.inputs.memory_rows import memory_input


def hub_input(name: str) -> InputFile:
    """Make an input of a data set of the Hub.

    Args:
        name: Its id, `org/name` or `org/name:split`; without a split, it is `train`.

    Raises:
        DataError: `datasets` is not installed, or cannot load it.
    """
    hub_id, _, split = name.partition(":")
    problem = f"there is no file {name}, and as a data set of the Hub it cannot be read"
    try:
        from datasets import load_dataset
    except ImportError:
        raise DataError(
            f"{problem} without the package `datasets`; check the path, install it (`pip install datasets`), or give "
            f"the files of the data set: hf://datasets/{hub_id}/**/*.parquet (`pip install 'chatmill[hub]'`)"
        ) from None
    try:
        data: Any = load_dataset(hub_id, split=split or "train", streaming=True)
    except Exception as error:  # noqa: BLE001  # the library and the network have many errors
        raise DataError(
            f"{problem} ({type(error).__name__}: {error}); check the path, or the id and its split"
        ) from None
    found = memory_input(data)
    about = {**found.about, "hub": hub_id, "split": split or "train"}
    return InputFile(name, 0, "memory", None, None, None, name, source=found.source, about=about)
