"""Different pictures that are alike but for a place: how many are found, and how many of these are called copies.

    python benchmarks/copies_variants.py ICONS PHOTOS [--start 30]

ICONS is the unpacked package simple-icons, PHOTOS a folder of photographs. Of every 47th mark two pictures with two words each, below it, in its corner
or to its right, .12, .2 and .3 of its height; and of 60 drawn pages two with one photo or another over .04 to .2 of them. What is found is kept
in one group whatever it is called; ``near`` says that the two may differ.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from copies import sign
from duplicates import draw_logo
from guises import encode
from logoingest.images.alike.copies import find_copy_pairs
from logoingest.images.alike.signatures import stack_signatures

WORDS = [
    "Express",
    "Ground",
    "Corporation",
    "Services",
    "Cargo",
    "Home",
    "Bank",
    "Media",
    "Studio",
    "Global",
    "Sport",
    "Mobile",
    "Energy",
    "Foods",
]
EACH = 47
PAGES = 60


def write_word(mark: Image.Image, word: str, size: float, place: str) -> Image.Image:
    pixels, ground = np.asarray(mark).reshape(-1, 3).astype(int), mark.getpixel((1, 1))
    ink = tuple(pixels[np.abs(pixels - ground).sum(axis=1).argmax()].tolist())
    font = ImageFont.load_default(max(10, mark.height * size))
    _, _, width, height = ImageDraw.Draw(mark).textbbox((0, 0), word, font=font)
    more = {"below": (0, height), "in the corner": (0, 0), "to the right": (width * 1.1, 0)}[place]
    shown = Image.new("RGB", (round(mark.width + more[0]), round(mark.height + more[1])), ground)
    shown.paste(mark, (0, 0))
    at = {
        "below": ((mark.width - width) / 2, mark.height - height / 4),
        "in the corner": (mark.width * 0.95 - width, mark.height * 0.97 - height),
        "to the right": (mark.width, (mark.height - height) / 2),
    }[place]
    ImageDraw.Draw(shown).text(at, word, fill=ink, font=font)
    return shown


def draw_page(photo: Image.Image, share: float, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    page = Image.new("RGB", (420, 520), "#f6f6f4")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 420, random.integers(24, 60)), fill=tuple(random.integers(0, 200, 3).tolist()))
    top = 70
    while top < 510:
        draw.rectangle((20, top, 20 + int(random.integers(120, 380)), top + 5), fill="#444444")
        top += int(random.integers(11, 18)) + 20 * int(random.random() < 0.15)
    side = round((420 * 520 * share) ** 0.5)
    page.paste(photo.resize((side, side)), (int(random.integers(20, 400 - side)), int(random.integers(70, 500 - side))))
    return page


def make_pairs(icons: Path, photos: Path, start: int) -> Iterator[tuple[str, bytes, bytes]]:
    random = np.random.default_rng(start)
    for icon in json.loads((icons / "data/simple-icons.json").read_text(encoding="utf-8"))[start::EACH]:
        mark = draw_logo(icons, icon)[0]
        for size in (0.12, 0.2, 0.3):
            for place in ("below", "in the corner", "to the right"):
                words = random.choice(WORDS, 2, replace=False).tolist()
                yield f"another word, {size} of the mark's height", *(encode(write_word(mark, word, size, place)) for word in words)
    files = sorted(photos.iterdir())
    for number in range(PAGES):
        both = [Image.open(files[place]).convert("RGB") for place in random.choice(len(files), 2, replace=False).tolist()]
        for share in (0.04, 0.1, 0.2):
            yield (
                f"another photo on {share} of a page",
                *(encode(draw_page(photo, share, 1_000 * start + number)) for photo in both),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("icons", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--start", type=int, default=30, help="which of the marks: 11 was developed on")
    options = parser.parse_args()
    names, *sides = zip(*make_pairs(options.icons, options.photos, options.start), strict=True)
    with ProcessPoolExecutor(2) as pool:
        signatures = stack_signatures(list(pool.map(sign, [*sides[0], *sides[1]], chunksize=50)))
    found = find_copy_pairs(signatures)
    places = zip(found.first.tolist(), found.second.tolist(), found.findings, strict=True)
    kinds = [(names[first], finding.kind != "near") for first, second, finding in places if second - first == len(names)]
    pairs, seen, copies = Counter(names), Counter(name for name, _ in kinds), Counter(name for name, is_copy in kinds if is_copy)
    print("| | pairs | found | of these called copies |\n|---|---|---|---|")
    for name in pairs:
        print(f"| {name} | {pairs[name]} | {seen[name]} | {copies[name]} |")


if __name__ == "__main__":
    main()
