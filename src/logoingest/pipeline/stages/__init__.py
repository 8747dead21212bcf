"""The stages of the route, one file each: declared there, in order here. What else is known of a stage is derived from these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from logoingest.errors import Problem, UsageError, suggest_name
from logoingest.pipeline.stages.annotations import ANNOTATIONS
from logoingest.pipeline.stages.fetch import FETCH
from logoingest.pipeline.stages.images import IMAGES
from logoingest.pipeline.stages.labels import LABELS
from logoingest.pipeline.stages.release import RELEASE
from logoingest.pipeline.stages.report import REPORT
from logoingest.pipeline.stages.samples import SAMPLES
from logoingest.pipeline.stages.splits import SPLITS
from logoingest.pipeline.stages.train import TRAIN

if TYPE_CHECKING:
    from logoingest.config import Config
    from logoingest.pipeline.spec import StageSpec

#: The one list: every stage, in the order they run.
STAGES: Sequence[StageSpec] = (ANNOTATIONS, LABELS, FETCH, IMAGES, SAMPLES, SPLITS, RELEASE, TRAIN, REPORT)


def list_stages() -> Sequence[StageSpec]:
    """Every stage's declaration, in the order they run."""
    return STAGES


def find_stage(name: str) -> StageSpec:
    """The stage of that name.

    Raises:
        UsageError: there is none.
    """
    for spec in STAGES:
        if spec.name == name:
            return spec
    known = [str(spec.name) for spec in STAGES]
    raise UsageError(
        Problem(f"stage {name[:80]}", "there is no such stage", suggest_name(name, known, f"one of: {', '.join(known)}"))
    )


def select_stages(config: Config, until: str | None = None) -> list[str]:
    """The stages of a run, in order; one that the config switches off (``train``) only where it is asked for.

    Raises:
        UsageError: there is no stage ``until``.
    """
    last = len(STAGES) if until is None else STAGES.index(find_stage(until)) + 1
    return [spec.name for spec in STAGES[:last] if spec.name == until or spec.is_wanted(config)]


def list_upstream(name: str) -> frozenset[str]:
    """The stages whose results reach this one: those that make what it reads, and theirs."""
    makers = frozenset(find_stage(name).reads.values())
    return makers.union(*(list_upstream(maker) for maker in makers))
