"""A broken law, as a value."""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """Which law is broken, where (a file, a row), and how, in one line for people."""

    law: str
    where: str
    what: str
