"""What is answered about a picture."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Acceptance(StrEnum):
    """What becomes of a prediction."""

    ACCEPTED = "accepted"
    """It is of the class named."""
    ABSTAIN = "abstain"
    """It looks like ours, but which class is not sure enough: a person should look."""
    STRANGER = "stranger"
    """It is like none of ours."""
    UNREADABLE = "unreadable"
    """It cannot be opened as a picture."""


class Prediction(NamedTuple):
    """What a baseline answers about one picture."""

    file: str
    """As it was named; of bytes and open pictures their place, from 1: "#3"."""
    decision: Acceptance
    class_id: str | None
    """The likeliest class, whatever the decision; null where the picture cannot be opened."""
    probability: float | None
    """Calibrated probability of that class among ours, 0 to 1."""
    distance: float | None
    """From the pictures it learned from, 0 or more: of what two depths of the network see, and of how weak its answer is."""
    reason: str
    """Why, for people; empty where it was accepted."""
