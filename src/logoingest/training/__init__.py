"""The training room: a torchvision fine-tune on a release alone, and its verdict.

``train_baseline`` does the whole; ``recipe`` says what its parts are for any task: prepare (a release read and decoded once),
train (one network, seed and fold), measure, judge, write; ``running`` holds the list of recipes and does what they have in common. Importing this package imports no torch; the functions do when they are called.

On a busy machine the threads of a training waste most of their time waiting for each other awake. Set ``OMP_WAIT_POLICY=PASSIVE`` in
the environment before torch is first imported (MobileNetV2 at 96 px, two busy cores: 0.9 CPU seconds a step instead of 4.6); the
command line does so itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.config import TrainConfig
from logoingest.training.checks.verdict import Check, Verdict
from logoingest.training.installation import check_installation
from logoingest.training.named_code import names_code

if TYPE_CHECKING:
    from logoingest.evidence.safeguards.study import Study
    from logoingest.training.classification.baseline import Baseline
    from logoingest.training.detection.detector import Detector
    from logoingest.training.models.artifact import AllowedCode

__all__ = [
    "Check",
    "Verdict",
    "check_installation",
    "is_detector",
    "load_baseline",
    "load_detector",
    "make_safeguard",
    "train_baseline",
]


def train_baseline(
    release_dir: str | os.PathLike[str],
    config: TrainConfig,
    out_dir: str | os.PathLike[str],
    base_dir: str | os.PathLike[str] = "",
    on_progress: Callable[[str, dict[str, Any]], None] | None = None,
    *,
    strangers: Mapping[str, bytes] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Verdict:
    """Fine-tune on a release, run the controls, write everything into ``out_dir``.

    Args:
        release_dir: a release, its folder or opened; of its splits only train, validation and test are read.
        config: the ``[train]`` section.
        out_dir: gets metrics.json, verdict.json, model.safetensors, model.json, safeguard.json and references.parquet (where validation
            has 20 pictures), three PNGs, and from the first epoch on epochs.jsonl, one line an epoch; made when it is not there.
        base_dir: what a relative ``weights`` file is relative to.
        on_progress: told (phase, facts) while it works; facts have ``done`` and ``total`` and may have figures.
        strangers: encoded pictures of no class by image_id, where there are some: they teach and check when the model is not to be
            believed.
        checkpoint: a file that says where the training stands, written every few seconds between epochs, removed in the end; a training
            of the same release, settings and versions that finds it goes on from there and ends with equal figures. None: none is kept.

    Raises:
        UsageError: torch is missing or mismatched; there is no release.
        ConfigError: the model, its weights or the device cannot be had.
        GateError: the release cannot be learnt from at all (under two classes, damaged pictures).
    """
    check_installation()
    from logoingest.training.running import run_training

    return run_training(
        release_dir,
        config,
        Path(out_dir),
        Path(base_dir),
        on_progress=on_progress,
        strangers=strangers or {},
        checkpoint=None if checkpoint is None else Path(checkpoint),
    )


def make_safeguard(
    release_dir: str | os.PathLike[str],
    model_dir: str | os.PathLike[str],
    ours_kept: float = 0.95,
    precision: float = 0.9,
    strangers: Iterable[str | os.PathLike[str]] = (),
    *,
    allow_code: bool | str | os.PathLike[str] = False,
) -> Study:
    """Learn when a trained baseline is to be believed, and write that beside it; a training does so itself.

    Args:
        release_dir: that the baseline was trained on, its folder or opened.
        model_dir: the baseline's folder; gets safeguard.json and references.parquet.
        ours_kept: share of our pictures that are not to be taken for strangers.
        precision: of every class, share of its accepted predictions that are to be right.
        strangers: files of pictures of no class, where there are some: half of them teach, the others check.
        allow_code: as in ``load_baseline``.

    Raises:
        UsageError: torch or the baseline is missing, it is of other classes, or validation has fewer than 20 pictures.
        GateError: the release is damaged.
    """
    check_installation()
    from logoingest.evidence.safeguards.rule import Goals
    from logoingest.training.classification.safeguarding import learn_safeguard, read_strangers

    goals, code = Goals(ours_kept, precision), _allow(allow_code)
    return learn_safeguard(release_dir, Path(model_dir), goals, read_strangers(strangers), code=code).study


def load_baseline(out_dir: str | os.PathLike[str], allow_code: bool | str | os.PathLike[str] = False) -> Baseline:
    """Open a trained baseline: ``predict`` says what pictures show and when that is to be believed.

    It can be taken apart: (model in eval mode, class names, transform from a PIL image to the model's input).

    Args:
        out_dir: its folder.
        allow_code: whether a network that is code ("package.module:function" in model.json) may be imported, and so run: True from the
            installed packages, a folder from there too. Leave it False for a model from somebody you do not trust.

    Raises:
        UsageError: torch is missing; the files are not there or do not fit together, or they name code that is not allowed.
    """
    check_installation()
    from logoingest.training.classification.baseline import open_baseline

    return open_baseline(Path(out_dir), _allow(allow_code))


def names_own_code(out_dir: str | os.PathLike[str], config: TrainConfig) -> bool:
    """Whether a baseline's network is code, and just the code that this config names."""
    from logoingest.training.models.artifact import read_model_facts

    return names_code(config.model) and read_model_facts(Path(out_dir)).get("architecture") == config.model


def _allow(code: bool | str | os.PathLike[str]) -> AllowedCode:
    from logoingest.training.models.artifact import NO_CODE, AllowedCode

    if code is False:
        return NO_CODE
    return AllowedCode(None, Path() if code is True else Path(code))


def load_detector(out_dir: str | os.PathLike[str], allow_code: bool | str | os.PathLike[str] = False) -> Detector:
    """Open what the recipe "detect" trained: ``detect`` says which boxes are in pictures, in pixels of the upright picture.

    Args:
        out_dir: the folder.
        allow_code: as for ``load_baseline``.

    Raises:
        UsageError: torch is missing; the files are not there, do not fit together, or are no detector's.
    """
    check_installation()
    from logoingest.training.detection.detector import open_detector

    return open_detector(Path(out_dir), _allow(allow_code))


def is_detector(out_dir: str | os.PathLike[str]) -> bool:
    """Whether a folder holds what the recipe "detect" trained, by its model.json."""
    check_installation()
    from logoingest.training.detection.artifact import holds_detector

    return holds_detector(Path(out_dir))
