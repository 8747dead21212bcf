"""The names of the stages, for those who only speak of them; what a stage is and does stands in ``pipeline/stages/``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Stage(StrEnum):
    """The stages of the package, in the order of the route."""

    ANNOTATIONS = "annotations"
    LABELS = "labels"
    FETCH = "fetch"
    IMAGES = "images"
    SAMPLES = "samples"
    SPLITS = "splits"
    RELEASE = "release"
    TRAIN = "train"
    REPORT = "report"


#: The stages that refuse rows, in the order of the funnel: a row refused by two counts where it was refused first.
FUNNEL: Sequence[Stage] = (Stage.ANNOTATIONS, Stage.FETCH, Stage.IMAGES, Stage.LABELS, Stage.SAMPLES, Stage.SPLITS)
