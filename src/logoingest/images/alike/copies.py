"""Copies in any guise: turned, cropped, framed, recoloured, saved again; verified in pixels, each finding with its evidence.

Candidates (``windows``) are laid upon each other (``laying``) and count as copies where grey values and slopes agree over most of the smaller
one. What is known of a pair after that stands in ``PairFinding``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.heap import keep_freed_memory
from logoingest.images.alike.bounds import Unsearched, describe_unsearched
from logoingest.images.alike.laying.differing import DIFFERS, Differing, Overlay, find_differing, name_place
from logoingest.images.alike.laying.fitting import PARTIAL, Fits, Laying, fit_pairs, is_partial, measure_area
from logoingest.images.alike.neighbours import find_structured
from logoingest.images.alike.ordered import share_search
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.trims import Trimmed, trim_signatures
from logoingest.images.alike.turns import INVERSES, TURNS, turn_squares
from logoingest.images.alike.windows import (
    WINDOWS,
    Candidates,
    Centres,
    Described,
    Search,
    find_candidates,
    find_start,
    join_searches,
)
from logoingest.schemas import CopyKind
from logoingest.workers import Workers

logger = logging.getLogger("logoingest")

Bytes = NDArray[np.uint8]
Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

#: What two pictures that are laid upon each other have in common at least: of the grey values (Pearson's r) …
MIN_CORRELATION = 0.93
#: … of their slopes …
MIN_DETAIL = 0.85
#: … and the share of the smaller one that the other shows. All measured: ``benchmarks/copies.py``.
MIN_OVERLAP = 0.6
#: … and of partial pairs (``laying.fitting.PARTIAL``), and where a border was cut off.
PARTIAL_CORRELATION, PARTIAL_DETAIL = 0.975, 0.90
CUT_CORRELATION = 0.98
#: So many pairs at most are laid upon each other in one search, the likest: a minute or two of work.
MOST_FITS = 800_000
#: Where there are no more pairs, each is laid both ways, the one upon the other and the other upon the one; else only as it is likest.
MOST_BOTH_WAYS = 200_000
#: In larger sets only near pictures are looked for, in all eight turns (``neighbours``): minutes would become hours.
MOST_PICTURES = 120_000
#: A copy is the same picture with at least so much in common; with less it is near: the next frame of a burst, a badly damaged copy.
SAME_CORRELATION, SAME_DETAIL = 0.975, 0.93
#: Of what is neither cropped nor framed the two show at least this share in common.
WHOLE = 0.96
#: A map that is no more than a crop, a frame and a slight rotation: area, stretch of one side against the other, and angle in degrees.
_AREAS = (0.3, 1.7)
_MOST_STRETCH = 1.4
_MOST_ANGLE = 7.0
_SLIGHT_ANGLE = 0.75
_AT_ONCE = 64


class PairFinding(NamedTuple):
    """What is known of two pictures that show the same."""

    kind: CopyKind
    transformation: str
    """What makes the second of the first, for people."""
    overlap: float
    """Share of both pictures together that both show, of the larger one's area, 0 to 1."""
    residual: float
    """1 - r of the grey values where they overlap, 0 to 2."""


class CopyPairs(NamedTuple):
    """Pairs of row numbers, sorted, and what was found of each."""

    first: Indices
    second: Indices
    findings: list[PairFinding]
    unsearched: Unsearched


SAME_PIXELS = PairFinding(CopyKind.SAME_PIXELS, TURNS[0].name, 1.0, 0.0)


@keep_freed_memory()
def find_copy_pairs(signatures: Bytes, among: Indices | None = None, further: int = 0) -> CopyPairs:
    """Copies among some pictures, ``first < second``; pictures of one colour are in no pair, nor any above ``MOST_PICTURES``.

    Args:
        signatures: n x 1,024.
        among: the rows that are looked at, sorted; all when left out.
        further: pictures that count as well and are not here, where it is known that all together are too many.
    """
    rows = find_structured(signatures)
    rows = rows if among is None else np.intersect1d(rows, among, assume_unique=True)
    too_many = len(rows) + further if len(rows) + further > MOST_PICTURES else 0
    rows = rows[:0] if too_many else rows
    centres = Centres(signatures, rows)
    with share_search(len(rows)) as workers:
        inner = trim_signatures(signatures, rows, workers)
        named = _Named(signatures, rows, 0), _Named(inner.signatures, np.arange(len(inner.owners)), len(signatures))
        pictures = _Pictures.stack([signatures, inner.signatures], [inner])
        found = _verify(pictures, _search_within(*named, _LookUp(centres, workers)), workers)
    return found._replace(unsearched=_tell(found.unsearched.add(Unsearched(pictures=too_many))))


