"""``labels`` commands — lint, explain, apply, calibrate: what a class map is and does."""

from __future__ import annotations

from typing import Any


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
