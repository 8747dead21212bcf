"""The worker table, and who is suspected of what."""

from __future__ import annotations

import numpy as np
import pytest

from builders.answers import IGNORED, REVIEW, UNKNOWN, Answered, worker_of
from logoingest.samples.workers import bound_share

CLASSES = ["nike", "puma", "audi", "ford", "bmw"]


def make_crowd(pictures=60, workers=5):
    """Workers w0 to w4, each right on every picture, 20 seconds an answer."""
    answered = Answered()
    answered.add_crowd(CLASSES, pictures, workers)
    return answered


def suspicion_of(answered, worker, **config):
    return worker_of(answered.settle(**config), worker)["suspect"]


def test_good_workers_are_not_suspected():
    """Everybody agrees: no suspicion, full agreement, high skill, counts and the median time as they were."""
    settled = make_crowd().settle()
    for row in settled.workers.to_pylist():
        assert row["suspect"] is None
        assert (row["annotations"], row["votes"], row["no_label"], row["unmatched"]) == (60, 60, 0, 0)
        assert (row["agreement"], row["median_work_time_s"]) == (1.0, 20.0)
        assert row["skill"] > 0.95


def test_workers_are_sorted_and_nobody_has_no_row():
    """One row a known worker, by id."""
    answered = make_crowd()
    answered.say("plain0", "nike", None)
    names = answered.settle().workers.column("worker_id").to_pylist()
    assert names == sorted(names)
    assert len(names) == 5


def test_random_brands_are_suspect():
    """A spammer who types some brand agrees no more than by chance, and the reason says how little."""
    answered = make_crowd()
    for number in range(40):
        answered.say(f"plain{number}", CLASSES[(number * 3 + 1) % 5], "spam")
    assert suspicion_of(answered, "spam").startswith("agrees ")
    assert "over 40 votes, usual is 100%" in suspicion_of(answered, "spam")
    assert worker_of(answered.settle(), "spam")["skill"] < 0.5


def test_one_brand_on_everything_is_suspect():
    """ "Nike" on every picture is right on a fifth of them."""
    answered = make_crowd()
    for number in range(40):
        answered.say(f"plain{number}", "nike", "spam")
    assert suspicion_of(answered, "spam") == "agrees 20% over 40 votes, usual is 100%"


def test_brands_on_pictures_of_nothing_count_as_disagreement():
    """Where "no label" won, naming a class is wrong."""
    answered = make_crowd(12)
    for number in range(20):
        answered.vote(f"empty{number}", [IGNORED] * 4)
        answered.say(f"empty{number}", "nike", "spam")
    row = worker_of(answered.settle(), "spam")
    assert (row["agreement"], row["votes"]) == (0.0, 20)
    assert row["suspect"].startswith("agrees 0% over 20 votes")


def test_stock_answers_are_suspect():
    """ "good" and "yes" over and over match no class; the reason quotes them."""
    answered = make_crowd()
    for number in range(50):
        answered.say(f"plain{number}", UNKNOWN, "spam", raw=("good", " Good", "yes")[number % 3])
    assert suspicion_of(answered, "spam") == "answers 'good', 'yes' 100% of 50 times"


def test_a_class_that_the_map_lacks_is_named_as_the_cause():
    """Four workers say "tesla" of the same pictures: one who was shown little else is suspect, and the reason says why."""
    answered = make_crowd()
    for number in range(40):
        for worker in ("w8", "w9", "specialist"):
            answered.say(f"tesla{number}", UNKNOWN, worker, raw="Tesla")
    reason = suspicion_of(answered, "specialist")
    assert reason.startswith("answers 'tesla' 100% of 40 times (the map may lack a class for 'tesla': 2 other workers say so)")


def test_empty_talk_of_several_spammers_is_no_class():
    """However many type "good"."""
    answered = make_crowd()
    for number in range(40):
        for worker in ("s1", "s2", "s3", "s4"):
            answered.say(f"plain{number}", UNKNOWN, worker, raw="good")
    assert "lack" not in suspicion_of(answered, "s1")


def test_unmatched_answers_in_a_foreign_script_are_not_suspect():
    """An honest worker whose script the class map lacks says something else on every class."""
    answered = make_crowd()
    for number in range(50):
        answered.say(f"plain{number}", REVIEW, "honest", raw=f"ブランド{number % 25}")
    assert suspicion_of(answered, "honest") is None


def test_quoted_answers_are_short_and_printable():
    """A stranger's text comes into the reason cut, and without control characters."""
    answered = make_crowd()
    for number in range(50):
        answered.say(f"plain{number}", UNKNOWN, "spam", raw="\x1b[2J\u202e" + "x" * 99)
    assert suspicion_of(answered, "spam") == "answers '·[2j·xxxxxxxxxxxxxx…' 100% of 50 times"


@pytest.mark.parametrize(("right", "suspect"), [(True, None), (False, "agrees 0% over 40 votes, usual is 100%; median 1 s")])
def test_fast_workers_are_suspect_unless_they_are_good(right, suspect):
    """One second an answer, where twenty are usual."""
    answered = make_crowd()
    for number in range(40):
        answered.say(f"plain{number}", CLASSES[(number + (not right)) % 5], "fast", seconds=1.0)
    found = suspicion_of(answered, "fast")
    assert found == suspect if right else found.startswith(suspect)


def test_few_votes_are_never_suspect():
    """Nine wrong answers may be bad luck."""
    answered = make_crowd()
    for number in range(9):
        answered.say(f"plain{number}", CLASSES[(number + 1) % 5], "unlucky", seconds=1.0)
    assert suspicion_of(answered, "unlucky") is None


def test_majority_knows_no_skill():
    """Skill is null where it was not estimated; agreement is there."""
    row = worker_of(make_crowd().settle(method="majority"), "w0")
    assert row["skill"] is None
    assert row["agreement"] == 1.0


def test_workers_without_times_or_votes_have_nulls():
    """What isn't known is null, not nought."""
    answered = make_crowd(12)
    answered.say("plain0", IGNORED, "silent", seconds=None)
    answered.say("gone", "nike", "absent", seconds=None, has_image=False)
    settled = answered.settle()
    silent, absent = worker_of(settled, "silent"), worker_of(settled, "absent")
    assert (silent["agreement"], silent["median_work_time_s"], silent["no_label"]) == (None, None, 1)
    assert (absent["agreement"], absent["skill"], absent["annotations"], absent["votes"]) == (None, None, 1, 0)


def test_wilsons_interval():
    """Known values, and the whole range where nothing was tried."""
    low, high = bound_share(np.array([0, 5, 10, 0]), np.array([10, 10, 10, 0]))
    assert low.tolist() == pytest.approx([0, 0.2366, 0.7225, 0], abs=1e-4)
    assert high.tolist() == pytest.approx([0.2775, 0.7634, 1, 1], abs=1e-4)
