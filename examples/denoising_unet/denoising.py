"""A task of one's own on a release: a U-Net takes noise off its pictures. Image to image, mean squared error, correlation.

python examples/denoising_unet/denoising.py WORKSPACE/release OUT
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from logoingest import train_baseline
from logoingest.config import TrainConfig
from logoingest.release.reading.loader import Release
from logoingest.training.checks.verdict import Check, Verdict, check_leaks
from logoingest.training.classification.preparation import Prepared, prepare
from logoingest.training.data.splits import Fold, cut_folds
from logoingest.training.loop.jobs import choose_device, seed_everything
from logoingest.training.recipe import Judged, Measured, Metric, TrainingPlan

NOISE = 0.8  # standard deviations of the data
WIDTH = 12


class UNet(nn.Module):
    """One step down and up, what was seen before beside what comes up; it learns the noise, not the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.below, self.beside = block(3, WIDTH), block(WIDTH, 2 * WIDTH), block(3 * WIDTH, WIDTH)
        self.noise = nn.Conv2d(WIDTH, 3, 1)

    def forward(self, noisy: Tensor) -> Tensor:
        seen = self.seen(noisy)
        below = nn.functional.interpolate(self.below(nn.functional.avg_pool2d(seen, 2)), size=seen.shape[2:])
        return noisy - self.noise(self.beside(torch.cat([below, seen], dim=1)))


def block(inputs: int, outputs: int) -> nn.Sequential:
    first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
    return nn.Sequential(first, nn.BatchNorm2d(outputs), nn.ReLU(), second, nn.ReLU())


@dataclass
class Denoised:
    """A trained network, its history, and split → (clean, noisy, denoised) in units of the data's deviation."""

    network: nn.Module
    history: list[dict[str, float]]
    pictures: dict[str, tuple[Tensor, Tensor, Tensor]]


class DenoisingRecipe:
    """Prepare as for a classifier, forget the labels, and judge by how much nearer the picture comes."""

    name = "denoising"
    metrics = (Metric("correlation", True, "Pearson's"), Metric("noisy_correlation", True, "to beat"), Metric("mse", False, ""))

    def check(self, release: Release, plan: TrainingPlan) -> None:
        choose_device(plan.config.device)

    def prepare(self, release: Release, config: TrainConfig, **options: Any) -> Prepared:
        return prepare(release, config.model_copy(update={"augment": "none"}), **options)

    def cut_folds(self, prepared: Prepared, count: int, seed: int = 0) -> list[Fold]:
        return cut_folds(prepared.splits, count, seed)

    def train(self, prepared: Prepared, plan: TrainingPlan) -> Denoised:
        config, device = plan.config, choose_device(plan.config.device)
        clean = {name: held.cache.float() for name, held in prepared.pictures.items()}
        mean, std = (getattr(clean["train"], what)(dim=(0, 2, 3), keepdim=True) for what in ("mean", "std"))
        clean = {name: (pictures - mean) / std for name, pictures in clean.items()}  # by the statistics of train alone
        random, history = torch.Generator().manual_seed(config.seed), []
        with seed_everything(config.seed):
            network = UNet().to(device)
        optimizer = torch.optim.AdamW(network.parameters(), lr=config.lr or 2e-3, weight_decay=config.weight_decay)
        for epoch in range(1, config.epochs + 1):
            losses = []
            for rows in torch.randperm(len(clean["train"]), generator=random).split(config.batch_size):
                batch = clean["train"][rows]
                noisy = batch + NOISE * torch.randn(batch.shape, generator=random)
                loss = nn.functional.mse_loss(network.train()(noisy.to(device)), batch.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            history.append(
                {"train.mse": float(np.mean(losses)), **measure("validation", see(network, clean["validation"], device))}
            )
            plan.on_epoch(epoch, history[-1])
        return Denoised(network, history, {name: see(network, clean[name], device) for name in plan.scored})

    def measure(self, trained: Denoised) -> Measured:
        return Measured({key: value for name, seen in trained.pictures.items() for key, value in measure(name, seen).items()})

    def judge(self, prepared: Prepared, trained: Denoised, plan: TrainingPlan) -> Judged:
        figures, first, last = self.measure(trained).figures, trained.history[0]["train.mse"], trained.history[-1]["train.mse"]
        better, before = figures["test.correlation"], figures["test.noisy_correlation"]
        falls = Check("loss falls", last < first, last, first, "below", "learning rate too large, or too few epochs")
        nearer = Check("denoised is nearer than noisy", better > before, better, before, "above", "trained too little")
        return Judged(Verdict((falls, nearer, check_leaks(len(prepared.leaks)))), {"epochs": trained.history})

    def write(self, release: Release, trained: Denoised, judged: Judged, plan: TrainingPlan, out_dir: Path) -> None:
        torch.save(trained.network.state_dict(), out_dir / "unet.pth")
        draw(trained, out_dir)


def see(network: nn.Module, clean: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """(clean, noisy, denoised), with the same noise every time."""
    noisy = clean + NOISE * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return clean, noisy, torch.cat([network.eval()(part.to(device)).cpu() for part in noisy.split(64)])


def measure(split: str, seen: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
    """Means over pictures: Pearson's correlations of their pixels, and the squared error."""
    clean, noisy, out = (part.flatten(1).numpy() for part in seen)
    near, far = (np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(clean, other, strict=True)]) for other in (out, noisy))
    told = {"correlation": near, "noisy_correlation": far, "mse": ((out - clean) ** 2).mean()}
    return {f"{split}.{name}": float(value) for name, value in told.items()}


def draw(trained: Denoised, out_dir: Path) -> None:
    """curves.png; denoised.png: eight pictures of test, clean, noisy and denoised."""
    curves, number = Figure(figsize=(9, 3.4), layout="constrained"), range(1, len(trained.history) + 1)
    for axes, words in zip(curves.subplots(1, 2), ("mse", "correlation"), strict=True):
        for name in (name for name in trained.history[0] if name.endswith(words)):
            axes.plot(number, [epoch[name] for epoch in trained.history], marker="o", markersize=3, label=name)
        axes.set(xlabel="epoch", xticks=number)
        axes.legend()
    curves.savefig(out_dir / "curves.png")
    sheet = torch.cat([torch.cat(list(kind[:8]), dim=2) for kind in trained.pictures["test"]], dim=1).permute(1, 2, 0).numpy()
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    figure.subplots().imshow(np.clip(sheet / 4 + 0.5, 0, 1))
    figure.savefig(out_dir / "denoised.png")


if __name__ == "__main__":
    settings = TrainConfig(recipe="denoising:DenoisingRecipe", image_side_px=48, epochs=8, batch_size=16)
    for check in train_baseline(sys.argv[1], settings, sys.argv[2], Path(__file__).parent).checks:
        print(
            f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.figure:.4f} {check.comparison} {check.threshold:.4f}"
        )
