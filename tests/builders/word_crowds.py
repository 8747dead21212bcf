"""Simulated crowds for the tests: who wrote what of which picture, and what it means."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

CLASSES = ("canada", "france", "germany", "italy", "japan", "spain")
NAMES = {"canada": "Canada", "france": "France", "germany": "Germany", "italy": "Italy", "japan": "Japan", "spain": "Spain"}
JAPANESE = {
    "canada": "カナダ",
    "france": "フランス",
    "germany": "ドイツ",
    "italy": "イタリア",
    "japan": "日本",
    "spain": "スペイン",
}
MAP = "\n".join(f'[classes.{class_id}]\nname = "{name}"' for class_id, name in NAMES.items())


def make_annotations(rows: list[tuple[str, str | None, str]]) -> pa.Table:
    """Annotations of (url, worker, answer), with what the labels stage asks for besides."""
    count = len(rows)
    return pa.table(
        {
            "annotation_id": pa.array([f"a{place:06d}" for place in range(count)]),
            "source_id": pa.nulls(count, pa.string()),
            "url": pa.array([url for url, _, _ in rows], pa.string()),
            "worker_id": pa.array([worker for _, worker, _ in rows], pa.string()),
            "raw_label": pa.array([label for _, _, label in rows], pa.string()),
            "source_file": pa.array(["crowd.csv"] * count),
            "source_row": pa.array(range(count), pa.int64()),
        }
    )


def draw_crowd(seed: int = 0, pictures: int = 120, workers: int = 12, votes: int = 4) -> list[tuple[str, str, str]]:
    """Good workers, every third of them Japanese; one in ten answers is another class; some answers are noise."""
    random = np.random.default_rng(seed)
    rows = []
    for picture in range(pictures):
        truth = CLASSES[picture % len(CLASSES)]
        for worker in random.choice(workers, votes, replace=False).tolist():
            said = truth if random.random() < 0.9 else CLASSES[random.integers(len(CLASSES))]
            names = JAPANESE if worker % 3 == 0 else NAMES
            label = "nice flag" if random.random() < 0.08 else names[said]
            rows.append((f"https://flags.test/{picture:04d}.png", f"w{worker:02d}", label))
    return rows
