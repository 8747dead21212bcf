"""The average of a network's weights over the last part of a fit: what single steps overshoot in it evens out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class WeightAverage:
    """An exponential average of everything in a module that learns, and of what it measures (batch statistics).

    The first steps count less than the horizon says: after step t the past counts (1 + t) / (10 + t) at most, as in TensorFlow's
    ``ExponentialMovingAverage``; so what a fresh layer began with is soon forgotten (B. Polyak, A. Juditsky, 1992).
    """

    def __init__(self, module: nn.Module, horizon: float) -> None:
        """Args:
        module: whose weights; they are read after every step, and replaced while the average is ``shown``.
        horizon: steps back from which on a step counts less than a third.
        """
        assert horizon > 0
        self._decay = max(0.0, 1 - 1 / horizon)
        learning = {name: one.data for name, one in module.named_parameters() if one.requires_grad}
        measured = {name: one for name, one in module.named_buffers() if one.is_floating_point()}
        self._live: dict[str, Tensor] = learning | measured
        self._mean = {name: one.clone() for name, one in self._live.items()}
        self._steps = 0

    def update(self) -> None:
        """A step was taken."""
        self._steps += 1
        share = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(list(self._mean.values()), list(self._live.values()), share)  # as torch's own averages do

    def settle(self) -> None:
        """The module has the average from now on."""
        for name, live in self._live.items():
            live.copy_(self._mean[name])

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """The module has the average inside, and outside what it learns with."""
        learnt = {name: live.clone() for name, live in self._live.items()}
        self.settle()
        try:
            yield
        finally:
            for name, live in self._live.items():
                live.copy_(learnt[name])

    def save(self) -> dict[str, Tensor]:
        """Tensors alone, for ``restore``."""
        return {**{f"mean.{name}": one.clone() for name, one in self._mean.items()}, "steps": torch.tensor(self._steps)}

    def restore(self, saved: dict[str, Tensor]) -> None:
        """Go on where ``save`` was called."""
        self._steps = int(saved["steps"])
        for name, mean in self._mean.items():
            mean.copy_(saved[f"mean.{name}"])


def make_average(module: nn.Module, share: float, steps: int) -> WeightAverage | None:
    """As ``train.average`` asks for it in a fit of so many steps; None where the last weights are kept."""
    return WeightAverage(module, max(1.0, share * steps)) if share > 0 else None


def show_average(average: WeightAverage | None) -> contextlib.AbstractContextManager[None]:
    """Inside it the module has its average, where there is one."""
    return contextlib.nullcontext() if average is None else average.shown()
