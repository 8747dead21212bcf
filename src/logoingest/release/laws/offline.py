"""No request while other libraries read: a stranger's folder is looked at, nobody is called."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

#: Where the libraries keep what decides whether they ask their hub, count downloads or report their use.
_SWITCHES: tuple[tuple[str, str, bool], ...] = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE", True),
    ("huggingface_hub.constants", "HF_HUB_DISABLE_TELEMETRY", True),
    ("datasets.config", "HF_HUB_OFFLINE", True),
    ("datasets.config", "HF_DATASETS_OFFLINE", True),
    ("datasets.config", "HF_UPDATE_DOWNLOAD_COUNTS", False),
)


@contextlib.contextmanager
def stay_offline() -> Iterator[None]:
    """``datasets`` and ``huggingface_hub`` ask nobody inside the block, whatever the environment says; then they are as they were."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for module_name, name, value in _SWITCHES:
            module = importlib.import_module(module_name)
            if hasattr(module, name):
                before.append((module, name, getattr(module, name)))
                setattr(module, name, value)
        yield
    finally:
        for module, name, value in reversed(before):
            setattr(module, name, value)
