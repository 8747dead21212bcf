"""What a person can write as a decision, and what they are told when it cannot be meant."""

from __future__ import annotations

import pytest
from hypothesis import given

from builders.reviews import MAP, labels
from logoingest.errors import Problem
from logoingest.labels import ClassMap
from logoingest.review.rulings import Action, ClassFinder, RuledMeaning, list_made, read_meaning
from logoingest.strangers.escaping import escape_text

FINDER = ClassFinder(ClassMap.from_toml(MAP + '[classes.skip]\nname = "Skip!"\n[output]\nrename = {bmw = "Bayern"}\n'))
CANDIDATES = ["puma", "bmw"]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("puma", RuledMeaning(Action.CLASS, "puma")),
        ("  PUMA ", RuledMeaning(Action.CLASS, "puma")),
        ("mercedes-benz", RuledMeaning(Action.CLASS, "mercedes")),  # by name
        ("citroën", RuledMeaning(Action.CLASS, "citroen")),
        ("Bayern", RuledMeaning(Action.CLASS, "bmw")),  # by the id that comes out
        ("class: skip", RuledMeaning(Action.CLASS, "skip")),  # a class that is called like a command
        ("2", RuledMeaning(Action.CLASS, "bmw")),
        ("new: Fanta  Orange", RuledMeaning(Action.NEW, "Fanta Orange")),
        ("NEW:Fanta", RuledMeaning(Action.NEW, "Fanta")),
        ("new: Puma", RuledMeaning(Action.CLASS, "puma")),  # somebody made it meanwhile
        ("noise", RuledMeaning(Action.NOISE)),
        ("noise: swoosh", RuledMeaning(Action.NOISE, "swoosh")),
        ("Ignore", RuledMeaning(Action.IGNORE)),
        ("drop", RuledMeaning(Action.DROP)),
        ("override: puma", RuledMeaning(Action.OVERRIDE, "puma")),
        ("override: 1", RuledMeaning(Action.OVERRIDE, "puma")),
        ("override: drop", RuledMeaning(Action.OVERRIDE_DROP)),
        ("not: puma", RuledMeaning(Action.NOT, "puma")),
        ("skip", None),
        ("", None),
        ("   ", None),
    ],
)
def test_every_form_of_a_decision_is_understood(text, meaning):
    """Commands in any case, classes by id or name."""
    assert read_meaning(text, CANDIDATES, FINDER) == meaning


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pumaa", 'did you mean "Puma"'),
        ("3", "there is no candidate 3"),
        ("0", "there is no candidate 0"),
        ("new: ", "names nothing"),
        ("new: !!", "cannot be a class's name"),
        ("new: a\u202eb", "cannot be a class's name"),
        ("noise: !", "is no word"),
        ("override: nobody", "there is no class"),
        ("=HYPERLINK(1)", "there is no class"),
    ],
)
def test_what_cannot_be_meant_says_why(text, said):
    """With "did you mean" where something is near."""
    problem = read_meaning(text, CANDIDATES, FINDER)
    assert isinstance(problem, Problem)
    assert said in str(problem)


def test_a_class_that_another_ruling_makes_can_be_named():
    """``new: Fanta`` in one row, ``fanta`` in the next: one class, spelled as first."""
    made = list_made(["new: Fanta", "puma", "new: FANTA", ""])
    assert read_meaning("fanta", (), FINDER, made) == RuledMeaning(Action.NEW, "Fanta")
    assert read_meaning("new: FANTA", (), FINDER, made) == RuledMeaning(Action.NEW, "Fanta")


@pytest.mark.parametrize(
    "meaning",
    [
        RuledMeaning(action, "puma" if action in {"class", "override", "not"} else "Fanta" if action == "new" else "")
        for action in Action
    ],
)
def test_a_meaning_can_be_written_and_read_again(meaning):
    """What the journal keeps is what was meant."""
    assert read_meaning(str(meaning), (), FINDER) == meaning


@given(labels)
def test_any_text_is_a_meaning_or_a_problem(text):
    """No cell crashes, and a message never carries a character that moves the cursor."""
    found = read_meaning(text, CANDIDATES, FINDER)
    assert found is None or isinstance(found, RuledMeaning) or str(found).isprintable()
    assert escape_text(text).isprintable()


def test_the_search_finds_beginnings_first_then_what_contains_then_what_is_near():
    """As one types."""
    assert FINDER.search("pu")[0] == "puma"
    assert FINDER.search("benz")[0] == "mercedes"
    assert FINDER.search("zitr")[0] == "citroen"
    assert FINDER.search("mercdes") == ["mercedes"]
    assert FINDER.search("") == ["bmw", "citroen", "mercedes", "puma", "skip"]
    assert FINDER.search("qqqqqq") == []
