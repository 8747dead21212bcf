"""What the release commands answer on ``--json``, where it is not what the library gives as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class PulledRelease(NamedTuple):
    """The release that was brought."""

    folder: str
    fingerprint: str
    splits: Mapping[str, int]
    """Split → pictures."""
