"""When a prediction is believed: laws of what is learned from held-out pictures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.evidence.safeguards.references import Witnessed, make_references, weigh_witnesses
from logoingest.evidence.safeguards.rule import (
    NO_CLASS,
    Asked,
    Goals,
    find_farthest,
    find_thresholds_by_class,
    learn_rule,
    measure_distance,
)
from logoingest.evidence.vectors import Vectors, scale_vectors

CLASSES = 4
shares = st.floats(0.05, 0.99)


def draw(seed, ours=120, strangers=0, skill=2.0):
    """Pictures whose scores and distances mean something, but not all."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([rng.integers(0, CLASSES, ours), np.full(strangers, NO_CLASS)])
    scores = rng.normal(size=(ours + strangers, CLASSES))
    scores[np.arange(ours), labels[:ours]] += skill
    distance = rng.gamma(4.0, 0.05, ours + strangers) + np.where(labels == NO_CLASS, 0.15, 0.0)
    return Asked(scores * 3, distance, labels)


@given(st.integers(0, 200), st.lists(shares, min_size=2, max_size=6))
@examples(40)
def test_asking_for_more_never_accepts_what_was_refused(seed, asked_for):
    """Thresholds never fall when the precision asked for rises, of any class."""
    asked = draw(seed, strangers=20)
    thresholds = [learn_rule(asked, Goals(0.95, precision)).thresholds for precision in sorted(asked_for)]
    for lower, higher in itertools.pairwise(thresholds):
        assert (higher >= lower).all()


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60), st.lists(shares, min_size=2, max_size=5))
def test_the_share_asked_for_is_kept(distance, kept):
    """Of the pictures that were learned from at least that share lies near enough, and more is kept where more is asked for."""
    found = np.array([find_farthest(np.array(distance), share) for share in sorted(kept)])
    assert (np.diff(found) >= 0).all()
    for share, farthest in zip(sorted(kept), found, strict=True):
        assert (np.array(distance) <= farthest).mean() >= share - 1e-9


@pytest.mark.parametrize("kept", [0.8, 0.95])
def test_the_next_picture_is_kept_as_often_as_was_asked_for(kept):
    """Over many draws, of pictures that nothing was learned from: split conformal prediction's promise."""
    rng = np.random.default_rng(0)
    hits = [rng.gamma(2.0) <= find_farthest(rng.gamma(2.0, size=59), kept) for _ in range(4_000)]
    assert kept - 0.02 <= np.mean(hits) <= kept + 0.03


@given(st.integers(0, 100), st.permutations(range(140)))
@examples(30)
def test_the_order_of_the_pictures_does_not_matter(seed, order):
    """The rule is the same, and each picture is decided alone."""
    asked = draw(seed, strangers=20)
    rule, other = learn_rule(asked, Goals()), learn_rule(asked.select(np.array(order)), Goals())
    assert rule.farthest == other.farthest
    assert rule.temperature == pytest.approx(other.temperature, rel=1e-9)
    assert rule.thresholds == pytest.approx(other.thresholds, rel=1e-9)
    together, alone = rule.decide(asked), rule.decide(asked.select(np.array(order[:1])))
    assert together.is_accepted[order[0]] == alone.is_accepted[0]
    assert together.probability[order[0]] == pytest.approx(alone.probability[0])


def test_a_class_that_swallows_strangers_is_believed_less():
    """Pictures of no class that lie near and are named as one class raise its threshold alone."""
    asked = draw(3, ours=400, skill=3.0)
    swallowed = Asked(np.tile([9.0, 0, 0, 0], (60, 1)), np.full(60, 0.1), np.full(60, NO_CLASS))
    plain, warned = (learn_rule(found, Goals()).thresholds for found in (asked, asked.join(swallowed)))
    assert warned[0] > plain[0]
    assert warned[0] > warned[1:].max()


def test_a_class_whose_sure_predictions_are_wrong_is_never_believed():
    """No threshold is enough for it; the others keep theirs."""
    named, right = np.repeat([0, 1], 100), np.repeat([True, False], 100)
    thresholds = find_thresholds_by_class(np.tile(np.linspace(0.3, 0.99, 100), 2), named, right, 2, 0.9)
    assert np.isinf(thresholds[1])
    assert thresholds[0] < 1


def test_no_pictures_give_an_open_rule():
    """Nothing is known, so nothing is refused; and nothing is asked about nothing."""
    nothing = draw(0, ours=0)
    rule = learn_rule(nothing, Goals())
    assert (rule.temperature, rule.farthest) == (1.0, np.inf)
    assert len(rule.decide(nothing).class_index) == 0


def test_distances_are_means_over_the_nearest():
    """Five of them, or all where there are fewer."""
    points = scale_vectors(np.eye(3, dtype=np.float32))
    references = Vectors(("a", "b", "c"), points, "m" * 64)
    assert measure_distance(references, points[:1]) == pytest.approx([1 - 1 / 3])
    assert measure_distance(references.select(["a"]), points[:1]) == pytest.approx([0.0])


def draw_seen(rng, count, spreads=(3.0, 0.3), answers=1.0):
    upper, lower = (rng.normal(size=(count, 4)) * spread + 3 for spread in spreads)
    return Witnessed(upper, lower, rng.normal(size=(count, 3)) * answers)


def test_witnesses_are_weighed_by_the_inverse_of_their_spread():
    """One whose distances hardly differ among ours counts more; one that tells nothing apart, or is not there, is not asked."""
    rng = np.random.default_rng(0)
    made = make_references(tuple(map(str, range(20))), draw_seen(rng, 20), "m" * 64)
    held_out = draw_seen(rng, 30)
    weighed = weigh_witnesses(made, held_out)
    upper, lower, answer = weighed.list_distances(held_out)
    assert weighed.shares.lower > 0.8
    assert sum(weighed.shares) == pytest.approx(1)
    shares = weighed.shares
    assert weighed.measure(held_out) == pytest.approx(shares.upper * upper + shares.lower * lower + shares.answer * answer)
    assert weigh_witnesses(made, held_out._replace(lower=None)).shares.lower == 0
    assert weigh_witnesses(made, held_out._replace(scores=np.zeros((30, 3)))).shares.answer == 0
    assert weigh_witnesses(made, draw_seen(rng, 0)).shares == (1, 0, 0)


def test_what_all_of_ours_have_in_common_says_nothing():
    """Pictures are looked at from the middle of ours: a part that is equal everywhere makes no two of them alike."""
    rng = np.random.default_rng(1)
    ours, others = draw_seen(rng, 40), draw_seen(rng, 10)
    names = tuple(map(str, range(40)))
    near = make_references(names, ours, "m" * 64).list_distances(others)[0]
    far = make_references(names, ours._replace(upper=ours.upper + 1000), "m" * 64).list_distances(
        others._replace(upper=others.upper + 1000)
    )[0]
    assert near == pytest.approx(far, abs=1e-3)


def test_a_weak_answer_is_far_and_none_is_nearer_than_the_strongest():
    """Whatever it names: scores are before the softmax, and their sum counts."""
    rng = np.random.default_rng(2)
    made = make_references(("a", "b"), draw_seen(rng, 2)._replace(scores=np.array([[8.0, 0.0, 0.0], [0.0, 4.0, 0.0]])), "m" * 64)
    asked = draw_seen(rng, 3)._replace(scores=np.array([[0.0, 0.0, 9.0], [0.0, 6.0, 0.0], [1.0, 0.0, 0.0]]))
    strongest, strong, weak = made.list_distances(asked)[2]
    assert strongest == 0 < strong < weak
