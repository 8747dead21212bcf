"""From the answers about a picture to its class: votes, workers, consensus with a confidence, and what is in the way of it."""

from __future__ import annotations

from logoingest.samples.gold import find_given_gold, read_given_gold, read_gold
from logoingest.samples.settling import settle_samples

__all__ = ["find_given_gold", "read_given_gold", "read_gold", "settle_samples"]
