"""The card of a dataset on the Hub (its `README.md`): its configurations, and the files of each split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatmill._chatmill import DataError
from chatmill.text.yaml_text import read_yaml


class NoSplitError(DataError):
    """The card of a dataset has no such split."""


def card_patterns(folder: Path, name: str | None, split: str) -> list[str] | None:
    """Return the patterns of the files of a split, from the card of a dataset.

    Args:
        folder: The folder of the dataset.
        name: The configuration; None for the default one.
        split: The split, such as `train`.

    Returns:
        Patterns relative to the folder, or None if the card lists no files. A pattern that ends in `**/*` means a whole
        folder; there the split of a file is known only by its name.

    Raises:
        NoSplitError: The card has no such split.
        DataError: The card has no such configuration.
    """
    given = _front_matter(folder).get("configs")
    configs = [it for it in given if isinstance(it, Mapping)] if isinstance(given, list) else []
    configs = [it for it in configs if it.get("data_files") or it.get("data_dir")]
    if not configs:
        return None if name in (None, "default") else [f"{name}/**/*"]
    names = [str(it.get("config_name", "default")) for it in configs]
    if name is None:
        chosen = [it for it in configs if it.get("default")] or [it for it in configs if _is_default(it)] or configs
        if len(chosen) > 1:
            raise DataError(f"the dataset has several configurations; set `name` to one of {', '.join(names)}")
    else:
        chosen = [it for it, known in zip(configs, names, strict=True) if known == name]
        if not chosen:
            raise DataError(f"the dataset has no configuration {name!r}; use one of {', '.join(names)}")
    before = chosen[0].get("data_dir")
    if not chosen[0].get("data_files"):
        return [_within(f"{before}/**/*")]
    splits = _splits(chosen[0]["data_files"])
    if split not in splits:
        raise NoSplitError(f"the dataset has no split {split!r}; use one of {', '.join(splits)}")
    return [_within(f"{before}/{path}" if before else path) for path in splits[split]]


def _within(pattern: str) -> str:
    """Check that a pattern stays inside the folder."""
    pattern = pattern.removeprefix("./")
    steps = pattern.split("/")
    if pattern.startswith("/") or ".." in steps:
        raise DataError(
            f"the card of the dataset lists {pattern!r}, which is outside its folder; use `data_files` instead"
        )
    if any("**" in step and step != "**" for step in steps):
        raise DataError(f"the card of the dataset lists {pattern!r}, an unsupported pattern; use `data_files` instead")
    return pattern


def _front_matter(folder: Path) -> Mapping[str, Any]:
    """Return the YAML at the start of the card."""
    card = folder / "README.md"
    if not card.is_file():
        return {}
    text = card.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("---"):
        return {}
    try:
        found = read_yaml(text.split("\n---", 1)[0].removeprefix("---"), name=str(card))
    except DataError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _is_default(config: Mapping[str, Any]) -> bool:
    return bool(config.get("config_name", "default") == "default")


def _splits(given: Any) -> dict[str, list[str]]:
    """Return the patterns of each split; in a card without splits all files belong to `train`."""
    entries = given if isinstance(given, list) else [given]
    found: dict[str, list[str]] = {}
    for entry in entries:
        it = entry if isinstance(entry, Mapping) else {"path": entry}
        paths = it["path"] if isinstance(it.get("path"), list) else [it.get("path")]
        if not all(isinstance(path, str) for path in paths):
            raise DataError(
                f"the card of the dataset lists no files for the split {it.get('split', 'train')!r}; use `data_files` "
                "instead"
            )
        found.setdefault(str(it.get("split", "train")), []).extend(map(str, paths))
    return found
