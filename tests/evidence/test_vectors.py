"""Vectors and which lie nearest."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import UsageError
from logoingest.evidence import Vectors, centre_vectors, find_nearest, read_vectors, scale_vectors, vectors
from logoingest.schemas import EmbeddingRow


def make_table(rows, model_hash="m" * 64):
    return EmbeddingRow.table(
        {"image_id": image_id, "model_hash": model_hash, "embedding": values} for image_id, values in rows.items()
    )


def draw(count, width=8, seed=0):
    matrix = scale_vectors(np.random.default_rng(seed).normal(size=(count, width)))
    return Vectors(tuple(f"{row:05}" for row in range(count)), matrix, "m" * 64)


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 5))
def test_the_nearest_are_those_of_a_whole_sort(count, asked, seed):
    """Whatever is held at once; fewer pictures than asked for are filled up."""
    drawn = draw(count, seed=seed)
    found = find_nearest(drawn, drawn.matrix[:3], asked)
    for query, rows, similarity in zip(drawn.matrix[:3], found.rows, found.similarity, strict=True):
        whole = np.round(drawn.matrix @ query, 6)
        order = np.lexsort((np.arange(count), -whole))[:asked]
        np.testing.assert_allclose(similarity[: len(order)], whole[order], atol=2e-6)
        assert (rows[len(order) :] == -1).all()
        assert rows[0] == order[0] or whole[rows[0]] == whole[order[0]]


def test_a_table_is_read_sorted_each_picture_once():
    read = read_vectors(pa.concat_tables([make_table({"b": [0.0, 2.0], "a": [3.0, 4.0]}), make_table({"b": [0.0, 2.0]})]))
    assert read.image_ids == ("a", "b")
    np.testing.assert_allclose(read.matrix, [[0.6, 0.8], [0, 1]], atol=1e-6)
    assert read.select(["b", "z"]).image_ids == ("b",)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (EmbeddingRow.empty_table(), "there are none"),
        (pa.concat_tables([make_table({"a": [1.0]}), make_table({"b": [1.0]}, "n" * 64)]), "2 networks"),
        (make_table({"a": [1.0], "b": [1.0, 2.0]}), "2 widths"),
        (make_table({"a": [float("nan")]}), "not finite"),
    ],
)
def test_what_is_no_set_of_vectors_is_said(table, message):
    with pytest.raises(UsageError, match=message):
        read_vectors(table)


def test_another_networks_query_is_refused():
    with pytest.raises(UsageError, match="the query has 5 numbers"):
        find_nearest(draw(4), np.ones((1, 5), np.float32), 2)


def test_a_vector_of_nothing_is_near_to_nothing():
    assert scale_vectors(np.zeros((1, 3))).tolist() == [[0, 0, 0]]


def test_more_than_an_exact_search_takes_is_searched_by_an_index(monkeypatch):
    """With the extra: the index finds nearly what the exact search does; without it the message says what to install."""
    drawn = draw(900, width=16)
    exact = find_nearest(drawn, drawn.matrix, 5)
    monkeypatch.setattr(vectors, "EXACT_LIMIT", 800)
    try:
        import faiss  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"logoingest\[search\]"):
            find_nearest(drawn, drawn.matrix, 5)
        return
    found = find_nearest(drawn, drawn.matrix, 5)
    same = [len(set(a) & set(b)) for a, b in zip(exact.rows.tolist(), found.rows.tolist(), strict=True)]
    assert sum(same) / (5 * len(same)) > 0.8


def test_from_their_middle_what_all_have_in_common_makes_no_two_alike():
    """A query is moved as the pictures are; of a few pictures nothing is known, and they stay where they are."""
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(80, 6))
    raw = apart + 20
    vectors = centre_vectors(Vectors(tuple(f"{row:02}" for row in range(80)), scale_vectors(raw), "m" * 64))
    assert np.abs((vectors.matrix @ vectors.matrix.T).mean()) < 0.1 < (scale_vectors(raw) @ scale_vectors(raw).T).mean()
    assert vectors.aim(raw[:3]) == pytest.approx(vectors.matrix[:3], abs=1e-5)
    assert vectors.select(["05"]).aim(raw[5:6]) == pytest.approx(vectors.matrix[5:6], abs=1e-5)
    few = Vectors(("a", "b"), scale_vectors(raw[:2]), "m" * 64)
    assert centre_vectors(few) is few
    with pytest.raises(UsageError, match="has 3 numbers"):
        vectors.aim(np.ones((1, 3)))
