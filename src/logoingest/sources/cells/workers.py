"""Who answered, as tables may name them: never by a mail address."""

from __future__ import annotations

import hashlib
import re
from typing import Any

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def name_worker(value: Any) -> str | None:
    """A worker's id as text; a mail address becomes a pseudonym, the same wherever it stands; null when there is none."""
    text = value.strip() if isinstance(value, str) else ""
    if not _ADDRESS.fullmatch(text):
        return text or None
    return f"worker-{hashlib.sha256(text.lower().encode('utf-8', 'replace')).hexdigest()[:16]}"
