"""Fitting: steps, schedules, epochs, early stopping. Equal seeds give equal figures on a CPU."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from logoingest.config import TrainConfig
from logoingest.training.data.feeds import Feed, balance_counts
from logoingest.training.data.splits import Rows
from logoingest.training.loop.averaging import WeightAverage, make_average, show_average
from logoingest.training.loop.jobs import Job, arrange, autocast, seed_everything, set_training
from logoingest.training.loop.prediction import score_rows

_MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """Figures of one epoch: mean loss in nats (with class weights and smoothing on train, plain on validation), share right."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    lr: float


@dataclass(frozen=True)
class Stepper:
    """What turns gradients into steps, what the classes weigh in the loss, and what is averaged over the steps."""

    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    class_weights: Tensor | None
    average: WeightAverage | None


Best = tuple[float, dict[str, Tensor]]


@dataclass(frozen=True)
class Checkpoint:
    """Where a fit stands between two epochs: what it needs to go on as if it had never stopped. Tensors, numbers and text only."""

    history: tuple[Epoch, ...]
    steps_left: int
    module: dict[str, Tensor]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    best: Best | None
    order: Mapping[str, Any]
    """State of the generator that shuffles."""
    changes: Tensor
    """State of the generator of random changes."""
    torch_random: Tensor
    """State of torch's own generator."""
    average: dict[str, Tensor] = field(default_factory=dict)
    """Of the weights, where there is one."""


def pack_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """As dicts, lists, tensors, numbers and text."""
    packed = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    return packed | {"history": [asdict(epoch) for epoch in checkpoint.history]}


def unpack_checkpoint(packed: Mapping[str, Any]) -> Checkpoint:
    """The inverse of ``pack_checkpoint``."""
    best = packed["best"]
    told = {"history": tuple(Epoch(**epoch) for epoch in packed["history"]), "best": None if best is None else (best[0], best[1])}
    return Checkpoint(**{**packed, **told})


