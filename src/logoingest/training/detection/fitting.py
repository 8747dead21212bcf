"""Fitting a detector: steps, epochs, what is kept. Equal seeds give equal figures on a CPU."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from logoingest.config import TrainConfig
from logoingest.training.data.feeds import Batches
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.networks import Design, build_trainable, list_body_parameters
from logoingest.training.loop.averaging import WeightAverage, make_average, show_average
from logoingest.training.loop.fitting import make_schedule
from logoingest.training.loop.jobs import autocast, choose_device, prefers_channels_last, seed_everything

_MAX_GRADIENT_NORM = 5.0
#: Peak learning rate where the config leaves it out.
_LR = 1e-3


@dataclass(frozen=True)
class DetectorJob:
    """What one fit works on; its config has a learning rate."""

    network: nn.Module
    design: Design
    config: TrainConfig
    device: torch.device
    channels_last: bool = False


@dataclass(frozen=True, slots=True)
class DetectionEpoch:
    """Figures of one epoch: the mean of the detector's losses, added up; mAP at an overlap of one half, where it was measured."""

    epoch: int
    train_loss: float
    validation_map50: float | None
    lr: float


def build_detector_job(config: TrainConfig, design: Design, base_dir: Path) -> DetectorJob:
    """The untrained detector on its device; equal seeds give equal weights.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
    """
    device = choose_device(config.device)
    with seed_everything(config.seed):
        network = build_trainable(design, config, base_dir)
    channels_last = prefers_channels_last(network, device)
    network.to(device)
    if channels_last:
        network.to(memory_format=torch.channels_last)
    settled = config if config.lr is not None else config.model_copy(update={"lr": _LR})
    return DetectorJob(network, design, settled, device, channels_last)


def copy_detector(job: DetectorJob) -> DetectorJob:
    """The same job with a network of its own."""
    return DetectorJob(copy.deepcopy(job.network), job.design, job.config, job.device, job.channels_last)


def set_detector_training(job: DetectorJob) -> None:
    """Training mode; with pretrained weights batch statistics stay as they are: batches of a detector are too small to measure them."""
    job.network.train()
    for module in job.network.modules():
        own = list(module.parameters(recurse=False))
        frozen = own and not any(parameter.requires_grad for parameter in own)
        if frozen or (job.config.weights != "none" and isinstance(module, nn.BatchNorm2d)):
            module.eval()


Best = tuple[float, dict[str, Tensor]]
Checkpoint = dict[str, Any]


