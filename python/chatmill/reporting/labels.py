"""`labels_text`: the labels of an output, as reports and audits name them."""

import json
from typing import Any


def labels_text(spec: Any) -> str:
    """Return labels in the form of a manifest as a short text.

    Args:
        spec: The name of a preset, or the fields that differ from the default.

    Example:
        >>> labels_text("assistant"), labels_text({"turns": "last"})
        ('assistant', '{"turns": "last"}')
    """
    return spec if isinstance(spec, str) else json.dumps(spec, ensure_ascii=False)
