"""What a baseline gains over frozen features, and over no pretraining at all, on one release.

    python benchmarks/baseline.py WORKSPACE/release --weights mobilenet_v2.pth [--seeds 0 1 2] [--config dataset.toml]

Prints one table: logistic regression on the weights' frozen features (5-fold cross-validation over all pictures, as it is usually
quoted, and with duplicate groups kept together; then train against test), the fine-tune, the same network from scratch. The
fine-tune runs with ``--config``'s [train] section where one is given. Beside each test figure stands its 95 % interval (Wilson,
1927, doi:10.1080/01621459.1927.10502953): a test split of 140 pictures is worth ± 8 points.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from logoingest.config import TrainConfig, load_config
from logoingest.release.reading.loader import open_folder
from logoingest.training import train_baseline
from logoingest.training.data.feeds import hold_pictures, make_feed
from logoingest.training.data.splits import SPLITS, read_splits
from logoingest.training.loop.features import extract_features
from logoingest.training.loop.jobs import build_job

FINE_TUNE = TrainConfig(
    model="mobilenet_v2",
    image_side_px=224,
    freeze="lower",
    epochs=10,
    lr=0.003,
    backbone_lr_factor=0.3,
    label_smoothing=0.1,
    augment="light",
)
FROM_SCRATCH = {"weights": "none", "freeze": "none", "image_side_px": 96, "controls": False}


def find_interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share."""
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return centre - half, centre + half


def extract_all(release_dir: Path, config: TrainConfig) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Split → (features, labels, groups), of the network as its weights are."""
    released = read_splits(open_folder(release_dir))
    job = build_job(config, len(released.class_ids), Path())
    found = {}
    for name in SPLITS:
        split = released.splits[name]
        pictures = hold_pictures(split, config.image_side_px, config.workers, budget=10**9)
        features = extract_features(job, make_feed(pictures, config.image_side_px, job.device), 1)
        assert features is not None
        found[name] = features.features[0].cpu().numpy(), split.label, np.array(split.groups)
    return found


def print_row(name: str, figure: float, note: str, seconds: float, count: int | None = None) -> None:
    low, high = find_interval(figure, count) if count else (math.nan, math.nan)
    interval = f"{low:.3f} to {high:.3f}" if count else ""
    print(f"| {name:<58} | {figure:.3f} | {interval:<14} | {note:<34} | {seconds:6.0f} |", flush=True)


def report_frozen(release_dir: Path, config: TrainConfig) -> None:
    """Logistic regression on the frozen features."""
    started = time.perf_counter()
    found = extract_all(release_dir, config)
    features, labels, groups = (np.concatenate([found[name][part] for name in SPLITS]) for part in range(3))
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500))
    for name, folds in {
        "frozen features + logistic regression, 5-fold": StratifiedKFold(5, shuffle=True, random_state=0),
        "the same, duplicate groups kept together": StratifiedGroupKFold(5, shuffle=True, random_state=0),
    }.items():
        kept_together = groups if isinstance(folds, StratifiedGroupKFold) else None
        scores = cross_val_score(regression, features, labels, groups=kept_together, cv=folds)
        print_row(name, scores.mean(), f"folds {scores.min():.2f} to {scores.max():.2f}", time.perf_counter() - started)
    regression.fit(found["train"][0], found["train"][1])
    figure = regression.score(found["test"][0], found["test"][1])
    print_row("the same, train against test", figure, "", time.perf_counter() - started, len(found["test"][1]))


def report_training(name: str, release_dir: Path, config: TrainConfig) -> None:
    """One training with the library."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        verdict = train_baseline(release_dir, config, Path(folder), Path())
        metrics = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
    failed = ", ".join(check.name for check in verdict.checks if not check.passed) or "passed"
    note = f"validation {metrics['validation']['top1'] or math.nan:.3f}, {failed}"
    print_row(name, metrics["test"]["top1"], note, time.perf_counter() - started, metrics["test"]["images"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("release", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--config", type=Path, help="a dataset.toml whose [train] section is used")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    base = load_config(arguments.config).train if arguments.config else FINE_TUNE
    changes = {"weights": str(arguments.weights.absolute())} | ({"epochs": arguments.epochs} if arguments.epochs else {})
    config = base.model_copy(update=changes)
    print(f"{config.model}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print(f"| {'':<58} | top-1 | 95 % interval  | {'':<34} | wall s |\n|{'-' * 60}|-------|----------------|{'-' * 36}|--------|")
    report_frozen(arguments.release, config)
    for seed in arguments.seeds:
        label = f"fine-tune, freeze {config.freeze}, {config.image_side_px} px, {config.epochs} epochs, seed {seed}"
        report_training(label, arguments.release, config.model_copy(update={"seed": seed}))
    scratch = config.model_copy(update=FROM_SCRATCH)
    report_training(f"from scratch, {scratch.image_side_px} px, {scratch.epochs} epochs", arguments.release, scratch)


if __name__ == "__main__":
    main()