def _search_within(wholes: _Named, cut: _Named, look_up: _LookUp) -> Search:
    """Candidates among some pictures and what their borders were cut off to; what they are looked up by is let go of with it."""
    described = look_up.describe(wholes)
    searches = [look_up.find(wholes, described, wholes, described)]
    parts = look_up.describe(cut, windows=1)
    searches.append(look_up.find(cut, parts, wholes, described)._replace(unsearched=Unsearched()))  # of the same windows
    del described, parts
    inner = look_up.describe(cut)
    return join_searches([*searches, look_up.find(cut, inner, cut, inner)])


class CopySearch:
    """Search of copies of further pictures among a set that is held."""

    def __init__(self, held: Bytes) -> None:
        """Describe the set (signatures n x 1,024)."""
        rows = find_structured(held)
        self._centres, self._held = Centres(held, rows), _Named(held, rows, 0)
        with share_search(len(rows)) as workers:
            self._inner = trim_signatures(held, rows, workers)
            self._held_cut = _Named(self._inner.signatures, np.arange(len(self._inner.owners)), len(held))
            look_up = _LookUp(self._centres, workers)
            self._described, self._cut = look_up.describe(self._held), look_up.describe(self._held_cut)

    @keep_freed_memory()
    def find(self, others: Bytes) -> CopyPairs:
        """Copies of held pictures (``first``) among others (``second``)."""
        rows, count = find_structured(others), len(self._held.signatures)
        theirs = _Named(others, rows, count)
        ours_cut = self._held_cut._replace(start=count + len(others))
        with share_search(len(self._held.rows) + len(rows)) as workers:
            inner = trim_signatures(others, rows, workers)
            inner = inner._replace(owners=inner.owners + count)
            theirs_cut = _Named(inner.signatures, np.arange(len(inner.owners)), count + len(others) + len(self._inner.owners))
            sets = [self._held.signatures, others, self._inner.signatures, inner.signatures]
            pictures = _Pictures.stack(sets, [self._inner, inner])
            look_up = _LookUp(self._centres, workers)
            described, cut = look_up.describe(theirs), look_up.describe(theirs_cut, windows=1)
            searches = [
                look_up.find(theirs, described, self._held, self._described),
                look_up.find(self._held, self._described, theirs, described),
                *(
                    found._replace(unsearched=Unsearched())  # of the same windows
                    for found in (
                        look_up.find(theirs_cut, cut, self._held, self._described),
                        look_up.find(ours_cut, self._cut, theirs, described),
                        look_up.find(theirs_cut, cut, ours_cut, self._cut),
                    )
                ),
            ]
            found = _verify(pictures, join_searches(searches), workers)
        return found._replace(second=found.second - count, unsearched=_tell(found.unsearched))


class _Named(NamedTuple):
    """Some rows of signatures, and the number that the first of all has where several sets are counted on."""

    signatures: Bytes
    rows: Indices
    start: int


class _LookUp(NamedTuple):
    """The lists that pictures are looked up in, and who does it."""

    centres: Centres
    workers: Workers

    def describe(self, pictures: _Named, windows: int = len(WINDOWS)) -> Described:
        return self.centres.describe(pictures.signatures, pictures.rows, self.workers, windows)

    def find(self, parts: _Named, described: Described, wholes: _Named, wholes_described: Described) -> Search:
        """Candidates, by number."""
        if not len(parts.rows) or not len(wholes.rows):
            return join_searches([])
        same = described is wholes_described
        found = find_candidates(described, wholes_described, self.centres.count, same, self.workers)
        return found._replace(candidates=found.candidates.rename(parts.rows + parts.start, wholes.rows + wholes.start))


class _Pictures(NamedTuple):
    """Several sets of signatures counted on, the last of them without what was left of a border."""

    sets: Sequence[Bytes]
    owners: Indices
    """Whose each is: its own, or another's where a border was cut off."""
    shares: NDArray[np.float64]
    """How much of the area of that one it is, 0 to 1."""

    @classmethod
    def stack(cls, sets: Sequence[Bytes], trimmed: Sequence[Trimmed]) -> _Pictures:
        whole = sum(len(part) for part in sets) - sum(len(part.owners) for part in trimmed)
        owners = np.concatenate([np.arange(whole), *(part.owners for part in trimmed)])
        return cls(sets, owners, np.concatenate([np.ones(whole), *(part.shares for part in trimmed)]))

    def pick(self, numbers: NDArray[np.integer]) -> Bytes:
        """Small squares, n x 32 x 32."""
        picked, start = np.empty((len(numbers), SIDE * SIDE), np.uint8), 0
        for part in self.sets:
            mine = (numbers >= start) & (numbers < start + len(part))
            picked[mine] = part[numbers[mine] - start]
            start += len(part)
        return picked.reshape(-1, SIDE, SIDE)

    def pick_pairs(self, candidates: Candidates) -> tuple[Bytes, Bytes]:
        """The parts in their turns, and what they are looked for in."""
        parts = self.pick(candidates.part)
        for number in range(1, len(TURNS)):
            rows = candidates.turn == number
            parts[rows] = turn_squares(parts[rows], number)
        return parts, self.pick(candidates.whole)


