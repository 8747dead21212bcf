"""Chains of copies that were cut into groups: the splits keep short ones whole."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.splits import join_chains
from logoingest.splits.chains import MOST_CHAINED


def list_samples(groups: list[str]) -> pa.Table:
    """Pictures p000, p001 … of these groups."""
    return pa.table({"image_id": [f"p{number:03}" for number in range(len(groups))], "group_id": groups, "kept": groups})


def list_copies(*pairs: tuple[str, str]) -> pa.Table:
    return pa.table({name: pa.array([pair[at] for pair in pairs], pa.string()) for at, name in enumerate(("image_id", "other_id"))})


def test_groups_of_a_short_chain_are_one_under_the_smallest_name():
    """What hangs on nothing, and other columns, stay as they are."""
    joined = join_chains(list_samples(["c", "b", "d", "a", "b"]), list_copies(("p000", "p001"), ("p004", "p002")))
    assert joined.column("group_id").to_pylist() == ["b", "b", "b", "a", "b"]
    assert joined.column("kept").to_pylist() == ["c", "b", "d", "a", "b"]


def test_pictures_that_are_no_samples_join_nothing():
    """A pair of which one side was refused leads nowhere."""
    samples = list_samples(["a", "b"])
    assert join_chains(samples, list_copies(("p000", "x"), ("x", "p001"))) is samples
    assert join_chains(samples, list_copies()) is samples


def test_a_long_chain_is_left_as_it_was_cut():
    """One large lump would spoil every share."""
    names = [f"g{number:03}" for number in range(MOST_CHAINED + 1)]
    pairs = [(f"p{number:03}", f"p{number + 1:03}") for number in range(MOST_CHAINED)]
    assert join_chains(list_samples(names), list_copies(*pairs)).column("group_id").to_pylist() == names
    short = join_chains(list_samples(names), list_copies(*pairs[:-1])).column("group_id").to_pylist()
    assert short == ["g000"] * MOST_CHAINED + [names[-1]]


@given(
    groups=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12),
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=8),
    order=st.randoms(use_true_random=False),
)
@examples(60)
def test_the_order_of_pictures_and_pairs_decides_nothing(groups, pairs, order):
    """Nor is a group ever divided."""
    samples = list_samples(groups)
    known = [(f"p{one:03}", f"p{other:03}") for one, other in pairs]
    joined = join_chains(samples, list_copies(*known))
    rows, shuffled = list(range(len(groups))), list(known)
    order.shuffle(rows)
    order.shuffle(shuffled)
    again = join_chains(samples.take(rows), list_copies(*((other, one) for one, other in shuffled))).sort_by("image_id")
    assert again.column("group_id").to_pylist() == joined.column("group_id").to_pylist()
    assert len(set(zip(groups, joined.column("group_id").to_pylist(), strict=True))) == len(set(groups))
