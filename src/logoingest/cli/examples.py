"""``example``: what comes with the package to begin with, listed or copied into a folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.cli.arguments import add_command, print_json
from logoingest.cli.console import clean, open_console
from logoingest.named_examples import EXAMPLES, copy_example


class ExamplesAnswer(NamedTuple):
    """The examples that come with the package, and the files that were written."""

    examples: Mapping[str, str]
    """Name → what it shows."""
    written: Sequence[str]
    """Files; none where the examples were listed."""


def add_example_command(commands: Any) -> None:
    """Add the command to the parser."""
    example = add_command(
        commands, "example", _command_example, "copy an example on a public photo set into a folder; without a name, list them", config=False
    )  # fmt: skip
    example.add_argument("name", nargs="?", metavar="NAME", help=", ".join(EXAMPLES))
    example.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where to write it (default: its name)")


def _command_example(options: argparse.Namespace) -> int:
    written = [] if options.name is None else copy_example(options.name, options.folder or Path(options.name))
    if options.json:
        return print_json(ExamplesAnswer(EXAMPLES, [str(file) for file in written]))
    console = open_console()
    for name, shows in () if written else EXAMPLES.items():
        console.print(f"{name}: {shows}")
    for file in written:
        console.print(f"wrote {clean(file)}")
    if written:
        console.print(f"next: read {clean(written[0].with_name('README.md'))}")
    return 0
