"""Figures as JSON wants them: a few digits, and nothing that is not finite. No torch here."""

from __future__ import annotations

import math
from typing import Any


def round_figure(value: float) -> float | None:
    """Six digits behind the point; None where it is not finite."""
    return round(value, 6) if math.isfinite(value) else None


def round_figures(value: Any) -> Any:
    """As JSON wants it, which knows no NaN: what is not finite becomes null; floats keep six digits."""
    if isinstance(value, dict):
        return {key: round_figures(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [round_figures(item) for item in value]
    return round_figure(value) if isinstance(value, float) else value
