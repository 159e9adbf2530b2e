"""Labels: the selection of the trained tokens."""

from chatmill.labels.labels import Labels
from chatmill.labels.mask import MASKED
from chatmill.labels.presets import KINDS
from chatmill.options.choices import RegionKind

__all__ = ["KINDS", "MASKED", "Labels", "RegionKind"]
