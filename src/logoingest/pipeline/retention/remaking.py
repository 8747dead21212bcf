"""The route once more over downloads from which something was taken: without the network and without a training."""

from __future__ import annotations

from logoingest.pipeline.downloading import SHARD_PLAN, finish_fetch, list_pending, plan_fetch
from logoingest.pipeline.route import record_output, run_stage
from logoingest.pipeline.session import Run
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.stages import list_stages
from logoingest.pipeline.staleness import collect_inputs
from logoingest.schemas import Stage


def make_again(run: Run) -> None:
    """Every stage that was run before, but for the training; what was fetched is taken as it is."""
    run.is_bounded = False
    recorded = run.workspace.read_manifest().stages
    for spec in list_stages():
        if spec.name == Stage.FETCH and spec.name in recorded:
            _finish_fetch(run, spec)
        elif spec.name != Stage.TRAIN and spec.name in recorded:
            run_stage(run, spec.name)


def _finish_fetch(run: Run, spec: StageSpec) -> None:
    planned = plan_fetch(run)
    run.workspace.write_table(SHARD_PLAN, planned)
    if not list_pending(run, planned):  # else whoever fetches next records it
        inputs = collect_inputs(run, spec, run.workspace.read_manifest())
        record_output(run, spec.name, inputs, StageOutput(*finish_fetch(run)), 0.0)
