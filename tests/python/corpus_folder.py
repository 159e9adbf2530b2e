"""Where the big corpus is: `CHATMILL_CORPUS`, or the folder `shared` beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CHATMILL_CORPUS", ROOT.parent / "shared"))
