"""Fingerprints without pictures."""

from __future__ import annotations

import numpy as np

from logoingest.images.alike.neighbours import Fingerprints


def make_prints(seed: int, count: int, noise: float) -> Fingerprints:
    """Fingerprints of ``count`` pictures around a few centres: near pairs, far pairs, pictures of one colour."""
    random = np.random.default_rng(seed)
    centres = random.integers(0, 256, (max(count // 4, 1), 1024))
    bits = random.integers(0, 256, (len(centres), 64), dtype=np.uint8)
    which = random.integers(len(centres), size=count)
    signatures = np.clip(centres[which] + random.normal(0, noise, (count, 1024)), 0, 255).astype(np.uint8)
    flips = np.packbits(random.random((count, 512)) < random.uniform(0, 0.12, (count, 1)), axis=1)
    signatures[random.random(count) < 0.05] = 128
    return Fingerprints(bits[which] ^ flips, signatures)
