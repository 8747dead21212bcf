"""Copies in any guise: turned, cropped, framed, recoloured, saved again; verified in pixels, each finding with its evidence.

Candidates (``windows``) are laid upon each other (``fitting``) and count as copies where grey values and slopes agree over most of the smaller
one. What is known of a pair after that stands in ``PairFinding``.
"""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.bounds import Unsearched, describe_unsearched
from logoingest.images.alike.fitting import Fits, fit_pairs
from logoingest.images.alike.neighbours import find_structured
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.turns import INVERSES, TURNS, turn_squares
from logoingest.images.alike.windows import Candidates, Centres, Search, find_candidates, find_start, join_candidates
from logoingest.schemas import CopyKind

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
#: Where less than this share of the larger one is seen in both, shapes alone fit too easily, and more agreement is asked for.
PARTIAL = 0.85
PARTIAL_CORRELATION, PARTIAL_DETAIL = 0.975, 0.90
#: So many pairs at most are laid upon each other in one search, the likest: a minute or two of work.
MOST_FITS = 800_000
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


def find_copy_pairs(signatures: Bytes, among: Indices | None = None) -> CopyPairs:
    """Copies among some pictures, ``first < second``; pictures of one colour are in no pair, nor any above ``MOST_PICTURES``.

    Args:
        signatures: n x 1,024.
        among: the rows that are looked at, sorted; all when left out.
    """
    rows = find_structured(signatures)
    rows = rows if among is None else np.intersect1d(rows, among, assume_unique=True)
    too_many = len(rows) if len(rows) > MOST_PICTURES else 0
    rows = rows[:0] if too_many else rows
    centres = Centres(signatures, rows)
    described = centres.describe(signatures, rows)
    search = find_candidates(described, described, centres, same=True)
    found = _verify(signatures, signatures[:0], search._replace(candidates=search.candidates.rename(rows, rows)))
    return found._replace(unsearched=_tell(found.unsearched.add(Unsearched(pictures=too_many))))


class CopySearch:
    """Search of copies of further pictures among a set that is held."""

    def __init__(self, held: Bytes) -> None:
        """Describe the set (signatures n x 1,024)."""
        self._held, self._rows = held, find_structured(held)
        self._centres = Centres(held, self._rows)
        self._described = self._centres.describe(held, self._rows)

    def find(self, others: Bytes) -> CopyPairs:
        """Copies of held pictures (``first``) among others (``second``)."""
        rows, count = find_structured(others), len(self._held)
        described, shifted = self._centres.describe(others, rows), rows + count
        theirs = find_candidates(described, self._described, self._centres, same=False)
        ours = find_candidates(self._described, described, self._centres, same=False)
        both = join_candidates([theirs.candidates.rename(shifted, self._rows), ours.candidates.rename(self._rows, shifted)])
        found = _verify(self._held, others, Search(both, theirs.unsearched.add(ours.unsearched)))
        return found._replace(second=found.second - count, unsearched=_tell(found.unsearched))


def judge_pairs(signatures: Bytes, first: Indices, second: Indices, turns: Indices) -> list[PairFinding]:
    """The findings on pairs of rows (``first < second``) of signatures (n x 1,024) that are known to show the same, the first in these turns."""
    candidates = Candidates(first, second, np.zeros(len(first), np.int64), turns, np.ones(len(first), np.float32))
    fits = _lay_upon(signatures, signatures[:0], candidates, leave_early=False)
    return [_judge(fits, row, candidates) for row in range(len(first))]


def _tell(unsearched: Unsearched) -> Unsearched:
    """The same; the log has it too."""
    for sentence in describe_unsearched(unsearched):
        logger.warning("%s", sentence)
    return unsearched


def _verify(held: Bytes, others: Bytes, search: Search) -> CopyPairs:
    """Those of the candidates, rows of both sets counted on, that are copies; each pair of rows once."""
    candidates = search.candidates
    swapped = candidates.part > candidates.whole
    low, high = np.where(swapped, candidates.whole, candidates.part), np.where(swapped, candidates.part, candidates.whole)
    order = np.lexsort((candidates.window, candidates.turn, swapped, -candidates.likeness, high, low))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    once = candidates.take(order[fresh])
    chosen = _choose_likest(once)
    fits = _lay_upon(held, others, chosen)
    rows = np.flatnonzero(_is_copy(fits))
    first, second = np.minimum(chosen.part, chosen.whole)[rows], np.maximum(chosen.part, chosen.whole)[rows]
    unsearched = search.unsearched.add(Unsearched(pairs=len(once.part) - len(chosen.part)))
    return CopyPairs(first, second, [_judge(fits, row, chosen) for row in rows.tolist()], unsearched)


