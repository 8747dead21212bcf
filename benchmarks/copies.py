"""Copies in every guise: recall and false pairs, beside perceptual hashes and local features.

    python benchmarks/copies.py ICONS PHOTOS [--sample 30] [--logos 1500] [--sheet FOLDER] [--only photos|logos]

ICONS is the unpacked package simple-icons (icons/ and data/), PHOTOS a folder of photographs. False pairs are counted among all originals;
of every so many originals, a --sample of each kind, all guises of ``guises.py`` are made and looked for among all originals. ImageHash,
pdqhash, opencv-python-headless and resvg-py are benchmark-only dependencies. --sheet draws every pair of different originals that
ours finds, side by side, to be looked at.

PDQ dihedral compares with all eight hashes; ORB alone is 500 features, cross-checked, a similarity by RANSAC and at least as many inliers
as leave no more false pairs than ours among 20,000 pairs of originals drawn at random.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from duplicates import draw_logo
from guises import GUISES, encode
from logoingest.images import find_duplicate_pairs, inspect_image
from logoingest.images.alike.copies import CopySearch, find_copy_pairs
from logoingest.images.alike.duplicates import group_copies
from logoingest.images.alike.neighbours import Fingerprints, NearSearch
from logoingest.images.alike.signatures import stack_signatures

Describe = Callable[[bytes], Any]
RANDOM_PAIRS = 20_000
_ORB_SAMPLE = 60


def open_upright(data: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def sign(data: bytes) -> bytes:
    return bytes(inspect_image(data)["signature"])


def hash_picture(data: bytes) -> dict[str, np.ndarray]:
    """The peers' hashes, as bytes."""
    import imagehash
    import pdqhash

    picture = open_upright(data)
    pixels = np.asarray(picture)
    found = {name: np.packbits(getattr(imagehash, name)(picture).hash.ravel()) for name in ("phash", "dhash")}
    found["pdq"] = np.packbits(pdqhash.compute(pixels)[0])
    found["pdq dihedral"] = np.stack([np.packbits(bits) for bits in pdqhash.compute_dihedral(pixels)[0]])
    return found


def find_features(data: bytes) -> Any:
    import cv2

    grey = np.asarray(open_upright(data).convert("L"))
    points, descriptors = cv2.ORB_create(500).detectAndCompute(grey, None)
    return np.array([point.pt for point in points], np.float32), descriptors


def count_inliers(first: Any, second: Any) -> int:
    import cv2

    if first[1] is None or second[1] is None:
        return 0
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(first[1], second[1])
    matches = [match for match in matches if match.distance <= 48]
    if len(matches) < 4:
        return 0
    cv2.setRNGSeed(0)
    sides = (first[0][[match.queryIdx for match in matches]], second[0][[match.trainIdx for match in matches]])
    _, inside = cv2.estimateAffinePartial2D(*sides, ransacReprojThreshold=4)
    return 0 if inside is None else int(inside.sum())


def disguise(name: str, data: bytes) -> list[bytes]:
    picture = open_upright(data)
    return [guise.make(picture, np.random.default_rng(zlib.crc32(f"{name} {guise.name}".encode()))) for guise in GUISES]


