"""A package's public names, loaded from its modules when they are first used (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence


def load_lazily(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """The package's ``__getattr__``.

    Args:
        package: its ``__name__``.
        homes: module of the package → the names that stand in it.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def load_name(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{home_of[name]}"), name)

    return load_name
