"""Votes to classes: winners, ties, skills, confidence."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.consensus import confidence as calibration
from logoingest.consensus.confidence import SHARED_ERROR, fit_gold
from logoingest.consensus.one_coin import PRIOR_SKILL, Settled, settle_votes


def vote(rows, n_classes, **options) -> Settled:
    items, workers, classes = np.array(rows, np.int64).reshape(-1, 3).T
    return settle_votes(items, workers, classes, n_classes, **options)


def simulate(n_items, votes_each, n_classes, spammers, seed):
    """(votes, truth): workers of 0.8 to 0.95, the first ``spammers`` tenths of 40 answer blindly."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, n_classes, n_items)
    skill = np.where(np.arange(40) < 4 * spammers, 1 / n_classes, random.uniform(0.8, 0.95, 40))
    item = np.repeat(np.arange(n_items), votes_each)
    worker = np.argsort(random.random((n_items, 40)), axis=1)[:, :votes_each].ravel()
    right = random.random(len(item)) < skill[worker]
    return np.column_stack([item, worker, np.where(right, truth[item], random.integers(0, n_classes, len(item)))]), truth


def measure_calibration_error(confidence, right, bins=15):
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == k].mean() - right[place == k].mean()) * (place == k).mean() for k in np.unique(place)]
    return float(sum(gaps))


class TestMajority:
    def test_most_votes_win_with_their_share(self):
        """Majority: the class named most wins, and confidence is its share of the votes."""
        settled = vote([(7, 0, 2), (7, 1, 2), (7, 2, 0), (9, 0, 1)], 3, method="majority")
        assert settled.items.tolist() == [7, 9]
        assert settled.classes.tolist() == [2, 1]
        assert settled.confidence.tolist() == pytest.approx([2 / 3, 1.0])
        assert settled.votes.tolist() == [3, 1]
        assert not settled.tied.any()
        assert np.isnan(settled.skill).all()

    def test_equal_counts_are_tied(self):
        """Two classes named equally often are a tie, whoever named them."""
        settled = vote([(0, 0, 1), (0, 1, 0)], 2, method="majority")
        assert settled.tied.tolist() == [True]
        assert settled.agreement.tolist() == [0.5]


