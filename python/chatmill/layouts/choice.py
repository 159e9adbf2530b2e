"""`layout_named`: the layout of a name."""

from chatmill._chatmill import DataError
from chatmill.layouts.arrow import ArrowLayout
from chatmill.layouts.datatrove import DatatroveLayout
from chatmill.layouts.hf import HfLayout
from chatmill.layouts.layout import FileLayout
from chatmill.layouts.mds import MdsLayout
from chatmill.layouts.megatron import MegatronLayout
from chatmill.layouts.nemo import NemoLayout
from chatmill.layouts.olmo import OlmoLayout
from chatmill.layouts.parquet import ParquetLayout
from chatmill.text.nearest import suggestion

_ALL: tuple[FileLayout, ...] = (
    *(ParquetLayout(), ArrowLayout(), HfLayout(), MegatronLayout()),
    *(NemoLayout(), MdsLayout(), DatatroveLayout(), OlmoLayout()),
)
_LAYOUTS: dict[str, FileLayout] = {it.name: it for it in _ALL}


def layout_named(name: str) -> FileLayout:
    """Return a layout.

    Args:
        name: Its name.

    Raises:
        DataError: There is no such layout.

    Example:
        >>> layout_named("hf").name
        'hf'
    """
    if name not in _LAYOUTS:
        hint = suggestion(str(name), _LAYOUTS, otherwise=f"use one of {', '.join(_LAYOUTS)}")
        raise DataError(f"`to` is {name!r}; {hint}")
    return _LAYOUTS[name]
