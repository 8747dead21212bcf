"""Time, memory and recall of the search for copies among many pictures.

    python benchmarks/copies_scale.py PHOTOS 100000

PHOTOS is a folder of photographs. There are not so many of them, so that the set is made: the photos' own fingerprints, those of the nine
ninths of each, and, up to the count, blends of two such ninths of different photos, one of them turned. Every twentieth is a copy of the one
before it: turned or mirrored, cropped to 64 % or more of the area, darkened, with noise. CPU seconds are those of this process and of the
interpreters that the search starts among many pictures; its peak is this process's, beside which each of them has some 100 MB.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image

from logoingest.images.alike import copies
from logoingest.images.alike.bounds import describe_unsearched
from logoingest.images.alike.copies import find_copy_pairs
from logoingest.images.alike.neighbours import find_structured
from logoingest.images.alike.ordered import share_search
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.turns import TURNS, turn_squares
from logoingest.images.alike.windows import Centres, find_candidates

EVERY = 20


def sign_parts(path: Path) -> np.ndarray:
    """Small grey pictures of a photo and of its nine ninths, 10 x 1,024."""
    photo = Image.open(path)
    photo.draft("L", (SIDE * 6, SIDE * 6))
    photo = photo.convert("L")
    width, height = (side / 3 for side in photo.size)
    boxes = [(across * width, down * height, (across + 1) * width, (down + 1) * height) for down in range(3) for across in range(3)]
    parts = [photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box) for box in (None, *boxes)]
    return np.stack([np.asarray(part).ravel() for part in parts])


def make_set(folder: Path, count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    parts = np.stack([sign_parts(file) for file in sorted(folder.iterdir())])
    tiles, real = parts[:, 1:].reshape(-1, SIDE, SIDE), np.concatenate([parts[:, 0], *parts[:, 1:].swapaxes(0, 1)])
    made = np.empty((count, SIDE * SIDE), np.uint8)
    made[: len(real)] = real[:count]
    rest = max(0, count - len(real))
    one, other = random.integers(len(tiles), size=rest), random.integers(len(tiles), size=rest)
    turned = turn_squares(tiles, 5)
    for row, (a, b, share) in enumerate(zip(one, other, random.uniform(0.3, 0.7, rest), strict=True), len(real)):
        made[row] = (share * tiles[a] + (1 - share) * turned[b]).astype(np.uint8).ravel()
    for row in range(EVERY - 1, count, EVERY):
        made[row] = copy_in_disguise(made[row - 1], random)
    return made


def copy_in_disguise(signature: np.ndarray, random: np.random.Generator) -> np.ndarray:
    side = random.uniform(0.8, 1) * SIDE
    left, top = random.uniform(0, SIDE - side, 2)
    picture = Image.fromarray(signature.reshape(SIDE, SIDE))
    picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    pixels = np.asarray(picture) * random.uniform(0.7, 1) + random.normal(0, 3, (SIDE, SIDE))
    return turn_squares(pixels.clip(0, 255).astype(np.uint8), int(random.integers(len(TURNS)))).ravel()


def measure_cpu() -> float:
    """Seconds of this process and of those it started that have ended."""
    return sum(sum(resource.getrusage(whose)[:2]) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Clock:
    def __init__(self) -> None:
        self.cpu, self.wall = measure_cpu(), time.perf_counter()

    def tell(self, what: str) -> None:
        cpu, wall = measure_cpu(), time.perf_counter()
        print(f"{what}: {cpu - self.cpu:.1f} CPU s, {wall - self.wall:.1f} s", flush=True)
        self.cpu, self.wall = cpu, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--steps", action="store_true", help="time the first two steps one by one, too")
    options = parser.parse_args()
    signatures = make_set(options.photos, options.count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock = Clock()
    if options.steps:
        rows = find_structured(signatures)
        centres = Centres(signatures, rows)
        with share_search(len(rows)) as workers:
            described = centres.describe(signatures, rows, workers)
        clock.tell(f"{options.count:,} pictures described, {centres.count} lists")
        with share_search(len(rows)) as workers:
            search = find_candidates(described, described, centres.count, same=True, workers=workers)
        clock.tell(f"{len(search.candidates.part):,} candidates")
        del described, search, centres
    found = find_copy_pairs(signatures)
    clock.tell(f"whole search, at most {copies.MOST_FITS:,} fits, {len(found.first):,} pairs")
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    planted = [(row - 1, row) for row in range(EVERY - 1, options.count, EVERY) if signatures[row - 1].std() >= 8]
    hits = sum(pair in pairs for pair in planted)
    print(f"planted copies found: {hits:,} of {len(planted):,} ({hits / len(planted):.4f})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak {peak / 1e3:.0f} MB, {before / 1e3:.0f} MB before the search; left out: {describe_unsearched(found.unsearched)}")


if __name__ == "__main__":
    main()