class TestOneCoin:
    def test_good_workers_outweigh_more_spammers(self):
        """Two spammers who agree by chance don't outvote a worker who is right everywhere else."""
        rows = [(item, worker, item % 5) for item in range(40) for worker in (0, 1, 2)]
        rows += [(item, worker, (item * 7 + worker) % 5) for item in range(40) for worker in (8, 9)]
        rows += [(99, 0, 4), (99, 8, 1), (99, 9, 1)]
        settled = vote(rows, 5)
        assert settled.classes[-1] == 4
        assert vote(rows, 5, method="majority").classes[-1] == 1
        skill = dict(zip(settled.workers.tolist(), settled.skill.tolist(), strict=True))
        assert skill[0] > 0.9 > 0.4 > skill[8]

    def test_anonymous_voters_keep_the_prior_skill(self):
        """A negative worker is nobody: the votes teach nothing about a skill."""
        settled = vote([(item, -1, item % 3) for item in range(30) for _ in range(3)], 3)
        assert settled.workers.tolist() == [-1]
        assert settled.skill.tolist() == [PRIOR_SKILL]

    def test_lonely_votes_teach_nothing_about_skill(self):
        """A worker whose votes nobody else checked isn't thought better for agreeing with herself."""
        settled = vote([(item, 5, item % 3) for item in range(50)], 3)
        assert settled.skill.tolist() == [PRIOR_SKILL]
        assert settled.confidence.max() < 0.9

    def test_even_anonymous_votes_are_tied(self):
        """One vote each by strangers is a tie at one half, but for what everybody gets wrong."""
        settled = vote([(0, -1, 0), (0, -1, 1)], 2)
        assert settled.tied.tolist() == [True]
        assert settled.confidence.tolist() == pytest.approx([0.5 * (1 - SHARED_ERROR)])

    def test_nobody_is_believed_beyond_the_error_crowds_share(self):
        """However many agree, the confidence stays below the share of labels that whole crowds get right."""
        settled = vote([(item, worker, item % 4) for item in range(40) for worker in range(30)], 4)
        assert 0.95 < settled.confidence.min() <= settled.confidence.max() <= 1 - SHARED_ERROR

    def test_correlation_is_learned_from_held_out_workers(self):
        """Votes that err each for itself are independent; items that are hard for everybody show, with no right answer given."""
        rows, _ = simulate(800, 6, 4, 0, seed=8)
        random = np.random.default_rng(8)
        truth = random.integers(0, 4, 800)
        pull = random.beta(1.2, 0.5, 800)  # how easy each item is, for everybody
        hard = [
            (item, worker, truth[item] if random.random() < pull[item] else (truth[item] + 1) % 4)
            for item in range(800)
            for worker in random.choice(40, 6, replace=False)
        ]
        assert vote(rows, 4).correlation <= 0.05
        settled = vote(hard, 4)
        assert settled.correlation >= 0.3
        right = settled.classes == truth
        raw = vote(hard, 4, calibrate=False)
        error = measure_calibration_error(settled.confidence, right)
        assert error < 0.75 * measure_calibration_error(raw.confidence, right)
        assert settled.classes.tolist() == raw.classes.tolist()

    def test_more_agreeing_votes_are_surer(self):
        """Confidence rises with each further vote for the same class."""
        rows = [(item, -1, item % 4) for item in range(100)]
        rows += [(1000, -1, 0)] * 2 + [(1001, -1, 0)] * 4
        settled = vote(rows, 4)
        assert settled.confidence[0] < settled.confidence[100] < settled.confidence[101] <= 1

    @pytest.mark.parametrize("n_classes", [4, 30, 300])
    def test_beats_majority_where_some_are_spammers(self, n_classes):
        """With three votes an item and a fifth of spammers, weighing workers is better than counting heads."""
        rows, truth = simulate(1500, 3, n_classes, 2, seed=n_classes)
        em, majority = vote(rows, n_classes), vote(rows, n_classes, method="majority")
        assert (em.classes == truth).mean() > (majority.classes == truth).mean()
        assert measure_calibration_error(em.confidence, em.classes == truth) <= 0.05

    def test_skill_lies_in_its_interval(self):
        """The estimated skill is near the share of right answers, inside an interval that narrows with votes."""
        rows, truth = simulate(2000, 5, 10, 1, seed=3)
        settled = vote(rows, 10)
        right = np.array([(truth[rows[rows[:, 1] == worker, 0]] == rows[rows[:, 1] == worker, 2]).mean() for worker in range(40)])
        assert np.abs(settled.skill - right).max() < 0.08
        assert ((settled.skill_low <= settled.skill) & (settled.skill <= settled.skill_high)).all()
        few, many = vote([(0, 0, 0), (0, 1, 0)], 2), settled
        assert (few.skill_high - few.skill_low)[0] > (many.skill_high - many.skill_low).max()

    def test_gold_questions_calibrate(self):
        """Known answers pull confidence towards how often it was right; gold that tells nothing about workers moves no winner."""
        random = np.random.default_rng(5)
        truth = random.integers(0, 2, 600)
        shown = np.where(random.random(600) < 0.35, 1 - truth, truth)  # a third of the items fools everybody at once
        rows = [(item, worker, int(shown[item] ^ (random.random() < 0.1))) for item in range(600) for worker in range(6)]
        plain = vote(rows, 2)
        gold = vote(rows, 2, gold_items=np.arange(0, 600, 6), gold_classes=truth[::6])
        assert gold.classes.tolist() == plain.classes.tolist()
        right = plain.classes == truth
        rest = np.arange(600) % 6 != 0
        before = measure_calibration_error(plain.confidence[rest], right[rest])
        assert measure_calibration_error(gold.confidence[rest], right[rest]) < 0.1 < 0.2 < before

    def test_gold_questions_seed_the_skills(self):
        """Two workers against two, always: a tie on every item, until a few right answers show who is who."""
        random = np.random.default_rng(6)
        truth = random.integers(0, 5, 200)
        rows = [(item, worker, int(truth[item] + (worker > 1)) % 5) for item in range(200) for worker in range(4)]
        known = np.arange(0, 200, 10)
        seeded = vote(rows, 5, gold_items=known, gold_classes=truth[known])
        assert (seeded.classes == truth).mean() == 1
        assert seeded.skill[0] > 0.9 > 0.3 > seeded.skill[2]

    def test_gold_nobody_voted_for_is_no_fault(self):
        """Items without votes, classes without votes, and no gold at all."""
        rows = [(item, worker, item % 2) for item in range(20) for worker in range(3)]
        odd = vote(rows, 2, gold_items=np.array([5, 999]), gold_classes=np.array([7, 1]))
        assert odd.classes.tolist() == [item % 2 for item in range(20)]
        nothing = np.zeros(0, int)
        none = vote(rows, 2, gold_items=nothing, gold_classes=nothing)
        assert none.confidence.tolist() == vote(rows, 2).confidence.tolist()

    def test_many_gold_questions_may_bend_confidence_freely(self):
        """Where being right jumps with confidence, isotonic regression follows and beta calibration alone could not."""
        random = np.random.default_rng(7)
        confidence = random.uniform(0.5, 1, 4000)
        chance = np.where(confidence < 0.75, 0.3, 0.9)
        right = random.random(4000) < chance
        known = np.arange(0, 4000, 4)
        fitted = fit_gold(np.arange(4000), np.zeros(4000, int), confidence, known, np.where(right, 0, 1)[known])
        assert np.abs(fitted - chance).mean() < 0.05
        assert (np.diff(fitted[np.argsort(confidence)]) >= -1e-12).all()


