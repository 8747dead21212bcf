"""How many examples a law is tried with."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

#: EXPLORE=1 draws new examples, and so many times more of them.
EXPLORING = 10


def examples(count: int, **others: Any) -> settings:
    """So many examples, without a deadline: as many as take about a second where each is slow."""
    return settings(max_examples=count * EXPLORING if os.environ.get("EXPLORE") else count, deadline=None, **others)