def _choose_likest(candidates: Candidates) -> Candidates:
    """At most ``MOST_FITS`` of the candidates, the likest, in their order."""
    if len(candidates.part) <= MOST_FITS:
        return candidates
    return candidates.take(np.sort(np.argsort(-candidates.likeness, kind="stable")[:MOST_FITS]))


def _lay_upon(held: Bytes, others: Bytes, candidates: Candidates, leave_early: bool = True) -> Fits:
    def take(here: Indices) -> tuple[Bytes, Bytes, Floats]:
        parts, wholes = (_pick(held, others, rows[here]) for rows in (candidates.part, candidates.whole))
        turns = candidates.turn[here]
        for number in range(1, len(TURNS)):
            rows = turns == number
            parts[rows] = turn_squares(parts[rows], number)
        return parts, wholes, find_start(candidates.window[here])

    return fit_pairs(take, len(candidates.part), leave_early)


def _pick(held: Bytes, others: Bytes, rows: Indices) -> Bytes:
    """Some rows of two sets, counted on from the first, n x 32 x 32."""
    picked = held[np.minimum(rows, len(held) - 1)] if len(held) else others[rows]
    beyond = rows >= len(held)
    picked[beyond] = others[rows[beyond] - len(held)]
    return picked.reshape(-1, SIDE, SIDE)


def _is_copy(fits: Fits) -> NDArray[np.bool_]:
    area = _measure_area(fits)
    across, down = (np.hypot(fits.maps[:, 0, axis], fits.maps[:, 1, axis]) for axis in (0, 1))
    stretch = np.maximum(across, down) / np.maximum(np.minimum(across, down), 1e-6)
    angle = _measure_angles(fits.maps)
    slight = (area >= _AREAS[0]) & (area <= _AREAS[1]) & (stretch <= _MOST_STRETCH) & (angle <= _MOST_ANGLE)
    is_partial = fits.overlap * area / np.maximum(area, 1.0) < PARTIAL
    agree = fits.correlation >= np.where(is_partial, PARTIAL_CORRELATION, MIN_CORRELATION)
    agree &= fits.detail >= np.where(is_partial, PARTIAL_DETAIL, MIN_DETAIL)
    return np.asarray(slight & agree & (fits.overlap * area / np.minimum(area, 1.0) >= MIN_OVERLAP))


def _measure_angles(maps: Floats) -> Floats:
    """Degrees; places are counted from -1 to 1 down and across, so that the two mixed terms tell it together whatever the aspect."""
    mixed = np.sqrt(np.maximum(-maps[:, 0, 1] * maps[:, 1, 0], 0))
    return np.asarray(np.degrees(np.arctan2(mixed, (maps[:, 0, 0] + maps[:, 1, 1]) / 2)), np.float32)


def _measure_area(fits: Fits) -> Floats:
    """The area of the part, that of the whole being 1; mirrored maps don't come up, since parts are turned before."""
    maps = fits.maps
    return np.asarray(np.maximum(maps[:, 0, 0] * maps[:, 1, 1] - maps[:, 0, 1] * maps[:, 1, 0], 1e-6), np.float32)


def _judge(fits: Fits, row: int, candidates: Candidates) -> PairFinding:
    area, inside = float(_measure_area(fits)[row]), float(fits.overlap[row])
    overlap = min(1.0, inside * area / max(area, 1.0))
    correlation, detail = (PARTIAL_CORRELATION, PARTIAL_DETAIL) if overlap < PARTIAL else (SAME_CORRELATION, SAME_DETAIL)
    same = fits.correlation[row] >= correlation and fits.detail[row] >= detail
    turn = int(candidates.turn[row])
    if not same:
        kind = CopyKind.NEAR
    elif overlap < WHOLE:
        kind = CopyKind.CROPPED
    else:
        kind = CopyKind.TURNED if turn else CopyKind.SAVED_AGAIN
    what = _describe(fits.maps[row], turn, bool(candidates.part[row] < candidates.whole[row]), overlap < WHOLE)
    return PairFinding(kind, what, round(overlap, 3), round(1.0 - float(fits.correlation[row]), 4))


def _describe(found: Floats, turn: int, is_part_first: bool, is_cropped: bool) -> str:
    """What makes the second picture of the first, in words."""
    words = [TURNS[turn if is_part_first else int(INVERSES[turn])].name] if turn else []
    angle = float(_measure_angles(found[None])[0])
    if angle >= _SLIGHT_ANGLE:
        words.append(f"rotated by {angle:.0f}°")
    if is_cropped:
        across, down = (math.hypot(float(found[0, axis]), float(found[1, axis])) for axis in (0, 1))
        shares = f"{across:.0%} x {down:.0%}"
        words.append(f"set into more, of which it is {shares}" if is_part_first else f"cropped to {shares}")
    return ", ".join(words) or TURNS[0].name
