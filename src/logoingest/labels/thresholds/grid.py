"""The grid of threshold settings that ``labels calibrate`` tries, and the runs of the matching that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from logoingest.labels.class_map.map_file import Thresholds

AXES: Mapping[str, Sequence[int]] = {
    "one_edit_letters": (4, 5, 6, 8),
    "two_edits_letters": (7, 8, 10, 13),
    "three_edits_letters": (12, 14, 16, 20),
}
"""Letters that one, two and three edits need → the values that are tried, beside the map's own."""

EVIDENCE: Sequence[float] = (3.2, 4.2, 4.7, 5.2, 5.7, 6.2, 7.2, 9.2)
"""The values of ``evidence`` that are tried, beside the map's own."""


class Setting(NamedTuple):
    """A point of the grid."""

    max_edits: int
    one_edit_letters: int
    two_edits_letters: int
    three_edits_letters: int
    evidence: float

    @property
    def letters(self) -> tuple[int, int, int]:
        """Letters needed for one, two and three edits."""
        return self[1:4]


class Place(NamedTuple):
    """A run: so many edits at most, and one threshold at this value with the others wide open."""

    edits: int
    threshold: str
    value: float


@dataclass(frozen=True)
class Grid:
    """The values that are tried: of letters for one, two and three edits, and of evidence; ascending, the map's own among them."""

    letters: Sequence[Sequence[int]]
    evidence: Sequence[float]

    @classmethod
    def build(cls, thresholds: Thresholds) -> Grid:
        """The grid around a map's thresholds."""
        letters = [sorted({*values, getattr(thresholds, axis)}) for axis, values in AXES.items()]
        return cls(letters, sorted({*EVIDENCE, thresholds.evidence}))

    def shut_unused(self, setting: Setting) -> Setting:
        """What does nothing, since so many edits are not allowed anyway, is shown as its largest value."""
        edits = setting.max_edits
        one, two, three = (*setting.letters[:edits], *(values[-1] for values in self.letters[edits:]))
        return Setting(edits, one, two, three, setting.evidence if edits else self.evidence[-1])

    def read(self, thresholds: Thresholds) -> Setting:
        """Where a map stands."""
        one, two, three = thresholds.one_edit_letters, thresholds.two_edits_letters, thresholds.three_edits_letters
        return self.shut_unused(Setting(thresholds.max_edits, one, two, three, thresholds.evidence))

    def list_settings(self, own: Setting) -> list[Setting]:
        """Every point that differs in what it does, and the map's own, from strict to lenient."""
        ones, twos, threes = self.letters
        points = [Setting(*point) for point in product(range(4), ones, twos, threes, self.evidence)]
        sound = [point for point in points if list(point.letters[: point.max_edits]) == sorted(point.letters[: point.max_edits])]
        return sorted({own, *(self.shut_unused(point) for point in sound)}, key=rank_laxness)

    def list_places(self) -> list[Place]:
        """Every run there is: nothing accepted fuzzily; each value of letters and of evidence, by edits."""
        places: list[Place] = [Place(0, "none", 0)]
        for edits, letters in enumerate(self.letters, 1):
            places += [Place(edits, "letters", value) for value in letters]
            places += [Place(edits, "evidence", value) for value in self.evidence]
        return places


def rank_laxness(setting: Setting) -> tuple[float, ...]:
    """Sorts from strict to lenient."""
    return (setting.max_edits, *(-value for value in setting[1:]))
