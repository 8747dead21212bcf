"""Prepare: a release's boxes read, probed for leaks, its pictures decoded once, for any number of trainings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, GateError, Problem, UsageError, suggest_name
from logoingest.release.reading.loader import Release
from logoingest.training.checks.leaks import Leak, find_leaks
from logoingest.training.data.splits import SPLITS
from logoingest.training.detection.data.augmentation import MARGIN
from logoingest.training.detection.data.boxes import Floats
from logoingest.training.detection.data.photos import MOST_BYTES, Annotated, Photos, hold_photos, read_annotated
from logoingest.training.loop.phases import Phases

logger = logging.getLogger("logoingest")

#: Of so many pictures of no class, in the order of their ids, how many teach, choose a threshold, and are scored.
_SHARES = {"train": 2, "validation": 1, "test": 1}


@dataclass(frozen=True)
class PreparedBoxes:
    """What trainings share; nothing in it changes."""

    fingerprint: str
    """The release's."""
    class_ids: tuple[str, ...]
    """The class of each label, those that mean "nothing" included."""
    annotated: Mapping[str, Annotated]
    """Boxes and ids of train, validation and test."""
    photos: Mapping[str, Photos]
    """Their pictures."""
    leaks: tuple[Leak, ...]
    side_px: int
    """The largest side that a network may see them with."""
    unread: tuple[str, ...] = ()
    """Splits of the release that are not opened."""

    def check_fit(self, config: TrainConfig) -> None:
        """See to it that a training with this config can use what was prepared.

        Raises:
            UsageError: the pictures were kept for a smaller side.
        """
        if config.image_side_px > self.side_px:
            what = f"prepared for {self.side_px} px, asked for {config.image_side_px} px"
            raise UsageError(Problem("train.image_side_px", what, "prepare once more for the largest side"))


def prepare_boxes(
    release: Release, config: TrainConfig, *, phases: Phases | None = None, cache_dir: Path | None = None
) -> PreparedBoxes:
    """Read the splits, look for leaks, decode the pictures.

    Of the config only image_side_px, workers and detection.negatives matter here.

    Args:
        release: an opened release.
        config: of the trainings to come.
        phases: told how far it is: leaks, pictures.
        cache_dir: decoded pictures are kept there as files that processes map.

    Raises:
        ConfigError: a class of ``detection.negatives`` is none of the release's.
        GateError: no boxes in train or test, damaged files or pictures.
    """
    phases = phases or Phases()
    check_negatives(config.detection.negatives, release.class_ids)
    annotated = {name: read_annotated(release, name, config.detection.negatives) for name in SPLITS}
    unread = tuple(sorted(set(release.splits) - set(SPLITS)))
    check_boxes(annotated, unread)
    with phases.phase("leaks"):
        leaks = find_leaks({name: found.split for name, found in annotated.items()}, config.workers, phases.count("leaks"))
    side, budget = round(config.image_side_px * MARGIN), MOST_BYTES
    photos: dict[str, Photos] = {}
    with phases.phase("pictures"):
        for name in SPLITS:
            counter = phases.count(f"pictures of {name}")
            photos[name] = hold_photos(
                annotated[name], side, config.workers, budget=budget, cache_dir=cache_dir, on_progress=counter
            )
            budget -= 3 * int(photos[name].shapes.prod(axis=1).sum())
    return PreparedBoxes(
        release.fingerprint, tuple(release.class_ids), annotated, photos, tuple(leaks), config.image_side_px, unread
    )


def check_negatives(named: Sequence[str], class_ids: Sequence[str]) -> None:
    """See to it that the classes that mean "nothing" are all the release's.

    Raises:
        ConfigError: one is not.
    """
    for name in named:
        if name not in class_ids:
            hint = suggest_name(name, class_ids, "name classes of the release")
            raise ConfigError(Problem("train.detection.negatives", f'the release has no class "{name}"', hint))


def divide_strangers(strangers: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """Split → its pictures of no class: half, a quarter, a quarter, in turn by image_id."""
    turns = [name for name, count in _SHARES.items() for _ in range(count)]
    return {
        name: {image_id: strangers[image_id] for turn, image_id in enumerate(sorted(strangers)) if turns[turn % len(turns)] == name}
        for name in _SHARES
    }


def check_boxes(annotated: Mapping[str, Annotated], unread: Sequence[str] = (), *, warn: bool = True) -> None:
    """See to it that there are boxes to learn from and to be scored on, and say what no detector is shown, unless ``warn`` is false.

    Raises:
        GateError: no boxes in train or in test.
    """
    problems = []
    for name in ("train", "test"):
        if not _count_boxes(annotated[name]):
            what = f"no boxes: {annotated[name].left_out.without_boxes:,} pictures have a class and no box"
            hint = 'a detector needs boxes in train and test: name the source\'s bbox columns, or set train.recipe = "classify"'
            problems.append(Problem(name, what, hint))
    if problems:
        raise GateError(problems)
    if not warn:
        return
    without = sum(found.left_out.without_boxes for found in annotated.values())
    if without:
        logger.info("%s pictures have a class and no box: no detector is shown them", f"{without:,}")
    if not _count_boxes(annotated["validation"]):
        logger.warning("no boxes in validation: the last weights are kept, and a box is believed from one half on")
    if unread:
        logger.info("not looked at by the detector: %s", ", ".join(unread))


def list_sizes(photos: Photos, side_px: int) -> Floats:
    """(n, 2) widths and heights of all boxes as the network sees them, unchanged."""
    sizes = [np.zeros((0, 2))]
    for place in range(len(photos)):
        factor = side_px / float(photos.shapes[place].max())
        corners = photos.shown_boxes(place).corners
        sizes.append((corners[:, 2:] - corners[:, :2]) * factor)
    return np.concatenate(sizes)


def _count_boxes(annotated: Annotated) -> int:
    return sum(len(found.labels) for found in annotated.boxes)
