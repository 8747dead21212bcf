"""Where a map's names lie close together, a slip needs more evidence."""

from __future__ import annotations

import tomlkit

from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.matching.crowding import weigh_crowding
from logoingest.schemas import Decision

FAR = ["Toyota", "Hyundai", "Peugeot", "Renault", "Citroen", "Mercedes", "Porsche", "Ferrari", "Maserati", "Kanuri"]
NEAR = ["Tonga", "Tsonga", "Romani", "Romany", "Kamba", "Karba", "Mandar", "Mandra"]


def own(names):
    return [(name, name.lower()) for name in names]


def decide(text, names):
    return normalise_label(
        text, ClassMap.from_toml(tomlkit.dumps({"classes": {f"c{at}": {"name": name} for at, name in enumerate(names)}}))
    )


def test_names_far_apart_ask_for_nothing_more():
    """Among brands one name in two hundred has another at one edit, and a map may be of a single class."""
    assert weigh_crowding(own(FAR)) == 0
    assert weigh_crowding([]) == 0


def test_each_kind_of_edit_makes_neighbours():
    """A letter more, another letter, two swapped; and one pair is a coincidence."""
    for left, right in zip(NEAR[2::2], NEAR[3::2], strict=True):
        assert weigh_crowding(own([left, right])) == 0
        assert weigh_crowding(own([*NEAR[:2], left, right])) > 0
    assert weigh_crowding(own(NEAR)) > weigh_crowding(own(NEAR[:4]))


def test_spellings_of_one_class_are_no_neighbours():
    """Colour and color are one; what a number tells apart is no slip anyway."""
    spellings = ("colour", "color", "colors", "colours")
    assert weigh_crowding([*(("one", text) for text in spellings), ("two", "colouring")]) == 0
    assert weigh_crowding(own(["adidas1", "adidas2", "adidas3", "adidas4"])) == 0


def test_it_is_never_more_than_one_power_of_ten():
    """However close they lie."""
    assert weigh_crowding(own([f"kan{first}{second}" for first in "aeiou" for second in "bcdfghjklmnpqrst"])) == 1


def test_a_letter_exchanged_is_asked_about_where_names_lie_close():
    """Kangri for Kanuri: a slip among cars, perhaps another language among languages; a swap is a slip in both."""
    assert decide("Kangri", FAR).class_id == "c9"
    assert decide("Kangri", [*NEAR, "Kanuri"]).decision == Decision.REVIEW
    assert decide("Knauri", [*NEAR, "Kanuri"]).class_id == "c8"
