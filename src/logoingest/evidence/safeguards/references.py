"""Pictures of ours that others are held against, by three witnesses.

What reaches the last layer tells the classes apart, and little else: what a fine-tune has no use for, it forgets. It is looked at from the
middle of ours, since what all of ours have in common says nothing. The lower layers, which fine-tunes leave as they were or nearly so,
still see that a picture is of another kind. And a network that knows what it sees answers strongly: the energy of its scores
(W. Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, arXiv:2010.03759). Each counts in the measure in which it
tells pictures of ours apart (its spread on held-out ones).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.evidence.safeguards.rule import Floats, measure_distance
from logoingest.evidence.vectors import Vectors, scale_vectors

_Numbers = npt.NDArray[np.floating]
#: Under it a spread is rounding.
_LEAST_SPREAD = 1e-6


class Witnessed(NamedTuple):
    """What a network says of n pictures."""

    upper: _Numbers
    """(n, width) what reaches the last layer."""
    lower: _Numbers | None
    """(n, width) what the lower layers say; None where the network shows none."""
    scores: _Numbers
    """(n, classes) before the softmax."""


class Shares(NamedTuple):
    """What each witness counts in a distance; they add up to 1."""

    upper: float = 1.0
    lower: float = 0.0
    answer: float = 0.0


#: The last layer, and no other.
ALONE = Shares()


@dataclass(frozen=True)
class References:
    """Pictures that the network learned from."""

    upper: Vectors
    """What reaches the last layer, from ``centre``."""
    centre: npt.NDArray[np.float32]
    """(width,) its mean over the references."""
    lower: Vectors | None
    """What the lower layers say; None where the network shows none."""
    strongest: float
    """The strongest answer to any of them: the logarithm of the sum of its exponentiated scores."""
    shares: Shares = ALONE

    def __len__(self) -> int:
        return len(self.upper)

    def measure(self, seen: Witnessed) -> Floats:
        """(n,) distance of pictures, 0 or more.

        Raises:
            UsageError: the vectors are another network's.
        """
        parts = zip(self.shares, self.list_distances(seen), strict=True)
        return np.asarray(sum(share * distance for share, distance in parts if distance is not None), np.float64)

    def list_distances(self, seen: Witnessed) -> tuple[Floats, Floats | None, Floats]:
        """(n,) by each witness: by what reaches the last layer, by the lower layers, by how weak the answer is."""
        upper = measure_distance(self.upper, np.asarray(seen.upper, np.float32) - self.centre)
        lower = None if self.lower is None or seen.lower is None else measure_distance(self.lower, seen.lower)
        return upper, lower, np.maximum(self.strongest - measure_strength(seen.scores), 0.0)

    def join(self) -> Vectors:
        """Both depths as one vector a picture, for the file."""
        if self.lower is None:
            return self.upper
        return Vectors(self.upper.image_ids, np.hstack([self.upper.matrix, self.lower.matrix]), self.upper.model_hash)


def make_references(image_ids: tuple[str, ...], seen: Witnessed, model_hash: str) -> References:
    """Pictures of train as references, not weighed yet.

    Raises:
        UsageError: a number is not finite.
    """
    upper = np.asarray(seen.upper, np.float32)
    centre = upper.mean(axis=0)
    lower = None if seen.lower is None else Vectors(image_ids, scale_vectors(seen.lower), model_hash)
    strongest = float(measure_strength(seen.scores).max(initial=0.0))
    return References(Vectors(image_ids, scale_vectors(upper - centre), model_hash), centre, lower, strongest)


def divide_joined(
    joined: Vectors, centre: npt.NDArray[np.float32], lower_width: int, strongest: float, shares: Shares
) -> References:
    """What ``References.join`` put together, with what was learned beside it."""
    width = joined.matrix.shape[1] - lower_width
    upper, lower = (
        Vectors(joined.image_ids, scale_vectors(part), joined.model_hash)
        for part in (joined.matrix[:, :width], joined.matrix[:, width:])
    )
    return References(upper, centre, lower if lower_width else None, strongest, shares)


def measure_strength(scores: _Numbers) -> Floats:
    """(n,) the logarithm of the sum of the exponentiated scores: how strong an answer is, whatever it names."""
    scores = np.asarray(scores, np.float64)
    most = scores.max(axis=1)
    return np.asarray(most + np.log(np.exp(scores - most[:, None]).sum(axis=1)), np.float64)


def weigh_witnesses(references: References, held_out: Witnessed) -> References:
    """The same references, each witness weighed by the inverse of its spread over held-out pictures of ours.

    What does not tell them apart at all is not asked; where nothing does, the last layer alone is.
    """
    if not len(held_out.upper):
        return replace(references, shares=ALONE)
    spreads = [0.0 if found is None else float(found.std()) for found in references.list_distances(held_out)]
    weights = [1 / spread if spread > _LEAST_SPREAD else 0.0 for spread in spreads]
    total = sum(weights)
    return replace(references, shares=Shares(*(weight / total for weight in weights)) if total else ALONE)
