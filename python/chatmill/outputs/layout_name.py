"""`layout_name`: the layout of the files of an output, as its manifest tells it."""

from collections.abc import Mapping
from typing import Any

from chatmill.options.choices import LayoutName, choices


def layout_name(manifest: Mapping[str, Any]) -> LayoutName | None:
    """Return the layout of an output.

    Args:
        manifest: Its manifest.

    Returns:
        The name; None if the manifest names a layout that this version does not know.

    Example:
        >>> layout_name({"layout": {"name": "mds"}}), layout_name({"options": {"trainer": {"name": "nemo"}}})
        ('mds', 'nemo')
    """
    recorded = manifest.get("layout")
    if recorded is not None:
        name: Any = recorded.get("name") if isinstance(recorded, dict) else None
        return next((known for known in choices(LayoutName) if known == name), None)
    trainer = manifest["options"].get("trainer") or {}
    if trainer.get("name") == "nemo":
        return "nemo"
    return "hf" if trainer.get("files") == "arrow" else "parquet"
