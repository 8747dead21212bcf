"""``duplicates``: which of our pictures are in another dataset too, and in which split there."""

from __future__ import annotations

import argparse
from typing import Any

from logoingest.cli.arguments import add_command, load_options, print_json
from logoingest.errors import Problem, UsageError

AGAINST_HELP = "a release, a folder of Parquet files or pictures, a URL, or dataset.toml[@v2] (repeatable)"
_SHOWN_PAIRS = 20


def add_duplicates_command(commands: Any) -> None:
    """Add the command to the command line's subparsers."""
    parser = add_command(
        commands, "duplicates", _command_duplicates, "find pictures that another dataset has too; exit code 3 where that is a leak"
    )
    parser.add_argument(
        "--against", action="append", default=[], metavar="OTHER", help=f"{AGAINST_HELP}; left out: images.against of the config"
    )
    parser.add_argument(
        "--limit", type=int, default=_SHOWN_PAIRS, metavar="N", help=f"pairs shown, 0 for all (default: {_SHOWN_PAIRS})"
    )


def _command_duplicates(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.cli.releases.finding import find_others
    from logoingest.cli.releases.printing import print_against
    from logoingest.pipeline import compare_datasets, list_others, open_run

    if options.limit < 0:
        raise UsageError(Problem("--limit", "is negative", "0 shows everything"))
    config = load_options(options)
    with (
        find_others(options.against) as named,
        show_progress(options.quiet) as progress,
        open_run(config, progress) as run,
    ):
        found = compare_datasets(run, named or list_others(config))
    if options.json:
        print_json(found)
    else:
        print_against(found, options.limit or None)
    return 3 if any(other.leaks for other in found.others) else 0
