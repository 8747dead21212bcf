"""Prepare: a release read, probed for leaks and decoded once, for any number of trainings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from logoingest.config import TrainConfig
from logoingest.errors import GateError, Problem, UsageError
from logoingest.release.reading.loader import Release
from logoingest.training.checks.leaks import Leak, find_leaks
from logoingest.training.data.augmentation import MARGIN
from logoingest.training.data.feeds import CACHE_BYTES, HeldPictures, hold_pictures
from logoingest.training.data.splits import FOLDED_SPLITS, SPLITS, ReleasedSplits, Split, read_split, read_splits
from logoingest.training.loop.phases import Phases

logger = logging.getLogger("logoingest")


class Sides(NamedTuple):
    """Sides in pixels: of what the network sees, and of what pictures are decoded to that are changed at random before."""

    seen: int
    changed: int

    @classmethod
    def of(cls, config: TrainConfig) -> Sides:
        """What a config asks for."""
        seen = config.image_side_px
        return cls(seen, seen if config.augment == "none" else round(seen * MARGIN))


@dataclass(frozen=True)
class Prepared:
    """What trainings share; nothing in it changes."""

    fingerprint: str
    """The release's."""
    class_ids: tuple[str, ...]
    """The class of each label."""
    pictures: Mapping[str, HeldPictures]
    """train, validation and test."""
    pool: HeldPictures | None
    """train and validation behind one another, as large as train's: what folds are cut from; None where none were asked for."""
    leaks: tuple[Leak, ...]
    sides: Sides
    unread: tuple[str, ...] = ()
    """Splits of the release that are not opened."""

    @property
    def splits(self) -> dict[str, Split]:
        """Labels and ids, by split."""
        return {name: held.split for name, held in self.pictures.items()}

    def check_fit(self, config: TrainConfig, folds: bool) -> None:
        """See to it that a training with this config can use what was prepared.

        Raises:
            UsageError: the pictures were decoded for another side or kind of augmentation, or without folds.
        """
        wanted = Sides.of(config)
        if wanted != self.sides:
            what = f"prepared for {self.sides.seen} and {self.sides.changed} px, asked for {wanted.seen} and {wanted.changed} px"
            hint = "image_side_px, and whether augment is none, are settled by prepare: prepare once more for this config"
            raise UsageError(Problem("train.image_side_px", what, hint))
        if folds and self.pool is None:
            raise UsageError(Problem("fold", "the release was prepared without folds", "call prepare with folds=True"))


def prepare(release: Release, config: TrainConfig, *, folds: bool = False, phases: Phases | None = None) -> Prepared:
    """Read the splits, look for leaks, decode what fits into memory.

    Of the config only image_side_px, augment (none or not) and workers matter here.

    Args:
        release: an opened release.
        config: of the trainings to come.
        folds: also make what ``train`` needs for a fold.
        phases: told how far it is: leaks, pictures.

    Raises:
        GateError: under two classes in train, nothing in test, damaged files or pictures.
    """
    phases = phases or Phases()
    released = read_splits(release)
    check_splits(released)
    with phases.phase("leaks"):
        leaks = find_leaks(released.splits, config.workers, phases.count("leaks"))
    with phases.phase("pictures"):
        sides = Sides.of(config)
        pool = _hold_pool(release, sides, config.workers, phases) if folds else None
        pictures = _hold_splits(released.splits, sides, config.workers, pool, phases)
    return Prepared(release.fingerprint, released.class_ids, pictures, pool, tuple(leaks), sides, released.unread)


def check_splits(released: ReleasedSplits) -> None:
    """See to it that there is something to learn, and say which splits are not looked at.

    Raises:
        GateError: fewer than two classes in train, or nothing in test.
    """
    problems = []
    train, test = released.splits["train"], released.splits["test"]
    classes = len(np.unique(train.label))
    if classes < 2:
        hint = "a baseline needs two classes; look at samples and splits"
        problems.append(Problem("train", f"{len(train):,} single-class pictures of {classes} classes", hint))
    if not len(test):
        others = f"; {', '.join(released.unread)} cannot stand in for it" if released.unread else ""
        hint = f"a baseline is scored on test alone{others}: give splits.test a share or fixed pictures"
        problems.append(Problem("test", "no single-class pictures", hint))
    if problems:
        raise GateError(problems)
    if not len(released.splits["validation"]):
        logger.warning("no validation pictures: every epoch is run and the last weights are kept; test is not looked at for that")
    if released.unread:
        logger.info("not looked at by the baseline: %s", ", ".join(released.unread))


def _hold_pool(release: Release, sides: Sides, workers: int, phases: Phases) -> HeldPictures:
    split = read_split(release, *FOLDED_SPLITS)
    return hold_pictures(split, sides.changed, workers, on_progress=phases.count("pictures of train and validation"))


def _hold_splits(
    splits: Mapping[str, Split], sides: Sides, workers: int, pool: HeldPictures | None, phases: Phases
) -> dict[str, HeldPictures]:
    """Every split's pictures, as many as memory allows; what the pool holds is not decoded again."""
    pictures: dict[str, HeldPictures] = {}
    shared = pool if pool is not None and pool.cache is not None else None
    budget = CACHE_BYTES - (shared.bytes if shared is not None else 0)
    for name in SPLITS:
        side = sides.changed if name == "train" else sides.seen
        start = {"train": 0, "validation": len(splits["train"])}.get(name)
        if shared is not None and start is not None and side == shared.side:
            held = shared.select(start, start + len(splits[name]))
            pictures[name] = HeldPictures(splits[name], side, workers, held.cache)
            continue
        on_progress = phases.count(f"pictures of {name}")
        pictures[name] = hold_pictures(splits[name], side, workers, budget=budget, on_progress=on_progress)
        budget -= pictures[name].bytes if pictures[name].cache is not None else 0
    return pictures