class TestEdges:
    def test_many_classes_and_vote_counts_are_summed_nearly(self, monkeypatch):
        """Where classes times distinct vote counts are too many to sum, sums in between give nearly the same confidence."""
        rows = [(item, worker, (item + (worker % 7 == 0)) % 90) for item in range(90) for worker in range(item + 1)]
        exact = vote(rows, 2000)
        monkeypatch.setattr(calibration, "_EXACT_TERMS", 60_000)
        near = vote(rows, 2000)
        assert near.confidence.tolist() == pytest.approx(exact.confidence.tolist(), abs=3e-3)

    def test_nothing_settles_nothing(self):
        """No votes, no items, for either method."""
        for method in ("majority", "one_coin"):
            settled = vote([], 0, method=method)
            assert len(settled.items) == len(settled.workers) == 0

    def test_one_class_only_is_certain(self):
        """Where there is one class to choose from, it is it."""
        assert vote([(0, 0, 0), (1, 0, 0)], 1).confidence.tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("class_", [-1, 3])
    def test_class_out_of_range_is_refused(self, class_):
        """A class that is none of n_classes is a caller's fault."""
        with pytest.raises(ValueError, match="don't fit 0 to 2"):
            vote([(0, 0, class_)], 3)

    def test_unequal_lengths_are_refused(self):
        """Three columns of one length, or nothing."""
        with pytest.raises(ValueError, match="not one entry a vote"):
            settle_votes(np.arange(2), np.arange(3), np.arange(3), 3)

    def test_huge_ids_are_fine(self):
        """Items, workers and class counts so large that they don't pack into one integer give the same answer."""
        rows = [(0, 1, 0), (0, 2, 0), (0, 3, 1), (5, 1, 1)]
        small = vote(rows, 2)
        large = vote([(item << 40, worker << 40, class_) for item, worker, class_ in rows], 2)
        assert large.items.tolist() == [0, 5 << 40]
        assert large.confidence.tolist() == small.confidence.tolist()


votes_strategy = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 5), st.integers(0, 3)), max_size=40)


