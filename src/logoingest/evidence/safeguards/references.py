"""Pictures of ours that others are held against, at two depths of the network.

What reaches the last layer tells the classes apart, and little else: what a fine-tune has no use for, it forgets. The lower layers,
which fine-tunes leave as they were or nearly so, still see that a picture is of another kind. Both distances count, each in the measure in which it
tells pictures of ours apart (their spread on held-out ones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logoingest.evidence.safeguards.rule import Floats, measure_distance
from logoingest.evidence.vectors import Vectors, scale_vectors


@dataclass(frozen=True)
class References:
    """Pictures that the network learned from."""

    upper: Vectors
    """What reaches the last layer."""
    lower: Vectors | None = None
    """What the lower layers say; None where the network shows none."""
    lower_share: float = 0.0
    """Of the distance, 0 to 1."""

    def __len__(self) -> int:
        return len(self.upper)

    def measure(self, upper: npt.NDArray[np.floating], lower: npt.NDArray[np.floating] | None) -> Floats:
        """(n,) distance of pictures, 0 to 2.

        Raises:
            UsageError: the vectors are another network's.
        """
        distance = measure_distance(self.upper, upper)
        if self.lower is None or lower is None:
            return distance
        return (1 - self.lower_share) * distance + self.lower_share * measure_distance(self.lower, lower)

    def join(self) -> Vectors:
        """Both depths as one vector a picture, for the file."""
        if self.lower is None:
            return self.upper
        return Vectors(self.upper.image_ids, np.hstack([self.upper.matrix, self.lower.matrix]), self.upper.model_hash)

    @classmethod
    def divide(cls, joined: Vectors, lower_width: int, lower_share: float) -> References:
        """What ``join`` put together."""
        width = joined.matrix.shape[1] - lower_width
        parts = (joined.matrix[:, :width], joined.matrix[:, width:]) if lower_width else (joined.matrix,)
        made = [Vectors(joined.image_ids, scale_vectors(part), joined.model_hash) for part in parts]
        return cls(made[0], made[1] if lower_width else None, lower_share)


def weigh_depths(references: References, upper: npt.NDArray[np.floating], lower: npt.NDArray[np.floating] | None) -> References:
    """The same references, each depth weighed by the inverse of its spread.

    Args:
        references: with both depths, or one.
        upper: of held-out pictures of ours.
        lower: likewise.
    """
    if references.lower is None or lower is None or not len(upper):
        return References(references.upper)
    spread, of_lower = (
        float(measure_distance(of, found).std()) for of, found in ((references.upper, upper), (references.lower, lower))
    )
    share = spread / (spread + of_lower) if spread + of_lower > 0 else 0.5
    return References(references.upper, references.lower, share)
