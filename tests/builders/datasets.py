"""A small real site on loopback and a dataset over it."""

from __future__ import annotations

import contextlib
import csv
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from builders.serving import QuietHandler, serve_http

CLASSES = {"acme": "Acme", "bolt": "Bolt", "citron": "Citrön", "dune": "Dune"}
SPELLINGS = {
    "acme": ["Acme", "acme logo", "ACME", "акме"],
    "bolt": ["Bolt", "bolt!", "BOLT", "the bolt logo"],
    "citron": ["Citrön", "citron", "CITRON", "Citron "],
    "dune": ["Dune", "dune", "DUNE", "dune"],
}
CLASS_MAP = """
no_label = ["", "none", "no sé", "?"]
noise_words = ["logo", "the"]
[classes.acme]
name = "Acme"
aliases = ["акме"]
[classes.bolt]
name = "Bolt"
[classes.citron]
name = "Citrön"
[classes.dune]
name = "Dune"
"""


def draw_picture(seed: int, side: int = 96) -> bytes:
    """A JPEG of clutter that no other seed comes near."""
    chance = random.Random(seed)
    image = Image.new("RGB", (side + seed % 7, side), tuple(chance.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        corners = [chance.randrange(side) for _ in range(4)]
        box = (
            min(corners[0], corners[2]),
            min(corners[1], corners[3]),
            max(corners[0], corners[2]) + 4,
            max(corners[1], corners[3]) + 4,
        )
        shape = chance.choice([pen.ellipse, pen.rectangle])
        shape(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    buffer = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.6)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


@dataclass
class Site:
    """A site on loopback: path → (status, content type, body); counts its requests."""

    address: str
    pages: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    delay_s: float = 0.0
    is_open: Callable[[str], bool] = lambda path: True
    """Asked for a path until it says so, a minute at most: then it is answered."""

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


@contextlib.contextmanager
def serve_site() -> Iterator[Site]:
    """A fresh site; a path it does not have is a 404."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            served.requests[self.path] += 1
            if served.delay_s:
                threading.Event().wait(served.delay_s)
            deadline = time.monotonic() + 60
            while not served.is_open(self.path) and time.monotonic() < deadline:
                time.sleep(0.02)
            status, content_type, body = served.pages.get(self.path, (404, "text/plain", b"gone"))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serve_http(Handler) as address:
        served = Site(address)
        yield served


@dataclass
class Dataset:
    """A dataset.toml over a site, and the rows of its source file."""

    folder: Path
    site: Site
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "dataset.toml"

    @property
    def release(self) -> Path:
        return self.folder / "work/release"

    def add_picture(self, class_id: str, seed: int, votes: int = 3, path: str | None = None) -> str:
        """Serve a picture and have ``votes`` workers name it."""
        path = path or f"/{class_id}/{seed}.jpg"
        self.site.pages[path] = (200, "image/jpeg", draw_picture(seed))
        for vote in range(votes):
            spellings = SPELLINGS[class_id]
            self.add_row(path, spellings[(seed + vote) % len(spellings)], f"w{(seed + vote) % 5}")
        return path

    def add_row(self, path: str, answer: str, worker: str) -> None:
        url = path if "://" in path or not path else self.site.url(path)
        self.rows.append({"image_url": url, "brand": answer, "worker": worker})

    def write(self, extra: str = "") -> Path:
        """Write answers.csv, map.toml and dataset.toml."""
        with (self.folder / "answers.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["image_url", "brand", "worker"])
            writer.writeheader()
            writer.writerows(self.rows)
        if not (self.folder / "map.toml").exists():
            (self.folder / "map.toml").write_text(CLASS_MAP, encoding="utf-8")
        self.config.write_text(
            f"""
[dataset]
name = "small"
workspace = "work"
[[sources]]
path = "answers.csv"
url_column = "image_url"
label_column = "brand"
worker_column = "worker"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
processes = 1
shard_size = 10
backoff_s = 0.01
[train]
enabled = false
{extra}""",
            encoding="utf-8",
        )
        return self.config
