"""URLs → download shards: see ``fetching``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.errors import LogoingestError, Problem, TooManyFailuresError
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run

#: The folder of the shards.
DOWNLOADS = "downloads/"


def make_downloads(run: Run) -> StageOutput:
    """Fetch what is not there."""
    from logoingest.pipeline.downloading import fetch_all

    return StageOutput(*fetch_all(run))


def _find_failures(run: Run) -> LogoingestError | None:
    counts = run.workspace.read_manifest().stages[Stage.FETCH].counts
    share = counts["failed"] / counts["urls"] if counts["urls"] else 0.0
    allowed = run.config.dataset.max_failed_share
    if share <= allowed:
        return None
    what = f"{counts['failed']:,} of {counts['urls']:,} URLs failed ({share:.1%}), dataset.max_failed_share allows {allowed:.1%}"
    return TooManyFailuresError(Problem("fetch", what, "status shows the reasons; retry --reason … tries those again"))


FETCH = StageSpec(
    name=Stage.FETCH,
    version=2,
    needs=(Stage.ANNOTATIONS,),
    reads={ANNOTATIONS_FILE: Stage.ANNOTATIONS},
    make=make_downloads,
    help="fetch what is not fetched yet",
    has_own_memory=True,
    find_fault=_find_failures,
)
