"""The commands under ``logoingest labels``: parse, call, print, exit code."""

from __future__ import annotations

from typing import Any

from logoingest.cli.labels import growing, map_tools, reviewing


def add_label_commands(commands: Any) -> None:
    """Add every command of the group to its subparsers."""
    map_tools.add_commands(commands)
    growing.add_commands(commands)
    reviewing.add_commands(commands)
