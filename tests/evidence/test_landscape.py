"""The plane, and how the pictures of a class lie to each other."""

from __future__ import annotations

import numpy as np

from logoingest.evidence import Vectors, scale_vectors
from logoingest.evidence.landscape import describe_looks, project


def draw(count=30, seed=0):
    """Two classes around two directions; the last picture of each points elsewhere."""
    rng = np.random.default_rng(seed)
    matrix = 0.1 * rng.normal(size=(2 * count, 10)) + np.repeat(np.eye(10)[:2], count, axis=0)
    matrix[count - 1], matrix[-1] = np.eye(10)[5], np.eye(10)[6]
    return Vectors(tuple(f"{row:04}" for row in range(2 * count)), scale_vectors(matrix), "m" * 64)


def test_the_plane_keeps_classes_apart_whatever_the_order():
    drawn = draw()
    plane = project(drawn)
    assert plane.shape == (60, 2)
    assert abs(np.median(plane[:29, 0]) - np.median(plane[30:59, 0])) > 0.8
    turned = Vectors(drawn.image_ids[::-1], drawn.matrix[::-1], drawn.model_hash)
    np.testing.assert_allclose(project(turned)[::-1], plane, atol=1e-4)


def test_one_number_a_picture_is_a_plane_too():
    assert project(Vectors(("a", "b"), np.ones((2, 1), np.float32), "m")).tolist() == [[0, 0], [0, 0]]


def test_the_odd_one_is_named_and_near_duplicates_do_not_vouch_for_each_other():
    drawn = draw()
    settled = {image_id: "ab"[int(image_id) >= 30] for image_id in drawn.image_ids}
    looks = {one.class_id: one for one in describe_looks(drawn, settled, {})}
    assert looks["a"].unlike[0] == "0029"
    assert looks["a"].outliers == ["0029"]
    assert "0029" not in looks["a"].same
    twin = Vectors((*drawn.image_ids, "9999"), np.concatenate([drawn.matrix, drawn.matrix[[29]]]), "m")
    grouped = describe_looks(twin, {**settled, "9999": "a"}, {"0029": "g", "9999": "g"})
    assert set(grouped[0].outliers) == {"0029", "9999"}


def test_a_class_of_one_group_is_left_out():
    drawn = draw()
    assert describe_looks(drawn, {"0000": "a", "0001": "a"}, {"0000": "g", "0001": "g"}) == []
