"""What can be said of a picture's quality from a small version of it: figures, and the flags that thresholds make of them.

Flags mark; ``images.reject_flags`` decides what rejects. Thresholds are on figures of the inspected picture, whose shorter side
is 128 to 255 px (smaller files are taken as they are), so that they mean the same for a thumbnail and for a camera's original.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

_LEVELS = np.arange(256) / 255.0
_SQUARES = _LEVELS**2
_MOMENTS = np.stack([np.arange(256), np.arange(256) ** 2], axis=1)


class Figures(NamedTuple):
    """Measured on the small picture; ranges as in ``DownloadRow``."""

    brightness: float
    contrast: float
    sharpness: float
    entropy: float
    saturation: float
    channel_mean: list[float]
    """Of red, green and blue, 0 to 1."""
    channel_std: list[float]
    """Of red, green and blue, 0 to 0.5."""


def measure_quality(rgb: Image.Image, grey: Image.Image, pixels: Pixels) -> Figures:
    """The figures of a small RGB picture, of its grey version, and of its (height, width, 3) pixels."""
    shares = np.array(grey.histogram(), np.float64) / (rgb.width * rgb.height)
    mean = float(shares @ _LEVELS)
    spread = math.sqrt(max(float(shares @ _SQUARES) - mean**2, 0.0))
    seen = shares[shares > 0]
    entropy = float(-(seen @ np.log2(seen)))
    luma = np.frombuffer(grey.tobytes(), np.uint8).reshape(grey.height, grey.width)
    means, spreads = _measure_channels(rgb)
    return Figures(mean, spread, _measure_sharpness(luma), entropy, _measure_saturation(pixels), means, spreads)


def _measure_channels(rgb: Image.Image) -> tuple[list[float], list[float]]:
    """(mean, standard deviation) of red, green and blue, 0 to 1; the sums are exact."""
    moments = np.array(rgb.histogram(), np.int64).reshape(3, 256) @ _MOMENTS
    count = rgb.width * rgb.height
    means = [total / count for total, _ in moments.tolist()]
    variances = (square / count - mean**2 for (_, square), mean in zip(moments.tolist(), means, strict=True))
    return [mean / 255 for mean in means], [max(variance, 0.0) ** 0.5 / 255 for variance in variances]


def _measure_saturation(pixels: Pixels) -> float:
    """Mean of the greatest less the least of red, green and blue.

    Taken of any three bytes that follow each other, of which every third three are a pixel: that is three times the work, and half the
    time, since nothing is moved to where it lies side by side.
    """
    flat = pixels.reshape(-1)
    red, green, blue = flat[:-2], flat[1:-1], flat[2:]
    chroma, least = np.maximum(red, green), np.minimum(red, green)
    np.maximum(chroma, blue, out=chroma)
    np.minimum(least, blue, out=least)
    chroma -= least
    return float(chroma[::3].astype(np.int64).sum() / (255.0 * (flat.size // 3)))


def _measure_sharpness(luma: Pixels) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000, doi:10.1109/ICPR.2000.903548)."""
    height, width = luma.shape
    if min(height, width) < 3:
        return 0.0
    flat = luma.astype(np.int16).reshape(-1)
    middle = flat[width:-width]
    laplacian = flat[: -2 * width] + flat[2 * width :]
    laplacian[1:] += middle[:-1]
    laplacian[:-1] += middle[1:]
    laplacian -= middle << 2
    edges = laplacian.reshape(height - 2, width)
    edges[:, 0] = edges[:, -1] = 0  # their neighbours are of other rows
    count = (height - 2) * (width - 2)
    total = laplacian.sum(dtype=np.int64)
    squares = np.square(laplacian, dtype=np.int32).sum(dtype=np.int64)  # not a dot product: BLAS would start threads for it
    return float(squares / count - (total / count) ** 2)


class Flag(NamedTuple):
    """A quality flag: the figures it looks at, for the message, and whether they raise it."""

    figures: tuple[str, ...]
    raised: Callable[[Mapping[str, Any]], bool]


def _aspect(row: Mapping[str, Any]) -> float:
    sides = sorted((row["width"], row["height"]))
    return float(sides[1] / sides[0])


#: Flag → when it is raised. Thresholds were chosen by the tails of 1,079 real photos: each marks under 2 % of them, greyscale 6 %.
FLAGS: Mapping[str, Flag] = {
    "dark": Flag(("brightness",), lambda row: row["brightness"] < 0.10),
    "bright": Flag(("brightness", "contrast"), lambda row: row["brightness"] > 0.95 and row["contrast"] < 0.15),
    "blurry": Flag(("sharpness", "contrast"), lambda row: row["sharpness"] < 40.0 and row["contrast"] >= 0.02),
    "low_information": Flag(("entropy",), lambda row: row["entropy"] < 0.5),
    "odd_aspect": Flag(("width", "height"), lambda row: _aspect(row) > 5.0),
    "tiny": Flag(("width", "height"), lambda row: min(row["width"], row["height"]) < 32),
    "nearly_uniform": Flag(("contrast",), lambda row: row["contrast"] < 0.02),
    "mostly_border": Flag(("border_share",), lambda row: row["border_share"] > 0.80),
    "greyscale": Flag(("saturation",), lambda row: row["saturation"] < 0.01),
    "damaged": Flag(("image_detail",), lambda row: bool(row["damaged"])),
    "animated": Flag(("frames",), lambda row: row["frames"] > 1),
}


def raise_flags(row: Mapping[str, Any]) -> list[str]:
    """The flags of a usable picture, in the order of ``FLAGS``; ``row`` has the fact columns."""
    return [name for name, flag in FLAGS.items() if flag.raised(row)]


def describe_flag(name: str, row: Mapping[str, Any]) -> str:
    """``dark: brightness 0.04``: the flag with its figures, for a rejection's detail."""
    shown = (
        f"{figure} {row[figure]:.3g}" if isinstance(row[figure], float) else f"{figure} {row[figure]}"
        for figure in FLAGS[name].figures
    )
    return f"{name}: {', '.join(shown)}"
