"""What is asked of a trial's process, and what it answers: two JSON files in the trial's folder, and one line an epoch beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from logoingest.config.sweep_section import Setting
from logoingest.experiments.machine.costs import TrialCost
from logoingest.files.whole import replace_file

ORDER_FILE, RESULT_FILE, EPOCHS_FILE, PICTURES_FILE, LOG_FILE = (
    "order.json", "result.json", "epochs.jsonl", "pictures.parquet", "log.txt",
)  # fmt: skip


class Role(StrEnum):
    """What a training of a sweep is for."""

    TRIAL = "trial"
    FINALIST = "finalist"
    TEST = "test"
    PROBE = "probe"


class TrialState(StrEnum):
    """How a training of a sweep ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class PruningRule:
    """When a trial is given up; worked out before it starts, so that it depends on no clock."""

    least: Mapping[str, float] = field(default_factory=dict)
    """Share of its epochs, as text → the score (higher is better) it must have reached then, in its first fold."""
    rival: Sequence[float] = ()
    """The best trial's score on each fold so far: a trial that is surely worse on the same folds stops."""


@dataclass(frozen=True)
class TrialOrder:
    """One training that is asked for, over all its folds."""

    number: int
    """Of the row in the trials table."""
    role: Role
    of_trial: int
    """The trial whose settings these are; its own number for a trial."""
    settings: Mapping[str, Setting]
    train: Mapping[str, Any]
    """The whole [train] table, settings and seed in it."""
    metric: str
    release: str
    """Its folder."""
    fingerprint: str
    """The release's."""
    base_dir: str
    cache_dir: str
    """Where decoded pictures are shared."""
    folds: int = 0
    subset: float = 1.0
    is_screening: bool = False
    """On less than the settings say, to choose the finalists by."""
    seed: int = 0
    """Of folds and subset."""
    threads: int = 1
    scored: Sequence[str] = ("validation",)
    pruning: PruningRule = field(default_factory=PruningRule)
    steps_end_s: float = 0.0
    """Of a probe: end after the first epoch that ends later than this; 0 trains to the end."""

    @classmethod
    def read(cls, folder: Path) -> TrialOrder:
        """The order in a trial's folder."""
        data = json.loads((folder / ORDER_FILE).read_text("utf-8"))
        return cls(**data | {"role": Role(data["role"]), "pruning": PruningRule(**data["pruning"])})

    def write(self, folder: Path) -> None:
        """Put it into a trial's folder."""
        write_whole_json(folder / ORDER_FILE, asdict(self))


@dataclass(frozen=True)
class TrialResult:
    """What a training of a sweep came to."""

    state: TrialState
    reason: str
    """Of its end, one line."""
    score: float | None = None
    """The metric, mean over the folds; where it was pruned, as far as it had come."""
    fold_scores: Sequence[float] = ()
    figures: Mapping[str, float | None] = field(default_factory=dict)
    """Every figure of the recipe, mean over the folds."""
    curve: Sequence[float | None] = ()
    """The metric by epoch, in the first fold."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The [train] table it trained with, as the recipe gives it back."""
    versions: Mapping[str, str] = field(default_factory=dict)
    held_out: float = 0.0
    """Pictures validated on for each that was learned from, mean over the folds."""
    cost: TrialCost = field(default_factory=TrialCost)
    by_memory: bool = False
    """It ended for want of memory."""

    @classmethod
    def read(cls, folder: Path) -> TrialResult | None:
        """The result in a trial's folder; None while there is none."""
        try:
            data = json.loads((folder / RESULT_FILE).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return cls(**data | {"state": TrialState(data["state"]), "cost": TrialCost(**data["cost"])})

    def write(self, folder: Path) -> None:
        """Put it into a trial's folder; whoever sees it sees all of it."""
        write_whole_json(folder / RESULT_FILE, asdict(self))


def write_whole_json(path: Path, value: Any) -> None:
    """A JSON file that appears whole or not at all."""
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")
