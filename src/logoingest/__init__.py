"""From a list of image URLs with crowd answers to a train-ready, leak-free Parquet dataset, and a baseline that proves it.

    from logoingest import load_config, run, open_release
    run(load_config("mydata/dataset.toml"))
    train = open_release("mydata/dataset.toml").dataset("train")

Names are loaded when they are first used: importing the package costs nothing and never imports torch or prefect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily
from logoingest.version import __version__

if TYPE_CHECKING:
    from logoingest.config import Config, load_config
    from logoingest.errors import LogoingestError
    from logoingest.experiments import compare_trials, read_sweep, run_sweep
    from logoingest.images import inspect_image, select_images
    from logoingest.labels import ClassMap, normalise_annotations, normalise_label, normalise_labels
    from logoingest.pipeline import Run, open_run, plan, retry, run, run_stage, verify
    from logoingest.release import Release, open_release, verify_release, write_release
    from logoingest.release.keeping.commands import diff, export, pull, push
    from logoingest.samples import settle_samples
    from logoingest.schemas import Reason, Stage
    from logoingest.sources import read_annotations
    from logoingest.splits import assign_splits
    from logoingest.training import load_baseline, make_safeguard, train_baseline
    from logoingest.workspace import Workspace

_HOMES = {
    "training": ("load_baseline", "make_safeguard", "train_baseline"),
    "config": ("Config", "load_config"),
    "errors": ("LogoingestError",),
    "experiments": ("compare_trials", "read_sweep", "run_sweep"),
    "images": ("inspect_image", "select_images"),
    "labels": ("ClassMap", "normalise_annotations", "normalise_label", "normalise_labels"),
    "pipeline": ("Run", "open_run", "plan", "retry", "run", "run_stage", "verify"),
    "release": ("Release", "open_release", "verify_release", "write_release"),
    "release.keeping.commands": ("diff", "export", "pull", "push"),
    "samples": ("settle_samples",),
    "schemas": ("Reason", "Stage"),
    "sources": ("read_annotations",),
    "splits": ("assign_splits",),
    "workspace": ("Workspace",),
}

__all__ = [
    "ClassMap",
    "Config",
    "LogoingestError",
    "Reason",
    "Release",
    "Run",
    "Stage",
    "Workspace",
    "__version__",
    "assign_splits",
    "compare_trials",
    "diff",
    "export",
    "inspect_image",
    "load_baseline",
    "load_config",
    "make_safeguard",
    "normalise_annotations",
    "normalise_label",
    "normalise_labels",
    "open_release",
    "open_run",
    "plan",
    "pull",
    "push",
    "read_annotations",
    "read_sweep",
    "retry",
    "run",
    "run_stage",
    "run_sweep",
    "select_images",
    "settle_samples",
    "train_baseline",
    "verify",
    "verify_release",
    "write_release",
]

__getattr__ = load_lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
