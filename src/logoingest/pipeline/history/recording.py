"""A run's own record: begun in the history, ended there with what came of it, its figures told to a monitor."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from logoingest.errors import WorkspaceError, find_exit_code, quote_first_line
from logoingest.pipeline.history.entries import RunEntry, keep_entry
from logoingest.pipeline.history.metrics import write_metrics
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages import find_stage, list_stages
from logoingest.release.keeping.versions import list_versions
from logoingest.schemas import Stage
from logoingest.workspace import Manifest, StageRecord

#: A URL in a message: it may be one that is taken down later.
_URL = re.compile(r"\S*://\S*")


@contextlib.contextmanager
def record_run(run: Run, what: str) -> Iterator[None]:
    """Keep what is done to an open run as an entry of ``history.jsonl``, and tell ``[metrics]`` of it; however it ends.

    A run that is killed outright leaves an entry without an end. Whoever cannot write either file is warned, and goes on.

    Args:
        run: a run that holds the workspace.
        what: the command's word.
    """
    before, started = run.workspace.read_manifest(), time.perf_counter()
    entry = RunEntry(datetime.now(UTC).isoformat(timespec="milliseconds"), what)
    keep_entry(run.workspace, entry)
    try:
        yield
    except BaseException as error:
        _end(run, entry, before, time.perf_counter() - started, error)
        raise
    _end(run, entry, before, time.perf_counter() - started, None)


def _end(run: Run, entry: RunEntry, before: Manifest, seconds: float, error: BaseException | None) -> None:
    after = run.workspace.read_manifest()
    ran = {name: record for name, record in after.stages.items() if _has_run(record, before.stages.get(name))}
    fetched = after.stages[Stage.FETCH].counts if Stage.FETCH in after.stages else {}
    entry = entry._replace(
        exit_code=0 if error is None else find_exit_code(error),
        seconds=round(seconds, 3),
        stages={str(spec.name): ran[spec.name].elapsed_s for spec in list_stages() if spec.name in ran},
        changed=_list_changed(before, ran),
        urls=fetched.get("urls", 0),
        failed=fetched.get("failed", 0),
        error="" if error is None else _URL.sub("(URL)", quote_first_line(error)),
    )
    with contextlib.suppress(WorkspaceError):  # a damaged list of versions is told by those that need it
        for version in list_versions(run.workspace)[-1:]:
            entry = entry._replace(pictures=sum(version.splits.values()), version=version.version, release=version.fingerprint)
    keep_entry(run.workspace, entry)
    write_metrics(run, entry)


def _has_run(record: StageRecord, before: StageRecord | None) -> bool:
    return before is None or (record.finished_at, record.elapsed_s) != (before.finished_at, before.elapsed_s)


def _list_changed(before: Manifest, ran: Mapping[str, StageRecord]) -> Sequence[str]:
    """What the stages that ran again depend on, that no stage made, and that was another when they ran before."""
    changed: dict[str, None] = {}
    for name, record in ran.items():
        was = before.stages[name].inputs if name in before.stages else {}
        for key in sorted(was.keys() | record.inputs.keys()) if was else ():
            if was.get(key) != record.inputs.get(key) and key not in find_stage(name).reads:
                changed[f"settings of {name}" if key == "config" else key] = None
    return list(changed)
