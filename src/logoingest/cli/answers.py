"""What every command prints on ``--json``: command → type. Read by the documentation and the tests; running a command needs none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logoingest.cli.examples import ExamplesAnswer
from logoingest.cli.labels.map_answers import (
    Calibration,
    CountedWords,
    DecidedFile,
    DraftedMap,
    EnrichedMap,
    ExplainedLabel,
    NewMap,
)
from logoingest.cli.labels.review_answers import AppliedSheet, Suggestions, WrittenSheet
from logoingest.cli.releases.answers import PulledRelease
from logoingest.cli.scaffolding import ScaffoldAnswer
from logoingest.cli.serving import OfferedLink
from logoingest.cli.sweeps import BestSettings
from logoingest.demo import Tour
from logoingest.evidence.safeguards.answers import Prediction
from logoingest.evidence.safeguards.study import Study
from logoingest.evidence.similar import Similar
from logoingest.experiments import SettingsCompared, SweepSummary
from logoingest.labels.lint.rules import LintReport
from logoingest.pipeline import (
    Against,
    Embedded,
    LabelTrail,
    Plan,
    Pruned,
    Refreshed,
    Retried,
    RowTrail,
    RunEntry,
    SplitExplanation,
    StageOutcome,
    Status,
    SuspectsAnswer,
    TakenDown,
    UrlTrail,
)
from logoingest.pipeline.stages import list_stages
from logoingest.pipeline.training_runs import TrainingRun
from logoingest.release import Violation
from logoingest.release.exports import ExportSummary
from logoingest.release.keeping.comparison import ReleaseDiff
from logoingest.release.keeping.publishing import PushSummary
from logoingest.release.keeping.versions import VersionPlace
from logoingest.training.detection.data.boxes import FoundBoxes

#: Command as it is typed, with the option where that makes it another answer → what it prints.
ANSWERS: Mapping[str, Any] = {
    "init": ScaffoldAnswer,
    "plan": Plan,
    "run": list[StageOutcome],
    **{spec.word: StageOutcome for spec in list_stages()},
    "fetch --refresh": Refreshed,
    "status": Status,
    "status --history": list[RunEntry],
    "retry": Retried,
    "takedown": TakenDown,
    "prune": list[Pruned],
    "verify": list[Violation],
    "explain --url": UrlTrail,
    "explain --label": LabelTrail,
    "explain --row": RowTrail,
    "labels lint": LintReport,
    "labels explain": ExplainedLabel,
    "labels words": list[CountedWords],
    "labels apply": DecidedFile,
    "labels calibrate": Calibration,
    "labels suggest": Suggestions,
    "labels review --export": WrittenSheet,
    "labels review --apply": AppliedSheet,
    "labels new": NewMap,
    "labels enrich": EnrichedMap,
    "labels draft": DraftedMap,
    "export": ExportSummary,
    "diff": ReleaseDiff,
    "push": PushSummary,
    "pull": PulledRelease,
    "duplicates": Against,
    "versions": list[VersionPlace],
    "splits explain": SplitExplanation,
    "embed": Embedded,
    "similar": Similar,
    "suspects": SuspectsAnswer,
    "predict": list[Prediction] | list[FoundBoxes],
    "safeguard": Study,
    "sweep": SweepSummary,
    "sweep show": SweepSummary,
    "sweep best": BestSettings,
    "sweep compare": SettingsCompared,
    "baseline runs": list[TrainingRun],
    "web": OfferedLink,
    "example": ExamplesAnswer,
    "demo": Tour,
}
