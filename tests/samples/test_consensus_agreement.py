"""Krippendorff's alpha against the published examples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.samples.agreement import compute_alpha, compute_class_alphas, find_doubt, tabulate_agreement

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": an observer a line, a unit a letter, "." where missing
TWO_OBSERVERS = ["0100000010", "1110010000"]
FIVE_VALUES = ["aabbdcccedda", "babbbccceddd"]
FOUR_OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
# the example of Krippendorff's "Content Analysis" that Wikipedia's article on alpha computes step by step
THREE_CODERS = [".....34121133.3", "1.213343.......", "..21344.21133.4"]


def read(lines):
    answers = [
        (unit, observer, ord(value)) for observer, line in enumerate(lines) for unit, value in enumerate(line) if value != "."
    ]
    return np.array(answers, np.int64).reshape(-1, 3).T


@pytest.mark.parametrize(
    ("lines", "published"), [(TWO_OBSERVERS, 0.095), (FIVE_VALUES, 0.692), (FOUR_OBSERVERS, 0.743), (THREE_CODERS, 0.691)]
)
def test_published_examples(lines, published):
    """Alpha is the published one to its three decimals."""
    assert compute_alpha(*read(lines)) == pytest.approx(published, abs=0.0006)


def test_perfect_agreement_is_one():
    """Everybody agrees on everything: 1, also where there is only one class."""
    assert compute_alpha(*read(["abc", "abc"])) == 1.0
    assert compute_alpha(*read(["aaa", "aaa"])) == 1.0


def test_systematic_disagreement_is_below_zero():
    """Two observers who always contradict each other are below chance."""
    assert compute_alpha(*read(["abab", "baba"])) < 0


def test_nothing_to_pair_is_not_a_number():
    """Single answers, or none, tell nothing about agreement."""
    assert np.isnan(compute_alpha(*read(["abc"])))
    assert np.isnan(compute_alpha(*read([])))
    assert compute_class_alphas(*read([])) == {}


def test_class_alphas_find_the_class_people_mix_up():
    """c is agreed on, a and b are mixed up."""
    alphas = compute_class_alphas(*read(["aabbcccc", "abbacccc"]))
    assert alphas[ord("c")] == 1.0
    assert alphas[ord("a")] == alphas[ord("b")] < 0.5


def test_two_classes_have_the_overall_alpha_each():
    """With two classes, one against the rest is all there is."""
    overall = compute_alpha(*read(TWO_OBSERVERS))
    assert list(compute_class_alphas(*read(TWO_OBSERVERS)).values()) == pytest.approx([overall, overall])


def test_unequal_lengths_are_refused():
    """Three columns of one length, or nothing."""
    with pytest.raises(ValueError, match="not one entry an answer"):
        compute_alpha(np.arange(2), np.arange(2), np.arange(3))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_matches_the_definition_pair_by_pair(rows):
    """Alpha is one less observed over expected disagreement, counted pair by pair."""
    values = {item: [class_ for other, _, class_ in rows if other == item] for item, _, _ in rows}
    pairable = [group for group in values.values() if len(group) > 1]
    everything = [value for group in pairable for value in group]
    alpha = compute_alpha(*np.array(rows, np.int64).reshape(-1, 3).T)
    if not everything:
        assert np.isnan(alpha)
        return
    observed = sum(sum(a != b for a in group for b in group) / (len(group) - 1) for group in pairable) / len(everything)
    expected = sum(a != b for a in everything for b in everything) / (len(everything) * (len(everything) - 1))
    assert alpha == pytest.approx(1 - observed / expected if expected else 1.0)


def test_the_table_holds_all_then_no_label_then_the_classes():
    """Answers and pictures counted where something can be paired; alpha as the functions say; single answers left out."""
    items, workers, classes = read(["aabbcccc", "abbacccc", "........a"])
    numbers = classes - ord("a")  # b is "no label" here: c comes before it among the names
    numbers = np.array([0, 2, 1])[numbers]
    rows = tabulate_agreement(items, workers, numbers, ["a", "c"]).to_pylist()
    assert [(row["scope"], row["class_id"], row["answers"], row["pictures"]) for row in rows] == [
        ("all", None, 16, 8),
        ("no_label", None, 4, 3),
        ("class", "a", 4, 3),
        ("class", "c", 8, 4),
    ]
    alphas = compute_class_alphas(items, workers, numbers)
    assert [row["alpha"] for row in rows] == pytest.approx(
        [compute_alpha(items, workers, numbers), alphas[2], alphas[0], alphas[1]], abs=1e-6
    )


def doubt(right, confidence, gold=0, pictures=200):
    """What is said of a crowd of four classes whose five voters each are right so often."""
    chance = np.random.default_rng(7)
    truth = chance.integers(0, 4, pictures)
    items = np.repeat(np.arange(pictures), 5)
    votes = np.where(chance.random(len(items)) < right, truth[items], chance.integers(0, 4, len(items)))
    table = tabulate_agreement(items, np.arange(len(items)) % 20, votes, ["a", "b", "c", "d"])
    return find_doubt(table, pa.chunked_array([[confidence] * pictures]), gold)


def test_a_crowd_no_better_than_chance_is_said_so():
    """Whatever its confidence, and whatever gold was asked; a handful of answers says nothing."""
    assert "no better than chance" in doubt(0.0, 0.4)
    assert "no better than chance" in doubt(0.0, 0.99, gold=100)
    assert doubt(0.0, 0.4, pictures=3) is None


def test_confidence_is_doubted_where_people_agree_little_and_nothing_measures_it():
    """Below the least agreement for tentative conclusions, unless gold questions tell or nothing is claimed."""
    assert "gold questions" in doubt(0.6, 0.87)
    assert doubt(0.6, 0.87, gold=40) is None
    assert doubt(0.6, 0.4) is None
    assert doubt(0.97, 0.97) is None