@dataclass
class _Course:
    """A fit between two epochs."""

    job: Job
    stepper: Stepper
    steps_left: int
    rng: np.random.Generator
    generator: torch.Generator
    history: list[Epoch] = field(default_factory=list)
    best: Best | None = None

    def save(self) -> Checkpoint:
        return copy.deepcopy(
            Checkpoint(
                tuple(self.history),
                self.steps_left,
                self.job.module.state_dict(),
                self.stepper.optimizer.state_dict(),
                self.stepper.schedule.state_dict(),
                self.best,
                self.rng.bit_generator.state,
                self.generator.get_state(),
                torch.get_rng_state(),
                {} if self.stepper.average is None else self.stepper.average.save(),
            )
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        saved = copy.deepcopy(checkpoint)
        self.history, self.steps_left, self.best = list(saved.history), saved.steps_left, saved.best
        self.job.module.load_state_dict(saved.module)
        self.stepper.optimizer.load_state_dict(saved.optimizer)
        self.stepper.schedule.load_state_dict(saved.schedule)
        self.rng.bit_generator.state = saved.order
        self.generator.set_state(saved.changes)
        torch.set_rng_state(saved.torch_random)
        if self.stepper.average is not None:
            self.stepper.average.restore(saved.average)

    def keep_best(self) -> None:
        """The weights as they are shown, where they are the best so far on validation."""
        self.best = _keep_best(self.job.module, self.history[-1], self.best)

    def settle(self) -> None:
        """The weights that are kept: the best, the average, or the last."""
        if self.best is not None:
            self.job.module.load_state_dict(self.best[1])
        elif self.stepper.average is not None:
            self.stepper.average.settle()


def fit(
    job: Job,
    train: Feed,
    validation: Feed | None,
    *,
    max_steps: int | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    resume: Checkpoint | None = None,
) -> list[Epoch]:
    """Train ``job.module`` in place.

    Args:
        job: the module and the settings.
        train: what it learns.
        validation: what early stopping looks at; the best epoch's weights are kept when it is on, else the last or their average.
        max_steps: fewer steps than the config's epochs have; the schedule is pressed into them.
        on_epoch: told every epoch's figures.
        on_checkpoint: given, after every epoch but the last, where the fit stands.
        resume: go on from there; the job, the feeds and the settings must be those it was made with.

    Returns:
        One record an epoch, those before ``resume`` included; the last one has a loss that is not finite when training diverged.
    """
    config, seed = job.config, job.config.seed
    steps = config.epochs * len(train.plan(config.batch_size, None))
    steps = steps if max_steps is None else min(steps, max_steps)
    course = _Course(
        job, make_stepper(job, train, steps), steps, np.random.default_rng([seed, 1]), torch.Generator().manual_seed(seed + 1)
    )
    with seed_everything(seed):
        if resume is not None:
            course.restore(resume)
        while course.steps_left > 0:
            epoch = _run_epoch(course, train, validation)
            if on_epoch is not None:
                on_epoch(epoch)
            if not math.isfinite(epoch.train_loss) or epoch.epoch == config.epochs:
                break
            if course.best is not None and _has_stalled(course.history, config.early_stop_epochs):
                break
            if on_checkpoint is not None and course.steps_left > 0:
                on_checkpoint(course.save())
    course.settle()
    return course.history


def _run_epoch(course: _Course, train: Feed, validation: Feed | None) -> Epoch:
    """One pass over train, and one look at validation with the weights that would be kept."""
    job, stepper = course.job, course.stepper
    counts = balance_counts(train.labels, course.rng) if job.config.balance == "sampler" else None
    batches = train.plan(job.config.batch_size, course.rng, counts)[: course.steps_left]
    course.steps_left -= len(batches)
    lr = stepper.optimizer.param_groups[-1]["lr"]
    loss, accuracy = _learn(job, train, batches, course.generator, stepper)
    with show_average(stepper.average):
        course.history.append(Epoch(len(course.history) + 1, loss, accuracy, *_score_validation(job, validation), lr))
        if job.config.early_stop_epochs:
            course.keep_best()
    return course.history[-1]


def _learn(
    job: Job,
    train: Feed,
    batches: list[Rows],
    generator: torch.Generator,
    stepper: Stepper,
) -> tuple[float, float]:
    """(mean loss, share right) over one pass; batch statistics stay as they are in what does not learn."""
    set_training(job)
    loss_sum = torch.zeros((), device=job.device)
    correct = torch.zeros((), device=job.device)
    for inputs, rows in train.serve(batches, generator):
        labels = torch.from_numpy(train.labels[rows]).to(job.device)
        with autocast(job.device, job.config.precision):
            scores = job.module(arrange(job, inputs))
            loss = functional.cross_entropy(
                scores, labels, weight=stepper.class_weights, label_smoothing=job.config.label_smoothing
            )
        stepper.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        nn.utils.clip_grad_norm_(job.module.parameters(), _MAX_GRADIENT_NORM)
        stepper.optimizer.step()
        stepper.schedule.step()
        if stepper.average is not None:
            stepper.average.update()
        loss_sum += loss.detach().float() * len(rows)
        correct += (scores.detach().argmax(dim=1) == labels).sum()
    count = sum(len(rows) for rows in batches)
    return float(loss_sum) / count, float(correct) / count


def make_stepper(job: Job, train: Feed, steps: int) -> Stepper:
    """Everything a fit of so many steps needs beside the module."""
    optimizer = make_optimizer(job)
    weights = weigh_classes(train.labels, job) if job.config.balance == "weights" else None
    average = make_average(job.module, job.config.average, steps)
    return Stepper(optimizer, make_schedule(optimizer, job.config, steps), weights, average)


def make_optimizer(job: Job) -> torch.optim.Optimizer:
    """AdamW; pretrained layers learn with a smaller rate than the fresh head, which comes last in the groups."""
    config = job.config
    head = {id(parameter) for parameter in job.learner.head.parameters()}
    body = [parameter for parameter in job.module.parameters() if parameter.requires_grad and id(parameter) not in head]
    fresh = [parameter for parameter in job.module.parameters() if parameter.requires_grad and id(parameter) in head]
    assert config.lr is not None
    factor = config.backbone_lr_factor if job.learner.pretrained else 1.0
    groups = [{"params": body, "lr": config.lr * factor}, {"params": fresh, "lr": config.lr}]
    used = [group for group in groups if group["params"]]
    return torch.optim.AdamW(used, weight_decay=config.weight_decay, fused=job.device.type in {"cpu", "cuda"})


def make_schedule(optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over all steps."""
    if config.schedule == "one_cycle":
        rates = [group["lr"] for group in optimizer.param_groups]
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rates, total_steps=max(steps, 2), cycle_momentum=False)
    rise = math.ceil(config.warmup * steps) if steps > 1 else 0
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: scale_rate(config.schedule, step, steps, rise))


def scale_rate(schedule: str, step: int, steps: int, rise: int) -> float:
    """The share of its peak that the rate has at a step from 0: risen after ``rise`` steps, then a cosine, or a tenth at half and again
    at three quarters of all steps.
    """
    if step < rise:
        return (step + 1) / (rise + 1)
    if schedule == "cosine":
        return (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise)))) / 2
    return 0.1 ** sum(step >= steps * part // 4 for part in (2, 3))


def weigh_classes(labels: Rows, job: Job) -> Tensor:
    """Loss weights that make all classes of the training split count the same; absent classes weigh nothing."""
    sizes = np.bincount(labels, minlength=job.class_count)
    weights = np.where(sizes > 0, len(labels) / (np.count_nonzero(sizes) * np.maximum(sizes, 1)), 0.0)
    return torch.tensor(weights, dtype=torch.float32, device=job.device)


def _score_validation(job: Job, validation: Feed | None) -> tuple[float | None, float | None]:
    """(loss, share right), or nothing where there is no validation split."""
    if validation is None or not len(validation.labels):
        return None, None
    correct, loss = score_rows(job, validation)
    return float(loss.mean()), correct / len(validation.labels)


def _keep_best(module: nn.Module, epoch: Epoch, best: Best | None) -> Best | None:
    loss = epoch.validation_loss
    if loss is None or not math.isfinite(loss) or (best is not None and loss >= best[0]):
        return best
    return loss, copy.deepcopy(module.state_dict())


def _has_stalled(history: list[Epoch], patience: int) -> bool:
    losses = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
