"""The command on splits that are there: why a picture is where it is. ``splits dataset.toml`` runs the stage."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, print_json

if TYPE_CHECKING:
    from logoingest.pipeline.questions.split_reasons import SplitExplanation
    from logoingest.splits import Standing

#: What may stand after ``splits`` in the place of a config.
SPLIT_COMMANDS = ("explain",)
_MOST_MEMBERS = 20


def add_split_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    explain = add_command(commands, "splits-explain", _command_explain, "why a picture is in its split (also: splits explain)")
    explain.prog = "logoingest splits explain"
    explain.add_argument("picture", metavar="IMAGE", help="its image_id or the first six or more digits of it, or a URL")


def _command_explain(options: argparse.Namespace) -> int:
    from logoingest.pipeline import Run, explain_split

    explained = explain_split(Run(load_options(options)), options.picture)
    if options.json:
        return print_json(explained)
    _print_explanation(explained)
    return 0


def _print_explanation(explained: SplitExplanation) -> None:
    from logoingest.cli.console import clean, open_console

    console = open_console()
    members = explained.group.members
    console.print(f"{clean(explained.image_id)} is in [bold]{clean(explained.split)}[/bold]")
    console.print(clean(explained.why))
    alone = len(members) == 1
    others = ", alone in its group" if alone else f" and {len(members) - 1:,} of its group of near-duplicates, which stays together"
    console.print(f"\nthe picture{others}:")
    for member in islice(members, _MOST_MEMBERS):
        since = f", since v{member.since}" if member.since else ""
        url = f"  {clean(member.urls[0])}" if member.urls else ""
        console.print(f"  {clean(member.image_id[:16])}  {clean(member.split)} ({clean(member.origin)}{since}){url}")
    if len(members) > _MOST_MEMBERS:
        console.print(f"  … and {len(members) - _MOST_MEMBERS:,} more: --json has all")
    for step in explained.steps[-1:]:
        console.print(f"\n{clean(step.class_id)} when the group went to {clean(step.after)}:")
        _print_standing(console, step.standing)
    for entry in explained.classes:
        console.print(f"\n{clean(entry.class_id)} now, {entry.groups:,} groups:")
        _print_standing(console, entry.splits)


def _print_standing(console: Any, standing: Sequence[Standing]) -> None:
    from logoingest.cli.console import clean, start_table

    numbers = ("pictures", "wanted", "groups", "needed")
    table = start_table("split", *numbers, numbers=numbers)
    table.padding = (0, 2, 0, 2)
    for row in standing:
        cells = (f"{row.pictures:,}", f"{row.wanted:,.1f}", f"{row.groups:,}", f"{row.needed:,}")
        table.add_row(clean(row.split), *cells)
    console.print(table)
