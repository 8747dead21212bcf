"""The tables of a sweep: its trainings, and how each picture came out in one of them."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from logoingest.schemas.rows import Column, Row

_TEXT = pa.string()


class TrialRow(Row):
    """One training of a sweep."""

    trial: Annotated[int, Column(pa.int32(), "its number, from 0: the config as it stands")]
    role: Annotated[str, Column(_TEXT, "trial, finalist (a trial again, with another seed or on all of train) or test")]
    of_trial: Annotated[int, Column(pa.int32(), "the trial whose settings these are; its own number for a trial")]
    state: Annotated[str, Column(_TEXT, "complete, pruned or failed")]
    reason: Annotated[str, Column(_TEXT, "of its end, one line")]
    score: Annotated[float | None, Column(pa.float64(), "the sweep's metric, mean over folds; as far as it came where pruned")]
    fold_scores: Annotated[list[float], Column(pa.list_(pa.float64()), "the metric on each fold")]
    curve: Annotated[list[float], Column(pa.list_(pa.float64()), "the metric by epoch, in the first fold")]
    settings: Annotated[str, Column(_TEXT, "what the sweep sets, as a JSON object")]
    config: Annotated[str, Column(_TEXT, "the [train] table it was trained with, as a JSON object")]
    figures: Annotated[str, Column(_TEXT, "all figures of the recipe, as a JSON object; mean over folds")]
    seed: Annotated[int, Column(pa.int64(), "of the training")]
    subset: Annotated[float, Column(pa.float64(), "share of train's groups it learned from")]
    release: Annotated[str, Column(_TEXT, "fingerprint of the release")]
    versions: Annotated[str, Column(_TEXT, "of the software, as a JSON object")]
    threads: Annotated[int, Column(pa.int32(), "of its process, on a CPU")]
    attempts: Annotated[int, Column(pa.int32(), "times it was started; measured, as all that follows")]
    pictures: Annotated[int, Column(pa.int64(), "learned from, counted once an epoch")]
    cpu_s: Annotated[float, Column(pa.float64(), "CPU seconds of its process")]
    wall_s: Annotated[float, Column(pa.float64(), "seconds from its start to its end")]
    peak_mb: Annotated[float, Column(pa.float64(), "resident memory at its highest, megabytes")]
    vram_mb: Annotated[float, Column(pa.float64(), "memory of the GPU at its highest, megabytes; 0 without one")]


#: Columns that depend on the machine and on what else runs there: two runs of one sweep agree in all others.
MEASURED_COLUMNS = ("attempts", "cpu_s", "wall_s", "peak_mb", "vram_mb")


class PictureScoreRow(Row):
    """How one picture came out in one training."""

    image_id: Annotated[str, Column(_TEXT, "as in the release")]
    split: Annotated[str, Column(_TEXT, "validation or test; validation means what the fold held out where there are folds")]
    fold: Annotated[int, Column(pa.int16(), "from 0; 0 without folds")]
    score: Annotated[float, Column(pa.float64(), "higher is better; of a classifier 1 where it is right, else 0")]
