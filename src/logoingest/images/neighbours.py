"""Exact search for all pairs of near-duplicates, without looking at every pair.

Two pictures are near when their hashes differ in at most ``max_distance`` bits **and** their signatures correlate by at least
``min_correlation``. Correlation is a distance: for signatures brought to zero mean and unit length, |a - b|² = 2 - 2r. An
orthonormal projection never lengthens a distance, nor does the difference of the two lengths left over. So:

1. signatures are projected on their 31 principal directions, with the length left over as a 32nd coordinate;
2. the points are cut into blocks by medians, as a k-d tree's leaves; two blocks whose boxes are too far apart are passed over;
3. within two blocks one matrix product bounds every pair from below; some 0.03 % remain;
4. those are decided on hash and signature, in whole numbers: the same pairs come out whatever the order of the input.

Nothing near is ever lost: each step drops only what cannot be near.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

#: At most this many of a hash's 512 bits differ …
MAX_DISTANCE = 64
#: … and the signatures correlate at least so much (Pearson). Both measured: ``benchmarks/duplicates.py``.
MIN_CORRELATION = 0.90
#: Below this standard deviation (grey levels of 0 to 255) a signature shows nothing that could be compared.
MIN_SPREAD = 2.0
_DIRECTIONS = 31
_SAMPLE = 8_192
_BLOCK = 1_024
_FEW = 2_048
_VERIFIED_AT_ONCE = 8_192
_SLACK = 1e-3  # float32 rounding; what it lets through is decided exactly afterwards

Indices = NDArray[np.int64]


class NearPairs(NamedTuple):
    """Pairs of row numbers, ``first < second``, with Hamming distance (bits) and correlation (-1 to 1)."""

    first: Indices
    second: Indices
    distance: NDArray[np.int64]
    correlation: NDArray[np.float64]


class Fingerprints(NamedTuple):
    """What is compared: ``hashes`` n x 64 and ``signatures`` n x 1024, both uint8."""

    hashes: NDArray[np.uint8]
    signatures: NDArray[np.uint8]

    def take(self, rows: Indices) -> Fingerprints:
        return Fingerprints(self.hashes[rows], self.signatures[rows])


class Limits(NamedTuple):
    """How near is near."""

    max_distance: int = MAX_DISTANCE
    min_correlation: float = MIN_CORRELATION


def find_structured(prints: Fingerprints) -> Indices:
    """The rows whose signature shows something; pictures of one colour look like each other and are near nothing."""
    spreads = [part.std(axis=1, dtype=np.float32) for part in _chunks(prints.signatures)]
    return np.flatnonzero(np.concatenate(spreads) >= MIN_SPREAD) if spreads else np.empty(0, np.int64)


def compare_rows(prints: Fingerprints, first: Indices, second: Indices) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(Hamming distance, correlation) of each pair of rows, from whole numbers."""
    distance = np.bitwise_count(prints.hashes[first] ^ prints.hashes[second]).sum(axis=1, dtype=np.int64)
    a, b = prints.signatures[first].astype(np.int32), prints.signatures[second].astype(np.int32)
    size, sum_a, sum_b = a.shape[1], a.sum(axis=1, dtype=np.int64), b.sum(axis=1, dtype=np.int64)
    covariance = size * np.einsum("ij,ij->i", a, b).astype(np.int64) - sum_a * sum_b
    variance_a = size * np.einsum("ij,ij->i", a, a).astype(np.int64) - sum_a**2
    variance_b = size * np.einsum("ij,ij->i", b, b).astype(np.int64) - sum_b**2
    length = np.sqrt(variance_a.astype(np.float64)) * np.sqrt(variance_b.astype(np.float64))
    return distance, covariance / np.maximum(length, 1.0)


