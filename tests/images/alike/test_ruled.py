"""What people said of copies joins and parts groups; equal pixels stay together whatever was said."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.images.alike.duplicates import Grouping, group_copies, group_equal
from logoingest.images.alike.ruled import RuledPairs, SignedPictures, apply_ruled
from logoingest.schemas import CopyKind, CopyRow

NAMES = tuple("abcdefgh")


def draw_photos(seed: int, noise: float, count: int = len(NAMES)) -> SignedPictures:
    """Pictures of which each four in a row are one picture with more or less noise; the first two have equal pixels."""
    numbers = np.random.default_rng(seed)
    motifs = numbers.integers(0, 256, (-(-count // 4), 1_024))
    rows = [
        np.clip(motifs[row // 4] + numbers.normal(0, noise * (row % 4), 1_024), 0, 255).astype(np.uint8) for row in range(count)
    ]
    rows[1] = rows[0]
    return SignedPictures(NAMES[:count], [row.tobytes() for row in rows], ["p0", "p0", *(f"p{row}" for row in range(2, count))])


def make_pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def say(grouping: Grouping, photos: SignedPictures, **pairs: list[str]) -> dict[str, str]:
    """Picture → group, after what is said of pairs like ``"ab"``."""
    ruled = RuledPairs(**{name: frozenset(make_pair(*pair) for pair in said) for name, said in pairs.items()})
    return dict(zip(photos.image_ids, apply_ruled(grouping, photos, ruled).groups, strict=True))


def test_what_is_not_the_same_is_two_groups_and_the_rest_goes_with_the_likest():
    """c is d with more noise: parted, b stays with a, whose pixels it has."""
    photos = draw_photos(1, 6.0)
    grouping = group_copies(*photos)
    assert set(grouping.groups[:4]) == {"a"}
    groups = say(grouping, photos, apart=["ad"])
    assert groups["a"] == groups["b"] == "a"
    assert groups["d"] != "a"
    assert groups["e"] == "e"


def test_what_is_the_same_is_one_group_with_evidence():
    """Two groups become one; the pair stands among the copies as ruled, with what can be measured of it."""
    photos = draw_photos(2, 4.0)
    made = apply_ruled(group_copies(*photos), photos, RuledPairs(same=frozenset({("a", "e")})))
    assert set(made.groups) == {"a"}
    [row] = [row for row in made.copies.to_pylist() if row["kind"] == CopyKind.RULED]
    assert (row["image_id"], row["other_id"]) == ("a", "e")
    assert made.copies.schema == CopyRow.arrow_schema()


def test_equal_pixels_are_never_parted():
    """Whatever somebody says."""
    photos = draw_photos(3, 4.0)
    grouping = group_copies(*photos)
    assert apply_ruled(grouping, photos, RuledPairs(apart=frozenset({("a", "b")}))) == grouping


def test_not_the_same_beats_the_same_by_a_third():
    """a = c and c = d are said, and a ≠ d: one of the two joints gives way, a and d are apart."""
    photos = draw_photos(4, 4.0)
    groups = say(group_copies(*photos), photos, same=["ac", "cd"], apart=["ad"])
    assert groups["a"] != groups["d"]
    assert groups["a"] == groups["c"]


def test_pictures_of_one_colour_can_be_ruled_on():
    """Nothing can be measured of them."""
    flat = SignedPictures(("a", "b"), [bytes(1_024), bytes([9]) * 1_024], ("p", "q"))
    made = apply_ruled(group_copies(*flat), flat, RuledPairs(same=frozenset({("a", "b")})))
    assert made.groups == ["a", "a"]
    assert np.isfinite(made.copies.column("residual").to_numpy()).all()


PAIRS = st.sets(st.sampled_from(list(itertools.combinations(NAMES, 2))), max_size=6)


@pytest.mark.slow
@given(st.integers(0, 40), st.sampled_from([0.0, 3.0, 9.0]), PAIRS, PAIRS, st.permutations(range(len(NAMES))))
@examples(40)
def test_rulings_hold_whatever_was_found(seed, noise, same, apart, order):
    """Apart are apart but for equal pixels; the same are together unless that would join what is apart; the order changes nothing."""
    photos = draw_photos(seed, noise)
    ruled = RuledPairs(frozenset(same - apart), frozenset(apart))
    grouping = group_copies(*photos)
    made = apply_ruled(grouping, photos, ruled)
    groups = dict(zip(NAMES, made.groups, strict=True))
    assert all(groups[one] != groups[other] for one, other in apart - {("a", "b")})
    assert groups["a"] == groups["b"]
    if not apart:
        assert all(groups[one] == groups[other] for one, other in same)
    for name, group in groups.items():
        assert group == min(one for one in NAMES if groups[one] == group), name
    assert not {(row["image_id"], row["other_id"]) for row in made.copies.to_pylist()} & (apart - {("a", "b")})
    mixed = SignedPictures(*([column[row] for row in order] for column in photos))
    again = apply_ruled(group_copies(*mixed), mixed, ruled)
    assert dict(zip(mixed.image_ids, again.groups, strict=True)) == groups
    assert again.copies.equals(made.copies)


@pytest.mark.parametrize("said", [RuledPairs(), RuledPairs(same=frozenset({("x", "y")}), apart=frozenset({("a", "z")}))])
def test_what_is_not_there_changes_nothing(said):
    """Rulings name pictures by their bytes: a workspace may lack them."""
    photos = draw_photos(5, 4.0)
    empty = Grouping(group_equal(photos.image_ids, photos.pixel_hashes), CopyRow.empty_table())
    assert apply_ruled(empty, photos, said) == empty
    assert isinstance(empty.copies, pa.Table)
