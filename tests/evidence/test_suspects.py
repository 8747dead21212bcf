"""The queue: which labels are asked about, and which are left alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.evidence.suspects import JudgedPictures, PictureKnowledge, find_suspects

CLASSES = ("acme", "bolt", "cog")


def make_judged(shares, labels, *, known=None):
    """Judged in two folds."""
    count = len(labels)
    return JudgedPictures(
        CLASSES,
        tuple(f"{row:064x}" for row in range(count)),
        np.array(labels, np.int64),
        ("train",) * count,
        np.arange(count) % 2,
        np.array(shares, np.float32),
        np.ones(count, bool) if known is None else np.array(known),
        (),
        np.zeros((0, len(CLASSES)), np.float32),
    )


def find(judged, confidence, votes, texts=None):
    settled = {name: CLASSES[label] for name, label in zip(judged.image_ids, judged.labels.tolist(), strict=True)}
    known = PictureKnowledge(
        dict(zip(judged.image_ids, confidence, strict=True)),
        dict(zip(judged.image_ids, votes, strict=True)),
        {},
        settled,
        *([] if texts is None else [dict(zip(judged.image_ids, texts, strict=True)), [(name, name) for name in CLASSES]]),
    )
    return find_suspects(judged, known, None)


def make_crowd(seed, count=60):
    """Pictures of a fair model, a tenth of them labelled at random; votes with and against the label."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, count)
    logits = rng.normal(size=(count, 3)) + 2 * np.eye(3)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.where(rng.random(count) < 0.1, rng.integers(0, 3, count), truth)
    votes = [{CLASSES[label]: int(rng.integers(1, 5)), CLASSES[int(rng.integers(3))]: 1} for label in labels.tolist()]
    return make_judged(shares, labels), rng.uniform(0.5, 1, count).tolist(), votes


@examples(25)
@given(st.integers(0, 1000))
def test_no_row_favours_its_own_label(seed):
    """Ranked from 1 without gaps, by a margin below nought that never falls back."""
    rows = find(*make_crowd(seed)).suspects.to_pylist()
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    margins = [row["margin"] for row in rows]
    assert margins == sorted(margins)
    assert all(margin < 0 for margin in margins)
    assert all(row["proposal"] != row["class_id"] for row in rows)


def test_what_five_workers_agree_on_is_not_asked_about_though_the_model_flags_it():
    """Of two pictures that the model says are bolt: five votes for acme to none, and two for acme to two for bolt."""
    rest = np.repeat(np.arange(3), 60)
    seen = np.where(np.arange(len(rest)) % 10 < 9, rest, (rest + 1) % 3)  # nine of ten rightly, as sure as that
    shares = np.concatenate([[[0.02, 0.96, 0.02]] * 2, 0.05 + 0.85 * np.eye(3)[seen]])
    labels = [0, 0, *rest.tolist()]
    votes = [{"acme": 5}, {"acme": 2, "bolt": 2}, *({CLASSES[label]: 5} for label in rest.tolist())]
    (row,) = find(make_judged(shares, labels), [0.999, 0.55, *[0.99] * len(rest)], votes).suspects.to_pylist()
    assert row["votes"] == "acme 2 : bolt 2"
    assert row["proposal"] == "bolt"
    assert "confident learning flags it" in row["detail"]


def test_a_class_that_no_other_fold_could_teach_is_not_judged_and_spoils_no_judgement():
    """Three pictures of a class that the judge cannot name, among others as before."""
    crowd, confidence, votes = make_crowd(3)
    before = find(crowd, confidence, votes)
    shares = np.concatenate([crowd.probabilities, [[0.0, 1.0, 0.0]] * 30])
    judged = make_judged(shares, [*crowd.labels.tolist(), *[0] * 30], known=[True] * 60 + [False] * 30)
    after = find(judged, [*confidence, *[0.9] * 30], [*votes, *[{}] * 30])
    assert (after.unjudged, after.temperature) == (30, before.temperature)
    assert {row["image_id"] for row in after.suspects.to_pylist()} <= set(crowd.image_ids)


def test_what_is_written_on_a_picture_speaks_beside_the_model_and_the_votes():
    """A model that knows nothing, three votes for bolt, and acme on the picture: a suspect that says so; the predictions stay the model's."""
    labels = np.repeat(np.arange(3), 30)
    labels[0] = 1
    shares = np.full((90, 3), 1 / 3)
    texts = [[f"{CLASSES[row // 30]} sale", "2026"] for row in range(90)]
    votes = [{CLASSES[label]: 3} for label in labels.tolist()]
    deaf, heard = (find(make_judged(shares, labels), [0.9] * 90, votes, read) for read in (None, texts))
    assert (deaf.suspects.num_rows, deaf.loudness) == (0, 0)
    (row,) = heard.suspects.to_pylist()
    assert (row["image_id"], row["class_id"], row["proposal"]) == (f"{0:064x}", "bolt", "acme")
    assert "; written on it: acme sale, 2026, as on acme" in row["detail"]
    assert heard.predictions == deaf.predictions
