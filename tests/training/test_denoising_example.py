"""The example of a recipe of one's own runs, and does what it says."""

from __future__ import annotations

import json

from builders.drawn_releases import draw_photo, encode, write_release
from builders.places import ROOT
from logoingest.config import TrainConfig
from logoingest.training import train_baseline


def test_a_unet_takes_noise_off_released_pictures(tmp_path):
    """After two epochs on pictures with structure, denoised ones correlate better with the clean ones than noisy ones do."""
    numbers = iter(range(100))
    splits = {
        name: [(encode(draw_photo(next(numbers), 64, 64)), row % 2) for row in range(count)]
        for name, count in {"train": 24, "validation": 6, "test": 6}.items()
    }
    release = write_release(tmp_path / "release", splits, ["a", "b"], groups=True)
    config = TrainConfig(recipe="denoising:DenoisingRecipe", image_side_px=32, epochs=3, batch_size=4, device="cpu", workers=0)
    train_baseline(release, config, tmp_path / "out", ROOT / "examples/denoising_unet")
    figures = json.loads((tmp_path / "out/metrics.json").read_text())["figures"]
    assert figures["test.correlation"] > figures["test.noisy_correlation"]
    assert (tmp_path / "out/denoised.png").exists()
