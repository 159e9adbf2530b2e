"""`rows_of_shard`: the rows that axolotl's keys `shards`, `shards_idx` and `preprocess_shards` select, in its order."""

from array import array
from collections.abc import Sequence
from typing import Any, NoReturn

from chatmill._chatmill import DataError
from chatmill.config.model import Config, DatasetConfig
from chatmill.inputs import InputFile, choose_rows, row_counts


def rows_of_shard(
    config: Config, dataset: DatasetConfig, files: list[InputFile]
) -> tuple[list[InputFile], Sequence[int] | None]:
    """Restrict the files of a dataset to its shard.

    axolotl shuffles the rows of the split with the `seed`, and divides them into `shards` consecutive parts. With
    `preprocess_shards` it uses all parts, so only the order changes.

    Args:
        config: The config.
        dataset: The dataset.
        files: The files, restricted to the rows of the split.

    Returns:
        The files, and for each row that is read from them its place in axolotl's order; None if `prepare` shuffles the
        rows anyway, or if there is no such key.

    Raises:
        DataError: The shard has no rows, a file cannot be read, or numpy is missing; the message names the file, the
            line and the key.
    """
    key = "shards" if dataset.shards is not None else "preprocess_shards"
    is_ordered = not config.shuffle_merged_datasets
    if dataset.shards is None and not (is_ordered and _is_preprocessed_in_shards(config, dataset)):
        return files, None
    shards, index = dataset.shards or 1, dataset.shards_idx or 0
    try:
        counts = row_counts(files)
    except DataError as error:
        _reject(config, dataset, key, str(error))
    total = sum(counts)
    if total == 0 and dataset.shards is None:
        return files, None
    size, larger = divmod(total, shards)
    # The first `larger` shards have one row more.
    start = size * index + min(index, larger)
    end = start + size + (index < larger)
    if start == end:
        why = f"part {index} of {shards} has no rows, because there are only {total}; use a smaller number"
        _reject(config, dataset, key, why)
    chosen = _generator(config, dataset, key).permutation(total)[start:end]
    order = chosen.argsort()
    files = choose_rows(files, counts, _numbers(chosen[order]))
    return files, _numbers(order) if is_ordered else None


def check_shards(config: Config, dataset: DatasetConfig) -> None:
    """Check that axolotl has `shards` where a config uses it.

    Args:
        config: The config.
        dataset: The dataset.

    Raises:
        DataError: axolotl ignores the key, or gives it another meaning; the message names the file, the line and the
            key.
    """
    if dataset.shards is None:
        return
    remedy = f"remove `shards`, or use a part of the split, such as `split: train[:{max(1, 100 // dataset.shards)}%]`"
    if config.rl is not None:
        _reject(config, dataset, "shards", f"axolotl 0.19 ignores this key with `rl`, and uses all rows; {remedy}")
    if config.streaming:
        _reject(config, dataset, "shards", f"with `streaming: true` axolotl 0.19 divides files, not rows; {remedy}")
    if _is_pretraining(dataset):
        _reject(config, dataset, "shards", f"axolotl 0.19 ignores this key in `pretraining_dataset`; {remedy}")


def _is_preprocessed_in_shards(config: Config, dataset: DatasetConfig) -> bool:
    return dataset.preprocess_shards is not None and config.rl is None and not _is_pretraining(dataset)


def _is_pretraining(dataset: DatasetConfig) -> bool:
    return dataset.key.startswith("pretraining_dataset")


def _generator(config: Config, dataset: DatasetConfig, key: str) -> Any:
    """Return numpy's generator of random numbers, with which `datasets` and so axolotl shuffle."""
    try:
        from numpy.random import default_rng
    except ImportError:
        _reject(
            config,
            dataset,
            key,
            "axolotl chooses these rows with the random numbers of numpy, which is not installed; run "
            "`pip install numpy`",
        )
    return default_rng(config.seed)


def _numbers(values: Any) -> Sequence[int]:
    """Return an array of numpy as an array of 8-byte integers."""
    return array("q", values.astype("int64").tobytes())


def _reject(config: Config, dataset: DatasetConfig, key: str, why: str) -> NoReturn:
    raise DataError(f"{config.place(f'{dataset.key}.{key}')}: {why}")
