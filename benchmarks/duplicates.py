"""Near-duplicates of drawn logos: recall of their variants, false pairs, and the time a search takes.

    python benchmarks/duplicates.py ICONS [--photos FOLDER] [--scale 100000]

ICONS is the unpacked package simple-icons (its folder with icons/ and data/). resvg-py draws them and ImageHash stands beside: both
are benchmark-only dependencies. Each logo is drawn in its colour at 320 px on white (light ones on black); its variants are JPEG at
quality 40, half size, 4 % cropped off each side and 10 % added. False pairs are pairs of different logos found near.

--scale N searches the fingerprints of N pictures of one to three of the logos each, turned, mirrored and sized at random; every
hundredth is a smaller, noisier copy of the one before it, and how many of these are found is printed. Beyond 100,000 the rest are
blends of two of those each (every hundredth again a noisy copy). Time is that of the search.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from logoingest.images import find_duplicate_pairs, group_duplicates, inspect_image
from logoingest.images.alike.neighbours import (
    MAX_DISTANCE,
    MIN_CORRELATION,
    Fingerprints,
    Limits,
    compare_turned,
    find_structured,
    iterate_near_pairs,
    join_pairs,
)
from logoingest.images.alike.signatures import stack_signatures
from logoingest.images.looking.fingerprints import fingerprint_picture

SIDE = 320
MOST_DRAWN = 100_000


def draw_logo(folder: Path, icon: dict[str, Any]) -> tuple[Image.Image, str]:
    import resvg_py

    red, green, blue = bytes.fromhex(icon["hex"])
    ground = "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 190 else "#141414"
    svg = (folder / "icons" / f"{icon['slug']}.svg").read_text(encoding="utf-8")
    svg = svg.replace('viewBox="0 0 24 24"', 'viewBox="-3 -3 30 30"').replace("<path", f'<path fill="#{icon["hex"]}"')
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, background=ground, width=SIDE, height=SIDE))
    return Image.open(io.BytesIO(png)).convert("RGB"), ground


def encode(image: Image.Image, picture_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


def make_variants(logo: Image.Image, ground: str) -> dict[str, bytes]:
    side, cut, more = logo.width, round(logo.width * 0.04), round(logo.width * 0.1)
    padded = Image.new("RGB", (side + 2 * more, side + 2 * more), ground)
    padded.paste(logo, (more, more))
    return {
        "original": encode(logo, compress_level=1),
        "JPEG 40": encode(logo, "JPEG", quality=40),
        "half size": encode(logo.resize((side // 2, side // 2), Image.Resampling.BICUBIC), compress_level=1),
        "crop 4 %": encode(logo.crop((cut, cut, side - cut, side - cut)), compress_level=1),
        "pad 10 %": encode(padded, compress_level=1),
    }


def read_prints(files: Sequence[bytes]) -> Fingerprints:
    facts = [inspect_image(data) for data in files]
    return Fingerprints.make(stack_signatures([fact["signature"] for fact in facts]))


def report_ours(files: dict[str, list[bytes]]) -> None:
    prints = {name: read_prints(data) for name, data in files.items()}
    original = prints.pop("original")
    count = len(original.signatures)
    recall = {}
    for name, variant in prints.items():
        pairs = compare_turned(original, np.arange(count), np.arange(count), variant)
        recall[name] = float(((pairs.distance <= MAX_DISTANCE) & (pairs.correlation >= MIN_CORRELATION)).mean())
    pairs = find_duplicate_pairs([row.tobytes() for row in original.signatures])
    print_row("logoingest", len(pairs.first), count, recall)


def report_imagehash(files: dict[str, list[bytes]], name: str, limit: int) -> None:
    import imagehash

    function: Callable[[Image.Image], Any] = getattr(imagehash, name)
    bits = {
        kind: np.stack([np.packbits(function(Image.open(io.BytesIO(data))).hash.ravel()) for data in datas])
        for kind, datas in files.items()
    }
    original = bits.pop("original")
    recall = {kind: float((np.bitwise_count(original ^ other).sum(axis=1) <= limit).mean()) for kind, other in bits.items()}
    false = sum(
        int((np.bitwise_count(original[row + 1 :] ^ original[row]).sum(axis=1) <= limit).sum()) for row in range(len(original) - 1)
    )
    print_row(f"imagehash.{name} <= {limit}", false, len(original), recall)


def print_row(name: str, false: int, count: int, recall: dict[str, float]) -> None:
    shown = ", ".join(f"{kind} {share:.3f}" for kind, share in recall.items())
    print(f"{name:24}: {false} false pairs in {count * (count - 1) // 2:,}; recall {shown}")


def make_canvas(random: np.random.Generator, tiles: Sequence[Image.Image]) -> Image.Image:
    """One to three logos, turned, mirrored and sized at random, somewhere on a ground of random grey."""
    canvas = Image.new("L", (64, 64), int(random.integers(256)))
    for _ in range(int(random.integers(1, 4))):
        tile = tiles[random.integers(len(tiles))].transpose(Image.Transpose(int(random.integers(7))))
        size = int(random.integers(20, 64))
        canvas.paste(tile.resize((size, size)), tuple(random.integers(-8, 72 - size, 2).tolist()))
    return canvas


def make_copy(random: np.random.Generator, canvas: Image.Image) -> Image.Image:
    """The same at another size and with the noise of a worse encoding: what a near-duplicate looks like."""
    pixels = np.asarray(canvas.resize((48, 48), Image.Resampling.BICUBIC)).astype(np.int16)
    return Image.fromarray(np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8))


def make_part(seed: int, count: int, tiles: Sequence[Image.Image]) -> bytes:
    """Signatures of ``count`` pictures; every hundredth is a copy of the one before it."""
    random = np.random.default_rng(seed)
    signatures = bytearray()
    canvas = make_canvas(random, tiles)
    for number in range(count):
        canvas = make_copy(random, canvas) if number % 100 == 99 else make_canvas(random, tiles)
        signatures += fingerprint_picture(canvas.convert("RGB"), canvas).signature
    return bytes(signatures)


def blend_prints(random: np.random.Generator, prints: Fingerprints) -> Fingerprints:
    """As many fingerprints again, of blends of two pictures each, one of them mirrored; every hundredth copies the one before it."""
    own = prints.signatures.reshape(-1, 32, 32)
    other = own[random.permutation(len(own))][:, :: int(random.choice([1, -1])), ::-1]
    signatures = np.empty_like(own)
    for start in range(0, len(own), 10_000):
        part = slice(start, start + 10_000)
        share = random.uniform(0.3, 0.7, (len(own[part]), 1, 1)).astype(np.float32)
        signatures[part] = share * own[part] + (1 - share) * other[part]
    copied = signatures[98::100] + random.normal(0, 4, signatures[98::100].shape)
    signatures[99::100] = np.clip(copied, 0, 255)[: len(signatures[99::100])]
    return Fingerprints.make(signatures.reshape(-1, 1024))


def make_prints(originals: Sequence[bytes], count: int) -> Fingerprints:
    tiles = [Image.open(io.BytesIO(data)).convert("L").resize((64, 64)) for data in originals]
    drawn = min(count, MOST_DRAWN)
    sizes = [min(10_000, drawn - start) for start in range(0, drawn, 10_000)]
    with ProcessPoolExecutor(2) as pool:
        parts = list(pool.map(make_part, range(len(sizes)), sizes, [tiles] * len(sizes)))
    base = Fingerprints.make(np.frombuffer(b"".join(parts), np.uint8).reshape(drawn, -1))
    random = np.random.default_rng(0)
    more = [base, *(blend_prints(random, base) for _ in range(drawn, count, drawn))]
    return Fingerprints(*(np.concatenate(column)[:count] for column in zip(*more, strict=True)))


def time_search(originals: Sequence[bytes], count: int) -> None:
    """Search among ``count`` fingerprints of pictures made of the drawn logos, with planted copies."""
    prints = make_prints(originals, count)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    started, used = time.perf_counter(), time.process_time()
    rows = find_structured(prints.signatures)
    pairs = join_pairs(list(iterate_near_pairs(prints.take(rows), Limits())))
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = set(zip(rows[pairs.first].tolist(), rows[pairs.second].tolist(), strict=True))
    copies = np.arange(99, count, 100)
    planted = compare_turned(prints, copies - 1, copies)
    near = (
        np.isin(copies - 1, rows)
        & np.isin(copies, rows)
        & (planted.distance <= MAX_DISTANCE)
        & (planted.correlation >= MIN_CORRELATION)
    )
    hits = [(copy - 1, copy) in found for copy in copies.tolist()]
    print(
        f"{count:,} pictures: {len(pairs.first):,} near pairs in {wall:.1f} s, {cpu:.1f} s of CPU, peak {peak:.2f} GB (before: {held:.2f}); "
        f"planted copies found {sum(hits):,} of {len(copies):,}, of the {int(near.sum()):,} within the limits {sum(np.array(hits)[near]):,}"
    )


def report_photos(folder: Path) -> None:
    files = sorted(folder.iterdir())
    facts = [inspect_image(file.read_bytes()) for file in files]
    columns = [[fact[name] for fact in facts] for name in ("signature", "pixel_hash")]
    groups = group_duplicates([file.name for file in files], *columns)
    inside = [[file.name for file, group in zip(files, groups, strict=True) if group == name] for name in sorted(set(groups))]
    for names in inside:
        if len(names) > 1:
            print("  ", *names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("icons", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=1_500)
    parser.add_argument("--scale", type=int, action="append", default=[], metavar="N", help="search N fingerprints (repeatable)")
    options = parser.parse_args()
    icons = json.loads((options.icons / "data/simple-icons.json").read_text(encoding="utf-8"))
    files: dict[str, list[bytes]] = {}
    for icon in icons[:: len(icons) // options.count][: options.count]:
        for kind, data in make_variants(*draw_logo(options.icons, icon)).items():
            files.setdefault(kind, []).append(data)
    report_ours(files)
    report_imagehash(files, "phash", 10)
    report_imagehash(files, "dhash", 10)
    if options.photos:
        report_photos(options.photos)
    for count in options.scale:
        time_search(files["original"], count)


if __name__ == "__main__":
    main()
