"""Who answers like somebody else."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from builders.answers import REVIEW, Answered, worker_of
from logoingest.consensus.one_coin import settle_votes
from logoingest.samples.copies import find_copies

CLASSES = ["nike", "puma", "audi", "ford", "bmw", "visa", "shell", "ups", "lg", "dell"]


def simulate(seed, pictures=300, workers=12, each=6, wrong=0.2, classes=10):
    """(picture, worker, saying, settled): workers err each for themselves."""
    random = np.random.default_rng(seed)
    picture = np.repeat(np.arange(pictures), each)
    worker = np.argsort(random.random((pictures, workers)), axis=1)[:, :each].ravel()
    truth = random.integers(0, classes, pictures)[picture]
    saying = np.where(random.random(len(picture)) < wrong, random.integers(0, classes, len(picture)), truth)
    return picture, worker, saying, truth


def add_copier(crowd, of, share=0.9, seed=0):
    """A further worker who gives ``of``'s answers."""
    picture, worker, saying, settled = crowd
    rows = np.flatnonzero((worker == of) & (np.random.default_rng(seed).random(len(worker)) < share))
    new = np.full(len(rows), worker.max() + 1)
    return (
        np.concatenate([picture, picture[rows]]),
        np.concatenate([worker, new]),
        np.concatenate([saying, saying[rows]]),
        np.concatenate([settled, settled[rows]]),
    )


def pairs_of(found):
    return list(zip(found.one.tolist(), found.other.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(10))
def test_honest_crowds_hold_no_copies(seed):
    """Workers who err each for themselves are never said to be alike."""
    assert pairs_of(find_copies(*simulate(seed))) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_copier_is_found_with_her_source(seed):
    """The same odd answers to the same pictures, and no third worker beside the two."""
    found = find_copies(*add_copier(simulate(seed), of=3))
    assert pairs_of(found) == [(3, 12)]
    assert found.shared[0] > 10 > found.expected[0]
    assert found.shared[0] <= found.common[0]


def test_a_shared_habit_is_no_copy():
    """Two who both take class 0 for class 1, everywhere, do so each for herself."""
    picture, worker, saying, settled = simulate(1, wrong=0.05)
    confuses = (worker < 2) & (settled == 0)
    assert pairs_of(find_copies(picture, worker, np.where(confuses, 1, saying), settled)) == []


def test_hard_pictures_are_no_copies():
    """Where everybody tends to the same wrong answer, agreeing on it says nothing."""
    picture, worker, saying, settled = simulate(2, wrong=0.1)
    random = np.random.default_rng(2)
    fooled = (picture % 4 == 0) & (random.random(len(picture)) < 0.6)
    assert pairs_of(find_copies(picture, worker, np.where(fooled, (settled + 3) % 10, saying), settled)) == []


def test_rows_in_any_order_give_the_same():
    """What is found does not hang on the order of answers."""
    crowd = add_copier(simulate(4), of=5)
    order = np.random.default_rng(0).permutation(len(crowd[0]))
    for one, other in zip(find_copies(*crowd), find_copies(*(column[order] for column in crowd)), strict=True):
        assert one.tolist() == other.tolist()


def test_nothing_holds_no_copies():
    """No answers, no settled pictures, one answer a picture."""
    nothing = np.zeros(0, np.intp)
    assert pairs_of(find_copies(nothing, nothing, nothing, nothing)) == []
    some = np.arange(20)
    assert pairs_of(find_copies(some // 2, some % 2, some, np.full(20, -1))) == []
    assert pairs_of(find_copies(some, some * 0, some * 0 + 1, some * 0)) == []


@pytest.mark.parametrize("name", ["dogs4", "face_sentiment", "product_match"])
def test_real_crowds_hold_none_but_a_planted_one(shared_data: Path, name):
    """On real tasks, whose workers make the same mistakes, nobody is accused; a planted copier is found where classes are many."""
    with (shared_data / "crowd" / "gold" / f"{name}_answers_with_gold.csv").open(encoding="utf-8") as file:
        table = {(row["item"], row["worker"]): int(row["answer"]) for row in csv.DictReader(file)}
    items, workers = (np.unique([key[place] for key in table], return_inverse=True)[1] for place in (0, 1))
    classes = np.array(list(table.values()))
    crowd = (items, workers, classes, settle_votes(items, workers, classes, 4).classes[items])
    assert pairs_of(find_copies(*crowd)) == []
    if name != "product_match":  # of two classes there is one wrong answer only
        busiest = int(np.bincount(workers).argmax())
        assert pairs_of(find_copies(*add_copier(crowd, busiest))) == [(busiest, workers.max() + 1)]


def test_the_worker_table_names_the_other_and_says_how_much():
    """Both of a pair get the other's id, the count and a reason; the rest get nothing."""
    answered = Answered()
    random = np.random.default_rng(0)
    for number in range(80):
        right = CLASSES[number % 10]
        said = [right if random.random() < 0.75 else str(random.choice(CLASSES)) for _ in range(6)]
        answered.vote(f"p{number}", said)
        answered.say(f"p{number}", said[2], "thief")
    settled = answered.settle()
    thief, source = worker_of(settled, "thief"), worker_of(settled, "w2")
    assert (thief["like"], source["like"]) == ("w2", "thief")
    assert thief["like_answers"] == source["like_answers"] > 10
    assert "odd answers are w2's too, chance gives" in thief["suspect"]
    for name in ("w0", "w1", "w3", "w4", "w5"):
        row = worker_of(settled, name)
        assert (row["like"], row["like_answers"]) == (None, 0)


def test_a_script_the_map_lacks_is_no_copy():
    """Two honest workers whose writing can't be read type the same for the same brand, everywhere."""
    answered = Answered()
    for number in range(60):
        answered.vote(f"p{number}", [CLASSES[number % 10]] * 4)
        for worker in ("ja1", "ja2"):
            answered.say(f"p{number}", REVIEW, worker, raw=f"ブランド{number % 10}")
    settled = answered.settle()
    assert worker_of(settled, "ja1")["like"] is None
    assert worker_of(settled, "ja2")["suspect"] is None
