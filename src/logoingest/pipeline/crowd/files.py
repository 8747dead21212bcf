"""The files that the stages write of what the crowd tells, and how much is in them; light, for those who only look."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run

CONTRADICTIONS = "contradictions"
"""``ContradictionRow``: what is said against the class map."""
CROWD_WORDS = "crowd_words"
"""``CrowdWordRow``: what is said of the words that it leaves undecided."""
LAYER_FILE = "crowd.toml"
"""The copy of the layer: what the labels stage wrote last, and the layer itself where the map's folder cannot be written."""


def count_contradictions(run: Run) -> dict[str, int] | None:
    """Kind → how many things the crowd says against the map, by the last run, the most frequent first; None where nobody asked."""
    if not run.workspace.has_table(CONTRADICTIONS):
        return None
    kinds = run.workspace.read_table(CONTRADICTIONS, ["kind"]).column("kind").to_pylist()
    return dict(sorted(Counter(kinds).items(), key=lambda pair: (-pair[1], pair[0])))
