"""The train stage, from a release to files: prepare, train, control, judge, in that order, and what they say written down."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torchvision

from logoingest.config import TrainConfig
from logoingest.evidence.safeguards.files import SAFEGUARD_FILE
from logoingest.evidence.safeguards.rule import Goals
from logoingest.release.keeping.opening import AnyRelease, open_release
from logoingest.release.reading.loader import Release
from logoingest.training.checks.verdict import Verdict
from logoingest.training.classification.curves import open_curves
from logoingest.training.classification.figures import draw_figures
from logoingest.training.classification.judgement import Controls, judge, run_controls
from logoingest.training.classification.preparation import Prepared, prepare
from logoingest.training.classification.safeguarding import find_lack, learn_safeguard
from logoingest.training.classification.training import Trained, train
from logoingest.training.loop.fitting import Epoch
from logoingest.training.loop.jobs import build_job
from logoingest.training.loop.memory import keep_freed_memory
from logoingest.training.loop.phases import Phases, Tell
from logoingest.training.loop.scores import SplitScores, find_largest_share, find_majority, round_figures, score_split
from logoingest.training.models.artifact import save_artifact
from logoingest.version import __version__

logger = logging.getLogger("logoingest")

#: Leaks named in metrics.json, at most.
NAMED_LEAKS = 200


def run_baseline(
    release: AnyRelease,
    config: TrainConfig,
    out_dir: Path,
    base_dir: Path,
    *,
    on_progress: Tell | None,
    strangers: Mapping[str, bytes],
) -> Verdict:
    """See ``logoingest.training.train_baseline``."""
    started = time.perf_counter()
    phases = Phases(on_progress)
    opened = open_release(release)
    build_job(config, len(opened.class_ids), base_dir)  # what cannot be had is said before minutes of decoding
    prepared = prepare(opened, config, phases=phases)
    out_dir.mkdir(parents=True, exist_ok=True)
    with open_curves(out_dir) as curves:

        def note_epoch(epoch: Epoch) -> None:
            curves.add(epoch)
            phases.tell("fit", {"done": epoch.epoch, "total": config.epochs, **asdict(epoch)})

        with keep_freed_memory():
            trained = train(prepared, config, base_dir=base_dir, on_epoch=note_epoch, phases=phases)
            controls = run_controls(trained, phases)
        verdict = judge(trained, controls, prepared.leaks)
        scores = {name: score_split(found, len(trained.class_ids)) for name, found in trained.predictions.items()}
        curves.close(scores["test"].top1)
    with phases.phase("write"):
        metrics = gather_metrics(prepared, trained, controls, verdict, scores)
        save_artifact(trained.job.learner.network, trained.class_ids, trained.config, out_dir)
        draw_figures(metrics, out_dir)
    _guard(opened, prepared, config, out_dir, strangers=strangers, phases=phases)
    metrics["timings_s"] = {**phases.timings_s, "total": round(time.perf_counter() - started, 3)}
    _write_json(out_dir / "metrics.json", metrics)
    _write_json(out_dir / "verdict.json", verdict.to_dict())
    phases.tell("done", {"done": 1, "total": 1, "passed": verdict.passed})
    return verdict


def _guard(
    release: Release, prepared: Prepared, config: TrainConfig, out_dir: Path, *, strangers: Mapping[str, bytes], phases: Phases
) -> None:
    """Say when the baseline is to be believed; where there is too little to learn that from, say so instead."""
    lack = find_lack(prepared.splits["validation"])
    if lack is not None:
        logger.warning("no %s is made: %s", SAFEGUARD_FILE, lack)
        return
    goals = Goals(config.safeguard_ours_kept, config.safeguard_precision)
    learn_safeguard(release, out_dir, goals, strangers, device=config.device, workers=config.workers, phases=phases)


def gather_metrics(
    prepared: Prepared, trained: Trained, controls: Controls, verdict: Verdict, scores: Mapping[str, SplitScores]
) -> dict[str, Any]:
    """The content of metrics.json, without the timings."""
    labels = {name: feed.labels for name, feed in trained.feeds.items()}
    majority, share = find_majority(labels["train"], labels["test"], len(trained.class_ids))
    figures = {
        "class_names": list(trained.class_ids),
        "images": {name: len(rows) for name, rows in labels.items()},
        "epochs": [asdict(epoch) for epoch in trained.history],
        **{name: found._asdict() for name, found in scores.items()},
        "majority": {"class": majority, "top1": share},
        "controls": describe_controls(controls, find_largest_share(labels["test"])),
    }
    stopped_by = "validation" if len(labels["validation"]) else None
    held = all(pictures.cache is not None for pictures in prepared.pictures.values())
    rounded: dict[str, Any] = round_figures(figures)
    return rounded | {
        "splits": {"learned": "train", "stopped_by": stopped_by, "scored": "test", "not_read": list(prepared.unread)},
        "pictures_held": "in memory" if held else "streamed",
        "leaks": {"count": len(prepared.leaks), "pairs": [asdict(leak) for leak in prepared.leaks[:NAMED_LEAKS]]},
        "verdict": verdict.to_dict(),
        "config": trained.config.model_dump(mode="json"),
        "versions": {"logoingest": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
        "device": trained.job.device.type,
    }


def describe_controls(controls: Controls, largest_share: float) -> dict[str, Any]:
    """The form of metrics.json."""
    form: dict[str, Any] = {
        "start_loss": controls.start_loss,
        "one_batch": {"accuracy": controls.memorised, "steps": controls.memorise_steps},
    }
    if controls.zero_input is not None:
        form["zero_input"] = {"class": controls.zero_input.class_index, "top1": controls.zero_input.share}
    if controls.shuffled is not None:
        form["shuffled_labels"] = {**controls.shuffled._asdict(), "largest_class": largest_share}
    return form


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
