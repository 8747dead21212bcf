"""The embedded site: what stands at which URL, what the workers said about it, and the files a user would start from.

<folder>/annotations.csv       the batch file (input)
<folder>/label_maps/demo.toml  the class map (input)
<folder>/dataset.toml          the config (input)
<folder>/truth.csv             what really is in each picture: for scoring only, never an input
<folder>/pictures.zip          the drawn pictures, kept so that a second demo need not draw again
"""

from __future__ import annotations

import csv
import hashlib
import os
import random
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import Path
from urllib.parse import quote, urljoin

import PIL
from PIL import Image

from logoingest.demo.brands import BRANDS
from logoingest.demo.faults import KINDS, PAGELESS
from logoingest.demo.marks import draw_placeholder
from logoingest.demo.scenes import Scene, render_picture, shrink_picture
from logoingest.demo.server import Page, key_page, serve_pages
from logoingest.demo.settings import format_class_map, format_config
from logoingest.demo.workers import Task, format_batch

PICTURES_PER_CLASS = 50
MIN_PICTURES_PER_CLASS = 8
CLUTTER_PICTURES = 42
TWO_BRAND_PICTURES = 12
HARD_PICTURES = 24

_HOSTS = ("photos.logoingest.test", "bilder.logoingest.test", "fotos.logoingest.test", "images.logoingest.test")
_MIRROR = "mirror.logoingest.test"
_MALFORMED = ("http://", "ht!tp:/photos.logoingest.test\\nowhere.jpg")
_PRIVATE = ("http://169.254.169.254/latest/meta-data/photo.jpg", "http://10.0.0.7/camera.jpg", "http://[::1]:8080/photo.jpg")
_HTML = b"<!doctype html>\n<title>Photo removed</title>\n<p>The owner has removed this photo.</p>\n"
_SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="30"/></svg>\n'


@dataclass(frozen=True)
class Entry:
    """One URL of the batch: its kind (of ``faults.KINDS``, or "ok"), and the brands that are, or once were, in the picture."""

    url: str
    kind: str
    brands: tuple[str, ...]
    picture_id: str = ""
    hard: bool = False


@dataclass(frozen=True)
class DemoPlan:
    """What was built: the files, the entries, and every page of the site."""

    folder: Path
    seed: int
    entries: tuple[Entry, ...] = field(repr=False)
    pages: Mapping[str, Page] = field(repr=False)

    @property
    def config_file(self) -> Path:
        """The dataset.toml."""
        return self.folder / "dataset.toml"

    @property
    def counts(self) -> dict[str, int]:
        """URLs per kind, "ok" first."""
        found = Counter(entry.kind for entry in self.entries)
        return {kind: found[kind] for kind in ("ok", *KINDS)}


# ---- what stands where -----------------------------------------------------------------------------------------------------


def _plan_pictures(per_class: int) -> list[Scene]:
    """Every picture that is drawn, class by class; formats, orientation and difficulty are dealt out by rank."""
    pictures = []
    for brand in BRANDS:
        for rank in range(per_class):
            file_format = {5: "PNG", 6: "WEBP"}.get(rank % 24, "JPEG")
            orientation = 6 if rank % 24 == 7 else 1
            pictures.append(Scene(f"{brand.class_id}-{rank:03}", (brand.class_id,), False, file_format, orientation))
    for index in range(HARD_PICTURES):
        brand = BRANDS[index % len(BRANDS)]
        pictures.append(Scene(f"hard-{index:03}", (brand.class_id,), hard=True))
    pictures += [Scene(f"clutter-{index:03}") for index in range(CLUTTER_PICTURES)]
    for index in range(TWO_BRAND_PICTURES):
        pair = (BRANDS[index * 2].class_id, BRANDS[(index * 2 + 7) % len(BRANDS)].class_id)
        pictures.append(Scene(f"pair-{index:03}", pair))
    return pictures


def _name_url(seed: int, host: str, *parts: object, extension: str = "jpg") -> str:
    digest = hashlib.sha256("/".join(map(str, (seed, *parts))).encode()).hexdigest()
    return f"http://{host}/{2019 + int(digest[0], 16) % 6}/{digest[:12]}.{extension}"


def _odd_url(url: str) -> str:
    """The same address as some site would spell it: a space, an accent, a query."""
    stem, _, extension = url.rpartition(".")
    return f"{stem}{quote(' café n° 7')}.{extension}?size=m&v=2"


