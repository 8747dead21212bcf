"""The run: how the stages stand, how far a fetch is, who works; starting one, stopping one's own, trying again. Reading holds no lease."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow.compute as pc

from logoingest.errors import UsageError
from logoingest.pipeline.questions.planning import StageStatus, describe_stages
from logoingest.pipeline.session import Run
from logoingest.schemas import Outcome
from logoingest.web.indexes.pictures import Stamp, stamp_tables
from logoingest.workspace import Workspace
from logoingest.workspace.lease import find_writer

_LINES = 200
_MOST_NAMED = 12
_PATIENCE_S = 10.0


class ShownProgress(NamedTuple):
    """How far the fetch is, by the shards that are there."""

    shards: int
    shards_planned: int
    urls: int
    urls_planned: int
    fetched: int
    megabytes: float
    urls_per_s: float | None
    """Since the page looked before; None where nothing came."""
    left_s: float | None
    reasons: Mapping[str, int]
    """Why URLs failed, the most frequent first."""
    hosts: Mapping[str, int]
    """Where URLs failed."""


class RunState(NamedTuple):
    """How a workspace stands."""

    writer: str | None
    """Who works in it."""
    is_own: bool
    """A run that was started here, and can be stopped here."""
    fetch: ShownProgress
    disk_free_gb: float | None
    lines: Sequence[str]
    """What the run that was started here says."""
    exit_code: int | None
    """Of the last one that was started here; 128 and the signal's number where one ended it, as shells tell it."""


class _ShardCounts(NamedTuple):
    urls: int
    fetched: int
    byte_count: int
    reasons: Mapping[str, int]
    hosts: Mapping[str, int]


class _Planned(NamedTuple):
    urls: int
    shards: int


class Runs:
    """The runs of a dataset."""

    def __init__(self, run: Run, command: Sequence[str]) -> None:
        """``command`` are the config and its overrides, as the command line takes them."""
        self._run, self._command = run, tuple(command)
        self._lock = threading.Lock()
        self._shards: dict[tuple[str, int | None], _ShardCounts] = {}
        self._planned: tuple[Stamp, _Planned | None] | None = None
        self._seen: tuple[float, int] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._lines: deque[str] = deque(maxlen=_LINES)

    def describe_stages(self) -> Sequence[StageStatus]:
        """The stages and their state, as ``logoingest status`` tells them."""
        return describe_stages(Run(self._run.config))

    def read_state(self) -> RunState:
        """Everything that moves while a run works."""
        workspace = self._run.workspace
        free = (
            shutil.disk_usage(workspace.root).free / 1e9
            if workspace.is_local and workspace.filesystem.exists(workspace.root)
            else None
        )
        with self._lock:
            process = self._process
            fetch = self._measure_fetch(workspace)
        is_own = process is not None and process.poll() is None
        ended = None if process is None else _tell_exit(process)
        return RunState(find_writer(workspace), is_own, fetch, free, list(self._lines), ended)

    def _measure_fetch(self, workspace: Workspace) -> ShownProgress:
        names = workspace.shard_names()
        counts = [self._count_shard(workspace, name) for name in names]
        planned = self._count_planned(workspace)
        urls, now = sum(one.urls for one in counts), time.monotonic()
        in_all = planned.urls if planned is not None else urls
        rate = None
        if self._seen is not None and urls > self._seen[1]:
            rate = (urls - self._seen[1]) / max(now - self._seen[0], 0.1)
        if self._seen is None or urls != self._seen[1]:
            self._seen = (now, urls)
        left = (in_all - urls) / rate if rate else None
        reasons, hosts = Counter[str](), Counter[str]()
        for one in counts:
            reasons.update(one.reasons)
            hosts.update(one.hosts)
        return ShownProgress(
            len(names),
            planned.shards if planned is not None else len(names),
            urls,
            in_all,
            sum(one.fetched for one in counts),
            sum(one.byte_count for one in counts) / 1e6,
            rate,
            left,
            dict(reasons.most_common(_MOST_NAMED)),
            dict(hosts.most_common(_MOST_NAMED)),
        )

    def _count_planned(self, workspace: Workspace) -> _Planned | None:
        """What is to be fetched, counted once, until the plan changes; None where there is none."""
        stamp = stamp_tables(workspace, ("shards",))
        if self._planned is None or self._planned[0] != stamp:
            shards = workspace.read_table("shards", ["shard"]).column("shard") if workspace.has_table("shards") else None
            self._planned = stamp, None if shards is None else _Planned(len(shards), len(pc.unique(shards)))
        return self._planned[1]

    def _count_shard(self, workspace: Workspace, name: str) -> _ShardCounts:
        """A shard's figures, read once."""
        key = (name, workspace.size(f"downloads/{name}"))
        if key not in self._shards:
            table = workspace.read_shard(name, ["url", "outcome", "reason", "byte_count"])
            failed = table.filter(pc.not_equal(table.column("outcome"), Outcome.OK.value))
            hosts = Counter(_read_host(url) for url in failed.column("url").to_pylist())
            reasons = Counter(reason or "unknown" for reason in failed.column("reason").to_pylist())
            byte_count = pc.sum(table.column("byte_count")).as_py() or 0
            self._shards[key] = _ShardCounts(table.num_rows, table.num_rows - failed.num_rows, byte_count, reasons, hosts)
        return self._shards[key]

    def stamp_stages(self) -> str:
        """What changes when a stage has ended."""
        return "-".join(str(record.finished_at) for record in self._run.workspace.read_manifest().stages.values())

    def start(self, words: Sequence[str]) -> str:
        """Start ``logoingest run`` or ``retry`` as a process of its own.

        Raises:
            UsageError: somebody works in the workspace.
        """
        with self._lock:
            writer = find_writer(self._run.workspace)
            if writer is not None or (self._process is not None and self._process.poll() is None):
                raise UsageError(f"the workspace is in use by {writer or 'the run that was started here'}")
            self._lines.clear()
            command = [sys.executable, "-m", "logoingest", words[0], *self._command, *words[1:]]
            self._process = _start_process(command)
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return "started"

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._lines.append(line.rstrip("\n"))

    def stop(self) -> str:
        """Ask the run that was started here to end, as Ctrl-C does; what is done is kept.

        Raises:
            UsageError: none was.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                raise UsageError("no run was started here; one that a terminal began is stopped there")
            self._process.send_signal(SIGINT)
        return "it ends after what it is at; what is done is kept"


def _start_process(command: Sequence[str]) -> subprocess.Popen[str]:
    """A process that hears SIGINT from where it can end in order (``logoingest.__main__``)."""
    held = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603  our own command line; no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip
    finally:
        pthread_sigmask(SIG_SETMASK, held)


def _tell_exit(process: subprocess.Popen[str]) -> int | None:
    code = process.poll()
    return code if code is None or code >= 0 else 128 - code


def _read_host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"
