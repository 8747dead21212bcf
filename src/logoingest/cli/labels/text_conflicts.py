"""Pictures on which another class is written than was answered, printed beside what is to be reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.pipeline import Run

_SHOWN = 10
_TEXT_CHARS = 60


def print_text_conflicts(run: Run) -> None:
    """The least sure first; nothing where no text was read, or none contradicts."""
    from logoingest.pipeline.texts import read_text_conflicts

    rows = read_text_conflicts(run).to_pylist()
    if rows:
        print(_head(rows))
        for row in rows[:_SHOWN]:
            print(_describe(row))
        print()


def _head(rows: Sequence[Mapping[str, Any]]) -> str:
    pictures = spell_count(len(rows), "picture has", "pictures have")
    shown = f", the {_SHOWN} least sure are shown" if len(rows) > _SHOWN else ""
    return f"{pictures} another class written on them than was answered (tables/text_conflicts.parquet{shown}):"


def _describe(row: Mapping[str, Any]) -> str:
    answered = " + ".join(row["class_ids"])
    said = f'answered {answered} ({row["votes"]} votes, {row["confidence"]:.2f}), written "{row["text"][:_TEXT_CHARS]}": {row["written"]}'
    return f"  {escape_text(said)}\n    {escape_text(row['url'])}"
