"""Random changes that leave a logo the same logo: moved, turned a little, lit otherwise. Never mirrored: a mirrored logo is another.

A whole batch at once, on whatever device it lies: one warp and a few products, so the network never waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Strength = Literal["none", "light", "strong"]


@dataclass(frozen=True)
class Spread:
    """How far each change goes, uniformly in ± (zoom: factor 1/(1 + z) to 1 + z); shares are of the picture's side."""

    zoom: float
    turn_degrees: float
    shift: float
    stretch: float
    light: float
    colour: float
    grey_share: float
    hole_share: float


SPREADS = {
    "light": Spread(zoom=0.15, turn_degrees=6, shift=0.05, stretch=0.08, light=0.2, colour=0.15, grey_share=0.0, hole_share=0.0),
    "strong": Spread(zoom=0.4, turn_degrees=15, shift=0.12, stretch=0.2, light=0.4, colour=0.4, grey_share=0.05, hole_share=0.25),
}
#: Training pictures are decoded this much larger than the network sees them, so that zooming in shows more, not less.
MARGIN = 1.25


def augment_batch(pictures: Tensor, side: int, strength: Strength, generator: torch.Generator) -> Tensor:
    """Change every picture of a batch its own way.

    Args:
        pictures: float in [0, 1], (n, 3, s, s).
        side: side of the result.
        strength: how far; none only resizes.
        generator: a CPU generator, so that equal seeds give equal changes on any device.

    Returns:
        float in [0, 1], (n, 3, side, side).
    """
    if strength == "none":
        return resize_batch(pictures, side)
    spread = SPREADS[strength]
    count = len(pictures)
    warped = _warp(pictures, side, spread, generator)
    lit = _relight(warped, spread, _draw(generator, pictures, count, 4))
    return _cut_hole(lit, spread, _draw(generator, pictures, count, 4)) if spread.hole_share else lit


def resize_batch(pictures: Tensor, side: int) -> Tensor:
    """The whole picture at another side."""
    if pictures.shape[-1] == side:
        return pictures
    return functional.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False, antialias=True)


def _draw(generator: torch.Generator, like: Tensor, *shape: int) -> Tensor:
    """Uniform in [-1, 1], on the device of ``like``."""
    return (torch.rand(*shape, generator=generator) * 2 - 1).to(like.device)


def _warp(pictures: Tensor, side: int, spread: Spread, generator: torch.Generator) -> Tensor:
    count = len(pictures)
    zoom, turn, stretch, right, down = _draw(generator, pictures, count, 5).unbind(1)
    scale = (1 + spread.zoom) ** zoom
    aspect = (1 + spread.stretch) ** (stretch / 2)
    angle = turn * (spread.turn_degrees * torch.pi / 180)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = [
        torch.stack([cosine * scale * aspect, -sine * scale * aspect, right * 2 * spread.shift], dim=1),
        torch.stack([sine * scale / aspect, cosine * scale / aspect, down * 2 * spread.shift], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), [count, 3, side, side], align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _relight(pictures: Tensor, spread: Spread, chance: Tensor) -> Tensor:
    """Brightness, contrast, saturation; now and then no colour at all."""
    bright, contrast, colour, grey_chance = (column[:, None, None, None] for column in chance.unbind(1))
    weights = pictures.new_tensor([0.299, 0.587, 0.114])[None, :, None, None]
    grey = (pictures * weights).sum(dim=1, keepdim=True)
    saturation = torch.where((grey_chance + 1) / 2 < spread.grey_share, torch.zeros_like(colour), 1 + spread.colour * colour)
    coloured = grey + (pictures - grey) * saturation
    mean = grey.mean(dim=(2, 3), keepdim=True)
    return ((coloured - mean) * (1 + spread.light * contrast) + mean * (1 + spread.light * bright)).clamp(0, 1)


def _cut_hole(pictures: Tensor, spread: Spread, chance: Tensor) -> Tensor:
    """Cover a square of up to a third of the side with the picture's mean, in ``hole_share`` of the pictures."""
    side = pictures.shape[-1]
    axis = torch.linspace(-1, 1, side, device=pictures.device)
    centre_x, centre_y, size, whether = (column[:, None, None] for column in chance.unbind(1))
    half = 0.1 + 0.23 * (size + 1) / 2
    inside = ((axis[None, None, :] - centre_x).abs() < half) & ((axis[None, :, None] - centre_y).abs() < half)
    inside &= (whether + 1) / 2 < spread.hole_share
    return torch.where(inside[:, None], pictures.mean(dim=(2, 3), keepdim=True), pictures)
