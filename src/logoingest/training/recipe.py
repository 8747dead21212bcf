"""What a recipe is: a task that a release is trained for. The train stage, sweeps and people's own code meet here, and only here.

A recipe prepares a release once (``prepare``), trains one network on what was prepared as often as it is asked (``train``), says how
that went in named figures (``measure``), weighs it into a verdict (``judge``) and keeps what can be used later (``write``). The stage
does the rest for every recipe alike: curves and logs of every epoch, metrics.json, verdict.json, timings.

``train.recipe`` names one: "classify", "detect" or, of one's own, "package.module:name" (an object with these methods, or a class or
function without arguments that gives one). Recipes know what lies below this file and never each other. No torch here.

Figures are named by split and metric, "validation.top1", "test.map50"; what belongs to no split has one word, "lr". The same names are
told epoch by epoch (``TrainingPlan.on_epoch``) and in the end (``Measured.figures``), are what ``sweep.metric`` may be, and what logs
show. A metric that a recipe lists in ``metrics`` is in ``measure`` for every scored split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from logoingest.config import TrainConfig
from logoingest.errors import Problem, UsageError, suggest_name
from logoingest.release.reading.loader import Release
from logoingest.training.checks.verdict import Verdict
from logoingest.training.data.splits import Fold
from logoingest.training.loop.phases import Phases

#: "validation.top1" → its value; None where there is nothing to measure it on.
Figures = Mapping[str, float | None]
#: Where a training stands between two epochs: dicts, lists, tensors, numbers and text, so that it can be saved and read without pickle.
Checkpoint = dict[str, Any]
#: The splits whose pictures are predicted in the end where nobody says otherwise.
SCORED_SPLITS = ("validation", "test")

PreparedT = TypeVar("PreparedT")
TrainedT = TypeVar("TrainedT")


class Metric(NamedTuple):
    """What a recipe measures on a split."""

    name: str
    """Without the split: top1, loss, map50."""
    higher_is_better: bool
    meaning: str
    """One line, with its unit."""


class PictureScores(NamedTuple):
    """How each picture of a split came out: what comparisons of two trainings on the same pictures are made of."""

    image_ids: tuple[str, ...]
    scores: npt.NDArray[np.float64]
    """(n,) higher is better; of a classifier 1 where it is right and 0 where it is wrong."""


class Measured(NamedTuple):
    """What a training came to, in figures."""

    figures: Figures
    pictures: Mapping[str, PictureScores] = {}
    """Split → every picture of it, for the scored splits."""


class Judged(NamedTuple):
    """What the stage writes down: verdict.json, and the recipe's own part of metrics.json."""

    verdict: Verdict
    metrics: dict[str, Any]


def ignore_epoch(_epoch: int, _figures: Figures) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class TrainingPlan:
    """One training that is asked for."""

    config: TrainConfig
    """Of it the seed too."""
    base_dir: Path = Path()
    """What relative paths of the config are relative to."""
    fold: Fold | None = None
    """Learn from what the fold leaves of train and validation and validate on what it holds out; None: the release's splits."""
    scored: Sequence[str] = SCORED_SPLITS
    """The splits to predict in the end, of train, validation and test; a sweep leaves test out until it has chosen."""
    on_epoch: Callable[[int, Figures], None] = ignore_epoch
    """Told (epoch from 1, its figures) when it ends. What it raises ends the training: a sweep prunes so."""
    on_checkpoint: Callable[[Checkpoint], None] | None = None
    """Given, after every epoch but the last, what ``resume`` takes."""
    resume: Checkpoint | None = None
    """Go on with a training of the same prepared release, config, seed and fold; its figures are those it would have had."""
    phases: Phases = field(default_factory=Phases)
    """Told how far it is."""
    strangers: Mapping[str, bytes] = field(default_factory=dict)
    """Encoded pictures of no class by image_id, where there are some."""


class Recipe(Protocol[PreparedT, TrainedT]):
    """A task that a release is trained for; ``PreparedT`` and ``TrainedT`` are its own affair."""

    @property
    def name(self) -> str:
        """As ``train.recipe`` has it; goes into metrics.json and model.json."""
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """What it measures on every scored split; the first is what one asks for when one asks for one figure."""
        ...

    def check(self, release: Release, plan: TrainingPlan) -> None:
        """See to it, within seconds, that the config can be trained: before minutes of decoding.

        Raises:
            ConfigError: a setting is wrong, the model, its weights or the device cannot be had.
        """
        ...

    def prepare(
        self,
        release: Release,
        config: TrainConfig,
        *,
        folds: bool = False,
        phases: Phases | None = None,
        cache_dir: Path | None = None,
    ) -> PreparedT:
        """Read and decode what any number of trainings share. Nothing changes it afterwards.

        Args:
            release: opened.
            config: of the trainings to come; few of its settings matter here (picture side, kind of augmentation).
            folds: also make what trainings with a fold need.
            phases: told how far it is.
            cache_dir: decoded pictures are kept here as files that processes map: the second process decodes nothing, and all of them
                together take the memory of one. None: in this process's memory alone.

        Raises:
            GateError: the release cannot be learnt from.
        """
        ...

    def cut_folds(self, prepared: PreparedT, count: int, seed: int = 0) -> list[Fold]:
        """Deal the groups of train and validation out to so many folds, by the laws of the splits."""
        ...

    def train(self, prepared: PreparedT, plan: TrainingPlan) -> TrainedT:
        """Train one network and predict the scored splits. Writes nothing.

        Raises:
            ConfigError: as ``check``.
            UsageError: what was prepared does not suit the plan (another picture side, no folds).
        """
        ...

    def measure(self, trained: TrainedT) -> Measured:
        """The figures of a training."""
        ...

    def judge(self, prepared: PreparedT, trained: TrainedT, plan: TrainingPlan) -> Judged:
        """Run the controls, and say whether the training shows that the release can be learnt from."""
        ...

    def write(self, release: Release, trained: TrainedT, judged: Judged, plan: TrainingPlan, out_dir: Path) -> None:
        """Write the model and pictures of how it went; PNGs are shown by logs and the report."""
        ...


def find_metric(recipe: Recipe[Any, Any], name: str) -> Metric:
    """The metric that a figure's name ends in: "validation.top1" → top1.

    Raises:
        UsageError: the recipe measures no such thing; says what it does.
    """
    known = {metric.name: metric for metric in recipe.metrics}
    split, _, metric = name.rpartition(".")
    if metric in known and split in {"train", "validation", "test"}:
        return known[metric]
    offered = [f"{part}.{found}" for part in SCORED_SPLITS for found in known]
    hint = suggest_name(name, offered, f"one of {', '.join(offered)}")
    raise UsageError(Problem("metric", f'the recipe "{recipe.name}" measures no "{name}"', hint))
