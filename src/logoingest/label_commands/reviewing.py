"""``labels`` commands — suggest, review: what is in doubt, and the round trip that settles it."""

from __future__ import annotations

from typing import Any


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
