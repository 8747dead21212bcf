"""The first class map that ``init`` writes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.labels import ClassMap, draft_class_map, normalise_label

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
