"""A recipe that needs no torch: marks drawn by chance around a skill that two settings decide; and ways to die."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from logoingest.training.data.splits import cut_folds, read_splits
from logoingest.training.recipe import Measured, Metric, PictureScores


class ToyRecipe:
    """Skill is highest at lr = 0.01; batch_size changes nothing; epochs bring it nearer."""

    name = "toy"
    metrics = (Metric("top1", True, "share of marks"), Metric("loss", False, "one minus that"))

    def check(self, release, plan):
        """Everything can be trained."""

    def prepare(self, release, config, *, folds=False, phases=None, cache_dir=None):
        return read_splits(release).splits

    def cut_folds(self, prepared, count, seed=0):
        return cut_folds(prepared, count, seed)

    def train(self, prepared, plan):
        options = plan.config.recipe_options
        _obey(options, plan.config.lr)
        skill = max(0.05, 0.95 - 0.35 * abs(math.log10(plan.config.lr) + 2))
        for epoch in range(1, plan.config.epochs + 1):
            time.sleep(options.get("epoch_s", 0.0))
            reached = skill * (1 - 0.5**epoch)
            plan.on_epoch(epoch, {"validation.top1": reached, "validation.loss": 1 - reached})
        return SimpleNamespace(config=plan.config, pictures=_mark(prepared, plan, skill))

    def judge(self, prepared, trained, plan):
        """A sweep asks for no verdict."""
        raise AssertionError

    def write(self, release, trained, judged, plan, out_dir):
        """Nor for files."""
        raise AssertionError

    def measure(self, trained):
        figures = {}
        for split, marks in trained.pictures.items():
            figures[f"{split}.top1"] = float(marks.scores.mean())
            figures[f"{split}.loss"] = 1 - figures[f"{split}.top1"]
        if trained.config.recipe_options.get("diverges_from", math.inf) <= trained.config.lr:
            figures = dict.fromkeys(figures, math.nan)
        return Measured(figures, trained.pictures)


def _mark(prepared, plan, skill):
    """Pictures have a difficulty of their own, so that marks of two trainings go together."""
    found = {}
    for split in plan.scored:
        part = prepared[split]
        if plan.fold is not None and split == "validation":
            names = [
                name
                for one in ("train", "validation")
                for name, group in zip(prepared[one].image_id, prepared[one].groups, strict=True)
                if group in plan.fold.held_out
            ]
        else:
            names = list(part.image_id)
        hard = np.array([int(name[:8], 16) / 2**32 for name in names])
        noise = np.random.default_rng([plan.config.seed, len(names)]).normal(0, 0.05, len(names))
        found[split] = PictureScores(tuple(names), (hard + noise < skill).astype(np.float64))
    return found


def _obey(options, lr):
    """Die as asked: once (a mark is left), always, or while another trial runs."""
    folder = Path(options["marks"]) if "marks" in options else None
    if "dies_once" in options and folder is not None and not (folder / f"died-{lr}").exists():
        (folder / f"died-{lr}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if options.get("dies_from", math.inf) <= lr:
        raise RuntimeError("a fault of its own")
    if "memory_for" in options and folder is not None:
        mine = folder / f"running-{os.getpid()}"
        mine.touch()
        time.sleep(0.5)
        crowded = len(list(folder.glob("running-*"))) > options["memory_for"]
        time.sleep(0.5)
        mine.unlink()
        if crowded:
            raise MemoryError