def judge_pairs(signatures: Bytes, first: Indices, second: Indices, turns: Indices) -> list[PairFinding]:
    """The findings on pairs of rows (``first < second``) of signatures (n x 1,024) that are known to show the same, the first in these turns."""
    candidates = Candidates(first, second, np.zeros(len(first), np.uint8), turns.astype(np.uint8), np.ones(len(first), np.float32))
    pictures, is_cut = _Pictures.stack([signatures], []), np.zeros(len(first), bool)
    with share_search(len(first)) as workers:
        fits = _lay_upon(pictures, candidates, is_cut, workers, leave_early=False)
        differing = _find_differing(pictures, candidates, fits.maps, workers)
    return _judge(fits, differing, candidates, np.ones(len(first), bool), np.ones(len(first)))


def _tell(unsearched: Unsearched) -> Unsearched:
    """The same; the log has it too."""
    for sentence in describe_unsearched(unsearched):
        logger.warning("%s", sentence)
    return unsearched


def _verify(pictures: _Pictures, search: Search, workers: Workers) -> CopyPairs:
    """Those of the candidates that are copies, each pair of owners once."""
    candidates, owners = search.candidates, pictures.owners
    candidates = candidates.take(np.flatnonzero(owners[candidates.part] != owners[candidates.whole]))
    swapped = candidates.part > candidates.whole
    low, high = np.where(swapped, candidates.whole, candidates.part), np.where(swapped, candidates.part, candidates.whole)
    order = np.lexsort((candidates.window, candidates.turn, swapped, -candidates.likeness, high, low))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    if np.count_nonzero(fresh) <= MOST_BOTH_WAYS:
        fresh[1:] |= np.diff(swapped[order]) != 0
    once = candidates.take(order[fresh])
    chosen = _choose_likest(once)
    unsearched = search.unsearched.add(Unsearched(pairs=len(once.part) - len(chosen.part)))
    left = np.minimum(pictures.shares[chosen.part], pictures.shares[chosen.whole])
    fits = _lay_upon(pictures, chosen, left < 1, workers)
    rows = _keep_wholes(pictures, chosen, np.flatnonzero(_is_copy(fits, left)))
    fits, chosen = Fits(*(column[rows] for column in fits)), chosen.take(rows)
    part, whole = owners[chosen.part], owners[chosen.whole]
    differing = _find_differing(pictures, chosen, fits.maps, workers)
    findings = _judge(fits, differing, chosen, part < whole, left[rows])
    return CopyPairs(np.minimum(part, whole), np.maximum(part, whole), findings, unsearched)


def _keep_wholes(pictures: _Pictures, candidates: Candidates, rows: Indices) -> Indices:
    """Each pair of owners once, sorted by them: as the pictures are where that will do, else where most of them is left."""
    ends = [pictures.owners[numbers[rows]] for numbers in (candidates.part, candidates.whole)]
    first, second = np.minimum(*ends), np.maximum(*ends)
    left = pictures.shares[candidates.part[rows]] * pictures.shares[candidates.whole[rows]]
    order = np.lexsort((-candidates.likeness[rows], -left, second, first))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    return rows[order[fresh]]


def _choose_likest(candidates: Candidates) -> Candidates:
    """At most ``MOST_FITS`` of the candidates, the likest, in their order."""
    if len(candidates.part) <= MOST_FITS:
        return candidates
    return candidates.take(np.sort(np.argsort(-candidates.likeness, kind="stable")[:MOST_FITS]))


def _lay_upon(
    pictures: _Pictures, candidates: Candidates, is_cut: NDArray[np.bool_], workers: Workers, leave_early: bool = True
) -> Fits:
    def take(here: Indices) -> Laying:
        return Laying(*pictures.pick_pairs(candidates.take(here)), find_start(candidates.window[here]), is_cut[here])

    return fit_pairs(take, len(is_cut), workers, leave_early)


