"""The route: stages in order, each run only when it is stale, timed and logged; then the gates."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from logoingest.config import Config
from logoingest.errors import Problem, UsageError
from logoingest.pipeline.gates import check_gates
from logoingest.pipeline.history.recording import record_run
from logoingest.pipeline.progress import Progress
from logoingest.pipeline.session import Run, open_run
from logoingest.pipeline.spec import StageOutput
from logoingest.pipeline.stages import find_stage, list_stages, select_stages
from logoingest.pipeline.staleness import collect_inputs, explain_staleness
from logoingest.workspace import StageRecord

logger = logging.getLogger("logoingest")

#: The names of the stages in the order they run.
ROUTE: Sequence[str] = tuple(spec.name for spec in list_stages())


class StageOutcome(NamedTuple):
    """What became of a stage: ``ran`` is False when nothing had changed; ``counts`` are its figures either way."""

    stage: str
    ran: bool
    why: str
    counts: dict[str, int]
    elapsed_s: float


def run(config: Config, until: str | None = None, start: str | None = None, progress: Progress | None = None) -> list[StageOutcome]:
    """Run the route, or a part of it; what is fresh is skipped.

    Args:
        config: the dataset's config.
        until: the last stage to run; the whole route when left out.
        start: run this stage and all after it even when they are fresh (fetched shards are kept all the same).
        progress: told how far a stage is; left out, a notebook shows bars, and nobody is told elsewhere.

    Raises:
        UsageError: a stage's needs are not met (config, class map, sources, workspace, extras).
        GateError: a gate failed: too few images, the baseline verdict, a broken law.
        TooManyFailuresError: more URLs failed than ``dataset.max_failed_share``.
    """
    stages = select_stages(config, until)
    with open_run(config, progress) as opened, record_run(opened, "run"):
        check_extras(opened, stages)
        forced = set() if start is None else _list_onward(start)
        outcomes = [run_stage(opened, stage, stage in forced) for stage in stages]
        check_gates(opened, stages)
    return outcomes


def _list_onward(start: str) -> set[str]:
    """A stage and all after it."""
    names = [spec.name for spec in list_stages()]
    return set(names[names.index(find_stage(start).name) :])


def check_extras(run: Run, stages: Sequence[str]) -> None:
    """See to it before hours of fetching that text can be read and the baseline trained after them.

    Raises:
        UsageError: the baseline is to be trained, and torch is missing or does not fit torchvision; or the text reader is missing.
    """
    for name in stages:
        find_stage(name).check_extras(run)


def run_stage(run: Run, stage: str, forced: bool = False) -> StageOutcome:
    """Run one stage of an open run if it is stale or forced, and record it; left out where it trusts a stage whose gate is not passed."""
    spec, manifest = find_stage(stage), run.workspace.read_manifest()
    missing = [need for need in spec.needs if need not in manifest.stages]
    if missing:
        raise UsageError(Problem(stage, f"needs {', '.join(missing)} first", f"run with --until {stage}, or that stage"))
    why = "asked for" if forced else explain_staleness(run, spec, manifest)
    if why is None:
        record = manifest.stages[stage]
        logger.info("%-11s fresh, nothing to do", stage)
        return StageOutcome(stage, False, "fresh", record.counts, 0.0)
    if not forced and any(find_stage(trusted).find_fault(run) for trusted in spec.trusts):
        logger.info("%-11s left out, since the gate of %s is not passed", stage, " and ".join(spec.trusts))
        return StageOutcome(stage, False, "left out", {}, 0.0)
    logger.info("%-11s %s", stage, why)
    started = time.perf_counter()
    inputs = collect_inputs(run, spec, manifest)
    made = spec.make(run)
    elapsed_s = time.perf_counter() - started
    record_output(run, stage, inputs, made, elapsed_s)
    return StageOutcome(stage, True, why, made.counts, elapsed_s)


def record_output(run: Run, stage: str, inputs: dict[str, str], made: StageOutput, elapsed_s: float) -> None:
    """Write a finished stage into the manifest and the log."""
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    record = StageRecord(
        inputs={**inputs, **made.inputs},
        outputs=made.outputs,
        counts=made.counts,
        finished_at=finished_at,
        elapsed_s=round(elapsed_s, 3),
    )
    run.workspace.record_stage(stage, record)
    figures = ", ".join(f"{name} {count:,}" for name, count in made.counts.items())
    logger.info("%-11s done in %.1f s: %s", stage, elapsed_s, figures)
