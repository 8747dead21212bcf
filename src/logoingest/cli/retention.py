"""The commands on what must not be kept: takedown and prune."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, print_json
from logoingest.errors import Problem, UsageError
from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logoingest.pipeline.retention.pruning import Pruned
    from logoingest.pipeline.retention.takedown import TakenDown


def add_retention_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    takedown = add_command(
        commands, "takedown", _command_takedown, "take pictures out of everything a dataset holds; they never come back"
    )
    takedown.add_argument("--url", action="append", default=[], metavar="URL", help="and the picture it gave (repeatable)")
    takedown.add_argument("--host", action="append", default=[], metavar="HOST", help="with its subdomains (repeatable)")
    takedown.add_argument("--image", action="append", default=[], metavar="IMAGE_ID", help="a picture by its sha256 (repeatable)")
    takedown.add_argument("--copies", action="store_true", help="and all copies of these pictures: cut, turned, saved again")
    takedown.add_argument(
        "--target", action="append", default=[], metavar="TARGET",
        help="a place that releases were pushed to: the new one is pushed, those that hold the pictures are removed (repeatable)",
    )  # fmt: skip
    takedown.add_argument("--again", action="store_true", help="name nothing new: see to it that all that was taken down is gone")
    takedown.add_argument("--why", metavar="TEXT", help="kept beside it in takedowns.json")
    takedown.add_argument("--by", metavar="NAME", help="who asked for it; kept as well")
    takedown.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")

    prune = add_command(commands, "prune", _command_prune, "remove bytes that no release needs, by the policy in [retention]")
    prune.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")


def _command_takedown(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.pipeline import Takedown, open_run, record_run, take_down

    if bool(options.url or options.host or options.image) == options.again:
        raise UsageError(Problem("takedown", "names nothing", "with --url, --host or --image; or --again for what is on the list"))
    asked = Takedown(options.url, options.host, options.image, options.copies, options.why, options.by)
    with (
        show_progress(options.quiet) as progress,
        open_run(load_options(options), progress) as opened,
        nullcontext() if options.dry_run else record_run(opened, "takedown"),
    ):
        taken = take_down(opened, asked, options.target, dry_run=options.dry_run)
    if options.json:
        return print_json(taken)
    _print_takedown(taken, options)
    return 0


def _print_takedown(taken: TakenDown, options: argparse.Namespace) -> None:
    verb = "would go" if options.dry_run else "are gone"
    pictures, urls = spell_count(taken.pictures, "picture"), spell_count(taken.urls, "URL")
    print(f"{pictures} ({taken.bytes / 1e6:,.1f} MB) and the answers about {urls} {verb}")
    for given in taken.unmatched:
        will = "would be" if options.dry_run else "is"
        print(
            f"nothing here goes by {escape_text(given)}: look at its spelling; it {will} on the list, and refused if it ever comes"
        )
    for folder in taken.releases:
        print(f"removed, since it held one of them: {folder}")
    if taken.trained:
        print(f"the baseline had learned from them{' and would go' if options.dry_run else ' and is gone'}: logoingest train …")
    if not options.dry_run:
        print("your source files still name them: the list in takedowns.json keeps them out")


def _command_prune(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.pipeline import open_run, prune, record_run

    with (
        show_progress(options.quiet) as progress,
        open_run(load_options(options), progress) as opened,
        nullcontext() if options.dry_run else record_run(opened, "prune"),
    ):
        pruned = prune(opened, dry_run=options.dry_run)
    if options.json:
        return print_json(pruned)
    _print_pruned(pruned, dry_run=options.dry_run)
    return 0


def _print_pruned(pruned: Sequence[Pruned], *, dry_run: bool) -> None:
    for entry in pruned:
        print(f"{entry.kind:<12}{entry.items:>10,}{entry.bytes / 1e6:>14,.1f} MB")
    total = sum(entry.bytes for entry in pruned) / 1e6
    print(f"{total:,.1f} MB {'would be freed' if dry_run else 'freed'}")
