"""What raises a detector's average precision on a release with boxes, one change after another.

    python benchmarks/detection.py RELEASE --weights mobilenet_v2.pth [--epochs 12] [--steps naive anchors balanced …]
    python benchmarks/detection.py RELEASE --weights mobilenet_v2.pth --steps again --start DETECTOR --epochs 6
    python benchmarks/detection.py --tiny

Each step keeps what those before it changed; ``again`` goes on from a detector trained before. Prints, a line a step: mAP at .5 and over
.5 to .95 on validation and test, small boxes alone, CPU seconds of the training, peak memory; and pycocotools' mAP of the same detections beside ours. ``--tiny`` draws a release of
its own and trains a small network for a few steps: it shows that everything runs, its figures mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from logoingest.config import TrainConfig
from logoingest.heap import keep_freed_memory
from logoingest.release.keeping.opening import open_release
from logoingest.training.detection.preparation import PreparedBoxes, prepare_boxes
from logoingest.training.detection.scoring import score_detections, write_coco_detections, write_coco_truths
from logoingest.training.detection.training import TrainedDetector, train_detector

BASE: dict[str, Any] = {
    "recipe": "detect", "model": "mobilenet_v2", "freeze": "backbone", "image_side_px": 288, "batch_size": 8, "lr": 0.001,
    "schedule": "step", "augment": "none", "workers": 0, "detection": {"strides": [16, 32], "anchors": 1, "paste": 0.0, "proposals": 100},
}  # fmt: skip
#: Name → what it changes; the first is what one tries first.
STEPS: dict[str, dict[str, Any]] = {
    "naive": {},
    "unfrozen": {"freeze": "lower"},
    "anchors": {"detection": {"anchors": 3}},
    "augmented": {"augment": "light"},
    "balanced": {"balance": "sampler"},
    "cosine": {"schedule": "cosine"},
    "stride_8": {"detection": {"strides": [8, 16, 32]}},
    "pasted": {"detection": {"paste": 0.3}},
    "larger": {"image_side_px": 384},
    "again": {"image_side_px": 288, "batch_size": 4, "lr": 0.0005, "average": 0.1, "precision": "bf16", "seed": 1},
}


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The settings with a change, of ``detection`` key by key."""
    return base | change | {"detection": base["detection"] | change.get("detection", {})}


def score_by_pycocotools(trained: TrainedDetector) -> float:
    """mAP over .5 to .95 on test."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = write_coco_truths(trained.feeds["test"].truths, len(trained.class_ids))
        known.createIndex()
        judge = COCOeval(known, known.loadRes(write_coco_detections(trained.detections["test"])), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0])


def measure_step(name: str, prepared: PreparedBoxes, config: TrainConfig) -> None:
    """Train once, and print its line."""
    started = time.process_time()
    with keep_freed_memory():
        trained = train_detector(prepared, config)
    spent = time.process_time() - started
    count = len(trained.class_ids)
    validation, test = (
        score_detections(trained.feeds[split].truths, trained.detections[split], count) for split in ("validation", "test")
    )
    theirs = score_by_pycocotools(trained) if any(len(found.labels) for found in trained.detections["test"]) else 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = (validation.map50, validation.map, test.map50, test.map, test.small)
    cells = " ".join(f"{'-' if value is None else f'{value:.3f}':>8}" for value in figures)
    print(f"{name:<10} {cells} {theirs:>9.6f} {test.map or 0:>9.6f} {spent:>8.0f} {peak:>6}", flush=True)


def draw_tiny(folder: Path) -> Path:
    """A drawn release with boxes, by the tests' own builder."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from builders.drawn_releases import write_boxed

    return write_boxed(folder / "release")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", nargs="?", help="the folder of a release with boxes")
    parser.add_argument("--weights", default="none", help="of mobilenet_v2: a local file")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", nargs="+", default=[name for name in STEPS if name != "again"], choices=list(STEPS))
    parser.add_argument("--start", type=Path, help='the folder of the detector that the step "again" goes on from')
    parser.add_argument("--tiny", action="store_true", help="drawn pictures, a small network, a few steps")
    options = parser.parse_args()
    if "again" in options.steps and options.start is None:
        parser.error("--steps again goes on from --start DETECTOR")
    base = BASE | {"epochs": options.epochs, "weights": options.weights, "device": options.device}
    with tempfile.TemporaryDirectory() as scratch:
        if options.tiny:
            tiny = {
                "model": "shufflenet_v2_x0_5",
                "freeze": "none",
                "image_side_px": 64,
                "epochs": 1,
                "detection": {"channels": 32},
            }
            base, release = merge(base, tiny), open_release(draw_tiny(Path(scratch)))
            options.steps, STEPS["larger"] = ["naive", "anchors", "larger"], {"image_side_px": 96}
            STEPS["naive"] = {"detection": {"strides": [8, 16]}}
        elif options.release is None:
            parser.error("name a release, or ask for --tiny")
        else:
            release = open_release(options.release)
        print(
            f"{'step':<10} {'val .5':>8} {'val':>8} {'test .5':>8} {'test':>8} {'small':>8} {'pycoco':>9} {'ours':>9} {'CPU s':>8} {'MB':>6}"
        )
        prepared, settings = None, base
        for name, change in STEPS.items():
            settings = merge(settings, change)
            if name not in options.steps:
                continue
            start = str(options.start.absolute()) if name == "again" and options.start else ""
            config = TrainConfig.model_validate(merge(settings, {"detection": {"start": start}}))
            if prepared is None or prepared.side_px < config.image_side_px:
                prepared = prepare_boxes(release, config)
            measure_step(name, prepared, config)


if __name__ == "__main__":
    main()
