"""Which groups a trial learns from and which it validates on, read from the release alone: so it holds for any recipe."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from logoingest.release.reading.loader import Release
from logoingest.splits import deal_folds
from logoingest.training.data.splits import FOLDED_SPLITS, Fold

_COLUMNS = ("label", "image_id", "group_id")
#: A subset is so many of at most so many parts.
_MOST_PARTS = 20


class GroupedLabels(NamedTuple):
    """Of every picture of a split: its group (its own name where it has none) and its label."""

    groups: Sequence[str]
    labels: Sequence[int]


class PlannedFold(NamedTuple):
    """One training of a trial."""

    fold: Fold | None
    learned: int
    """Pictures."""
    held_out: int


def plan_folds(release: Release, folds: Sequence[Fold], subset: float, seed: int) -> list[PlannedFold]:
    """The trainings of a trial, one a fold.

    Args:
        release: opened.
        folds: as the recipe cuts them; none: the release's own validation.
        subset: share of train's groups to learn from.
        seed: which of them.
    """
    train, validation = (read_groups(release, name) for name in FOLDED_SPLITS)
    pool = GroupedLabels([*train.groups, *validation.groups], [*train.labels, *validation.labels])
    left_out = frozenset[str]() if subset >= 1 else find_left_out(pool if folds else train, subset, seed)
    if not folds:
        fold = Fold(0, frozenset(validation.groups), left_out) if left_out else None
        return [PlannedFold(fold, sum(group not in left_out for group in train.groups), len(validation.groups))]
    return [
        PlannedFold(
            one._replace(left_out=left_out),
            sum(group not in one.held_out and group not in left_out for group in pool.groups),
            sum(group in one.held_out for group in pool.groups),
        )
        for one in folds
    ]


def read_groups(release: Release, name: str) -> GroupedLabels:
    """Of a split; empty where the release has none of that name."""
    if name not in release.splits:
        return GroupedLabels((), ())
    labels, images, groups = (release.to_arrow(name, _COLUMNS).column(column).to_pylist() for column in _COLUMNS)
    return GroupedLabels([group or image for group, image in zip(groups, images, strict=True)], labels)


def find_left_out(pictures: GroupedLabels, subset: float, seed: int) -> frozenset[str]:
    """The groups that a subset does without: stratified by the laws of the splits, and no label loses all of its groups."""
    wanted = Fraction(subset).limit_denominator(min(_MOST_PARTS, len(set(pictures.groups))))
    if wanted.denominator < 2:
        return frozenset()
    parts = deal_folds(pictures.groups, [f"{label:06}" for label in pictures.labels], wanted.denominator, seed)
    kept = {group for part in parts[: max(1, wanted.numerator)] for group in part}
    seen = {label for group, label in zip(*pictures, strict=True) if group in kept}
    for group, label in sorted(zip(*pictures, strict=True)):
        if label not in seen:
            seen.add(label)
            kept.add(group)
    return frozenset(pictures.groups) - kept
