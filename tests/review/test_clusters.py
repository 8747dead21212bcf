"""Clusters of undecided answers: what belongs together is together, what does not is not."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.reviews import MAP, labels
from logoingest.labels import ClassMap
from logoingest.review.clusters import OpenSpelling, cluster_labels, is_only_noise

CLASS_MAP = ClassMap.from_toml(MAP)


def cluster(*answers, apart=()):
    """Clusters as sets of texts; an answer is a text, or a text with its count and nearest class."""
    spellings = [OpenSpelling(answer, 1) if isinstance(answer, str) else OpenSpelling(*answer) for answer in answers]
    return [{spellings[place].raw_label for place in places} for places in cluster_labels(spellings, CLASS_MAP, apart)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red Bull", "red-bull"),  # spaces, signs, case
        ("bull red", "Red Bull"),  # words in another order
        ("the fanta logo", "FANTA"),  # noise words
        ("fanta", "fantta"),  # an edit
        ("schweppes", "shweppess"),  # two, in a longer word
        ("Фанта", "fanta"),  # transliteration
        ("Фанта", "fnata"),  # and an edit
    ],
)
def test_spellings_of_one_thing_are_one_cluster(one, other):
    """Key collision, then edit distance, then transliteration."""
    assert cluster(one, other) == [{one, other}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kia", "kio"),  # too short for an edit
        ("area 51", "area 52"),  # digits differ
        ("fanta", "sprite"),
        ("可口可乐", "ke kou ke le"),  # what Chinese signs sound like says nothing
        ("", " "),
        ("!!", "??"),
    ],
)
def test_different_things_stay_apart(one, other):
    """Nothing joins them."""
    assert len(cluster(one, other)) == 2


def test_edits_make_no_chain():
    """Each member is near the most frequent spelling, not merely near another member."""
    found = cluster(("abcdefgh", 9), ("abcdefgX", 5), ("abcdefYX", 3), ("abcdZfYX", 2))
    assert found[0] == {"abcdefgh", "abcdefgX"}


def test_spellings_near_one_class_are_joined_and_near_two_classes_are_not():
    """The class's own spelling stands in the middle; two classes never share a cluster."""
    assert cluster(("fdex", 1, "fedex", "FedEx"), ("feedex", 1, "fedex", "FedEx")) == [{"fdex", "feedex"}]
    assert len(cluster(("abcdefghi", 1, "one", "abcdefghij"), ("abcdefghk", 1, "two", "abcdefghkj"))) == 2
    assert len(cluster(("vista", 1, "visa", "Visa"), ("visaa", 1, "visa", "Visa"))) == 2  # people know Vista


def test_a_member_can_be_taken_out():
    """``apart`` leaves it alone, and the rest together."""
    assert cluster("fanta", "fantta", "FANTA", apart=["fantta"]) == [{"fanta", "FANTA"}, {"fantta"}]


def test_most_answers_come_first():
    """By what a decision would settle, then by text."""
    assert cluster(("aaaa", 2), ("bbbb", 3), ("cccc", 1), ("CCCC", 2), ("dddd", 2)) == [
        {"bbbb"},
        {"cccc", "CCCC"},
        {"aaaa"},
        {"dddd"},
    ]


@given(st.lists(labels, max_size=25, unique=True), st.randoms())
def test_every_answer_is_in_one_cluster_whatever_the_order(answers, chance):
    """A partition, the same for any order of rows."""
    found = cluster(*answers)
    assert sorted(label for members in found for label in members) == sorted(answers)
    shuffled = list(answers)
    chance.shuffle(shuffled)
    assert cluster(*shuffled) == found


def test_many_answers_cost_no_square():
    """6,000 answers that begin alike, the worst case, are clustered while somebody waits."""
    chance = random.Random(7)
    answers = ["fantastic" + "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(6_000)]
    spellings = [OpenSpelling(label, 1) for label in dict.fromkeys(answers)]
    start = time.process_time()
    assert sum(map(len, cluster_labels(spellings, CLASS_MAP))) == len(spellings)
    assert time.process_time() - start < 120  # what is compared is bounded for each


def test_noise_words_alone_name_nothing():
    """ "the logo" is nothing to decide; "the fanta logo" is."""
    assert is_only_noise("The LOGO", CLASS_MAP)
    assert is_only_noise("logo", CLASS_MAP)
    assert not is_only_noise("the fanta logo", CLASS_MAP)
    assert not is_only_noise("", CLASS_MAP)
