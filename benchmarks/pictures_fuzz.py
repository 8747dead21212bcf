"""Mutate small pictures of every format, and count the accepted ones that others open otherwise.

    python benchmarks/pictures_fuzz.py [FOLDER …] [--mutants 20000] [--seed 0] [--keep DIFFERENT]

The seeds are drawn here (92 files, most of 48 x 40 px: every accepted format, mode and kind of compression, with EXIF, XMP, profiles, text chunks,
previews and frames); pictures up to 50 kB in the folders named are taken too. Each mutant is one seed with one thing wrong, as in
``damage.py``: bytes changed, deleted, doubled or zeroed, or its end cut off. Of each that ``inspect_image`` accepts (and, with
``store = "rgb"``, of the normal form of each that decodes), these must agree:

- ``datasets``' own decoder of its Image feature opens it, and shows the size that inspection found
- our loader shows the same pixels as ``datasets`` does, made RGB by our rule
- what inspection saw, and hashed, is that picture too: exactly; of a JPEG, which another decoder brings to a scale, to 3 levels of 255 in the mean

Exit code 1 when one differs.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Image as ImageFeature
from PIL import Image, ImageCms, PngImagePlugin

from damage import KINDS, hush
from logoingest.images import inspect_image
from logoingest.pictures.decoding import INSPECTED_SIDE_PX, decode_picture
from logoingest.pictures.loading import load_picture
from logoingest.pictures.normal_form import normalise_picture
from logoingest.pictures.rgb import convert_to_rgb
from logoingest.pictures.sniffing import sniff_format
from logoingest.refusals import Refusal

MOST_FLIPS, LONGEST_RUN = 4, 32
LARGEST_SEED_BYTES = 50_000
#: Half of the mutants have their fault in so many first bytes, where headers and metadata are.
HEAD_BYTES = 256
#: Two decoders of JPEG differ by so many levels of 255 in the mean, at most.
MOST_LEVELS = 3.0
_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"/></rdf:RDF></x:xmpmeta>'
)


def draw_picture(size: tuple[int, int] = (48, 40)) -> Image.Image:
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([rows * 6 % 256, columns * 5 % 256, (rows * columns) % 251], axis=2).astype(np.uint8)
    pixels[: size[1] // 2, : size[0] // 3] = (250, 20, 20)
    return Image.fromarray(pixels)


def draw_seeds() -> dict[str, bytes]:
    """Name → file; the same every time with the same Pillow."""
    rgb = draw_picture()
    grey, alpha = rgb.convert("L"), rgb.convert("RGBA")
    alpha.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 200)
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "maker", 0x0132: "2020:01:01 00:00:00", 0x011A: 72.0})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "hello")
    text.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    text.add_text("Long", "long " * 40, zip=True)
    frames = [rgb.point(lambda level, by=by: (level + by) % 256) for by in (40, 80)]
    many: dict[str, Any] = {"save_all": True, "append_images": frames}
    seeds: dict[str, bytes] = {}

    def add(name: str, image: Image.Image, kind: str, **options: Any) -> None:
        buffer = io.BytesIO()
        if "append_images" in options:
            options |= {"append_images": [frame.copy() for frame in options["append_images"]]}
        image.copy().save(buffer, kind, **options)  # saving leaves its settings on an image
        seeds[name] = buffer.getvalue()

    for orientation in range(1, 9):
        turned = Image.Exif()
        turned[0x0112] = orientation
        add(f"jpeg orientation {orientation}", rgb, "JPEG", exif=turned)
        add(f"png orientation {orientation}", rgb, "PNG", exif=turned)
    for name, options in {
        "plain": {}, "progressive": {"progressive": True}, "exif": {"exif": exif}, "xmp": {"xmp": _XMP}, "icc": {"icc_profile": profile},
        "restarts": {"restart_marker_rows": 1}, "444": {"subsampling": 0}, "comment": {"comment": b"hello"}, "rgb": {"keep_rgb": True},
        "quality 100": {"quality": 100}, "all": {"exif": exif, "xmp": _XMP, "icc_profile": profile, "progressive": True},
    }.items():  # fmt: skip
        add(f"jpeg {name}", rgb, "JPEG", **options)
    add("jpeg grey", grey, "JPEG")
    add("jpeg cmyk", rgb.convert("CMYK"), "JPEG")
    add("jpeg large", draw_picture((300, 280)), "JPEG", quality=50)
    add("jpeg mpo", rgb, "MPO", **many)
    for mode in ("1", "L", "P", "LA", "RGBA", "RGB"):
        add(f"png {mode}", alpha.convert(mode) if mode != "RGBA" else alpha, "PNG")
    add("png 16", deep, "PNG")
    add("png transparent colour", rgb, "PNG", transparency=(250, 20, 20))
    add("png transparent index", rgb.convert("P"), "PNG", transparency=3)
    add("png text", rgb, "PNG", pnginfo=text, icc_profile=profile, exif=exif, dpi=(72, 72))
    add("png animated", rgb, "PNG", **many)
    add("gif", rgb, "GIF")
    add("gif grey", grey, "GIF")
    add("gif transparent", rgb.convert("P"), "GIF", transparency=3)
    add("gif animated", rgb, "GIF", comment=b"hello", **many)
    add("gif interlaced", rgb, "GIF", interlace=1)
    add("gif xmp", rgb, "GIF", xmp=_XMP)
    for name, options in {
        "lossy": {}, "lossless": {"lossless": True}, "exif": {"exif": exif}, "xmp icc": {"xmp": _XMP, "icc_profile": profile}, "animated": many,
    }.items():  # fmt: skip
        add(f"webp {name}", rgb, "WEBP", **options)
    add("webp alpha", alpha, "WEBP")
    add("webp upright exif", rgb, "WEBP", exif=_tell(1))
    add("avif", rgb, "AVIF")
    add("avif exif", rgb, "AVIF", exif=exif, icc_profile=profile, xmp=_XMP)
    add("avif alpha", alpha, "AVIF")
    add("avif animated", rgb, "AVIF", **many)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        add(f"tiff {compression}", rgb, "TIFF", compression=None if compression == "raw" else compression)
    for mode in ("1", "L", "P", "RGBA", "CMYK", "I", "F", "LAB", "YCbCr"):
        add(f"tiff {mode}", deep.convert("I") if mode == "I" else rgb.convert(mode) if mode != "LAB" else _make_lab(grey), "TIFF")
    add("tiff 16", deep, "TIFF")
    add("tiff exif", rgb, "TIFF", exif=exif, icc_profile=profile)
    add("tiff pages", rgb, "TIFF", **many)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        add(f"bmp {mode}", alpha.convert(mode) if mode != "RGBA" else alpha, "BMP")
    for mode in ("1", "L", "RGB"):
        add(f"ppm {mode}", rgb.convert(mode), "PPM")
    add("ppm 16", deep, "PPM")
    for mode in ("L", "P", "RGB", "RGBA"):
        add(f"tga {mode}", rgb.convert(mode), "TGA", compression=None)
    add("tga rle", rgb, "TGA", compression="tga_rle")
    add("ico", rgb.convert("RGBA"), "ICO", sizes=[(32, 32), (16, 16)])
    add("ico bmp", rgb.convert("RGBA"), "ICO", sizes=[(32, 32)], bitmap_format="bmp")
    return seeds


def _tell(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _make_lab(grey: Image.Image) -> Image.Image:
    return Image.merge("LAB", [grey, Image.new("L", grey.size, 120), Image.new("L", grey.size, 140)])


def mutate_seeds(seeds: dict[str, bytes], mutants: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """(what it was made of and how, mutant): seeds and kinds of damage in turn."""
    rng = random.Random(seed)
    names, kinds = list(seeds), list(KINDS)
    for number in range(mutants):
        name, kind = names[number % len(names)], kinds[number // len(names) % len(kinds)]
        reach = len(seeds[name]) if kind == "truncated" or rng.random() < 0.5 else HEAD_BYTES
        head, tail = seeds[name][:reach], seeds[name][reach:]
        mutant = KINDS[kind](head, rng, MOST_FLIPS if kind == "flipped" else LONGEST_RUN) + tail
        if mutant.startswith(b"\x89PNG") and rng.random() < 0.5:
            mutant = _put_checksums_right(mutant)
        yield f"{name}, {kind}", mutant


def _put_checksums_right(data: bytes) -> bytes:
    """A PNG whose chunks say what was mutated in them is meant: else checksums would guard all of them."""
    parts, position = [data[:8]], 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if position + 12 + length > len(data):
            break
        body = data[position + 4 : position + 8 + length]
        parts.append(data[position : position + 4] + body + zlib.crc32(body).to_bytes(4, "big"))
        position += 12 + length
    return b"".join([*parts, data[position:]])


def find_difference(data: bytes) -> str | None:
    """Why an accepted file is not the same picture to everybody; None where it is, and where it is refused."""
    facts = inspect_image(data)
    if facts["hash"] is not None:
        form = normalise_picture(data)
        if (form.width, form.height) != (facts["width"], facts["height"]):
            return f"the normal form is {form.width} x {form.height}, inspection says {facts['width']} x {facts['height']}"
        again = inspect_image(form.data)
        if again["image_reason"] is not None or again["original_fault"] is not None or again["orientation"] != 1:
            return f"the normal form is refused: {again['image_detail']}"
        if (difference := _compare(form.data, again)) is not None:
            return f"of the normal form, {difference}"
    return _compare(data, facts) if facts["image_reason"] is None else None


def _compare(data: bytes, facts: dict[str, Any]) -> str | None:
    try:
        theirs = ImageFeature().decode_example({"bytes": data, "path": None})
        shown = np.asarray(convert_to_rgb(theirs))
    except Exception as error:  # noqa: BLE001  whatever it raises is the finding
        return f"datasets does not open it: {error}"
    try:
        ours = np.asarray(load_picture(data))
        quick = np.asarray(load_picture(data, 16))
    except ValueError as error:
        return f"our loader does not open it: {error}"
    if theirs.size != (facts["width"], facts["height"]):
        return f"datasets shows {theirs.size}, inspection says {facts['width']} x {facts['height']}"
    if not np.array_equal(shown, ours):
        return "our loader shows other pixels than datasets"
    if quick.shape != ours.shape and facts["format"] != "JPEG":
        return "our loader shows another size in a hurry"
    return _compare_small(data, ours, facts)


def _compare_small(data: bytes, whole: np.ndarray, facts: dict[str, Any]) -> str | None:
    """What was inspected against the whole picture; of a JPEG against what Pillow makes of it at the scale that was inspected."""
    picture = decode_picture(data, facts["format"], 100_000_000)
    if isinstance(picture, Refusal):
        return f"inspection took it once, and not again: {picture.detail}"
    expected = load_picture(data, INSPECTED_SIDE_PX) if facts["format"] == "JPEG" else Image.fromarray(whole)
    factor = min(expected.size) // INSPECTED_SIDE_PX
    expected = expected.reduce(factor) if factor > 1 else expected
    if expected.size != picture.small.size:
        return f"inspection saw {picture.small.size}, not {expected.size}"
    distance = np.abs(np.asarray(picture.small).astype(int) - np.asarray(expected)).mean()
    allowed = MOST_LEVELS if facts["format"] == "JPEG" else 0
    return f"inspection saw another picture ({distance:.1f} levels away)" if distance > allowed else None


def main() -> int:
    """Print how many were accepted and how many of those differ; 1 if any does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="write what differs there")
    arguments = parser.parse_args()
    seeds = draw_seeds()
    for folder in arguments.folders:
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.stat().st_size <= LARGEST_SEED_BYTES and sniff_format(path.read_bytes()).format:
                seeds[path.name] = path.read_bytes()
    warnings.simplefilter("ignore")
    started = time.process_time()
    counts: Counter[str] = Counter()
    differences: list[tuple[str, str]] = []
    with hush():
        unharmed = [(f"{name}, as it is", data) for name, data in seeds.items()]
        for number, (name, data) in enumerate([*unharmed, *mutate_seeds(seeds, arguments.mutants, arguments.seed)]):
            reason = inspect_image(data)["image_reason"]
            counts[reason or "accepted"] += 1
            try:
                difference = find_difference(data)
            except Exception as error:  # noqa: BLE001  as above
                difference = f"{type(error).__name__}: {error}"
            if difference is not None:
                differences.append((name, difference))
                if arguments.keep is not None:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / f"{number:05} {name.replace(', ', '_')}").write_bytes(data)
    print(f"{len(seeds)} seeds, {arguments.mutants:,} mutants in {time.process_time() - started:.0f} CPU s")
    for outcome, count in counts.most_common():
        print(f"  {outcome:<14} {count:>7,}")
    for name, difference in differences[:40]:
        print(f"  DIFFERS  {name}: {difference}")
    print(f"accepted or saved, and different to somebody: {len(differences)}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
