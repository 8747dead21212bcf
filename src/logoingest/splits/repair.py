"""Where placing left a class without a split it must have: new groups are moved until it has one.

A tabu search (F. Glover, "Tabu Search, part I", 1989, doi:10.1287/ijoc.1.3.190) for each need that is not met: of the class's new
groups the one is moved there whose move costs least, then needs that this opened are served likewise. A moved group stays for a
while, so that the search does not go in circles. What cost least in the end is kept, or nothing. A class without train costs more
than all else, then one that could be in every split, then one that cannot. Pure counting: equal boards give equal moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from logoingest.splits.board import Board, Motive

#: What a missing group costs: in train; in another split, of a class with groups for all splits; of another class.
TRAINLESS, SPLITLESS, PARTIAL = 10_000, 100, 1
#: Moves of a search in the first round over the needs that are left, four times as many in each further round; of all searches.
MOVES_A_SEARCH, MOST_MOVES = 60, 200_000
#: Groups of a class looked at for one move, at most.
_TRIED = 48
#: By round: a moved group stays for so many moves, and up to as many more.
STAYS = (9, 12, 16, 12, 9)

Need = tuple[int, int]
Move = tuple[int, int, Need]


@dataclass(slots=True)
class _Search:
    """The search for one need: needs to serve, what the board costs more than at the start, who stays until when, the moves so far."""

    unmet: deque[Need]
    offset: int
    """Which of equal ways is tried first."""
    stay: int
    turn: int = 0
    cost: int = 0
    best: int = 0
    best_moves: int = 0
    stays: dict[int, int] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    """(group, where from, the need it was moved for)."""


def meet_needs(board: Board, members: Sequence[Sequence[int]]) -> set[int]:
    """Move new groups to where classes lack one; returns the groups that were moved."""
    moves: list[Move] = []
    budget = MOST_MOVES
    for round_, stay in enumerate(STAYS):
        needs = list(_list_unmet(board, members))
        for need in needs:
            if board.lacks(*need) and budget > 0:
                search = _Search(deque([need]), round_, stay)
                _run(board, members, search, min(MOVES_A_SEARCH * 4**round_, budget))
                budget -= search.turn
                moves += search.moves
        if not needs or budget <= 0:
            break
    if board.watched >= 0:
        _note_moves(board, moves)
    return {group for group, _, _ in moves}


def _list_unmet(board: Board, members: Sequence[Sequence[int]]) -> Iterator[Need]:
    """Needs that could be met, dearest first, then of the rarest class."""
    found = [(number, split) for number in range(len(members)) for split in board.served if board.lacks(number, split)]
    return iter(sorted(found, key=lambda need: (-_price(board, *need), board.group_count[need[0]], need)))


def _price(board: Board, number: int, split: int) -> int:
    if board.splits[split] == "train":
        return TRAINLESS
    return SPLITLESS if board.group_count[number] >= len(board.served) else PARTIAL


def _run(board: Board, members: Sequence[Sequence[int]], search: _Search, turns: int) -> None:
    """Search for so many moves; undo what came after the best state."""
    while search.unmet and search.turn < turns:
        search.turn += 1
        need = search.unmet.popleft()
        if board.lacks(*need):
            search.unmet.append(need)
            _serve(board, members[need[0]], search, need)
            if search.cost < search.best:
                search.best, search.best_moves = search.cost, len(search.moves)
    while len(search.moves) > search.best_moves:
        group, before, _ = search.moves.pop()
        board.put(group, before)


def _serve(board: Board, members: Sequence[int], search: _Search, need: Need) -> None:
    found = _choose_group(board, members, search, need)
    if found is None:
        return
    group, price = found
    before = board.place[group]
    search.moves.append((group, before, need))
    board.put(group, need[1])
    search.cost += price
    search.stays[group] = search.turn + search.stay + (search.turn + search.offset) * 7919 % search.stay
    for other in board.classes[group]:
        if board.groups[other][before] == board.need[other][before] - 1:  # it lacked nothing until now
            search.unmet.append((other, before))


def _choose_group(board: Board, members: Sequence[int], search: _Search, need: Need) -> tuple[int, int] | None:
    """The new group of the class whose move to the split costs least, and the cost; of equals, the one that suits shares best."""
    split = need[1]
    start = (search.turn + search.offset) % len(members) if len(members) > _TRIED else 0
    best: tuple[int, float, int] | None = None
    for place in range(start, start + min(len(members), _TRIED)):
        group = members[place % len(members)]
        before = board.place[group]
        if before == split:
            continue
        price = _price_move(board, group, before, split)
        if search.stays.get(group, 0) > search.turn and search.cost + price >= search.best:
            continue
        if best is None or price <= best[0]:
            worth = _weigh_shares(board, group, before, split)
            if best is None or (price, worth) < best[:2]:
                best = (price, worth, group)
    return None if best is None else (best[2], best[0])


def _weigh_shares(board: Board, group: int, before: int, split: int) -> float:
    """How much more the group's classes have of their share in ``split`` than in ``before``, in pictures."""
    over = 0.0
    for number in board.classes[group]:
        have, target = board.have[number], board.target[number]
        over += have[split] - target[split] - have[before] + target[before]
    return over


def _price_move(board: Board, group: int, before: int, split: int) -> int:
    price = 0
    for number in board.classes[group]:
        groups, need = board.groups[number], board.need[number]
        if groups[before] <= need[before]:
            price += _price(board, number, before)
        if groups[split] < need[split]:
            price -= _price(board, number, split)
    return price


def _note_moves(board: Board, moves: Sequence[Move]) -> None:
    """Take the moves back and make them again, so that the watched group's are written down as they were."""
    for group, before, _ in reversed(moves):
        board.put(group, before)
    for group, _, (number, split) in moves:
        board.note(group, Motive.REPAIR, number, split)
        board.put(group, split)
