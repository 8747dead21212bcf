"""Ours or not, on real photos: how far pictures of no class lie from ours, and whether what a safeguard states is what is measured.

    python benchmarks/strangers.py FLICKRLOGOS27 --weights mobilenet_v2-b0353104.pth [--side 224 --epochs 10] [--model FOLDER]

FLICKRLOGOS27 is a folder with ``gold.csv`` (file, label, split) and ``images/``. A baseline learns from four fifths of the photos marked
train (groups of near duplicates whole), its safeguard from the rest; scored are the query photos with a logo, as test, and those
labelled "none", which neither has seen. ``--model`` keeps the baseline in a folder, and takes the one that is there. ``--settings`` trains as a sweep's
``best.toml`` says instead, ``--base-dir`` is where its network and weights lie.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tempfile
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from logoingest.config import TrainConfig
from logoingest.evidence.safeguards.intervals import find_interval
from logoingest.imports.lean import let_threads_sleep

NONE = "none"
#: Asked for.
LEAST_AUROC, MOST_ACCEPTED = 0.92, 0.35


class Photos(NamedTuple):
    """Bytes with their class index, by split; and those of no class."""

    class_ids: tuple[str, ...]
    splits: Mapping[str, list[tuple[bytes, int]]]
    strangers: list[bytes]


def read_photos(folder: Path) -> Photos:
    """Each picture once; what is near to a query photo is not learned from."""
    with (folder / "gold.csv").open(newline="", encoding="utf-8") as file:
        rows = {hashlib.sha256((folder / "images" / row["file"]).read_bytes()).hexdigest(): row for row in csv.DictReader(file)}
    bodies = {image_id: (folder / "images" / row["file"]).read_bytes() for image_id, row in rows.items()}
    groups = find_groups(bodies)
    class_ids = tuple(sorted({row["label"] for row in rows.values()} - {NONE}))
    asked = {groups[image_id] for image_id, row in rows.items() if row["split"] == "query"}
    splits: dict[str, list[tuple[bytes, int]]] = {"train": [], "validation": [], "test": []}
    for image_id, row in rows.items():
        if row["label"] == NONE:
            continue
        group = groups[image_id]
        held = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 5 == 0
        split = "test" if row["split"] == "query" else "validation" if held else "train"
        if split == "test" or group not in asked:
            splits[split].append((bodies[image_id], class_ids.index(row["label"])))
    return Photos(class_ids, splits, [bodies[image_id] for image_id, row in rows.items() if row["label"] == NONE])


def find_groups(bodies: Mapping[str, bytes]) -> dict[str, str]:
    """image_id → group of near duplicates, as the images stage finds them."""
    from logoingest.images.alike.duplicates import group_duplicates
    from logoingest.images.looking.inspection import inspect_image

    facts = [inspect_image(data) for data in bodies.values()]
    signatures, pixels = [fact["signature"] or b"" for fact in facts], [fact["pixel_hash"] or "" for fact in facts]
    return dict(zip(bodies, group_duplicates(list(bodies), signatures, pixels), strict=True))


def write_photos(photos: Photos, folder: Path) -> Path:
    """A release of the photos, in its own form."""
    import sys

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from builders.drawn_releases import write_release

    return write_release(folder / "release", photos.splits, photos.class_ids, row_group=100)


def make_settings(options: argparse.Namespace) -> TrainConfig:
    """Those of a sweep, or the upper third of a MobileNetV2 fine-tuned."""
    if options.settings:
        given = tomllib.loads(options.settings.read_text("utf-8"))["train"]
        return TrainConfig.model_validate(given | {"workers": 0, "controls": False})
    return TrainConfig(
        weights=str(options.weights.resolve()),
        freeze="lower",
        image_side_px=options.side,
        epochs=options.epochs,
        label_smoothing=0.1,
        workers=0,
        controls=False,
    )


def train_model(release: Path, folder: Path, config: TrainConfig, base_dir: Path) -> None:
    """Fine-tune, on one thread."""
    import torch

    from logoingest import train_baseline

    torch.set_num_threads(1)
    started = time.process_time()
    train_baseline(release, config, folder, base_dir=base_dir)
    top1 = json.loads((folder / "metrics.json").read_bytes())["test"]["top1"]
    print(f"trained in {time.process_time() - started:.0f} CPU s: top-1 on the query photos {top1:.3f}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--weights", type=Path, help="torchvision's MobileNetV2, a state dict; needed where there is no model yet")
    parser.add_argument("--model", type=Path, help="folder of the baseline: taken where one is there, kept where one is trained")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--settings", type=Path, help="a file with a [train] table, as sweep best --as-config writes it")
    parser.add_argument("--base-dir", type=Path, default=Path(), help="where its network and weights lie")
    options = parser.parse_args()
    let_threads_sleep()
    photos = read_photos(options.photos)
    with tempfile.TemporaryDirectory() as scratch:
        release, model = write_photos(photos, Path(scratch)), options.model or Path(scratch) / "model"
        if not (model / "model.json").is_file():
            train_model(release, model, make_settings(options), options.base_dir)
        score(release, model, photos, options.base_dir)


def score(release: Path, model: Path, photos: Photos, base_dir: Path) -> None:
    """The safeguard made anew without any picture of no class; these are only asked about."""
    from sklearn.metrics import roc_auc_score

    from logoingest import load_baseline, make_safeguard

    started = time.process_time()
    study = make_safeguard(release, model, allow_code=base_dir)
    print(
        f"safeguard made in {time.process_time() - started:.0f} CPU s; references {(model / 'references.parquet').stat().st_size:,} bytes"
    )
    baseline = load_baseline(model, allow_code=base_dir)
    ours, strange = (baseline.predict(files) for files in ([data for data, _ in photos.splits["test"]], photos.strangers))
    away = [np.array([one.distance for one in answers], float) for answers in (ours, strange)]
    auroc = roc_auc_score(np.repeat([0, 1], [len(ours), len(strange)]), np.concatenate(away))
    let_in = [one for one in strange if one.decision != "stranger"]
    accepted = [one for one in strange if one.decision == "accepted"]
    named = [one for one in ours if one.decision == "accepted"]
    print(f"{len(ours)} photos of ours, {len(strange)} of no class")
    print(f"AUROC by distance               {auroc:.3f}   asked >= {LEAST_AUROC}")
    for title, some in (("not called strangers", let_in), ("accepted", accepted)):
        low, high = find_interval(len(some), len(strange))
        print(f"strangers {title:21} {len(some) / len(strange):.3f}   [{low:.3f}, {high:.3f}], asked <= {MOST_ACCEPTED}")
    print(f"ours accepted                   {len(named) / len(ours):.3f}")
    for promise in study.promises:
        print(
            f"{promise.name:42} stated {promise.stated:.3f}  [{promise.low:.3f}, {promise.high:.3f}]  measured {promise.measured:.3f}"
        )
    print(f"calibration error {study.calibration_error_before:.3f} -> {study.calibration_error:.3f}")


if __name__ == "__main__":
    main()