def _plan_entries(pictures: Sequence[Scene], seed: int) -> list[Entry]:
    """Every URL of the batch, in the shuffled order of the batch file."""
    rng = random.Random(f"{seed}/entries")
    plain = [picture for picture in pictures if len(picture.brands) == 1 and not picture.hard]
    rng.shuffle(plain)
    kinds = [kind for kind, facts in KINDS.items() if facts.own_picture for _ in range(facts.count)]
    special = dict(zip((picture.picture_id for picture in plain), kinds, strict=False))
    entries = []
    for index, picture in enumerate(pictures):
        kind = special.get(picture.picture_id, "ok")
        url = _name_url(
            seed, _HOSTS[index % len(_HOSTS)], picture.picture_id, extension=picture.file_format.lower().replace("jpeg", "jpg")
        )
        url = _odd_url(url) if kind == "odd_path" else url
        entries.append(Entry(url, kind, picture.brands, picture.picture_id, picture.hard))
    entries += list(_plan_lost_entries(rng, plain, seed))
    rng.shuffle(entries)
    return entries


def _plan_lost_entries(rng: random.Random, plain: Sequence[Scene], seed: int) -> Iterator[Entry]:
    """Copies of pictures that are there, and URLs of pictures that are no more."""
    originals = iter(plain[::-1])  # from the other end than the special deliveries
    for kind, facts in KINDS.items():
        for index in range(0 if facts.own_picture else facts.count):
            if kind.startswith("copy_"):
                original = next(originals)
                yield Entry(_name_url(seed, _MIRROR, kind, index), kind, original.brands, original.picture_id)
                continue
            brand = (rng.choice(BRANDS).class_id,)
            if kind == "private_address":
                url = _PRIVATE[index]
            elif kind == "malformed_url":
                url = _MALFORMED[index]
            elif kind == "file_url":
                url = "file:///etc/passwd"
            else:
                host = f"gone-{index}.logoingest.invalid" if kind == "unresolvable" else _HOSTS[index % len(_HOSTS)]
                url = _name_url(seed, host, kind, index)
            yield Entry(url, kind, brand)


