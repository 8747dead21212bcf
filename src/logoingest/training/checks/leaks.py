"""The leak probe: is a picture of one split also in another, as it is, saved again, resized, slightly cropped, turned or mirrored?

Independent of the pipeline's own duplicate search on purpose. Three steps: equal bytes or ids; equal small pictures; alike small
pictures that an alignment then confirms. Thumbnails of 16 × 16 grey pixels, normalised to mean 0 and length 1, are compared by
their product (normalised correlation, -1 to 1), in all eight turns. Pairs that look alike are aligned by a similarity-and-stretch warp (Lucas and
Kanade, IJCAI 1981; Gauss-Newton over six affine parameters) at 64 × 64 and must then agree in colour, pixel by pixel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from logoingest.images.alike.turns import TURNS, turn_squares
from logoingest.release.reading.random_access import PictureReader
from logoingest.training.checks.alignment import compare_aligned, is_same
from logoingest.training.data.pictures import Pixels, decode_row, decode_square, open_pictures
from logoingest.training.data.splits import SPLITS, Split

#: Leaks named in metrics.json, at most.
NAMED_LEAKS = 200
#: Side of the thumbnail that proposes pairs, of the one that decides, and of what both are reduced from.
PROPOSAL_SIDE = 16
DECISION_SIDE = 64
#: Correlation of thumbnails from which a pair is looked at, and how many rivals of one picture are.
PROPOSAL_CORRELATION = 0.75
RIVALS = 4
#: Share a side that is cut for the inner thumbnail, which finds what a cropped copy was cut from.
INNER_CUT = 0.06
#: Standard deviation of grey values (0 to 255) under which a picture is too flat to be compared by correlation.
FLAT = 4.0
#: Border rows and columns whose grey values differ by less from the corner's are trimmed for a second look.
BORDER_TOLERANCE = 14

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Leak:
    """One picture in two splits; ``kind`` is same_file, same_id, same_group, same_pixels or near_duplicate."""

    kind: str
    split: str
    image_id: str
    other_split: str
    other_image_id: str
    correlation: float
    """In colour after alignment, 1 for the exact kinds."""


@dataclass(frozen=True)
class Prints:
    """What is kept of every picture of a split: (n,) digests and (n, 3, 256) thumbnails: plain, trimmed, inner."""

    split: Split
    sha256: Sequence[str]
    pixels: Sequence[str]
    thumbnails: Floats


def find_leaks(splits: Mapping[str, Split], workers: int = 2, on_progress: Callable[[int, int], None] | None = None) -> list[Leak]:
    """Pictures that validation shares with train, or test with either; each is named once, with its strongest proof."""
    total = sum(len(split) for split in splits.values())
    done = 0
    prints: list[Prints] = []
    leaks: list[Leak] = []
    for name in SPLITS:
        if name not in splits:
            continue
        made = make_prints(splits[name], workers)
        for earlier in prints:
            known = {(leak.split, leak.image_id) for leak in leaks}
            leaks += [leak for leak in _compare(made, earlier) if (leak.split, leak.image_id) not in known]
        prints.append(made)
        done += len(splits[name])
        if on_progress is not None:
            on_progress(done, total)
    return leaks


def make_prints(split: Split, workers: int = 2) -> Prints:
    """Read every picture of a split once."""
    shas, pixels = [], []
    thumbnails = np.zeros((len(split), 3, PROPOSAL_SIDE**2), dtype=np.float32)
    for row, (sha, digest, pair) in enumerate(_iterate_prints(split, workers)):
        shas.append(sha)
        pixels.append(digest)
        thumbnails[row] = pair
    return Prints(split, shas, pixels, thumbnails)


def _iterate_prints(split: Split, workers: int) -> Iterator[tuple[str, str, Floats]]:
    chunk = 64
    with open_pictures(split, kept_groups=2) as reader, ThreadPoolExecutor(max(1, workers), thread_name_prefix="probe") as pool:
        for start in range(0, len(split), chunk):
            rows = range(start, min(start + chunk, len(split)))
            blobs = [reader.read(int(split.row[row])) for row in rows]
            yield from pool.map(lambda row, data: _make_print(split, row, data), rows, blobs)


def _make_print(split: Split, row: int, data: bytes) -> tuple[str, str, Floats]:
    colour = decode_row(split, row, data, _decode_small)
    return hashlib.sha256(data).hexdigest(), hashlib.sha256(colour.tobytes()).hexdigest(), make_leak_prints(colour)


def make_leak_prints(colour: npt.NDArray[np.uint8]) -> Floats:
    """(3, 256): the whole picture, without its even border, without its outermost strip; each of mean 0 and length 1."""
    grey = _to_grey(colour)
    cut = round(len(grey) * INNER_CUT)
    return np.stack([_make_thumbnail(part) for part in (grey, grey[_find_content(grey)], grey[cut:-cut, cut:-cut])])


def _to_grey(colour: npt.NDArray[np.uint8]) -> Floats:
    return (colour @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.float32)


def _find_content(grey: Floats) -> tuple[slice, slice]:
    """Rows and columns without the even border, as long as something is left to look at."""
    differs = np.abs(grey - grey[0, 0]) > BORDER_TOLERANCE
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if len(rows) < 8 or len(columns) < 8:
        return slice(None), slice(None)
    return _shrink(rows[0], rows[-1] + 1, len(grey)), _shrink(columns[0], columns[-1] + 1, len(grey))


def _shrink(first: int, stop: int, side: int) -> slice:
    """One pixel less where something was trimmed: there border and picture are mixed."""
    return slice(first + (first > 0), stop - (stop < side))


def _make_thumbnail(grey: Floats) -> Floats:
    """Mean 0, length 1; all zero when there is nothing to see, which correlates with nothing."""
    image = Image.fromarray(grey).resize((PROPOSAL_SIDE, PROPOSAL_SIDE), Image.Resampling.BOX)
    values = np.asarray(image, dtype=np.float32).reshape(-1)
    centred = values - values.mean()
    if values.std() < FLAT:
        return np.zeros_like(values)
    thumbnail: Floats = centred / np.linalg.norm(centred)
    return thumbnail


def _compare(queries: Prints, others: Prints) -> list[Leak]:
    """At most one leak per query picture."""
    found: dict[int, Leak] = {}
    split, other = queries.split, others.split
    exact: tuple[tuple[str, Sequence[str | None], Sequence[str | None]], ...] = (
        ("same_file", queries.sha256, others.sha256),
        ("same_id", split.image_id, other.image_id),
        ("same_pixels", queries.pixels, others.pixels),
        ("same_group", split.group_id, other.group_id),
    )
    for kind, ours, theirs in exact:
        places = {key: row for row, key in enumerate(theirs) if key is not None}
        for row, key in enumerate(ours):
            if key is not None and key in places and row not in found:
                found[row] = Leak(kind, split.name, split.image_id[row], other.name, other.image_id[places[key]], 1.0)
    proposed = [pair for pair in propose_pairs(queries.thumbnails, others.thumbnails) if pair[0] not in found]
    turns = choose_turns(queries.thumbnails, others.thumbnails, proposed)
    for row, place, correlation in _confirm_pairs(split, other, proposed, turns):
        if row not in found or correlation > found[row].correlation:
            found[row] = Leak(
                "near_duplicate", split.name, split.image_id[row], other.name, other.image_id[place], round(correlation, 4)
            )
    return [found[row] for row in sorted(found)]


def propose_pairs(queries: Floats, others: Floats, block: int = 4096) -> list[tuple[int, int]]:
    """(query, other) of the ``RIVALS`` likest others of each query, of those that are alike at all; by one matrix product."""
    count = len(others)
    if not count or not len(queries):
        return []
    best_value = np.full((len(queries), RIVALS), -1.0, dtype=np.float32)
    best_place = np.zeros((len(queries), RIVALS), dtype=np.int64)
    for start in range(0, count, block):
        part = others[start : start + block]
        for first in range(0, len(queries), block):
            rows = slice(first, first + block)
            product = _correlate_views(queries[rows], part)
            value = np.concatenate([best_value[rows], product], axis=1)
            place = np.concatenate([best_place[rows], np.broadcast_to(np.arange(start, start + len(part)), product.shape)], axis=1)
            top = np.argsort(-value, axis=1, kind="stable")[:, :RIVALS]
            best_value[rows] = np.take_along_axis(value, top, axis=1)
            best_place[rows] = np.take_along_axis(place, top, axis=1)
    query, rank = np.nonzero(best_value >= PROPOSAL_CORRELATION)
    return list(zip(query.tolist(), best_place[query, rank].tolist(), strict=True))


def choose_turns(queries: Floats, others: Floats, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """In which of the eight turns the query of each pair is likest the other."""
    chosen = {}
    for row, place in pairs:
        alike = [
            float(_correlate_upright(_turn_views(queries[row : row + 1], turn), others[place : place + 1])[0, 0])
            for turn in range(len(TURNS))
        ]
        chosen[row, place] = int(np.argmax(alike))
    return chosen


def turn_picture(colour: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    """A picture (side, side, 3) turned by ``TURNS[turn]``."""
    return np.ascontiguousarray(np.moveaxis(turn_squares(np.moveaxis(colour, -1, 0), turn), 0, -1))


def _turn_views(thumbnails: Floats, turn: int) -> Floats:
    squares = thumbnails.reshape(*thumbnails.shape[:2], PROPOSAL_SIDE, PROPOSAL_SIDE)
    return turn_squares(squares, turn).reshape(thumbnails.shape)


def _correlate_views(queries: Floats, others: Floats) -> Floats:
    """The best of the eight turns of the queries."""
    product = _correlate_upright(queries, others)
    for turn in range(1, len(TURNS)):
        np.maximum(product, _correlate_upright(_turn_views(queries, turn), others), out=product)
    return product


def _correlate_upright(queries: Floats, others: Floats) -> Floats:
    """The best of: whole with whole, trimmed with trimmed, whole with inner (one was cut from the other)."""
    product = queries[:, 0] @ others[:, 0].T
    for ours, theirs in ((1, 1), (0, 2), (2, 0)):
        np.maximum(product, queries[:, ours] @ others[:, theirs].T, out=product)
    return product


def _confirm_pairs(
    split: Split, other: Split, pairs: Sequence[tuple[int, int]], turns: Mapping[tuple[int, int], int], block: int = 64
) -> Iterator[tuple[int, int, float]]:
    """Align the proposed pairs, a block at a time; yields (query, other, correlation in colour) of those that are the same."""
    by_place = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    with open_pictures(split) as ours, open_pictures(other) as theirs:
        for start in range(0, len(by_place), block):
            part = by_place[start : start + block]
            first = np.stack([turn_picture(_decode(split, ours, row), turns[row, place]) for row, place in part])
            second = np.stack([_decode(other, theirs, place) for _, place in part])
            for (row, place), correlation in zip(part, match_pictures(first, second), strict=True):
                if correlation > 0:
                    yield row, place, float(correlation)


def _decode(split: Split, reader: PictureReader, row: int) -> npt.NDArray[np.uint8]:
    return decode_row(split, row, reader.read(int(split.row[row])), _decode_small)


def _decode_small(data: bytes) -> Pixels:
    return decode_square(data, DECISION_SIDE)


def match_pictures(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Floats:
    """(n,) correlation in colour of each pair that is the same picture, as it is or without its borders; 0 where it is not."""
    found = _score_same(first, second)
    trimmed = [np.stack([_trim_picture(picture) for picture in part]) for part in (first, second)]
    changed = np.flatnonzero((trimmed[0] != first).any(axis=(1, 2, 3)) | (trimmed[1] != second).any(axis=(1, 2, 3)))
    open_rows = changed[found[changed] == 0]
    if len(open_rows):
        found[open_rows] = _score_same(trimmed[0][open_rows], trimmed[1][open_rows])
    return found


def _score_same(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Floats:
    return np.array([figures[0] if is_same(figures) else 0.0 for figures in compare_aligned(first, second)], dtype=np.float32)


def _trim_picture(colour: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Without its even border, at the side it had."""
    content = Image.fromarray(colour[_find_content(_to_grey(colour))])
    return np.array(content.resize((DECISION_SIDE, DECISION_SIDE), Image.Resampling.BICUBIC))
