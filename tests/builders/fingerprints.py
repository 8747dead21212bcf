"""Fingerprints without pictures."""

from __future__ import annotations

import numpy as np

from logoingest.images.alike.neighbours import MAX_DISTANCE, MIN_CORRELATION, Fingerprints, compare_rows
from logoingest.images.alike.turns import TURNS, turn_squares


def make_prints(seed: int, count: int, noise: float) -> Fingerprints:
    """Fingerprints of ``count`` pictures around a few centres, turned at random: near pairs, far pairs, pictures of one colour."""
    random = np.random.default_rng(seed)
    centres = random.integers(0, 256, (max(count // 4, 1), 1024))
    which = random.integers(len(centres), size=count)
    signatures = np.clip(centres[which] + random.normal(0, noise, (count, 1024)), 0, 255).astype(np.uint8)
    signatures[random.random(count) < 0.05] = 128
    turns = random.integers(len(TURNS), size=count)
    return Fingerprints.make(np.stack([turn_signature(row, turn) for row, turn in zip(signatures, turns, strict=True)]))


def turn_signature(signature: np.ndarray, number: int) -> np.ndarray:
    """The signature of the same picture turned by ``TURNS[number]``."""
    return turn_squares(signature.reshape(32, 32), number).ravel()


def list_near(held: Fingerprints, others: Fingerprints) -> list[tuple[int, int]]:
    """The pairs of rows that are near in any turn, by looking at every pair in all eight; sorted."""
    found = set()
    for number in range(len(TURNS)):
        turned = held.turn(number)
        first, second = np.nonzero(normalise(turned.signatures) @ normalise(others.signatures).T > MIN_CORRELATION - 1e-3)
        distance, correlation = compare_rows(turned, first, second, others)
        near = (distance <= MAX_DISTANCE) & (correlation >= MIN_CORRELATION)
        found.update(zip(first[near].tolist(), second[near].tolist(), strict=True))
    return sorted(found)


def normalise(signatures: np.ndarray) -> np.ndarray:
    centred = signatures - signatures.mean(axis=1, keepdims=True, dtype=np.float32)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
