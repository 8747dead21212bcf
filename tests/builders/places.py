"""Where the tests' own material lies, and the repository around it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Cases as data files, a folder a room.
DATA = ROOT / "tests/data"
#: Real data, which is no part of the project; whoever reads it is skipped where it is missing.
REAL_DATA = Path(os.environ.get("LOGOINGEST_SHARED_DATA") or ROOT.parent / "shared/data").resolve()
