"""What the crowd says against the class map as rows of the review's spreadsheet: one row a contradiction, read back by its id.

1, Nike, class: Nike       the answers are of this class; what was declared otherwise is taken back
new: Fanta, noise, ignore, drop, not: Nike     as for an undecided answer, after what was declared is taken back
skip, or nothing           left open

Of two classes that are one, 1 (or the class's name) makes the one come out as the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind
from logoingest.labels.text.quoting import shorten
from logoingest.review.rulings import Action, ClassFinder, Ruling, Undoing, list_made, read_meaning
from logoingest.review.sheets.sheet import AGAINST, SheetRow, list_candidates, read_sheet_rows, show
from logoingest.strangers.escaping import guard_cell


class ContradictionReading(NamedTuple):
    """What a filled-in sheet says about contradictions."""

    rulings: Sequence[Ruling]
    undoing: Undoing
    gone: Sequence[str]
    """Rows about what the crowd does not say any more; a line each."""
    empty: int


def render_contradictions(
    contradictions: Sequence[Contradiction], class_map: ClassMap, show_example: Callable[[str], str]
) -> Iterator[dict[str, str | int]]:
    """The sheet's rows, in order."""
    for one in contradictions:
        why = f"{one.kind}: {one.declared}{f' by {one.rule}' if one.rule else ''}; {one.words}"
        row: dict[str, str | int] = {
            "cluster": one.contradiction_id,
            "row": AGAINST,
            "label_id": one.contradiction_id,
            "label": guard_cell(show(" | ".join(one.raw_labels))),
            "answers": one.answers,
            "workers": one.workers,
            "urls": one.pictures,
            "candidate_1": guard_cell(class_map.sources.get(one.class_id or "", "")),
            "why": guard_cell(show(why, 2_000)),
        }
        yield row | {f"example_{number}": guard_cell(show(show_example(url), 2_000)) for number, url in enumerate(one.urls[:3], 1)}


def read_contradictions(
    data: bytes, name: str, contradictions: Sequence[Contradiction], class_map: ClassMap
) -> ContradictionReading:
    """The rulings of a filled-in sheet's rows about contradictions; its other rows are others'.

    Raises:
        UsageError: anything in these rows cannot be meant; all faults at once.
    """
    open_now = {one.contradiction_id: one for one in contradictions}
    rows = [row for row in read_sheet_rows(data, name) if row.read("row") == AGAINST]
    made, finder = list_made(row.read("decision") for row in rows), ClassFinder(class_map)
    rulings: list[Ruling] = []
    aliases: dict[str, list[str]] = {}
    merged: dict[str, str] = {}
    gone, problems, empty = [], [], 0
    for row in rows:
        meaning = read_meaning(row.read("decision"), list_candidates(row), finder, made)
        one = open_now.get(row.read("label_id"))
        if isinstance(meaning, Problem):
            problems.append(Problem(row.where, meaning.what, meaning.hint))
        elif meaning is None:
            empty += 1
        elif one is None:
            gone.append(f"{row.where}: the crowd says nothing against {shorten(row.read('label'))} any more")
        elif one.kind is ContradictionKind.ONE:
            if meaning.action is not Action.CLASS:
                problems.append(_refuse(row))
            else:
                merged[class_map.sources[one.declared]] = meaning.target
        elif meaning.action in {Action.OVERRIDE, Action.OVERRIDE_DROP}:
            problems.append(_refuse(row))
        else:
            aliases.setdefault(one.declared, []).extend(one.raw_labels)
            rulings += [Ruling(label, meaning, row.where) for label in one.raw_labels]
    if problems:
        raise UsageError(problems)
    return ContradictionReading(rulings, Undoing(aliases, merged), gone, empty)


def _refuse(row: SheetRow) -> Problem:
    return Problem(row.where, f"{shorten(row.read('decision'))} is no ruling on this", "write the class (1), or skip")
