"""``labels`` commands — new, enrich: a class map from pairs, and aliases for it from packs."""

from __future__ import annotations

from typing import Any


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
