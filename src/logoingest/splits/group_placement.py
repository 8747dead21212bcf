"""Groups one after the other, each where its rarest class wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from logoingest.splits.board import Board, Motive


def order_groups(names: Sequence[str], sizes: Sequence[int], seed: int) -> list[int]:
    """Large groups first, since they need room; else the order of a hash of name and seed, which nobody can steer."""
    prefix = hashlib.sha256(f"{seed}:".encode())
    digests = bytearray()
    for name in names:
        digest = prefix.copy()
        digest.update(name.encode())
        digests += digest.digest()[:8]
    hashes = np.frombuffer(bytes(digests), ">u8")
    return [int(index) for index in np.lexsort((np.arange(len(names)), hashes, -np.array(sizes, np.int64)))]


def list_members(board: Board, order: Sequence[int]) -> list[list[int]]:
    """Class → its new groups, in order."""
    members: list[list[int]] = [[] for _ in board.class_ids]
    for group in order:
        if board.free[group]:
            for number in board.classes[group]:
                members[number].append(group)
    return members


def place_groups(board: Board, members: Sequence[Sequence[int]]) -> list[bool]:
    """Place every new group; returns for each group whether a class had to have one there."""
    quota = [False] * len(board.place)
    for number in sorted(range(len(members)), key=lambda number: (board.group_count[number], number)):
        for group in members[number]:
            if board.place[group] < 0:
                lacking = [split for split in board.served if board.lacks(number, split)]
                split = choose_split(board, group, number, lacking or board.open_splits)
                board.note(group, Motive.QUOTA if lacking else Motive.SHARE, number, split)
                board.put(group, split)
                quota[group] = bool(lacking)
    return quota


def choose_split(board: Board, group: int, number: int, splits: Sequence[int]) -> int:
    """Where the group is wanted most, by its rarest class ``number``; the first of equals.

    First where most of its other classes lack a group; then where the class, its other classes together, the whole dataset lack
    most pictures of their share.
    """
    have, target = board.have[number], board.target[number]
    others = [other for other in board.classes[group] if other != number]
    best, best_want = splits[0], (-1.0, 0.0, 0.0, 0.0)
    for split in splits:
        lacking = wanting = 0.0
        if others:
            lacking = sum(board.lacks(other, split) for other in others)
            wanting = sum(board.target[other][split] - board.have[other][split] for other in others)
        want = (lacking, target[split] - have[split], wanting, board.whole_target[split] - board.whole_have[split])
        if want > best_want or best_want[0] < 0:
            best, best_want = split, want
    return best
