"""Untrained networks by name: torchvision's classifiers, timm's as "timm/NAME", and one's own as "package.module:function"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, quote_first_line, suggest_name
from logoingest.training.data.feeds import MEAN, STD
from logoingest.training.models.custom import build_custom
from logoingest.training.named_code import names_code

TIMM = "timm/"
#: Families whose constructor must know the picture's side.
_SIDE_ARGUMENTS = {"vit": "image_size", "maxvit": "input_size"}


@dataclass(frozen=True)
class Architecture:
    """What an untrained network is built from."""

    name: str
    """As ``train.model`` has it."""
    side_px: int
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of its constructor."""
    base_dir: Path = Path()
    """Beside the installed packages, where code of one's own lies."""

    @classmethod
    def of(cls, config: TrainConfig, base_dir: Path) -> Architecture:
        """What a config names."""
        return cls(config.model, config.image_side_px, config.model_options, base_dir)


def list_architectures() -> list[str]:
    """Names of torchvision's classification models."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


def check_architecture(name: str) -> None:
    """See to it that torchvision has the model.

    Raises:
        ConfigError: it has not; says which name is near.
    """
    known = list_architectures()
    if name not in known:
        hint = suggest_name(name.lower().replace("-", "_"), known, f"for example {', '.join(known[:4])}")
        raise ConfigError(Problem("train.model", f'torchvision has no classification model "{name}"', hint))


def build_architecture(wanted: Architecture, class_count: int) -> nn.Module:
    """An untrained network in eval mode; initial weights come from torch's current random state.

    Raises:
        ConfigError: there is no such model, it does not take the options or pictures of that side, or is no classifier.
    """
    if names_code(wanted.name):
        return build_custom(wanted.name, class_count, wanted.side_px, wanted.options, wanted.base_dir)
    build = _build_timm if wanted.name.startswith(TIMM) else _build_torchvision
    network, side = build(wanted, class_count), wanted.side_px
    try:
        network.eval()
        with torch.no_grad():
            network(torch.zeros(1, 3, side, side))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(_refuse_side(wanted, error)) from error
    return network


def _build_torchvision(wanted: Architecture, class_count: int) -> nn.Module:
    name, side = wanted.name, wanted.side_px
    check_architecture(name)
    options: dict[str, Any] = {"weights": None, "num_classes": class_count}
    family = name.split("_", maxsplit=1)[0]
    if family in _SIDE_ARGUMENTS:
        options[_SIDE_ARGUMENTS[family]] = side if family == "vit" else (side, side)
    if family in {"inception", "googlenet"}:
        options |= {"aux_logits": False, "init_weights": True}
    try:
        network: nn.Module = torchvision.models.get_model(name, **{**options, **wanted.options})
    except TypeError as error:
        raise ConfigError(_refuse_options(wanted, error)) from error
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(_refuse_side(wanted, error)) from error
    return network


def _build_timm(wanted: Architecture, class_count: int) -> nn.Module:
    """Any of timm's models; one whose weights expect pictures scaled otherwise than ImageNet's rescales what it is given."""
    name = wanted.name.removeprefix(TIMM)
    try:
        import timm
    except ImportError as error:
        raise ConfigError(
            Problem("train.model", "models of timm need the package timm", 'pip install "logoingest[timm]"')
        ) from error
    if not timm.is_model(name):
        known = timm.list_models()
        hint = suggest_name(name.lower().replace("-", "_"), known, 'python -c "import timm; print(timm.list_models())" lists them')
        raise ConfigError(Problem("train.model", f'timm has no model "{name}"', hint))
    facts = timm.get_pretrained_cfg(name)
    side = {"img_size": wanted.side_px} if getattr(facts, "fixed_input_size", False) else {}
    try:
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=class_count, **{**side, **wanted.options})
    except TypeError as error:
        raise ConfigError(_refuse_options(wanted, error)) from error
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(_refuse_side(wanted, error)) from error
    mean, std = (tuple(getattr(facts, key, None) or known) for key, known in (("mean", MEAN), ("std", STD)))
    if (mean, std) != (MEAN, STD):
        network.register_forward_pre_hook(Rescaling(mean, std))
    return network


@dataclass(frozen=True)
class Rescaling:
    """Pictures normalised as for ImageNet → with another mean and deviation; a hook before the network."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, _network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        pictures = inputs[0]
        ours, theirs = (
            [pictures.new_tensor(values)[None, :, None, None] for values in pair] for pair in ((MEAN, STD), (self.mean, self.std))
        )
        return ((pictures * ours[1] + ours[0] - theirs[0]) / theirs[1],)


def _refuse_side(wanted: Architecture, error: Exception) -> Problem:
    line = quote_first_line(error, 160)
    hint = "224 suits every model but inception_v3 (299)"
    return Problem("train.image_side_px", f"{wanted.name} cannot take pictures of {wanted.side_px} px ({line})", hint)


def _refuse_options(wanted: Architecture, error: Exception) -> Problem:
    line = quote_first_line(error, 160)
    return Problem("train.model_options", f"{wanted.name} does not take {dict(wanted.options)} ({line})")
