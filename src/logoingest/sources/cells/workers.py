"""Who answered, as tables may name them: never by a mail address."""

from __future__ import annotations

import hashlib
import re
from typing import Any

#: Columns that hold the worker's id and the answer's, as MTurk, Label Studio and crowd-kit call them (folded).
WORKER_COLUMNS = ("workerid", "worker", "performer", "annotator", "annotatorid")
ID_COLUMNS = ("assignmentid", "annotationid")
#: What forms write where nobody is named: many people, not one.
_NOBODY = frozenset({"anonymous", "anonym", "anonyme", "anonymus", "anon", "anónimo", "anonimo", "anonymous user", "not-logged-in"})
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def name_worker(value: Any) -> str | None:
    """A worker's id as text; a mail address becomes a pseudonym, the same wherever it stands; null when there is none, or "anonymous"."""
    text = value if isinstance(value, str) else ""
    if text.strip().lower() in _NOBODY:
        return None
    if "@" not in text or not _ADDRESS.fullmatch(text := text.strip()):
        return text or None
    return f"worker-{hashlib.sha256(text.lower().encode('utf-8', 'replace')).hexdigest()[:16]}"
