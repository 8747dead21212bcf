"""Any Pillow mode to RGB, the documented way.

| stored | becomes |
|---|---|
| 1, L | grey |
| P, PA | the palette's colours |
| anything with alpha or a transparent colour | composited on white |
| CMYK, YCbCr, HSV | Pillow's conversion, no colour profile applied |
| LAB | sRGB by Pillow's colour management |
| I;16 and I within 0 to 65,535 | the upper eight bits |
| I beyond that, F | within 0 to 1: times 255; within 0 to 255: as it is; else stretched from minimum to maximum |
"""

from __future__ import annotations

import numpy as np
from PIL import Image

_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def find_range(image: Image.Image) -> tuple[float, float] | None:
    """(black, white) of a picture with more than eight bits a channel; None for the others. Loads the picture."""
    if image.mode not in _DEEP_MODES:
        return None
    if image.mode.startswith("I;16"):
        return 0.0, 65_535.0
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    limits = (1.0, 255.0) if image.mode == "F" else (65_535.0,)
    for limit in limits:
        if low >= 0 and high <= limit:
            return 0.0, limit
    return low, high


def convert_to_rgb(image: Image.Image, value_range: tuple[float, float] | None) -> Image.Image:
    """The picture, or a band of it, as RGB; ``value_range`` is what ``find_range`` says of the whole picture."""
    if value_range is not None:
        return _convert_deep(image, value_range)
    if image.mode == "LAB":
        return _convert_lab(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        shown = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(shown, mask=shown.getchannel("A"))
        return white
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def _convert_deep(image: Image.Image, value_range: tuple[float, float]) -> Image.Image:
    black, white = value_range
    values = np.nan_to_num(np.asarray(image).astype(np.float32), nan=black, posinf=white, neginf=black)
    scaled = (values - black) * (255.0 / max(white - black, 1e-9))
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)).convert("RGB")


def _convert_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    source, target = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    assert converted is not None  # not in place
    return converted