@pytest.mark.slow
@given(votes_strategy, st.randoms(use_true_random=False), st.sampled_from(["majority", "one_coin"]))
def test_order_of_votes_changes_no_byte(rows, random, method):
    """The same votes in any order give the same bytes."""
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = vote(rows, 4, method=method), vote(shuffled, 4, method=method)
    for field in dataclasses.fields(Settled):
        assert np.asarray(getattr(one, field.name)).tobytes() == np.asarray(getattr(other, field.name)).tobytes()


@given(votes_strategy, st.sampled_from(["majority", "one_coin"]))
def test_numbers_stay_in_range(rows, method):
    """Every item has a winner somebody named, and every probability is one."""
    settled = vote(rows, 4, method=method)
    assert settled.items.tolist() == sorted({item for item, _, _ in rows})
    for item, class_ in zip(settled.items, settled.classes, strict=True):
        assert any((item, class_) == (row[0], row[2]) for row in rows)
    for shares in (settled.confidence, settled.agreement, settled.worker_agreement):
        assert ((shares >= 0) & (shares <= 1)).all()


@given(votes_strategy)
def test_without_weights_it_is_majority_vote_exactly(rows):
    """Weights off: the class named most wins, the smallest of those that tie, and its share is the confidence."""
    settled = vote(rows, 4, method="majority")
    for place, item in enumerate(settled.items.tolist()):
        counts = Counter(class_ for of, _, class_ in rows if of == item)
        most = max(counts.values())
        best = sorted(class_ for class_, count in counts.items() if count == most)
        assert settled.classes[place] == best[0]
        assert settled.tied[place] == (len(best) > 1)
        assert settled.confidence[place] == pytest.approx(most / counts.total(), abs=1e-9)


@given(votes_strategy)
def test_calibration_changes_no_winner(rows):
    """Confidence is learned, the winners stay those of EM."""
    calibrated, raw = vote(rows, 4), vote(rows, 4, calibrate=False)
    assert calibrated.classes.tolist() == raw.classes.tolist()
    assert calibrated.tied.tolist() == raw.tied.tolist()


@given(votes_strategy, st.permutations(range(4)))
def test_names_of_classes_do_not_matter(rows, permutation):
    """Renaming the classes renames the winners, apart from ties."""
    plain = vote(rows, 4)
    renamed = vote([(item, worker, permutation[class_]) for item, worker, class_ in rows], 4)
    clear = ~plain.tied
    assert [permutation[class_] for class_ in plain.classes[clear]] == renamed.classes[clear].tolist()


@pytest.mark.parametrize(
    ("name", "floor", "limit"),
    # ducks has 108 items, on which perfect calibration shows .07; face_sentiment's crowd errs together, which no vote tells
    [("dogs4", 0.825, 0.05), ("ducks", 0.75, 0.11), ("face_sentiment", 0.63, 0.18), ("product_match", 0.92, 0.05)],
)
def test_real_tasks_are_settled_better_than_by_majority(shared_data: Path, name, floor, limit):
    """On real MTurk tasks EM is right more often than majority, and its confidence is nearer the truth than EM's own."""
    with (shared_data / "crowd" / "gold" / f"{name}_answers_with_gold.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    items, workers = (np.unique([row[key] for row in table], return_inverse=True)[1] for key in ("item", "worker"))
    classes, gold = (np.array([int(row[key]) for row in table]) for key in ("answer", "gold"))
    truth = np.zeros(items.max() + 1, int)
    truth[items] = gold
    n_classes = int(max(classes.max(), gold.max())) + 1
    em = settle_votes(items, workers, classes, n_classes)
    raw = settle_votes(items, workers, classes, n_classes, calibrate=False)
    majority = settle_votes(items, workers, classes, n_classes, method="majority")
    right = em.classes == truth
    assert right.mean() >= max(floor, (majority.classes == truth).mean())
    error = measure_calibration_error(em.confidence, right)
    assert error <= 0.6 * measure_calibration_error(raw.confidence, right)
    assert error <= limit