@dataclass
class DetectorStepper:
    """What turns losses into steps, how many there were, and what is averaged over them."""

    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    taken: int = 0
    average: WeightAverage | None = None

    def step(self, network: nn.Module, loss: Tensor) -> None:
        """One step down the gradient."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.taken += 1
        if self.schedule is not None:
            self.schedule.step()
        if self.average is not None:
            self.average.update()


@dataclass
class _Course:
    """A fit between two epochs."""

    job: DetectorJob
    stepper: DetectorStepper
    steps_left: int
    rng: np.random.Generator
    history: list[DetectionEpoch] = field(default_factory=list)
    best: Best | None = None

    def save(self) -> Checkpoint:
        """Dicts, lists, tensors, numbers and text only."""
        return copy.deepcopy(
            {
                "history": [asdict(epoch) for epoch in self.history],
                "steps_left": self.steps_left,
                "taken": self.stepper.taken,
                "network": self.job.network.state_dict(),
                "optimizer": self.stepper.optimizer.state_dict(),
                "schedule": self.stepper.schedule.state_dict() if self.stepper.schedule is not None else {},
                "best": None if self.best is None else list(self.best),
                "order": self.rng.bit_generator.state,
                "torch_random": torch.get_rng_state(),
                "average": {} if self.stepper.average is None else self.stepper.average.save(),
            }
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        saved = copy.deepcopy(checkpoint)
        self.history = [DetectionEpoch(**epoch) for epoch in saved["history"]]
        self.steps_left, self.stepper.taken = saved["steps_left"], saved["taken"]
        self.job.network.load_state_dict(saved["network"])
        self.stepper.optimizer.load_state_dict(saved["optimizer"])
        if self.stepper.schedule is not None:
            self.stepper.schedule.load_state_dict(saved["schedule"])
        self.best = None if saved["best"] is None else (saved["best"][0], saved["best"][1])
        self.rng.bit_generator.state = saved["order"]
        torch.set_rng_state(saved["torch_random"])
        if self.stepper.average is not None:
            self.stepper.average.restore(saved["average"])

    def settle(self) -> None:
        """The weights that are kept: the best, the average, or the last."""
        if self.best is not None:
            self.job.network.load_state_dict(self.best[1])
        elif self.stepper.average is not None:
            self.stepper.average.settle()


def fit_detector(
    job: DetectorJob,
    train: PhotoFeed,
    *,
    measure: Callable[[], float | None] | None = None,
    max_steps: int | None = None,
    on_epoch: Callable[[DetectionEpoch], None] | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    resume: Checkpoint | None = None,
) -> list[DetectionEpoch]:
    """Train ``job.network`` in place; kept are the weights of the best epoch on validation where ``early_stop_epochs`` says so, else the last
    or, where ``average`` says so, their average.

    Args:
        job: the network and the settings.
        train: what it learns.
        measure: asked after every epoch for mAP at an overlap of one half on validation.
        max_steps: fewer steps than the config's epochs have; the schedule is pressed into them.
        on_epoch: told every epoch's figures.
        on_checkpoint: given, after every epoch but the last, where the fit stands.
        resume: go on from there; the job, the feed and the settings must be those it was made with.

    Returns:
        One record an epoch, those before ``resume`` included; the last one has a loss that is not finite when training diverged.
    """
    config = job.config
    steps = config.epochs * len(train.plan(config.batch_size))
    steps = steps if max_steps is None else min(steps, max_steps)
    course = _Course(job, make_detector_stepper(job, steps), steps, np.random.default_rng([config.seed, 1]))
    with seed_everything(config.seed):
        if resume is not None:
            course.restore(resume)
        while course.steps_left > 0 and len(course.history) < config.epochs:
            epoch = _run_epoch(course, train, measure)
            if on_epoch is not None:
                on_epoch(epoch)
            if not math.isfinite(epoch.train_loss):
                break
            if course.best is not None and _has_stalled(course.history, config.early_stop_epochs):
                break
            if on_checkpoint is not None and course.steps_left > 0 and epoch.epoch < config.epochs:
                on_checkpoint(course.save())
    course.settle()
    return course.history


def _run_epoch(course: _Course, train: PhotoFeed, measure: Callable[[], float | None] | None) -> DetectionEpoch:
    """One pass over train, and one look at validation with the weights that would be kept."""
    config, rng = course.job.config, course.rng
    counts = train.count_balanced(rng) if config.balance == "sampler" else None
    batches = train.plan(config.batch_size, rng, counts)[: course.steps_left]
    course.steps_left -= len(batches)
    lr = course.stepper.optimizer.param_groups[-1]["lr"]
    loss = learn(course.job, train, batches, course.stepper, seed=int(rng.integers(2**31)))
    with show_average(course.stepper.average):
        figure = measure() if measure is not None and math.isfinite(loss) else None
        course.history.append(DetectionEpoch(len(course.history) + 1, loss, figure, lr))
        if config.early_stop_epochs:
            course.best = _keep_best(course.job.network, course.history[-1], course.best)
    return course.history[-1]


def make_detector_stepper(job: DetectorJob, steps: int) -> DetectorStepper:
    """What a fit of so many steps needs beside the network."""
    optimizer = make_detector_optimizer(job)
    average = make_average(job.network, job.config.average, steps)
    return DetectorStepper(optimizer, make_schedule(optimizer, job.config, steps), average=average)


def learn(job: DetectorJob, feed: PhotoFeed, batches: Batches, stepper: DetectorStepper, seed: int | None = None) -> float:
    """The mean loss of one pass over some batches, learning from each; not finite, and over at once, where it diverged."""
    set_detector_training(job)
    total = torch.zeros((), device=job.device)
    pictures_seen = 0
    for pictures, targets, rows in feed.serve(batches, seed):
        loss = measure_loss(job, pictures, targets)
        stepper.step(job.network, loss)
        total += loss.detach() * len(rows)
        pictures_seen += len(rows)
        if not math.isfinite(float(loss.detach())):
            return math.nan
    return float(total) / max(pictures_seen, 1)


def measure_loss(job: DetectorJob, pictures: list[Tensor], targets: list[dict[str, Tensor]]) -> Tensor:
    """The detector's losses, added up."""
    with autocast(job.device, job.config.precision):
        losses = job.network(pictures, targets)
    return torch.stack([loss.float() for loss in losses.values()]).sum()


def measure_first_loss(job: DetectorJob, train: PhotoFeed, batches: Batches) -> float:
    """Mean loss of the detector as it is, learning nothing."""
    own = copy_detector(job)
    set_detector_training(own)
    total, count = 0.0, 0
    with torch.no_grad(), seed_everything(job.config.seed):
        for pictures, targets, rows in train.serve(batches):
            total += float(measure_loss(own, pictures, targets)) * len(rows)
            count += len(rows)
    return total / max(count, 1)


def make_detector_optimizer(job: DetectorJob) -> torch.optim.Optimizer:
    """AdamW; pretrained layers learn with a smaller rate than the fresh ones, which come last in the groups."""
    config = job.config
    rate = config.lr or _LR
    pretrained = list_body_parameters(job.network)
    learning = [parameter for parameter in job.network.parameters() if parameter.requires_grad]
    factor = config.backbone_lr_factor if config.weights != "none" else 1.0
    body, fresh = (_choose(learning, pretrained, inside=inside) for inside in (True, False))
    groups: list[dict[str, Any]] = [{"params": body, "lr": rate * factor}, {"params": fresh, "lr": rate}]
    used = [group for group in groups if group["params"]]
    return torch.optim.AdamW(used, weight_decay=config.weight_decay, fused=job.device.type in {"cpu", "cuda"})


def _choose(parameters: Iterable[nn.Parameter], known: set[int], *, inside: bool) -> list[nn.Parameter]:
    return [parameter for parameter in parameters if (id(parameter) in known) is inside]


def _keep_best(network: nn.Module, epoch: DetectionEpoch, best: Best | None) -> Best | None:
    figure = epoch.validation_map50
    if figure is None or (best is not None and figure <= best[0]):
        return best
    return figure, copy.deepcopy(network.state_dict())


def _has_stalled(history: list[DetectionEpoch], patience: int) -> bool:
    figures = [epoch.validation_map50 for epoch in history if epoch.validation_map50 is not None]
    return len(figures) > patience and max(figures[-patience:]) <= max(figures[:-patience])