def _build_bomb(side_px: int = 20_000) -> bytes:
    """A valid greyscale PNG of one bit a pixel, all black: 50 MB of scanlines in about 50 kB (PNG specification, 11.2)."""

    def format_chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer, line = zlib.compressobj(9), bytes(1 + side_px // 8)
    scanlines = b"".join(packer.compress(line * 500) for _ in range(side_px // 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + format_chunk(b"IHDR", header) + format_chunk(b"IDAT", scanlines) + format_chunk(b"IEND", b"")


def _build_tiny(index: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4), (200, 40 + 60 * index, 90)).save(file, "PNG")
    return file.getvalue()


def _build_page(entry: Entry, index: int, pictures: Mapping[str, bytes], placeholder: bytes) -> Page:
    """What stands at an entry's URL (the last stop, where redirects lead to it)."""
    body = pictures.get(entry.picture_id, b"")
    spare = next(iter(pictures.values()))
    content_type = {"png": "image/png", "webp": "image/webp"}.get(entry.url.rpartition(".")[2], "image/jpeg")
    if entry.kind in {"flaky_500", "busy_now", "busy_one_second", "slow", "chunked"}:
        return Page(entry.kind, body, content_type)
    if entry.kind in {"slow_drip", "cut_short"}:
        return Page(entry.kind, spare)
    made: dict[str, Page] = {
        "wrong_type": Page("ok", body, "text/plain"),
        "gone_410": Page("gone", b"gone for good\n", "text/plain"),
        "always_500": Page("always_500"),
        "reset": Page("reset"),
        "empty": Page("ok"),
        "html": Page("ok", _HTML.replace(b"owner", b"owner of photo %d" % index), "text/html"),
        "svg": Page("ok", _SVG.replace(b'r="30"', b'r="%d"' % (10 + index % 20)), "image/svg+xml"),
        "placeholder": Page("ok", placeholder, "image/png"),
    }
    if entry.kind in made:
        return made[entry.kind]
    if entry.kind == "copy_recoded":
        return Page("ok", shrink_picture(body, 1.0, 70))
    if entry.kind == "copy_halved":
        return Page("ok", shrink_picture(body, 0.5, 88))
    if entry.kind == "cut_jpeg":
        jpegs = [content for content in pictures.values() if content.startswith(b"\xff\xd8")]
        return Page("ok", jpegs[index % len(jpegs)][: 1800 + index % 7 * 100])
    if entry.kind == "bomb":
        return Page("ok", _build_bomb(), "image/png")
    if entry.kind == "tiny":
        return Page("ok", _build_tiny(index % 4), "image/png")
    return Page("ok", body, content_type)


def _build_pages(entries: Sequence[Entry], pictures: Mapping[str, bytes]) -> dict[str, Page]:
    """Every page of the site by its key."""
    pages: dict[str, Page] = {}
    placeholder = draw_placeholder()
    for index, entry in enumerate(entries):
        if entry.kind in PAGELESS:
            continue
        if entry.kind == "redirect_loop":
            away = urljoin(entry.url, "/elsewhere" + entry.url[entry.url.index("/", 8) :])
            pages[key_page(entry.url)] = Page("redirect", location=away)
            pages[key_page(away)] = Page("redirect", location=entry.url)
        elif entry.kind == "redirect_chain":
            path = entry.url[entry.url.index("/", 8) :]
            stops = [
                entry.url,
                f"http://{_MIRROR}/moved{path}",
                f"http://{_MIRROR}/moved/again{path}",
                f"http://{_MIRROR}/found{path}",
            ]
            for stop, location in zip(stops, (stops[1], f"/moved/again{path}", stops[3]), strict=False):
                pages[key_page(stop)] = Page("redirect", location=location)
            pages[key_page(stops[3])] = _build_page(entry, index, pictures, placeholder)
        else:
            pages[key_page(entry.url)] = _build_page(entry, index, pictures, placeholder)
    return pages


# ---- drawing, once ---------------------------------------------------------------------------------------------------------


def _hash_recipe(pictures: Sequence[Scene], seed: int) -> str:
    """What the drawn pictures depend on: the plan, the drawing code, Pillow."""
    digest = hashlib.sha256(f"{seed} {PIL.__version__} {pictures!r}".encode())
    for module in ("brands.py", "letters.py", "marks.py", "scenes.py"):
        digest.update(Path(__file__).with_name(module).read_bytes())
    return digest.hexdigest()


def _read_drawn(file: Path, recipe: str) -> dict[str, bytes] | None:
    """The pictures drawn earlier, or None when there are none of this recipe."""
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.comment.decode("ascii", "replace") == recipe:
                return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        pass
    return None


def _draw_pictures(folder: Path, pictures: Sequence[Scene], seed: int) -> dict[str, bytes]:
    file, recipe = folder / "pictures.zip", _hash_recipe(pictures, seed)
    drawn = _read_drawn(file, recipe)
    if drawn is not None:
        return drawn
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # threads: Pillow lets go of the interpreter while it paints
        contents = list(pool.map(lambda picture: render_picture(picture, seed), pictures))
    drawn = dict(zip((picture.picture_id for picture in pictures), contents, strict=True))
    unfinished = file.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w") as archive:
        archive.comment = recipe.encode("ascii")
        for name, content in drawn.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    unfinished.replace(file)
    return drawn


# ---- the public part -------------------------------------------------------------------------------------------------------


def _make_tasks(entries: Sequence[Entry], seed: int) -> Iterator[Task]:
    """What the workers saw. Half of the lost pictures were lost before they looked, the others since."""
    for index, entry in enumerate(entries):
        lost = bool(KINDS[entry.kind].outcomes) if entry.kind in KINDS else False
        dead = lost and entry.kind != "placeholder" and random.Random(f"{seed}/dead/{index}").random() < 0.5
        yield Task(entry.url, entry.brands, entry.hard, dead)
    yield Task("", (), dead=True)  # a row of the batch had no URL at all


def _format_truth(entries: Sequence[Entry]) -> str:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["url", "class_ids", "kind"])
    writer.writerows([entry.url, "|".join(entry.brands), entry.kind] for entry in entries)
    return text.getvalue()


def build_demo(folder: Path, seed: int = 7, pictures_per_class: int = PICTURES_PER_CLASS) -> DemoPlan:
    """Write a newcomer's folder (config, class map, annotations, truth) and draw the site behind its URLs.

    Equal seeds give equal files and equal pictures wherever Pillow is the same. Nothing in ``folder`` but the files named
    at the head of this module is touched. Faults are as many whatever ``pictures_per_class`` (at least 8) is.

    Raises:
        OSError: the folder cannot be written.
        ValueError: there are too few pictures for the faults that need one.
    """
    if pictures_per_class < MIN_PICTURES_PER_CLASS:
        raise ValueError(f"pictures_per_class is {pictures_per_class}; at least {MIN_PICTURES_PER_CLASS} are needed")
    pictures = _plan_pictures(pictures_per_class)
    entries = _plan_entries(pictures, seed)
    (folder / "label_maps").mkdir(parents=True, exist_ok=True)
    (folder / "annotations.csv").write_bytes(format_batch(_make_tasks(entries, seed), seed))
    (folder / "label_maps" / "demo.toml").write_bytes(format_class_map().encode())
    (folder / "dataset.toml").write_bytes(format_config(min_images=len(pictures) * 3 // 4).encode())
    (folder / "truth.csv").write_bytes(_format_truth(entries).encode())
    pages = _build_pages(entries, _draw_pictures(folder, pictures, seed))
    return DemoPlan(folder, seed, tuple(entries), pages)


def serve_demo(plan: DemoPlan) -> AbstractContextManager[str]:
    """Serve the site on loopback while the context is open; its value is the proxy's URL, for ``fetch.proxy``.

    Raises:
        OSError: loopback has no port to give.
    """
    return serve_pages(plan.pages)
