"""Candidates of clusters are found when they are looked at; when, and in which order, changes nothing."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.labels import ClassMap
from logoingest.review.candidates import ClusterCandidates, gather_candidates

CLASS_MAP = ClassMap.from_toml(
    '[classes.nike]\nname = "Nike"\naliases = ["найк"]\n[classes.puma]\nname = "Puma"\n[classes.coca_cola]\nname = "Coca Cola"\n'
)
_CHANCE = random.Random(5)
CLUSTERS = [["".join(_CHANCE.sample("nikepumacolaнайк", 4)) + text for text in ("", "a")] for _ in range(150)]
NOTHING = [None] * len(CLUSTERS)


@examples(5)
@given(order=st.permutations(range(len(CLUSTERS))), asked=st.integers(1, len(CLUSTERS)))
def test_candidates_do_not_depend_on_what_was_looked_at_before(order: list[int], asked: int) -> None:
    """In any order, and wherever one stops, they are what they are for all clusters at once."""
    at_once = gather_candidates(CLUSTERS, NOTHING, CLASS_MAP)
    weighed = ClusterCandidates(CLUSTERS, NOTHING, CLASS_MAP)
    assert any(at_once)
    assert [weighed.read(place) for place in order[:asked]] == [at_once[place] for place in order[:asked]]
