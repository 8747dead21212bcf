"""What a fit or a prediction works on: the network, where it runs, and how its inputs lie there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem, quote_first_line
from logoingest.training.models.network import Learner, build_learner, settle_lr


@dataclass(frozen=True)
class Job:
    """What one fit works on; ``module`` takes what ``train`` serves: the whole network, or its head over known features."""

    module: nn.Module
    learner: Learner
    config: TrainConfig
    """With its learning rate settled."""
    device: torch.device
    class_count: int
    channels_last: bool = False


def build_job(config: TrainConfig, class_count: int, base_dir: Path) -> Job:
    """The untrained network of a config on its device; equal seeds give equal weights.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
    """
    device = choose_device(config.device)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # all pictures have one side, so the fastest convolution is looked for once
    with seed_everything(config.seed):
        learner = build_learner(config, class_count, base_dir)
    channels_last = prefers_channels_last(learner.network, device)
    learner.network.to(device)
    if channels_last:
        learner.network.to(memory_format=torch.channels_last)
    return Job(learner.network, learner, settle_lr(config, learner), device, class_count, channels_last)


def choose_device(name: str) -> torch.device:
    """auto, cpu, cuda, cuda:1, mps → a device that is there.

    Raises:
        ConfigError: it is not there, or no device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        line = quote_first_line(error, 120)
        raise ConfigError(Problem("train.device", f'"{name}" cannot be used ({line})', 'set it to "auto" or "cpu"')) from error
    return device


@contextlib.contextmanager
def seed_everything(seed: int) -> Iterator[None]:
    """Torch's random state, seeded inside and as before outside."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_available() else []):
        torch.manual_seed(seed)
        yield


def set_training(job: Job) -> None:
    """Training mode for what learns; frozen layers keep their batch statistics too."""
    job.module.train()
    for module in job.module.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


def arrange(job: Job, inputs: Tensor) -> Tensor:
    """Pictures in the order the network's weights are laid out in."""
    return inputs.contiguous(memory_format=torch.channels_last) if job.channels_last and inputs.dim() == 4 else inputs


def prefers_channels_last(network: nn.Module, device: torch.device) -> bool:
    """On CUDA always; on a CPU for depthwise convolutions (MobileNetV2 at 224 px: 28 pictures a CPU second against 17)."""
    depthwise = any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in network.modules())
    return device.type == "cuda" or (device.type == "cpu" and depthwise)


def autocast(device: torch.device, precision: str = "auto") -> contextlib.AbstractContextManager[None]:
    """bf16 where it is asked for, or by itself on CUDA; float32 elsewhere."""
    if precision == "bf16" or (precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()
