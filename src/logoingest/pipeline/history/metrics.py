"""The last run's figures as a file for Prometheus's textfile collector, in the text exposition format 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/: base units, the unit last in
the name, gauges only (a run begins and ends), no timestamps beside the samples, which the collector refuses.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from logoingest.errors import WorkspaceError
from logoingest.files.whole import replace_file
from logoingest.pipeline.history.entries import RunEntry, read_history
from logoingest.pipeline.ledger import collect_ledger
from logoingest.pipeline.session import Run
from logoingest.release.keeping.versions import list_versions
from logoingest.schemas import Outcome

logger = logging.getLogger("logoingest")

#: Labels beside the dataset's → value.
Samples: TypeAlias = "Sequence[tuple[Mapping[str, str], float]]"


class Gauge(NamedTuple):
    """A metric with its samples."""

    name: str
    """With its unit, without ``logoingest_``."""
    help: str
    samples: Samples


def write_metrics(run: Run, entry: RunEntry) -> None:
    """Write ``<metrics.folder>/logoingest_<dataset>.prom``, whole or not at all; a folder that cannot be written costs a warning."""
    folder = run.config.metrics.folder
    if not folder:
        return
    name = run.config.dataset.name
    file = run.config.resolve(folder) / f"logoingest_{name}.prom"
    try:
        text = render_metrics(name, collect_gauges(run, entry))
        with replace_file(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except (OSError, WorkspaceError) as error:
        logger.warning("metrics.folder: %s is not written (%s)", file, error)


def render_metrics(dataset: str, gauges: Iterator[Gauge]) -> str:
    """The file's text; a gauge without samples is left out."""
    lines: list[str] = []
    for gauge in gauges:
        name = f"logoingest_{gauge.name}"
        lines += [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge"] if gauge.samples else []
        for labels, value in gauge.samples:
            told = ",".join(f'{key}="{_escape_value(text)}"' for key, text in {"dataset": dataset, **labels}.items())
            lines.append(f"{name}{{{told}}} {value!r}")
    return "\n".join(lines) + "\n"


def _escape_value(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: {"\\": r"\\", '"': r"\"", "\n": r"\n"}[found[0]], text)


def collect_gauges(run: Run, entry: RunEntry) -> Iterator[Gauge]:
    """What there is to tell of a run that has ended, and of where its dataset stands.

    Raises:
        WorkspaceError: a table is damaged.
    """
    yield from _tell_run(run, entry)
    yield from _tell_stages(run)
    yield from _tell_rows(run, entry)
    yield from _tell_room(run)


def _tell_run(run: Run, entry: RunEntry) -> Iterator[Gauge]:
    started = _read_time(entry.started_at)
    yield _one("run_start_timestamp_seconds", "When the last run began, in Unix time.", started)
    yield _one("run_duration_seconds", "How long the last run took.", entry.seconds or 0.0)
    code = 1 if entry.exit_code is None else entry.exit_code
    yield _one(
        "run_exit_code", "How the last run ended: 0 all well, 3 a gate failed, 4 too many URLs failed, others an error.", code
    )
    ended = [_read_time(one.started_at) + (one.seconds or 0.0) for one in read_history(run.workspace) if one.exit_code == 0]
    if ended:
        yield _one("run_last_success_timestamp_seconds", "When a run last ended with exit code 0, in Unix time.", ended[-1])


def _tell_stages(run: Run) -> Iterator[Gauge]:
    stages = run.workspace.read_manifest().stages
    durations = _by("stage", {name: record.elapsed_s for name, record in stages.items()})
    yield Gauge("stage_duration_seconds", "How long a stage took when it last ran.", durations)
    ends = _by("stage", {name: _read_time(record.finished_at) for name, record in stages.items()})
    yield Gauge("stage_end_timestamp_seconds", "When a stage last ran to its end, in Unix time.", ends)


def _tell_rows(run: Run, entry: RunEntry) -> Iterator[Gauge]:
    ledger = collect_ledger(run.workspace)
    places = _by("state", {name: count for name, count in ledger.counts.items() if name != "annotations"})
    yield Gauge("rows", "Rows of the sources, by where they are: voted for a released picture, rejected, still pending.", places)
    reasons = [({"stage": stage, "reason": reason}, count) for (stage, reason), count in ledger.count_reasons().items()]
    yield Gauge("rejected_rows", "Rejected rows of the sources, by stage and reason.", reasons)
    urls = _by("outcome", {str(Outcome.OK): entry.urls - entry.failed, str(Outcome.FAILED): entry.failed})
    yield Gauge("urls", "URLs that the sources list, by what became of them.", urls)
    yield _one("failed_urls_ratio", "Of the URLs, the share that failed.", entry.failed_share)
    for version in list_versions(run.workspace)[-1:]:
        splits = _by("split", version.splits)
        yield Gauge("released_pictures", "Pictures of the newest release, by split.", splits)
        labels = {"version": str(version.version), "fingerprint": version.fingerprint}
        yield Gauge("release_info", "The newest release; always 1.", [(labels, 1)])


def _tell_room(run: Run) -> Iterator[Gauge]:
    parts = _by("part", run.workspace.measure_parts())
    yield Gauge("workspace_bytes", "What the workspace holds, by file or folder at its top.", parts)
    if run.workspace.is_local:
        free = shutil.disk_usage(run.workspace.root).free
        yield _one("disk_free_bytes", "Left on the disk of the workspace.", free)


def _one(name: str, text: str, value: float) -> Gauge:
    return Gauge(name, text, [({}, value)])


def _by(label: str, values: Mapping[str, float]) -> Samples:
    return [({label: name}, value) for name, value in values.items()]


def _read_time(text: str) -> float:
    """ISO 8601 → Unix time."""
    return datetime.fromisoformat(text).timestamp()
