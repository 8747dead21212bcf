"""What a rule promises and what came of it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from builders.networks.safeguards import CLASS_IDS, make_asked, make_safeguard_folder
from logoingest.evidence.safeguards.intervals import discount_counts, foretell_interval
from logoingest.evidence.safeguards.rule import Asked, Goals, learn_rule
from logoingest.evidence.safeguards.study import draw_curve, measure_rule_variance, measure_separation, state_tally, study_rule


def test_every_picture_is_counted_once(tmp_path):
    """Stated and measured tallies add up, and so do the classes."""
    study = make_safeguard_folder(tmp_path).study
    assert study.checked_on == "test"
    for tally in (study.stated, study.measured):
        assert (tally.ours, tally.strangers) == (160, 40)
        assert tally.right <= tally.accepted <= tally.kept <= tally.ours
    assert sum(row.pictures for row in study.classes) == sum(row.named for row in study.classes) == 160
    assert sum(row.strangers for row in study.classes) == study.measured.strangers_accepted
    assert sum(one.pictures for one in study.reliability) == 160
    swallower = study.classes[-1]
    assert (swallower.threshold, swallower.accepted, swallower.pictures) == (None, 0, 0)
    assert swallower.named > 10


def test_promises_hold_on_pictures_of_the_same_kind():
    """Over many draws nearly all shares lie where they were foretold: they were not fitted to the pictures they are of."""
    kept = []
    for seed in range(30):
        asked, goals = make_asked(100 + seed), Goals(0.9, 0.9)
        groups = [f"{seed}-{row}" for row in range(len(asked.labels))]
        rule = learn_rule(asked, goals)
        study = study_rule(rule, goals, asked, make_asked(500 + seed), groups=groups, class_ids=CLASS_IDS)
        kept += [promise.is_kept for promise in study.promises]
    assert np.mean(kept) > 0.9


def test_a_rule_that_hangs_on_its_pictures_says_so():
    """Many classes with few pictures each: rules that lack a part differ, and what is foretold is wider for it."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 20, 400)
    scores = rng.normal(size=(400, 20))
    scores[np.arange(400), labels] += 2.5 * (rng.random(400) < 0.9)
    asked, groups = Asked(scores * 2, rng.gamma(4.0, 0.05, 400), labels), [str(row) for row in range(400)]
    few = asked.select(np.arange(100))
    of_few, of_many = (measure_rule_variance(some, groups[: len(some.labels)], Goals()) for some in (few, asked))
    assert of_few[1] > of_many[1] > 0
    wide, narrow = (foretell_interval(*discount_counts(80, 100, variance), 100) for variance in (of_few[1], 0.0))
    assert wide.low < narrow.low < 0.8 < narrow.high < wide.high


def test_parts_do_not_fall_together_with_a_split_by_the_same_hash():
    """Validation may well be those groups whose hash is a multiple of five: they are dealt out to parts all the same."""
    names = (f"{number}" for number in range(3000))
    groups = [name for name in names if int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 5 == 0][:200]
    tally = state_tally(make_asked(3), groups, Goals())
    assert (tally.ours, tally.strangers) == (160, 40)
    assert tally.kept > 0.85 * tally.ours


def test_without_test_pictures_nothing_is_measured():
    """The figures are validation's, and no promise is called kept."""
    asked, goals = make_asked(1, strangers=0), Goals()
    groups = [str(row) for row in range(160)]
    study = study_rule(
        learn_rule(asked, goals), goals, asked, make_asked(0, ours=0, strangers=0), groups=groups, class_ids=CLASS_IDS
    )
    assert study.checked_on == "validation"
    assert [promise.is_kept for promise in study.promises] == [None] * 3
    assert study.separation is None
    assert study.strangers_accepted is None


def test_what_is_stated_does_not_depend_on_the_order():
    """Pictures are dealt out by their groups' names."""
    asked, order = make_asked(4), np.random.default_rng(0).permutation(200)
    groups = np.array([f"g{row // 2}" for row in range(200)])
    assert state_tally(asked, groups.tolist(), Goals()) == state_tally(asked.select(order), groups[order].tolist(), Goals())


def test_separation_is_the_area_under_the_curve():
    """As scikit-learn counts it."""
    from sklearn.metrics import roc_auc_score

    asked = make_asked(5)
    assert measure_separation(asked) == pytest.approx(roc_auc_score(asked.labels == -1, asked.distance))


def test_the_curve_ends_with_all_that_lie_near(tmp_path):
    """Coverage rises, and the last point's risk is that of all together."""
    made = make_safeguard_folder(tmp_path)
    asked = make_asked(2)
    decided, ours = made.safeguard.rule.decide(asked), asked.labels >= 0
    right = (decided.class_index == asked.labels)[ours]
    curve = draw_curve(decided, ours, right)
    assert np.diff([point.coverage for point in curve]).min() > 0
    near = decided.is_ours[ours]
    assert curve[-1] == (pytest.approx(near.sum() / 160), pytest.approx(1 - right[near].mean()))
