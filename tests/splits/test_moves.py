"""Moves of groups between splits, by themselves: counts follow them, the first place of a group is where its class lacks most, and
evening out never takes from a class what it must have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.splits.balancing import EVEN, balance_shares
from logoingest.splits.board import Motive, set_board
from logoingest.splits.group_placement import choose_split, list_members, order_groups, place_groups
from logoingest.splits.grouping import NOWHERE, Groups

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
CLASSES = ["a", "b", "c"]

#: (size, classes, split or none) of each group.
groups = st.lists(
    st.tuples(st.integers(1, 6), st.sets(st.integers(0, 2), min_size=1, max_size=3).map(sorted), st.integers(NOWHERE, 2)),
    max_size=40,
)


def lay(rows, least: int = 1, watched: int = NOWHERE):
    names = [f"g{number:02d}" for number in range(len(rows))]
    sizes, classes, splits = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return set_board(Groups(names, sizes, classes, splits, np.arange(len(rows))), CLASSES, SHARES, least, watched)


def place_all(board):
    members = list_members(board, order_groups([f"g{number:02d}" for number in range(len(board.place))], board.sizes, 0))
    place_groups(board, members)
    return members


def count(board):
    """Pictures and groups by class and split, counted from where the groups are."""
    pictures, numbers = np.zeros((3, 3), int), np.zeros((3, 3), int)
    for size, classes, split in zip(board.sizes, board.classes, board.place, strict=True):
        if split >= 0:
            pictures[classes, split] += size
            numbers[classes, split] += 1
    return pictures.tolist(), numbers.tolist()


def measure_unevenness(board) -> float:
    have, target = np.array(board.have, float), np.array(board.target)
    return float(((have - target) ** 2 / np.maximum(have.sum(axis=1, keepdims=True), 1)).sum())


@given(groups, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2)), max_size=20))
def test_counts_follow_every_move(rows, moves):
    """However often a group is put somewhere, also where it is already."""
    board = lay(rows)
    for group, split in moves:
        if group < len(rows):
            board.put(group, split)
    assert (board.have, board.groups) == count(board)
    assert board.whole_have == [
        sum(size for size, place in zip(board.sizes, board.place, strict=True) if place == at) for at in range(3)
    ]


@given(groups)
def test_placing_and_evening_move_new_groups_only_and_leave_none_out(rows):
    """Every group has a place; what was placed before stays where it was; groups that moved are named."""
    board = lay(rows)
    members = place_all(board)
    placed = list(board.place)
    moved = balance_shares(board, members)
    assert all(split >= 0 for split in board.place)
    assert [place for place, (_, _, split) in zip(board.place, rows, strict=True) if split >= 0] == [s for *_, s in rows if s >= 0]
    assert {group for group, before in enumerate(placed) if board.place[group] != before} <= moved


@given(groups)
def test_evening_lowers_the_unevenness_and_takes_no_needed_group(rows):
    board = lay(rows)
    members = place_all(board)
    before, lacking = measure_unevenness(board), {(c, s) for c in range(3) for s in range(3) if board.lacks(c, s)}
    moved = balance_shares(board, members)
    assert {(c, s) for c in range(3) for s in range(3) if board.lacks(c, s)} <= lacking
    assert measure_unevenness(board) < before if moved else measure_unevenness(board) == before


def test_an_even_board_is_left_alone():
    """Within a picture of every share nothing moves."""
    board = lay([(1, [0], NOWHERE)] * 20)
    members = place_all(board)
    assert max(abs(have - want) for have, want in zip(board.have[0], board.target[0], strict=True)) <= EVEN
    assert balance_shares(board, members) == set()


def test_a_group_goes_where_its_class_lacks_most_and_says_so():
    """Train is full, test has what it must have: validation lacks a group, then the share decides."""
    board = lay([(14, [0], 0), (3, [0], 2), (1, [0], NOWHERE), (1, [0], NOWHERE)], watched=2)
    assert choose_split(board, 2, 0, board.open_splits) == 1
    place_all(board)
    assert (board.place[2], board.steps[0].why, board.steps[0].before, board.steps[0].after) == (
        1,
        Motive.QUOTA,
        None,
        "validation",
    )


@pytest.mark.slow
@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 1000), st.randoms())
def test_the_order_of_groups_is_their_own(sizes, seed, random):
    """Large ones first, equals by a hash of name and seed: in whatever order they are listed."""
    names = [f"n{number}" for number in range(len(sizes))]
    order = [names[index] for index in order_groups(names, sizes, seed)]
    assert [sizes[names.index(name)] for name in order] == sorted(sizes, reverse=True)
    shuffled = random.sample(list(zip(names, sizes, strict=True)), len(names))
    other_names, other_sizes = [name for name, _ in shuffled], [size for _, size in shuffled]
    assert [other_names[index] for index in order_groups(other_names, other_sizes, seed)] == order
