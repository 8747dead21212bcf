"""What ``init`` and ``labels draft`` show: what was read, the first class map they made of it, and what they doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from logoingest.cli.console import clean, open_console
from logoingest.labels import FirstMap
from logoingest.sources import Refusals
from logoingest.wording import cut_text, spell_count

if TYPE_CHECKING:
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
    if made.deployments is not None:
        console.print(f"wrote {clean(made.deployments.project)}: deployments {', '.join(map(clean, made.deployments.deployed))}")
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
    for one in made.proposals[:_SHOWN_DOUBTS]:
        seen = f"{cut_text(one.text, _SHOWN_LETTERS)} ({one.answers:,}): {one.class_id}? {one.words}"
        console.print(f"  others call its pictures so: {clean(seen)}")
    for doubt in made.doubts[:_SHOWN_DOUBTS]:
        console.print(f"  look at {clean(doubt)}")
    if len(made.doubts) > _SHOWN_DOUBTS:
        console.print(f"  … and {len(made.doubts) - _SHOWN_DOUBTS:,} more, marked in the map")


def _list_counts(counts: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{clean(cut_text(text, _SHOWN_LETTERS)) or '(blank)'} ({count:,})" for text, count in counts[:_SHOWN_COUNTS])
    return shown + (", …" if len(counts) > _SHOWN_COUNTS else "")


class ReadSource(NamedTuple):
    """A source file, as it was taken."""

    format: str
    rows: int
    """Annotations it gives, refused ones included."""
    notes: Sequence[str]
    """Why it was taken so, a line each."""


class ScaffoldAnswer(NamedTuple):
    """What ``init`` saw and wrote."""

    config: str
    """The file."""
    class_map: str
    """The file."""
    annotations: int
    labels: int
    """Distinct answers."""
    first_map: FirstMap
    sources: Mapping[str, ReadSource]
    """Path → what it seems to be."""
    left_out: Sequence[str]
    """Files of a folder that are no sources, and why."""
    refused: Sequence[Refusals]
    deployed: Sequence[str]
    """Prefect's deployments of it: ``ingest/mydata`` …"""


def describe_scaffold(made: Scaffold) -> ScaffoldAnswer:
    """``init`` as ``--json`` has it."""
    sources = {path: ReadSource(guess.format, guess.rows, guess.notes) for path, guess in made.sources.items()}
    return ScaffoldAnswer(
        str(made.config),
        str(made.class_map),
        made.annotations,
        made.labels,
        made.first_map,
        sources,
        made.left_out,
        made.refusals,
        made.deployments.deployed if made.deployments is not None else (),
    )
