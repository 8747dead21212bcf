"""One training from a release to a folder of files, by whatever recipe the config names: what all recipes have in common."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, suggest_name
from logoingest.heap import keep_freed_memory
from logoingest.release.keeping.opening import AnyRelease, open_release
from logoingest.training.checkpoints import KeptCheckpoint
from logoingest.training.checks.verdict import Verdict
from logoingest.training.logs.opening import check_logs, open_logs
from logoingest.training.loop.phases import Phases, Tell
from logoingest.training.loop.rounding import round_figures
from logoingest.training.named_code import find_code_file, import_named, names_code
from logoingest.training.recipe import Figures, Recipe, TrainingPlan
from logoingest.version import __version__
from logoingest.workspace import hash_file

#: The recipes of the package: a line each.
BUILT_IN = {
    "classify": "logoingest.training.classification.recipe:RECIPE",
    "detect": "logoingest.training.detection.recipe:RECIPE",
}
_METHODS = ("check", "prepare", "cut_folds", "train", "measure", "judge", "write")


def load_recipe(name: str, base_dir: Path) -> Recipe[Any, Any]:
    """The recipe that ``train.recipe`` names: a built-in one, or code of one's own.

    Raises:
        ConfigError: there is none, it cannot be imported, or it lacks a method.
    """
    where = "train.recipe"
    if name not in BUILT_IN and not names_code(name):
        hint = suggest_name(name, BUILT_IN, f'one of {", ".join(BUILT_IN)}, or "package.module:name"')
        raise ConfigError(Problem(where, f'there is no recipe "{name}"', hint))
    found = import_named(where, BUILT_IN.get(name, name), base_dir)
    recipe = found() if isinstance(found, type) or not hasattr(found, "train") else found
    missing = [method for method in (*_METHODS, "name", "metrics") if not hasattr(recipe, method)]
    if missing:
        hint = "logoingest.training.recipe.Recipe says what a recipe has"
        raise ConfigError(Problem(where, f"{name} is no recipe: it has no {', '.join(missing)}", hint))
    made: Recipe[Any, Any] = recipe
    return made


def run_training(
    release: AnyRelease,
    config: TrainConfig,
    out_dir: Path,
    base_dir: Path,
    *,
    on_progress: Tell | None,
    strangers: Mapping[str, bytes],
    checkpoint: Path | None = None,
) -> Verdict:
    """See ``logoingest.training.train_baseline``."""
    started, began = time.perf_counter(), dt.datetime.now(dt.UTC)
    phases = Phases(on_progress)
    recipe = load_recipe(config.recipe, base_dir)
    check_logs(config.log)
    opened = open_release(release)
    plan = TrainingPlan(config, base_dir, phases=phases, strangers=strangers)
    recipe.check(opened, plan)
    prepared = recipe.prepare(opened, config, phases=phases)
    out_dir.mkdir(parents=True, exist_ok=True)
    kept = KeptCheckpoint(checkpoint, name_training(opened.fingerprint, config, base_dir))
    title = f"{config.model} {began:%Y-%m-%d %H:%M:%S}"
    settings = flatten_settings(config.model_dump(mode="json"))
    with open_logs(config.log, out_dir, settings, project=opened.name, name=title) as logs:

        def note_epoch(epoch: int, figures: Figures) -> None:
            kept.note(epoch, figures)
            logs.add_epoch(epoch, figures)
            phases.tell("fit", {"done": epoch, "total": config.epochs, **figures})

        with keep_freed_memory():
            for epoch, told in kept.told:
                logs.add_epoch(epoch, told)
            resumable = replace(plan, on_epoch=note_epoch, resume=kept.state, on_checkpoint=kept.save if checkpoint else None)
            trained = recipe.train(prepared, resumable)
            judged = recipe.judge(prepared, trained, plan)
        figures = recipe.measure(trained).figures
        recipe.write(opened, trained, judged, plan, out_dir)
        logs.finish(figures, out_dir)
    common = {
        "recipe": config.recipe,
        "release": opened.fingerprint,
        "started_at": began.isoformat(timespec="seconds"),
        "resumed_after_epochs": len(kept.found),
        "figures": round_figures(dict(figures)),
        "verdict": judged.verdict.to_dict(),
        "config": config.model_dump(mode="json"),
        "versions": find_versions(),
        "timings_s": {**phases.timings_s, "total": round(time.perf_counter() - started, 3)},
    }
    write_json(out_dir / "metrics.json", common | judged.metrics)
    write_json(out_dir / "verdict.json", judged.verdict.to_dict())
    kept.remove()
    phases.tell("done", {"done": 1, "total": 1, "passed": judged.verdict.passed})
    return judged.verdict


def flatten_settings(config: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Settings as logs take them: one word each, what is no plain value as JSON."""
    plain = {name: value for name, value in config.items() if value not in (None, {}, [])}
    return {name: value if isinstance(value, str | int | float | bool) else json.dumps(value) for name, value in plain.items()}


def name_training(fingerprint: str, config: TrainConfig, base_dir: Path) -> str:
    """A name that two trainings share only if one can go on where the other stopped."""
    settings = config.model_dump(mode="json", exclude={"device", "workers", "log"})
    files = [find_code_file(name, base_dir) for name in (config.recipe, config.model)]
    if config.weights not in {"none", "imagenet"}:
        files.append(base_dir / Path(config.weights).expanduser())
    code = [hash_file(path).sha256 for path in files if path is not None and path.is_file()]
    told = json.dumps([fingerprint, settings, find_versions(), code], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def find_versions() -> dict[str, str]:
    """Of what a training's figures depend on, with the build where it is loaded; what is not installed is left out. Loads nothing."""
    found = {"logoingest": __version__}
    for name in ("torch", "torchvision"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            loaded = getattr(sys.modules.get(name), "__version__", None)
            found[name] = str(loaded or importlib.metadata.version(name))
    return found


def write_json(path: Path, value: Any) -> None:
    """A file of JSON, with what people wrote as they wrote it."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