def iterate_near_pairs(prints: Fingerprints, limits: Limits) -> Iterator[NearPairs]:
    """All near pairs, a block of rows at a time; every row must be structured (``find_structured``)."""
    if len(prints.hashes) <= _FEW:  # finding directions would cost more than it spares
        yield from _verify(prints, *np.triu_indices(len(prints.hashes), 1), limits)
        return
    points = _project(prints.signatures)
    limit = 2.0 - 2.0 * limits.min_correlation + _SLACK
    blocks = _cut_blocks(points, np.arange(len(points)))
    lows = np.stack([points[rows].min(axis=0) for rows in blocks])
    highs = np.stack([points[rows].max(axis=0) for rows in blocks])
    for number, rows in enumerate(blocks):
        gaps = np.maximum(lows[number:] - highs[number], lows[number] - highs[number:]).clip(min=0)
        reached = number + np.flatnonzero((gaps**2).sum(axis=1) <= limit)
        others = np.concatenate([blocks[other] for other in reached])
        first, second = _find_candidates(points, rows, others, limit)
        yield from _verify(prints, first, second, limits)


def _project(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Coordinates, n x 32: their distances never exceed those of the unit signatures."""
    count = len(signatures)
    sample = _normalise(signatures[np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)])
    spread = (sample.T @ sample).astype(np.float64)
    _, directions = eigh(spread, subset_by_index=(len(spread) - _DIRECTIONS, len(spread) - 1))
    basis = directions.astype(np.float32)
    parts = []
    for part in _chunks(signatures):
        near = _normalise(part) @ basis
        rest = np.sqrt(np.maximum(1.0 - (near**2).sum(axis=1, keepdims=True), 0.0))
        parts.append(np.concatenate([near, rest], axis=1))
    return np.concatenate(parts).astype(np.float32)


def _normalise(signatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = signatures.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    return values


def _chunks(signatures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    return (signatures[start : start + _SAMPLE] for start in range(0, len(signatures), _SAMPLE))


def _cut_blocks(points: NDArray[np.float32], rows: Indices) -> list[Indices]:
    """Rows cut at the median of their widest coordinate until ``_BLOCK`` or fewer remain together."""
    if len(rows) <= _BLOCK:
        return [rows]
    widest = int(points[rows].std(axis=0).argmax())
    order = rows[np.argsort(points[rows, widest], kind="stable")]
    half = len(order) // 2
    return _cut_blocks(points, order[:half]) + _cut_blocks(points, order[half:])


def _find_candidates(points: NDArray[np.float32], rows: Indices, others: Indices, limit: float) -> tuple[Indices, Indices]:
    """Pairs of a row and another whose projected distance² is within the limit: a·b - (|a|² + |b|²) / 2 >= -limit / 2."""
    found_rows, found_others = [], []
    a = points[rows]
    left = np.concatenate([a, -0.5 * (a**2).sum(axis=1, keepdims=True), np.ones((len(a), 1), np.float32)], axis=1)
    for start in range(0, len(others), 4 * _BLOCK):
        part = others[start : start + 4 * _BLOCK]
        b = points[part]
        right = np.concatenate([b, np.ones((len(b), 1), np.float32), -0.5 * (b**2).sum(axis=1, keepdims=True)], axis=1)
        hits = np.flatnonzero((left @ right.T >= np.float32(-0.5 * limit)).ravel())
        found_rows.append(rows[hits // len(part)])
        found_others.append(part[hits % len(part)])
    first, second = np.concatenate(found_rows), np.concatenate(found_others)
    inside = np.isin(second, rows)  # a pair within the block comes twice, and each row meets itself
    wanted = ~inside | (first < second)
    return np.minimum(first, second)[wanted], np.maximum(first, second)[wanted]


def _verify(prints: Fingerprints, first: Indices, second: Indices, limits: Limits) -> Iterator[NearPairs]:
    for start in range(0, len(first), _VERIFIED_AT_ONCE):
        one, two = first[start : start + _VERIFIED_AT_ONCE], second[start : start + _VERIFIED_AT_ONCE]
        distance = np.bitwise_count(prints.hashes[one] ^ prints.hashes[two]).sum(axis=1, dtype=np.int64)
        close = distance <= limits.max_distance
        one, two = one[close], two[close]
        distance, correlation = compare_rows(prints, one, two)
        near = correlation >= limits.min_correlation
        if near.any():
            yield NearPairs(one[near], two[near], distance[near], correlation[near])
