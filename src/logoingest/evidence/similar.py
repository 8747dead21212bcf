"""What is told of pictures that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class SeenPicture(NamedTuple):
    """What is known of a picture."""

    image_id: str
    classes: Sequence[str]
    """What it is settled as; none where it is not."""
    split: str | None
    reason: str | None
    """Why it is in no split, where something was rejected."""
    group_id: str | None
    urls: Sequence[str]


class Neighbour(NamedTuple):
    """A picture, and how near it is."""

    similarity: float
    """Cosine, -1 to 1."""
    picture: SeenPicture
    written: float | None = None
    """How like the text on it is, 0 to 1, where text counts: neighbours are then ordered by both."""


class Similar(NamedTuple):
    """What was asked, and what looks like it."""

    asked: str
    model: str
    """The network's name."""
    picture: SeenPicture | None
    """What was asked about, where it is one of the workspace's."""
    neighbours: Sequence[Neighbour]
    """Nearest first."""
