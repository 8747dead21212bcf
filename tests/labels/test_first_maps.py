"""First class maps: closed sets are taken whole, in any domain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logoingest.labels import ClassMap, draft_first_map, normalise_label

DATA = Path(__file__).parents[1] / "data" / "labels" / "first_maps"
CLOSED = json.loads((DATA / "closed_sets.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CLOSED.values(), ids=CLOSED)
def test_a_closed_set_is_taken_whole(case):
    """Each answer is a class of its own, found under its own name; only what says nothing in any task means "no label"."""
    made = draft_first_map(list(case["answers"].items()), "x")
    assert made.is_closed
    assert sorted(name for name, _ in made.classes) == sorted(case["classes"])
    assert dict(made.no_label) == case.get("no_label", {})
    assert not made.noise_words
    class_map = ClassMap.from_toml(made.text)
    ids = {name: class_id for class_id, name in class_map.names.items()}
    assert len(ids) == len(case["classes"])
    for name in case["classes"]:
        assert normalise_label(name, class_map).class_ids == (ids[name],)


def test_the_words_that_count_are_listed_with_where_they_are_from():
    """Asked for by name, a built-in list counts beside the map's own, without what a class is called; not asked for, it does not."""
    text = 'built_in = ["no_label"]\nno_label.de = ["nö"]\n[classes.no]\n[classes.yes]\n'
    lists = ClassMap.from_toml(text, "mine.toml").word_lists
    assert [(one.key, one.language, one.file) for one in lists[:2]] == [("no_label", "de", "mine.toml"), ("no_label", "any", None)]
    words = {word for one in lists for word in one.words}
    assert {"nö", "none"} <= words
    assert "no" not in words
    assert not ClassMap.from_toml("built_in = []\n[classes.no]\n").word_lists
    assert {one.key for one in ClassMap.from_toml("[classes.no]\n").word_lists} == {"noise_words", "no_label"}
