"""What a map's names share: only what many classes have tells less, however small the map."""

from __future__ import annotations

import pytest

from logoingest.labels.matching.letter_triples import cost_word
from logoingest.labels.matching.shared_parts import SharedParts

WORD = "kovština"


def make_classes(count, sharing):
    """So many classes of one invented word each, the first ones with one ending."""
    return [(f"c{number}", [f"q{number:04}wx" + ("ština" if number < sharing else "")]) for number in range(count)]


@pytest.mark.parametrize(("classes", "sharing"), [(5, 5), (27, 7), (200, 19), (1_000, 99), (5_000, 499)])
def test_few_classes_share_nothing(classes, sharing):
    """A tenth of the classes, and never fewer than eight."""
    parts = SharedParts.count(make_classes(classes, sharing))
    assert parts.cost(WORD) == cost_word(WORD)


@pytest.mark.parametrize(("classes", "sharing"), [(27, 14), (200, 20), (1_000, 100), (5_000, 500)])
def test_what_many_classes_end_in_tells_little(classes, sharing):
    """The ending costs what its share of the classes tells, no longer its letters."""
    parts = SharedParts.count(make_classes(classes, sharing))
    assert parts.cost(WORD) < cost_word(WORD) - 1


def test_spellings_of_one_class_count_once():
    """A hundred spellings of one class are one class."""
    owned = [*make_classes(27, 0), *(("one", [f"q{number:04}wxština"]) for number in range(100))]
    assert SharedParts.count(owned).cost(WORD) == cost_word(WORD)


def test_what_letters_alone_bring_about_is_no_family():
    """Eight of 27 classes have a spelling in "co", each among twenty others: that is what names in "co" are."""
    others = ["aral", "bosch", "dell", "fila", "gap", "heinz", "ikea", "jeep", "kfc", "lego", "mars", "nokia", "opel", "puma"]
    starts = ["coca", "corona", "columbia", "converse", "continental", "costa", "cosmos", "comet"]
    owned = [(f"c{number}", [*others, *starts[number : number + 1]]) for number in range(27)]
    assert "co" not in SharedParts.count(owned).beginnings
