"""The text on the pictures beside the model: heard where it tells, silent where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.evidence.vectors import scale_vectors
from logoingest.evidence.written import compare_texts, hear_texts, weigh_likeness

NAMES = ("acme tools", "bolt cola", "cog bier", "dune air")
SPELLINGS = [(name, number) for number, name in enumerate(NAMES)]


def make_pictures(seed, count=200):
    """A model that is right by half, labels of which a tenth are wrong, and the brand written on every second picture, with a slip."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, count)
    logits = rng.normal(size=(count, 4)) + np.eye(4)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.where(rng.random(count) < 0.1, (truth + 1) % 4, truth)
    texts = [[NAMES[number][: rng.integers(4, 9)], "sale"] if rng.random() < 0.5 else [] for number in truth.tolist()]
    return shares, labels, rng.integers(0, 5, count), texts, truth


def hear(shares, labels, folds, texts, spellings=()):
    return hear_texts(shares, labels, folds, np.ones(len(labels), bool), texts, spellings)


@pytest.mark.parametrize("spellings", [(), SPELLINGS])
def test_a_brand_that_is_written_is_heard(spellings):
    """Whether the classes' spellings are known beforehand or not: where it is written the right class wins, though labels are wrong."""
    shares, labels, folds, texts, truth = make_pictures(1)
    heard = hear(shares, labels, folds, texts, spellings)
    is_written = np.array([bool(text) for text in texts])
    assert heard.loudness > 0.5
    assert (heard.shares.argmax(axis=1) == truth)[is_written].mean() > 0.95 > (shares.argmax(axis=1) == truth)[is_written].mean()
    assert (heard.speaks_for == truth)[is_written].mean() > 0.95


@examples(25)
@given(st.integers(0, 1000))
def test_a_picture_without_text_keeps_what_the_model_says(seed):
    """To the bit; and so does every picture where there is no text at all."""
    shares, labels, folds, texts, _ = make_pictures(seed)
    bare = np.array([not text for text in texts])
    heard = hear(shares, labels, folds, texts, SPELLINGS)
    assert (heard.shares[bare] == shares[bare]).all()
    assert (heard.speaks_for[bare] == -1).all()
    assert hear(shares, labels, folds, [[]] * len(labels), SPELLINGS).shares is shares
    assert hear(shares, labels, folds, [[]] * len(labels)).loudness == 0


@examples(25)
@given(st.integers(0, 1000))
def test_text_that_says_nothing_of_the_class_is_not_heard(seed):
    """Watermarks, shop signs: words that stand on pictures of every class alike, brands' names among them."""
    shares, labels, folds, texts, _ = make_pictures(seed)
    rng = np.random.default_rng(seed)
    heard = hear(shares, labels, folds, [texts[row] for row in rng.permutation(len(texts))], SPELLINGS)
    assert heard.loudness < 0.3
    assert (hear(shares, labels, folds, [["flickr"]] * len(labels)).shares == shares).all()


@examples(10)
@given(st.integers(0, 1000))
def test_the_order_of_the_pictures_does_not_matter(seed):
    """Nor that of the texts on one, nor how often one stands there."""
    shares, labels, folds, texts, _ = make_pictures(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    before = hear(shares, labels, folds, texts, SPELLINGS)
    turned = [[*texts[row][::-1], *texts[row]] for row in order]
    after = hear(shares[order], labels[order], folds[order], turned, SPELLINGS[::-1])
    np.testing.assert_allclose(after.shares, before.shares[order], atol=1e-4)
    assert after.loudness == pytest.approx(before.loudness, abs=1e-3)


def test_a_picture_teaches_neither_itself_nor_its_fold():
    """A word that stands on pictures of one fold alone says nothing there; on test, which is in no fold, it does."""
    shares, labels, folds, texts, _ = make_pictures(2)
    folds[0] = -1
    inside = np.flatnonzero(folds == 0)
    for row in [0, *inside.tolist()]:
        texts[row] = ["quux"]
    labels[inside] = 3
    heard = hear(shares, labels, folds, texts)
    assert (heard.speaks_for[inside] == -1).all()
    assert heard.speaks_for[0] == 3
    assert heard.shares[0, 3] > shares[0, 3]


def test_texts_are_as_like_as_the_rare_letters_they_share():
    """Slips leave likeness; what stands everywhere, or nothing, is like nothing."""
    (like,) = compare_texts([["google sale"], ["gogle"], ["sale"], [], ["yahoo", "sale"], ["google"]], [0])
    assert like[0] == pytest.approx(1)
    assert like[5] > like[1] > like[4] > 0 == like[3]
    assert not compare_texts([["flickr"], ["flickr"]], [0, 1]).any()


@pytest.mark.parametrize(("written", "fit", "is_heard"), [(True, True, True), (False, True, False), (True, False, False)])
def test_likeness_of_texts_counts_where_it_brings_classes_together(written, fit, is_heard):
    """Not where the same texts stand on pictures at random, nor where there is nothing to judge by; pictures of a group are no proof."""
    rng = np.random.default_rng(5)
    _, _, _, texts, classes = make_pictures(5)
    texts = texts if written else [texts[row] for row in rng.permutation(len(texts))]
    matrix, groups, fitted = scale_vectors(rng.normal(size=(len(texts), 8))), np.arange(len(texts)), np.full(len(texts), fit)
    assert (weigh_likeness(matrix, classes, groups, texts, fitted) > 0) == is_heard
    assert weigh_likeness(matrix, classes, classes, texts, fitted) == 0
    assert weigh_likeness(matrix[:0], classes[:0], groups[:0], [], fitted[:0]) == 0
