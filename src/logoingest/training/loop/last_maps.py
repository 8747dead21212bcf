"""What reaches a network's last layer, as one vector a picture: averaged, or so that what is small in the picture counts, too.

Where something fills a tenth of a picture, its average is mostly ground. The generalised mean of the last maps (p = 3; F. Radenović,
G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation", PAMI 2019, arXiv:1711.02512) lies between average and
maximum. A last layer that has learned from averages is left to them; weights that have learned something else are asked this way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

_POWER = 3.0
_LEAST = 1e-6


class LastMaps:
    """What the latest call of a network left before its last layer; made by ``watch_network``."""

    def __init__(self) -> None:
        self.reached: list[Tensor] = []
        self.maps: list[Tensor] = []

    def clear(self) -> None:
        """Forget all calls."""
        self.reached.clear()
        self.maps.clear()

    def average(self) -> Tensor:
        """(n, width) what reached the last layer, on the CPU."""
        reached = self.reached[-1].detach().float().cpu()
        return reached.mean(dim=(2, 3)) if reached.dim() == 4 else reached.flatten(1)

    def generalise(self) -> Tensor:
        """(n, width) the generalised mean of the last maps, or the average where there are none that are averaged and nowhere negative."""
        maps, reached = self.maps[-1] if self.maps else None, self.reached[-1]
        if maps is None or maps.dim() != 4 or maps.shape[1] != reached.shape[1]:
            return self.average()
        return maps.detach().float().cpu().clamp(min=_LEAST).pow(_POWER).mean(dim=(2, 3)).pow(1 / _POWER)


@contextlib.contextmanager
def watch_network(network: nn.Module, head: nn.Module) -> Iterator[LastMaps]:
    """Catch what a network's calls leave, while it is watched."""
    seen = LastMaps()
    hooks = [head.register_forward_pre_hook(lambda _, inputs: seen.reached.append(inputs[0]))]
    average, chain = getattr(network, "avgpool", None), getattr(network, "features", None)
    if isinstance(average, nn.AdaptiveAvgPool2d):
        hooks.append(average.register_forward_pre_hook(lambda _, inputs: seen.maps.append(inputs[0])))
    elif isinstance(chain, nn.Sequential):
        hooks.append(chain.register_forward_hook(lambda _module, _inputs, output: seen.maps.append(output)))
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def has_positive_maps(network: nn.Module, head: nn.Module, example: Tensor) -> bool:
    """Whether the last maps end in a function that is nowhere negative; elsewhere a power means nothing.

    Args:
        network: in eval mode.
        head: its last layer.
        example: a batch it takes; noise does.
    """
    with watch_network(network, head) as seen, torch.no_grad():
        network(example)
    return bool(seen.maps) and float(seen.maps[-1].min()) >= 0
