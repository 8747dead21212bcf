"""Folds of equal size by the laws of the splits: no group is divided, rare classes are spread first, nothing but names and seed decides."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from logoingest.errors import Problem, UsageError
from logoingest.splits.balancing import balance_shares
from logoingest.splits.board import set_board
from logoingest.splits.group_placement import list_members, order_groups, place_groups
from logoingest.splits.grouping import form_groups, read_samples


def deal_folds(groups: Sequence[str], class_ids: Sequence[str], count: int, seed: int = 0) -> list[frozenset[str]]:
    """Deal groups of pictures out to folds, each with about the same share of every class.

    A class of at least ``count`` groups has one in every fold; the groups of a smaller class lie in different folds.

    Args:
        groups: the group of each picture.
        class_ids: the class of each picture.
        count: folds, at least 2.
        seed: which of the many ways.

    Returns:
        The groups of each fold; every group is in one.

    Raises:
        UsageError: there are fewer groups than folds.
    """
    there = len(set(groups))
    if count < 2 or there < count:
        what = f"{count} of {there:,} groups of pictures"
        raise UsageError(Problem("folds", what, "ask for at least 2, and for no more than there are groups"))
    ids = pa.array([f"{number:09}" for number in range(len(groups))], pa.string())
    lists = pa.array([[name] for name in class_ids], pa.list_(pa.string()))
    samples = read_samples(pa.table({"image_id": ids, "group_id": pa.array(groups, pa.string()), "class_ids": lists}))
    names = [f"fold {number}" for number in range(count)]
    formed = form_groups(samples, {}, {}, names, {})
    board = set_board(formed, samples.class_ids, dict.fromkeys(names, 1 / count), least=0)
    members = list_members(board, order_groups(formed.names, formed.sizes, seed))
    place_groups(board, members)
    balance_shares(board, members)
    return [
        frozenset(name for name, place in zip(formed.names, board.place, strict=True) if place == number) for number in range(count)
    ]