def _find_differing(pictures: _Pictures, candidates: Candidates, maps: Floats, workers: Workers) -> Differing:
    """Where pairs that were laid upon each other differ most."""
    rows = np.arange(len(maps))
    lots = (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
    overlays = (Overlay(*pictures.pick_pairs(candidates.take(lot)), maps[lot]) for lot in lots)
    found = [Differing(np.empty(0, np.float32), np.empty((0, 2), np.float32)), *workers.map(find_differing, overlays)]
    return Differing(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _is_copy(fits: Fits, left: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which are copies; ``left`` is what their borders were cut off to, 1 where none was."""
    area = measure_area(fits.maps)
    across, down = (np.hypot(fits.maps[:, 0, axis], fits.maps[:, 1, axis]) for axis in (0, 1))
    stretch = np.maximum(across, down) / np.maximum(np.minimum(across, down), 1e-6)
    angle = _measure_angles(fits.maps)
    slight = (area >= _AREAS[0]) & (area <= _AREAS[1]) & (stretch <= _MOST_STRETCH) & (angle <= _MOST_ANGLE)
    partial = is_partial(fits.maps, fits.overlap) | (left < 1)
    agree = fits.correlation >= np.where(left < 1, CUT_CORRELATION, np.where(partial, PARTIAL_CORRELATION, MIN_CORRELATION))
    agree &= fits.detail >= np.where(partial, PARTIAL_DETAIL, MIN_DETAIL)
    return np.asarray(slight & agree & (fits.overlap * area / np.minimum(area, 1.0) >= MIN_OVERLAP))


def _measure_angles(maps: Floats) -> Floats:
    """Degrees; places are counted from -1 to 1 down and across, so that the two mixed terms tell it together whatever the aspect."""
    mixed = np.sqrt(np.maximum(-maps[:, 0, 1] * maps[:, 1, 0], 0))
    return np.asarray(np.degrees(np.arctan2(mixed, (maps[:, 0, 0] + maps[:, 1, 1]) / 2)), np.float32)


def _judge(
    fits: Fits, differing: Differing, candidates: Candidates, is_part_first: NDArray[np.bool_], left: NDArray[np.float64]
) -> list[PairFinding]:
    """The findings on pairs, of which so much of the area was ``left`` by borders that were cut off; what differs in a place is near at most."""
    maps, turns = fits.maps, candidates.turn
    area = measure_area(maps).astype(np.float64)
    overlap = np.minimum(1.0, fits.overlap * area / np.maximum(area, 1.0))
    shown = overlap * left
    least = [np.where(shown < PARTIAL, *pair) for pair in ((PARTIAL_CORRELATION, SAME_CORRELATION), (PARTIAL_DETAIL, SAME_DETAIL))]
    differs = differing.shares >= DIFFERS
    same = (fits.correlation >= least[0]) & (fits.detail >= least[1]) & ~differs
    kinds = np.where(same, np.where(shown < WHOLE, _CROPPED, np.where(turns > 0, _TURNED, _SAVED_AGAIN)), _NEAR)
    sides = np.hypot(maps[:, 0, :2].astype(np.float64), maps[:, 1, :2]).tolist()
    residuals = 1.0 - fits.correlation.astype(np.float64)
    angles = _measure_angles(maps).tolist()
    findings = []
    for row, (turn, is_first) in enumerate(zip(turns.tolist(), is_part_first.tolist(), strict=True)):
        words = _describe(turn, is_first, angles[row], sides[row] if overlap[row] < WHOLE else None)
        if differs[row]:
            place = _find_place(differing.places[row], turn, maps[row] if is_first else None)
            words.append(f"but for a place {place}")
        if left[row] < 1:
            words.append("with another border")
        told = ", ".join(words) or TURNS[0].name
        findings.append(PairFinding(_KINDS[kinds[row]], told, round(float(shown[row]), 3), round(float(residuals[row]), 4)))
    return findings


def _find_place(place: Floats, number: int, into_whole: Floats | None) -> str:
    """Where a place of a turned part is in the second picture: the whole, where a map leads into it, else the part as it came."""
    if into_whole is not None:
        across, down = (into_whole[:, :2] @ place + into_whole[:, 2]).tolist()
    else:
        turn, (across, down) = TURNS[number], place.tolist()
        across, down = -across if turn.across else across, -down if turn.down else down
        across, down = (down, across) if turn.swap else (across, down)
    return name_place(across, down)


_KINDS = (CopyKind.NEAR, CopyKind.CROPPED, CopyKind.TURNED, CopyKind.SAVED_AGAIN)
_NEAR, _CROPPED, _TURNED, _SAVED_AGAIN = range(len(_KINDS))


def _describe(turn: int, is_part_first: bool, angle: float, shares: list[float] | None) -> list[str]:
    """What makes the second picture of the first, in words."""
    words = [TURNS[turn if is_part_first else int(INVERSES[turn])].name] if turn else []
    if angle >= _SLIGHT_ANGLE:
        words.append(f"rotated by {angle:.0f}°")
    if shares is not None:
        across, down = shares
        words.append(f"{'set into more, of which it is' if is_part_first else 'cropped to'} {across:.0%} x {down:.0%}")
    return words