def report(kind: str, names: Sequence[str], files: Sequence[bytes], sample: int, sheet: Path | None) -> None:
    started = time.process_time()
    with ProcessPoolExecutor(2) as pool:
        signatures = list(pool.map(sign, files, chunksize=50))
        hashes = list(pool.map(hash_picture, files, chunksize=50))
    chosen = list(range(0, len(files), max(1, len(files) // sample)))[:sample]
    with ProcessPoolExecutor(2) as pool:
        guises = list(pool.map(disguise, [names[row] for row in chosen], [files[row] for row in chosen], chunksize=2))
        flat = [data for made in guises for data in made]
        theirs = list(pool.map(sign, flat, chunksize=50))
        their_hashes = list(pool.map(hash_picture, flat, chunksize=50))
    owner = np.repeat(chosen, len(GUISES))
    pairs = find_own_pairs(signatures)
    print(f"\n{kind}: {len(files):,} originals, {len(files) * (len(files) - 1) // 2:,} pairs; guises of {len(chosen)} of them")
    ours, near = find_hits(signatures, theirs, owner)
    rows = {"logoingest": (len(pairs), ours)}
    for name, limit in (("phash", 10), ("dhash", 10), ("pdq", 31), ("pdq dihedral", 31)):
        own, other = (np.stack([found[name] for found in part]) for part in (hashes, their_hashes))
        plain = np.stack([found["pdq" if name.startswith("pdq") else name] for found in hashes])
        own_all = own if own.ndim == 3 else own[:, None]
        false = sum(
            int((np.bitwise_count(plain[row + 1 :, None] ^ own_all[row]).sum(axis=2).min(axis=1) <= limit).sum())
            for row in range(len(plain) - 1)
        )
        other = other if other.ndim == 3 else other[:, None]
        hits = np.bitwise_count(plain[owner][:, None] ^ other).sum(axis=2).min(axis=1) <= limit
        rows[f"{name} <= {limit}"] = (false, hits)
    rows["ORB alone"] = match_features(files, flat, owner, len(GUISES), len(pairs) / (len(files) * (len(files) - 1) / 2))
    print_table(rows)
    print("pairs among originals by kind:", dict(Counter(told.partition(" ")[0] for told in pairs.values())))
    counts = {family: (near[places].sum(), ours[places].sum()) for family, places in list_families(len(chosen)).items()}
    print("guises called near: " + ", ".join(f"{family} {called} of {found}" for family, (called, found) in counts.items()))
    if sheet is not None:
        draw_sheet(sheet / f"{kind}.png", files, pairs)
    print(f"{time.process_time() - started:.0f} s of CPU in this process")


def find_own_pairs(signatures: Sequence[bytes]) -> dict[tuple[int, int], str]:
    """Pairs of originals that ours says show the same, with what it says."""
    near = find_duplicate_pairs(signatures)
    told = dict.fromkeys(zip(near.first.tolist(), near.second.tolist(), strict=True), "near")
    found = find_copy_pairs(np.stack([np.frombuffer(value, np.uint8) for value in signatures]))
    places = zip(found.first.tolist(), found.second.tolist(), strict=True)
    return told | {pair: f"{one.kind} {one.transformation}" for pair, one in zip(places, found.findings, strict=True)}


def find_hits(signatures: Sequence[bytes], theirs: Sequence[bytes], owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which guises are found to be copies of their originals, or of another in its group (there are twins), among all originals; which are called near."""
    ids = [f"{row:06d}" for row in range(len(signatures))]
    groups = group_copies(ids, signatures, ids).groups
    held, others = (Fingerprints.make(stack_signatures(part)) for part in (signatures, theirs))
    near = NearSearch(held).find_pairs(others)
    found = CopySearch(held.signatures).find(others.signatures)
    pairs = set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    pairs |= set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    hits, *called = np.zeros((3, len(owner)), bool)
    for original, row in pairs:
        hits[row] |= groups[original] == groups[owner[row]]
    for original, row, finding in zip(found.first.tolist(), found.second.tolist(), found.findings, strict=True):
        called[finding.kind == "near"][row] |= groups[original] == groups[owner[row]]
    return hits, called[1] & ~called[0]


def match_features(
    files: Sequence[bytes], flat: Sequence[bytes], owner: np.ndarray, each: int, share: float
) -> tuple[int, np.ndarray]:
    """ORB with as many inliers as leave no more false pairs than ours has, extrapolated from random pairs; every fourth original."""
    random = np.random.default_rng(0)
    places = random.choice(len(files), min(_ORB_SAMPLE, len(files)), replace=False)
    features = [find_features(files[place]) for place in places]
    counts = sorted((count_inliers(one, other) for one, other in itertools.combinations(features, 2)), reverse=True)
    allowed = int(share * len(counts))
    needed = max(counts[min(allowed, len(counts) - 1)] + 1, 8)
    hits = np.full(len(flat), np.nan)
    for start in range(0, len(flat), 4 * each):
        original = find_features(files[owner[start]])
        for row in range(start, start + each):
            hits[row] = count_inliers(original, find_features(flat[row])) >= needed
    return allowed, hits


def list_families(originals: int) -> dict[str, np.ndarray]:
    """The rows of each family of guises."""
    families = np.tile([guise.family for guise in GUISES], originals)
    return {name: np.flatnonzero(families == name) for name in dict.fromkeys(families.tolist())}


def print_table(rows: dict[str, tuple[int, np.ndarray]]) -> None:
    families = list_families(1)
    print("| | false pairs | " + " | ".join(families) + " |\n|" + "---|" * (len(families) + 2))
    for name, (false, hits) in rows.items():
        table = hits.reshape(-1, len(GUISES)).astype(float)
        print(f"| {name} | {false} | " + " | ".join(f"{np.nanmean(table[:, numbers]):.3f}" for numbers in families.values()) + " |")
    table = rows["logoingest"][1].reshape(-1, len(GUISES)).mean(axis=0)
    print("ours, guise by guise: " + ", ".join(f"{guise.name} {share:.2f}" for guise, share in zip(GUISES, table, strict=True)))


def draw_sheet(path: Path, files: Sequence[bytes], pairs: dict[tuple[int, int], str]) -> None:
    """Every pair side by side, 6 a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = Image.new("RGB", (6 * 240, 120 * -(-len(pairs) // 6) or 1), "white")
    for number, pair in enumerate(sorted(pairs)):
        for side, row in enumerate(pair):
            picture = open_upright(files[row])
            picture.thumbnail((112, 112))
            sheet.paste(picture, (number % 6 * 240 + side * 116, number // 6 * 120))
    sheet.save(path)


def draw_logos(folder: Path, count: int) -> tuple[list[str], list[bytes]]:
    icons = json.loads((folder / "data/simple-icons.json").read_text(encoding="utf-8"))
    chosen = icons[:: len(icons) // count][:count]
    return [icon["slug"] for icon in chosen], [encode(draw_logo(folder, icon)[0], "PNG", compress_level=1) for icon in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("icons", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--logos", type=int, default=1_500)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--only", choices=("photos", "logos"), help="one of the two kinds: some minutes each")
    options = parser.parse_args()
    if options.only != "logos":
        photos = sorted(options.photos.iterdir())
        report("photos", [file.name for file in photos], [file.read_bytes() for file in photos], options.sample, options.sheet)
    if options.only != "photos":
        report("drawn logos", *draw_logos(options.icons, options.logos), options.sample, options.sheet)


if __name__ == "__main__":
    main()
