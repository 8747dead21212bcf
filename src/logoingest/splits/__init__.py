"""Which pictures train, which validate, which test: stratified, leak-free, and never moved again. ``docs/splits.md`` tells it to people.

1. What an earlier release placed stays where it is, and so does what a fixed set names; the rest of their groups joins them.
2. New groups are placed class by class, the class of fewest groups first; in it large groups before small ones, since those can
   still even out, and else in the order of a hash of their name and the seed.
3. A class first gets what it must have: a group in train, then in test, validation and the other splits, as far as its groups go.
   Further groups go where the class lacks most of its share, counted in pictures; ties where the whole dataset lacks most.
4. A group of several classes counts for all of them. Where that left a class without a split it must have, new groups are moved
   until it has one, or until nothing helps (``repair``); then groups are moved that even out shares (``balancing``).

Neither the order of the input nor anything but ids, groups, classes, shares, seed, the earlier places and the fixed ones decides.
The order by rarity follows K. Sechidis et al., "On the stratification of multi-label data", 2011, doi:10.1007/978-3-642-23808-6_10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.splits.assignment import assign_splits, replay_group
    from logoingest.splits.board import Board, Motive, PlacementStep, Standing
    from logoingest.splits.chains import join_chains
    from logoingest.splits.fixed_set import FixedSet, read_fixed_set
    from logoingest.splits.folds import deal_folds

_HOMES = {
    "assignment": ("assign_splits", "replay_group"),
    "board": ("Board", "Motive", "Standing", "PlacementStep"),
    "chains": ("join_chains",),
    "fixed_set": ("FixedSet", "read_fixed_set"),
    "folds": ("deal_folds",),
}

__all__ = [
    "Board",
    "FixedSet",
    "Motive",
    "PlacementStep",
    "Standing",
    "assign_splits",
    "deal_folds",
    "join_chains",
    "read_fixed_set",
    "replay_group",
]

__getattr__ = load_lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
