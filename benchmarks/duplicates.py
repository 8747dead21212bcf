"""Near-duplicates of drawn logos: recall of their variants, false pairs, and the time a search takes.

    python benchmarks/duplicates.py ICONS [--photos FOLDER] [--search 100000]

ICONS is the unpacked package simple-icons (its folder with icons/ and data/). resvg-py draws them and ImageHash stands beside: both
are benchmark-only dependencies. Each logo is drawn in its colour at 320 px on white (light ones on black); its variants are JPEG at
quality 40, half size, 4 % cropped off each side and 10 % added. False pairs are pairs of different logos found near.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from logoingest.images import find_duplicate_pairs, group_duplicates, inspect_image
from logoingest.images.neighbours import MAX_DISTANCE, MIN_CORRELATION, Fingerprints, compare_rows

SIDE = 320


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
    hashes, signatures = (b"".join(fact[name] for fact in facts) for name in ("hash", "signature"))
    return Fingerprints(np.frombuffer(hashes, np.uint8).reshape(-1, 64), np.frombuffer(signatures, np.uint8).reshape(-1, 1024))


def report_ours(files: dict[str, list[bytes]]) -> None:
    prints = {name: read_prints(data) for name, data in files.items()}
    original = prints.pop("original")
    count = len(original.hashes)
    both = Fingerprints(*(np.concatenate(parts) for parts in zip(original, *prints.values(), strict=True)))
    recall = {}
    for number, name in enumerate(prints, start=1):
        distance, correlation = compare_rows(both, np.arange(count), np.arange(count) + number * count)
        recall[name] = float(((distance <= MAX_DISTANCE) & (correlation >= MIN_CORRELATION)).mean())
    pairs = find_duplicate_pairs([row.tobytes() for row in original.hashes], [row.tobytes() for row in original.signatures])
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


def time_search(originals: Sequence[bytes], count: int) -> None:
    """Search among pictures made of the logos: turned, mirrored, alone or two together."""
    random = np.random.default_rng(0)
    logos = [Image.open(io.BytesIO(data)).resize((128, 128)) for data in originals]
    hashes, signatures = [], []
    for _ in range(count):
        sheet = Image.new("RGB", (128 * int(random.integers(1, 3)), 128), "white")
        for left in range(0, sheet.width, 128):
            logo = logos[random.integers(len(logos))]
            sheet.paste(logo.rotate(int(random.integers(360)), fillcolor=logo.getpixel((0, 0))), (left, 0))
        facts = inspect_image(encode(sheet, "BMP"))
        hashes.append(facts["hash"])
        signatures.append(facts["signature"])
    started, used = time.perf_counter(), time.process_time()
    pairs = find_duplicate_pairs(hashes, signatures)
    print(
        f"{count:,} pictures: {len(pairs.first):,} pairs, {time.perf_counter() - started:.1f} s, {time.process_time() - used:.1f} s of CPU"
    )


def report_photos(folder: Path) -> None:
    files = sorted(folder.iterdir())
    facts = [inspect_image(file.read_bytes()) for file in files]
    columns = [[fact[name] for fact in facts] for name in ("hash", "signature", "pixel_hash")]
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
    parser.add_argument("--search", type=int, default=100_000)
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
    if options.search:
        time_search(files["original"], options.search)


if __name__ == "__main__":
    main()
