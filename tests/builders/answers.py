"""Crowd answers put together one by one, and the tables the samples stage makes of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from logoingest.config import SamplesConfig
from logoingest.samples.settling import SettledSamples, settle_samples
from logoingest.schemas import AnnotationRow, ImageRow

NOON = datetime(2025, 10, 9, 12, tzinfo=UTC)
IGNORED, UNKNOWN, REVIEW, DROPPED = "(none)", "(unknown)", "(review)", "(dropped)"
DECISIONS = {IGNORED: "ignored", UNKNOWN: "unknown", REVIEW: "review", DROPPED: "dropped"}


class Answered:
    """Annotations put together one by one, and the tables they make."""

    def __init__(self):
        self.annotations, self.decisions, self.pictures = [], [], {}

    def say(
        self, picture, label, worker=None, *, url=None, minute=0, bbox=None, has_image=True, seconds=20.0, raw=None, attributes=None
    ):
        """One annotation; ``label`` is a class, several joined by "+", or one of the words above."""
        url = url or f"http://{picture}.test/0.jpg"
        number = f"{len(self.annotations):032x}"
        at = None if minute is None else NOON + timedelta(minutes=minute)
        self.annotations.append(
            {
                "annotation_id": number, "url": url, "raw_label": raw or label, "worker_id": worker, "status": "submitted",
                "work_time_s": seconds, "submitted_at": at, "bbox": bbox, "attributes": attributes, "source_file": "a.csv",
                "source_row": len(self.annotations) + 1,
            }
        )  # fmt: skip
        classes = [] if label in DECISIONS else label.split("+")
        self.decisions.append(
            {"annotation_id": number, "decision": DECISIONS.get(label, "accepted"), "class_ids": classes, "rule": "alias"}
        )
        if has_image:
            self.pictures.setdefault(picture, set()).add(url)
        return number

    def vote(self, picture, labels, first_worker=0):
        """One answer each by workers w0, w1 …"""
        return [self.say(picture, label, f"w{first_worker + place}") for place, label in enumerate(labels)]

    def add_crowd(self, classes=("nike", "puma", "audi"), pictures=12, workers=6):
        """Plain pictures on which everybody is right, so that workers have a skill."""
        for number in range(pictures):
            self.vote(f"plain{number}", [classes[number % len(classes)]] * workers)

    def tables(self, seed=None):
        annotations, decisions, images = list(self.annotations), list(self.decisions), list(self._images())
        if seed is not None:
            for rows in (annotations, decisions, images):
                random.Random(seed).shuffle(rows)
        schema = pa.schema(
            [("annotation_id", pa.string()), ("decision", pa.string()), ("class_ids", pa.list_(pa.string())), ("rule", pa.string())]
        )
        return AnnotationRow.table(annotations), pa.Table.from_pylist(decisions, schema=schema), ImageRow.table(images)

    def settle(self, seed=None, gold=None, **config) -> SettledSamples:
        return settle_samples(*self.tables(seed), SamplesConfig(**config), gold)

    def _images(self):
        for picture, urls in self.pictures.items():
            yield {
                "image_id": picture, "group_id": picture, "width": 110, "height": 110, "format": "PNG", "mode": "RGB", "frames": 1,
                "orientation": 1, "byte_count": 1, "pixel_hash": "", "hash": b"", "flags": [], "urls": sorted(urls),
                "shard": "0", "shard_row": 0,
            }  # fmt: skip


def sample_of(settled, picture):
    return next((row for row in settled.samples.to_pylist() if row["image_id"] == picture), None)


def refusals_of(settled, picture):
    return {(row["reason"], row["detail"]) for row in settled.rejected.to_pylist() if picture in row["url"]}


def worker_of(settled, name):
    return next(row for row in settled.workers.to_pylist() if row["worker_id"] == name)
