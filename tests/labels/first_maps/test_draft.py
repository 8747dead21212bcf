"""The first class map that ``init`` writes."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from builders.laws import examples
from builders.word_crowds import JAPANESE, MAP, NAMES, draw_crowd, make_annotations
from logoingest.labels import ClassMap, draft_class_map, draft_first_map, normalise_label
from logoingest.labels.first_maps.crowd_words import propose_by_crowd

ANSWERS = [
    ("Starbucks", 30),
    ("starbucks", 12),
    ("starbucks coffee logo", 4),
    ("starbukcs", 5),
    ("logo nike", 8),
    ("Nike", 20),
    ("keine", 9),
]
ANSWERS += [
    ("ЮНИСЕФ", 3),
    ("Найк", 3),
    ("asdf", 7),
    ("good", 11),
    ("nike / Starbucks", 2),
    ("coke", 1),
    ("不知道", 4),
    ("Nike\u202e", 1),
]


def test_a_draft_groups_answers_and_leaves_the_rest_in_comments():
    """Spellings of one key are one class; slips need no line; talk and rare answers are comments."""
    text = draft_class_map(ANSWERS, "results.csv")
    made = ClassMap.from_toml(text)
    assert set(made.names.values()) == {"Starbucks", "Nike", "starbucks coffee"}
    assert "aliases =" not in text.replace("aliases.ja", "")
    assert normalise_label("starbukcs", made).class_ids == ("starbucks",)
    assert "an alias of Starbucks?" in text
    assert [normalise_label(text, made).decision for text in ("keine", "不知道", "good", "asdf")] == [
        "ignored",
        "ignored",
        "unknown",
        "unknown",
    ]
    assert normalise_label("nike / Starbucks", made).class_ids == ("nike", "starbucks")
    assert "#      3 ЮНИСЕФ" in text
    assert "\u202e" not in text


def test_a_draft_does_not_depend_on_the_order_of_answers():
    """Equal input in any order gives equal text."""
    assert draft_class_map(ANSWERS, "x") == draft_class_map(ANSWERS[::-1], "x")


@given(st.lists(st.tuples(st.text(max_size=25), st.integers(1, 500)), max_size=8), st.text(max_size=20))
@example([('"""\n[classes.x]\n', 5), ("'''", 5), ("\\", 5), ("a = 1", 5), ("\ud800nike", 9)], "\n[x]\n")
@example([("ı", 5), ("I", 5), ("i", 5)], "x")
@examples(12)
def test_whatever_the_answers_hold_the_draft_parses(answers, name):
    """No answer escapes into the TOML."""
    text = draft_class_map(answers, name)
    text.encode("utf-8")
    assert ClassMap.from_toml(text).class_ids


def test_a_very_long_answer_is_a_short_comment():
    """A megabyte neither hangs nor fills the file."""
    assert len(draft_class_map([("x" * 1_000_000, 3), ("nike", 3)], "x")) < 20_000


def test_undecided_answers_are_proposed_as_what_others_call_the_same_pictures():
    """Each with its class, the most frequent first as they were given; noise and what nobody saw is no proposal."""
    said = make_annotations(draw_crowd(pictures=240))
    undecided = [("ドイツ", 50), ("nice flag", 40), ("イタリア", 30), ("nobody said this", 2)]
    found = propose_by_crowd(undecided, said, ClassMap.from_toml(MAP))
    assert [(one.text, one.answers, one.class_id) for one in found] == [("ドイツ", 50, "germany"), ("イタリア", 30, "italy")]
    assert all("were settled as" in one.words for one in found)


def test_a_first_map_lists_such_proposals_apart():
    """What a few wrote is no class of its own; the map's comments and the answer say what it seems to be."""
    names = {japanese: NAMES[class_id] for class_id, japanese in JAPANESE.items()}
    answers = [(url, worker, names.get(label, label)) for url, worker, label in draw_crowd(pictures=240, workers=24)]
    rows = [(url, worker, f"{label} {place}" if place % 30 == 0 else label) for place, (url, worker, label) in enumerate(answers)]
    for writer in ("w01", "w02"):
        said = [place for place, (_, worker, label) in enumerate(rows) if label == "Germany" and worker == writer]
        for place in said[:2]:
            rows[place] = (rows[place][0], writer, "Allemagne")
    made = draft_first_map(sorted(Counter(label for _, _, label in rows).items()), "flags", make_annotations(rows))
    assert [(one.text, one.answers, one.class_id) for one in made.proposals] == [("Allemagne", 4, "germany")]
    assert "     4 Allemagne: Germany; written of 3 pictures by 2 workers; 3 were settled as germany by others" in made.text
    assert made.text.count("Allemagne") == 1
    assert ("Allemagne", 4) in made.undecided
