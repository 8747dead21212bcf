"""What the search for copies leaves out where its bounds cut it, as values and in words: nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: Before the names of these figures among those of the images stage.
UNSEARCHED = "unsearched_"


class Unsearched(NamedTuple):
    """What was left out; all 0 where no bound cut the search."""

    pictures: int = 0
    """Of which no crops and frames were looked for: the set is larger than ``copies.MOST_PICTURES``."""
    windows: int = 0
    """Windows of pictures that nothing was looked up in: of those like very many others, the narrowest."""
    pairs: int = 0
    """Pairs that may be crops or frames and were not laid upon each other: the less alike beyond ``copies.MOST_FITS``."""

    def add(self, other: Unsearched) -> Unsearched:
        """Both searches together."""
        return Unsearched(*(one + more for one, more in zip(self, other, strict=True)))


def count_unsearched(unsearched: Unsearched) -> dict[str, int]:
    """The figures that are not 0, by name, to stand among others."""
    return {UNSEARCHED + name: count for name, count in unsearched._asdict().items() if count}


def read_unsearched(counts: Mapping[str, int] | None) -> Unsearched:
    """Back from ``count_unsearched``."""
    return Unsearched(*((counts or {}).get(UNSEARCHED + name, 0) for name in Unsearched._fields))


def describe_unsearched(unsearched: Unsearched) -> list[str]:
    """A sentence for each bound that cut the search, and what remains unknown by it."""
    told = (
        (
            unsearched.pictures,
            "{:,} pictures are too many: crops and frames were not looked for among them, near pictures and turned ones were",
        ),
        (
            unsearched.windows,
            "{:,} parts of pictures that look like very many others were not searched: crops of these may be missed",
        ),
        (
            unsearched.pairs,
            "{:,} pairs that may be crops or frames were not compared in pixels, the least alike: some may be copies",
        ),
    )
    return ["copies: " + text.format(count) for count, text in told if count]
