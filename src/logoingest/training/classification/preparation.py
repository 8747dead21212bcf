"""Prepare: a release read, probed for leaks and decoded once, for any number of trainings."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from logoingest.config import TrainConfig
from logoingest.errors import GateError, Problem, UsageError
from logoingest.files.whole import replace_file
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


def prepare(
    release: Release, config: TrainConfig, *, folds: bool = False, phases: Phases | None = None, cache_dir: Path | None = None
) -> Prepared:
    """Read the splits, look for leaks, decode what fits into memory.

    Of the config only image_side_px, augment (none or not) and workers matter here.

    Args:
        release: an opened release.
        config: of the trainings to come.
        folds: also make what ``train`` needs for a fold.
        phases: told how far it is: leaks, pictures.
        cache_dir: decoded pictures and the leaks found are kept there as files, and processes share them: the second one decodes
            nothing, and all of them together take the memory of one.

    Raises:
        GateError: under two classes in train, nothing in test, damaged files or pictures.
    """
    phases = phases or Phases()
    released = read_splits(release)
    check_splits(released)
    with phases.phase("leaks"):
        leaks = _find_leaks(release, released, config.workers, phases, cache_dir)
    with phases.phase("pictures"):
        sides = Sides.of(config)
        holder = _Holder(config.workers, phases, cache_dir)
        pool = holder.hold(read_split(release, *FOLDED_SPLITS), sides.changed, "train and validation") if folds else None
        pictures = _hold_splits(released.splits, sides, pool, holder)
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


def _find_leaks(release: Release, released: ReleasedSplits, workers: int, phases: Phases, cache_dir: Path | None) -> Sequence[Leak]:
    """Looked for once a release where there is a folder to keep them in."""
    kept = None if cache_dir is None else cache_dir / f"leaks-{release.fingerprint[:32]}.json"
    if kept is not None and kept.exists():
        return [Leak(**leak) for leak in json.loads(kept.read_text("utf-8"))]
    leaks = find_leaks(released.splits, workers, phases.count("leaks"))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(kept) as temporary:
            temporary.write_text(json.dumps([asdict(leak) for leak in leaks]), "utf-8")
    return leaks


class _Holder(NamedTuple):
    """How pictures are decoded, and where they are kept."""

    workers: int
    phases: Phases
    cache_dir: Path | None

    def hold(self, split: Split, side: int, name: str, budget: int = CACHE_BYTES) -> HeldPictures:
        on_progress = self.phases.count(f"pictures of {name}")
        return hold_pictures(split, side, self.workers, budget=budget, on_progress=on_progress, cache_dir=self.cache_dir)


def _hold_splits(splits: Mapping[str, Split], sides: Sides, pool: HeldPictures | None, holder: _Holder) -> dict[str, HeldPictures]:
    """Every split's pictures, as many as memory allows; what the pool holds is not decoded again."""
    pictures: dict[str, HeldPictures] = {}
    shared = pool if pool is not None and pool.cache is not None else None
    budget = CACHE_BYTES - (shared.bytes if shared is not None else 0)
    for name in SPLITS:
        side = sides.changed if name == "train" else sides.seen
        start = {"train": 0, "validation": len(splits["train"])}.get(name)
        if shared is not None and start is not None and side == shared.side:
            held = shared.select(start, start + len(splits[name]))
            pictures[name] = HeldPictures(splits[name], side, holder.workers, held.cache)
            continue
        pictures[name] = holder.hold(splits[name], side, name, budget)
        budget -= pictures[name].bytes if pictures[name].cache is not None else 0
    return pictures
