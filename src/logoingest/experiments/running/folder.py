"""The folder of a sweep: its trials, a folder a try, and a journal of what happened. All that a sweep knows lies here.

    trials/00003/1/   the first try at trial 3: order.json, epochs.jsonl, log.txt, pictures.parquet and, once it has ended, result.json
    decoded/          pictures that the trials share
    journal.jsonl     asked, started, ended, died, parallel: one line each

A result appears whole or not at all, so a sweep whose coordinator was killed goes on from what is there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from logoingest.experiments.trials.orders import EPOCHS_FILE, LOG_FILE, TrialOrder, TrialResult

JOURNAL_FILE = "journal.jsonl"
_MOST_LINE_CHARS = 300


class SweepFolder:
    """A sweep's folder; made when something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def cache_dir(self) -> Path:
        """Where decoded pictures are shared."""
        return self.path / "decoded"

    def note(self, event: str, **facts: Any) -> None:
        """Add a line to the journal."""
        self.path.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"at": round(time.time(), 2), "event": event, **facts}, ensure_ascii=False)
        with (self.path / JOURNAL_FILE).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def list_tries(self, number: int) -> list[Path]:
        """The folders of all tries at a trial, in their order."""
        folder = self.path / "trials" / f"{number:05}"
        tries = [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
        return sorted(tries, key=lambda path: int(path.name))

    def start_try(self, order: TrialOrder) -> Path:
        """A new folder with the order in it: a process of an earlier try that is still alive writes elsewhere."""
        tries = self.list_tries(order.number)
        following = int(tries[-1].name) + 1 if tries else 1
        folder = self.path / "trials" / f"{order.number:05}" / str(following)
        folder.mkdir(parents=True)
        order.write(folder)
        return folder

    def find_ended(self, number: int) -> tuple[Path, TrialResult] | None:
        """The try that counts, and its result; None while a trial has not ended, or ended for want of memory beside others."""
        for folder in self.list_tries(number):
            result = TrialResult.read(folder)
            if result is not None and not result.by_memory:
                return folder, result
        return None

    def read_result(self, number: int) -> TrialResult | None:
        """The result of a trial; None while it has not ended."""
        ended = self.find_ended(number)
        return None if ended is None else ended[1]


def read_epochs(folder: Path) -> list[dict[str, Any]]:
    """What a try has told so far, a line an epoch; a line that is being written is left out."""
    try:
        lines = (folder / EPOCHS_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found


def read_last_words(folder: Path) -> str:
    """The last line of a try's log: of a traceback, the error."""
    try:
        text = (folder / LOG_FILE).read_bytes()[-4096:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_MOST_LINE_CHARS] if lines else ""
