"""Groups of several classes are placed for the rarest of them; what that left uneven in the others is evened out by single moves.

A move is made when it lowers the sum over classes and splits of (pictures - wanted pictures)² / pictures of the class, and leaves
no class without a group it must have. Classes furthest from their shares come first. Pure counting: equal boards give equal moves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from logoingest.splits.board import Board, Motive

#: Rounds over the classes; moves looked at in all; groups of a class looked at for one move.
ROUNDS, MOST_LOOKS, _TRIED = 4, 3_000_000, 400
#: A class with fewer pictures than this too many or too few in each split is even enough.
EVEN = 1.0
#: What a move must gain, so that rounding makes none.
_LEAST_GAIN = 1e-6


@dataclass(slots=True)
class _Balancing:
    """What is under way: pictures of each class, the groups that were moved, and how many moves may still be looked at."""

    board: Board
    totals: Sequence[int]
    moved: set[int]
    looks: int


def balance_shares(board: Board, members: Sequence[Sequence[int]]) -> set[int]:
    """Move new groups to where their classes lack pictures; returns the groups that were moved."""
    balancing = _Balancing(board, [max(sum(have), 1) for have in board.have], set(), MOST_LOOKS)
    for _ in range(ROUNDS):
        moves = 0
        for number in sorted(range(len(members)), key=lambda number: (-_measure(board, number), number)):
            while balancing.looks > 0 and _measure(board, number) >= EVEN and _make_best_move(balancing, number, members[number]):
                moves += 1
        if not moves:
            break
    return balancing.moved


def _measure(board: Board, number: int) -> float:
    """How many pictures too many or too few the class has in some split."""
    return max(abs(have - target) for have, target in zip(board.have[number], board.target[number], strict=True))


def _make_best_move(balancing: _Balancing, number: int, members: Sequence[int]) -> bool:
    """Make the best move of one of the class's groups; returns whether there was one."""
    board = balancing.board
    over = [have - target for have, target in zip(board.have[number], board.target[number], strict=True)]
    short = [split for split in board.open_splits if over[split] < 0]
    full = (group for group in members if over[board.place[group]] > 0)
    best, choice = -_LEAST_GAIN, None
    for group in itertools.islice(full, _TRIED):
        for split in short:
            change = _weigh_move(balancing, group, split)
            if change < best:
                best, choice = change, (group, split)
        balancing.looks -= len(short)
    if choice is None:
        return False
    board.note(choice[0], Motive.EVENING, number, choice[1])
    board.put(*choice)
    balancing.moved.add(choice[0])
    return True


def _weigh_move(balancing: _Balancing, group: int, split: int) -> float:
    """What the move changes of the sum; infinite where a class would lose a group it must have."""
    board = balancing.board
    before, size, change = board.place[group], board.sizes[group], 0.0
    for number in board.classes[group]:
        if board.groups[number][before] <= board.need[number][before]:
            return math.inf
        have, target = board.have[number], board.target[number]
        change += 2 * size * (size + have[split] - target[split] - have[before] + target[before]) / balancing.totals[number]
    return change
