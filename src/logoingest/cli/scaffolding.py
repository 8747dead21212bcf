"""What ``init`` and ``labels draft`` show: what was read, the first class map they made of it, and what they doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from logoingest.cli.console import clean, open_console
from logoingest.wording import cut_text, spell_count

if TYPE_CHECKING:
    from logoingest.labels import FirstMap
    from logoingest.pipeline.actions.scaffold import Scaffold

_SHOWN_COUNTS, _SHOWN_LETTERS, _SHOWN_DOUBTS = 12, 40, 8


def print_scaffold(made: Scaffold) -> None:
    """What ``init`` saw and wrote, and what to do next."""
    console = open_console()
    console.print(f"read {made.annotations:,} answers, {made.labels:,} of them distinct")
    for path, guess in made.sources.items():
        console.print(f"  {clean(path)}")
        for note in guess.notes:
            console.print(f"    {clean(note)}")
    for left_out in made.left_out:
        console.print(f"  left out: {clean(left_out)}")
    if made.refusals:
        console.print(f"refused: {sum(group.rows for group in made.refusals):,}")
        for group in made.refusals:
            console.print(f"  {group.rows:,} × {clean(group.describe())}")
    print_first_map(made.first_map)
    console.print(f"wrote {clean(made.config)}\nwrote {clean(made.class_map)} (a first draft: read it, join what belongs together)")
    console.print(f"next: logoingest plan {clean(made.config)}")


def print_first_map(made: FirstMap) -> None:
    """What a first class map found in the answers, and what it doubts."""
    console = open_console()
    kind = ", a closed set taken whole" if made.is_closed else ""
    console.print(f"first map: {spell_count(len(made.classes), 'class', 'classes')}{kind}: {_list_counts(made.classes)}")
    if made.no_label:
        console.print(f'  taken for "no label", is one of them a label here? {_list_counts(made.no_label)}')
    if made.noise_words:
        console.print(f"  words beside many names: {clean(', '.join(made.noise_words))}")
    if made.undecided:
        console.print(
            f"  not decided: {spell_count(len(made.undecided), 'answer')}, listed in the map: {_list_counts(made.undecided)}"
        )
    for doubt in made.doubts[:_SHOWN_DOUBTS]:
        console.print(f"  look at {clean(doubt)}")
    if len(made.doubts) > _SHOWN_DOUBTS:
        console.print(f"  … and {len(made.doubts) - _SHOWN_DOUBTS:,} more, marked in the map")


def _list_counts(counts: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{clean(cut_text(text, _SHOWN_LETTERS)) or '(blank)'} ({count:,})" for text, count in counts[:_SHOWN_COUNTS])
    return shown + (", …" if len(counts) > _SHOWN_COUNTS else "")


def describe_first_map(made: FirstMap) -> dict[str, Any]:
    """The same as data."""
    return {key: value for key, value in made._asdict().items() if key != "text"}


def describe_scaffold(made: Scaffold) -> dict[str, Any]:
    """The same as data."""
    return {
        "config": str(made.config),
        "class_map": str(made.class_map),
        "annotations": made.annotations,
        "labels": made.labels,
        "first_map": describe_first_map(made.first_map),
        "sources": {
            path: {"format": guess.format, "rows": guess.rows, "notes": guess.notes} for path, guess in made.sources.items()
        },
        "left_out": made.left_out,
        "refused": [group._asdict() for group in made.refusals],
    }
