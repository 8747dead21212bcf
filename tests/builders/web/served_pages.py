"""Review pages served on loopback from a small workspace with pictures, and a client that has come in by the link."""

from __future__ import annotations

import contextlib
import csv
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from builders.reviews import MAP
from builders.workspaces import draw_noise, fill_table, make_lists
from logoingest.cli.main import main
from logoingest.config import Config, load_config
from logoingest.schemas import ConflictRow, CopyRow, DownloadRow, ImageRow, SampleRow, SplitRow, SuspectRow
from logoingest.web.serving import Serving, open_server
from logoingest.workspace import Workspace, shard_name

ANSWERS = [
    ("puma", "w1"), ("Puma", "w2"), ("pmua", "w1"), ("pmua", "w2"), ("PMUA", "w3"), ("puam", "w1"), ("fanta", "w1"), ("Fanta", "w2"),
    ("asdf", "w4"), ("asdf", "w4"), ("asdf", "w4"), ("مرحبا", "w1"), ("none", "w1"), ("the logo", "w2"), ("citroen", "w3"), ("bmw", "w2"),
]  # fmt: skip
CONFIG = """
[dataset]
name = "small"
workspace = "work"
[[sources]]
path = "answers.csv"
url_column = "url"
label_column = "brand"
worker_column = "worker"
[labels]
class_map = "map.toml"
"""


def write_dataset(folder: Path, answers: Sequence[tuple[str, str]] = ANSWERS, class_map: str = MAP) -> Config:
    """A dataset whose labels stage has run, an answer a picture; no network is needed for that."""
    with (folder / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "brand", "worker"])
        writer.writerows([f"http://pictures.test/{number}.jpg", label, worker] for number, (label, worker) in enumerate(answers))
    (folder / "map.toml").write_text(class_map, encoding="utf-8")
    (folder / "dataset.toml").write_text(CONFIG, encoding="utf-8")
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    return load_config(folder / "dataset.toml")


def name_picture(number: int) -> str:
    """The image_id of the picture of a URL."""
    return f"{number + 1:064x}"


def add_pictures(config: Config, bodies: Sequence[bytes], classes: Sequence[str | None] = ()) -> None:
    """Pictures of the first URLs, and what they are settled as; the first two contradict each other."""
    workspace, count = Workspace(config.workspace_url), len(bodies)
    ids = [name_picture(number) for number in range(count)]
    urls = [f"http://pictures.test/{number}.jpg" for number in range(count)]
    workspace.write_shard(
        shard_name(0),
        fill_table(DownloadRow, count, url=urls, outcome=["ok"] * count, attempts=[1] * count, sha256=ids, bytes=list(bodies)),
    )
    workspace.write_table(
        "images",
        fill_table(
            ImageRow, count, image_id=ids, group_id=ids, urls=make_lists([[url] for url in urls]), shard=[shard_name(0)] * count,
            shard_row=list(range(count)), width=[96] * count, height=[96] * count, pixel_hash=ids, hash=[b""] * count, flags=make_lists([["blurry"], *[[]] * (count - 1)]),
        ),
    )  # fmt: skip
    settled = [(image_id, class_id) for image_id, class_id in zip(ids, classes, strict=False) if class_id]
    size = len(settled)
    facts = {
        "image_id": [one for one, _ in settled],
        "group_id": [one for one, _ in settled],
        "class_ids": make_lists([[name] for _, name in settled]),
    }
    boxes = pa.array(
        [[{"class_id": name, "bbox": [8.0, 16.0, 40.0, 30.0]}] for _, name in settled], SampleRow.arrow_schema().field("boxes").type
    )
    workspace.write_table(
        "samples", fill_table(SampleRow, size, **facts, class_id=[name for _, name in settled], confidence=[0.5 + 0.4 / (number + 1) for number in range(size)], votes=[2] * size, boxes=boxes)
    )  # fmt: skip
    workspace.write_table(
        "splits",
        fill_table(
            SplitRow, size, **facts, split=[("train", "test")[number % 2] for number in range(size)], origin=["hash"] * size
        ),
    )
    conflict = {
        "kind": "near",
        "group_id": ids[0],
        "image_ids": ids[:2],
        "class_ids": ["puma", "citroen"],
        "votes": [2, 1],
        "detail": "two minds",
    }
    workspace.write_table("conflicts", ConflictRow.table([conflict]))
    copies = [
        {"image_id": one, "other_id": other, "kind": kind, "transformation": "as it is", "overlap": 1.0, "residual": residual}
        for one, other, kind, residual in [
            (ids[0], ids[1], "near", 0.1),
            (ids[1], ids[2], "cropped", 0.02),
            (ids[2], ids[3], "near", 0.2),
        ]
    ]
    workspace.write_table("copies", CopyRow.table(copies))


def add_suspect(config: Config, number: int, class_id: str, proposal: str) -> None:
    """A picture whose label looks wrong."""
    row = {
        "rank": 1, "kind": "label", "image_id": name_picture(number), "split": "train", "class_id": class_id, "proposal": proposal, "score": 0.9,
        "margin": -0.8, "votes": "", "neighbours": [name_picture(0)], "neighbour_classes": [proposal], "detail": f"looks like {proposal}",
    }  # fmt: skip
    Workspace(config.workspace_url).write_table("suspects", SuspectRow.table([row]))


@dataclass
class Pages:
    """Served pages, and somebody who is in."""

    base: str
    links: list[str]
    client: httpx.Client
    csrf: str = ""
    further: list[httpx.Client] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(self.base + path, **options)

    def post(self, path: str, told: object, **headers: str) -> httpx.Response:
        sent = {"origin": self.base, "x-csrf-token": self.csrf} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(self.base + path, json=told, headers=sent)

    def enter(self) -> Pages:
        """Come in by the newest link, in a browser of its own."""
        client = httpx.Client(timeout=20)
        self.further.append(client)
        client.get(self.links[-1], follow_redirects=True)
        found = re.search(r'name="csrf" content="([^"]+)"', client.get(f"{self.base}/run").text)
        assert found is not None
        return Pages(self.base, self.links, client, found[1])

    def decide(self, key: str, text: str) -> dict[str, Any]:
        return dict(self.post("/queue/decide", {"key": key, "text": text}).json())


@contextlib.contextmanager
def open_pages(config: Config, by: str = "Ada", *, is_read_only: bool = False, has_review: bool = True) -> Iterator[Pages]:
    """The pages of a dataset, by a server in a thread; somebody is in, and what is open is gathered where there is a review."""
    links: list[str] = []
    with open_server(
        config, Serving(by, is_read_only=is_read_only, command=[str(config.base_dir / "dataset.toml")]), links.append
    ) as (server, bound):
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        outside = Pages(links[0].partition("/enter")[0], links, httpx.Client())
        try:
            inside = outside.enter()
            while has_review and "Gathering" in inside.get("/queue").text:
                pass
            yield inside
        finally:
            server.should_exit = True
            for client in outside.further:
                client.close()
            outside.client.close()
            thread.join(10)


PICTURES = [draw_noise(number) for number in range(4)]
