"""What else a changed map decides otherwise: answers that the table knows are decided once, those it does not touch not at all, and the outcome is the same."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tomlkit import TOMLDocument

from builders.laws import examples
from builders.reviews import MAP, annotate, stored_labels
from logoingest.labels import ClassMap, normalise_annotations
from logoingest.labels.crowd.deciding import RULE
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.touched import AnswerKeys
from logoingest.review.map_editing import MapEdit
from logoingest.review.rounds import Review, list_known_answers, list_side_effects
from logoingest.review.suggestions import GatheredLabels

BEFORE = ClassMap.from_toml(MAP)
CHANGED = [
    ClassMap.from_toml(MAP + text)
    for text in ("", '[classes.fanta]\nname = "Fanta"\n', '[classes.pmua]\nname = "Pmua"\naliases = ["zitron"]\n')
]
NEAR = st.sampled_from(["pmua", "fanta", "fanta, puma", "zitron", "citron", "the fanta", "bmw/fanta", "none", "merc"])


@examples(60)
@given(
    answers=st.lists(st.one_of(stored_labels, NEAR), min_size=1, max_size=12),
    changed=st.sampled_from(CHANGED),
    by_crowd=st.sets(st.integers(0, 11)),
    is_older=st.booleans(),
)
def test_what_the_table_knows_changes_no_outcome(answers: list[str], changed: ClassMap, by_crowd: set[int], is_older: bool) -> None:
    """Also where the crowd decided some of it, or the table is another map's."""
    annotations = annotate(*answers)
    table = normalise_annotations(annotations, CHANGED[1] if is_older else BEFORE).labels
    rules = [RULE if place in by_crowd else rule for place, rule in enumerate(table.column("rule").to_pylist())]
    table = table.set_column(table.column_names.index("rule"), "rule", pa.array(rules, pa.string()))
    review = Review([], 0, GatheredLabels([], 0, 0), table, BEFORE, "")
    edit = MapEdit(Path("map.toml"), TOMLDocument(), changed, ["one"], [], [], [])
    effects = list_side_effects(review, edit)
    distinct = table.column("raw_label").to_pylist()
    made = zip(decide_labels(distinct, BEFORE), decide_labels(distinct, changed), strict=True)
    otherwise = [one.raw_label for one, other in made if (one.decision, one.class_ids) != (other.decision, other.class_ids)]
    assert sorted(effect.raw_label for effect in effects) == sorted(otherwise)
    assert list_side_effects(review, edit, AnswerKeys.collect(list_known_answers(review), BEFORE)) == effects
