"""``history.jsonl`` of a workspace: a line a run, the newest last, bounded."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from logoingest.errors import WorkspaceError
from logoingest.plain_json import shown_as, to_json
from logoingest.workspace import Workspace

logger = logging.getLogger("logoingest")

#: The file, beside the manifest.
HISTORY_FILE = "history.jsonl"
#: Entries kept, the newest: three years of nights.
MAX_ENTRIES = 1000
#: Nothing longer is read: it is none of ours.
_MAX_BYTES = 4_000_000


class RunEntry(NamedTuple):
    """A run, as it ended; of one that was killed, or is still under way, only what was known when it began."""

    started_at: str
    """In UTC (ISO 8601)."""
    what: str
    """The command: run, fetch, retry …"""
    exit_code: int | None = None
    """As the command line gives it; None for a run that never came to its end."""
    seconds: float | None = None
    """How long it took; None as above."""
    stages: Mapping[str, float] = {}
    """The stages that ran, and the seconds of each; those that were fresh are left out."""
    changed: Sequence[str] = ()
    """What these depend on that was another before: source files, the class map, settings."""
    urls: int = 0
    """That the sources list, of those that were fetched."""
    failed: int = 0
    """Of these, those that failed."""
    pictures: int | None = None
    """In the newest release; None where there is none, as for the next two."""
    version: int | None = None
    """Its number; that of the run before where nothing is new."""
    release: str | None = None
    """Its fingerprint."""
    error: str = ""
    """The first line of what it ended with; "" where all was well."""

    @property
    @shown_as("failed_share")
    def failed_share(self) -> float:
        """Of the URLs, those that failed."""
        return self.failed / self.urls if self.urls else 0.0


_ENTRY = TypeAdapter(RunEntry)


def read_history(workspace: Workspace) -> list[RunEntry]:
    """The runs, the oldest first; lines that cannot be understood are left out."""
    size = workspace.size(HISTORY_FILE)
    if size is None or size > _MAX_BYTES:
        return []
    found = []
    for line in workspace.read_bytes(HISTORY_FILE).splitlines():
        try:
            found.append(_ENTRY.validate_python({key: value for key, value in json.loads(line).items() if key in RunEntry._fields}))
        except (ValueError, AttributeError, ValidationError):
            continue
    return found


def keep_entry(workspace: Workspace, entry: RunEntry) -> None:
    """Add an entry, or put it in place of the one of the same beginning; a workspace that cannot be written costs a warning."""
    try:
        kept = [one for one in read_history(workspace) if (one.started_at, one.what) != (entry.started_at, entry.what)]
        lines = [json.dumps(to_json(one), ensure_ascii=False) for one in [*kept, entry][-MAX_ENTRIES:]]
        workspace.write_bytes(HISTORY_FILE, ("\n".join(lines) + "\n").encode())
    except WorkspaceError as error:
        logger.warning("the run is not in the history: %s", error)
