"""The commands on releases that are there: export, diff, push, pull, versions, duplicates. Each of the first five goes by ``logoingest release …`` as well."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from logoingest.cli.arguments import add_command, print_json
from logoingest.cli.releases.duplicates import add_duplicates_command
from logoingest.cli.releases.finding import find_release
from logoingest.errors import Problem, UsageError

#: The commands. ``release dataset.toml`` writes a release; ``release diff A B`` is ``diff A B``.
RELEASE_COMMANDS = ("export", "diff", "push", "pull", "versions")

#: The forms of ``release.exports.FORMATS``, here without its imports: --help must answer at once.
EXPORT_FORMATS = ("coco", "voc", "yolo", "imagefolder", "webdataset")

_RELEASE_HELP = "a release folder, or a dataset.toml for its newest release, or dataset.toml@v2 for an earlier one"


def drop_group_word(arguments: Sequence[str]) -> list[str]:
    """``release diff …`` → ``diff …``. A config that bears a command's name is meant by ``release ./diff``."""
    grouped = len(arguments) > 1 and arguments[0] == "release" and arguments[1] in RELEASE_COMMANDS
    return list(arguments[1:] if grouped else arguments)


def add_release_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    export = add_command(
        commands, "export", _command_export, "write a release as COCO, VOC, YOLO, ImageFolder or WebDataset", config=False
    )
    export.add_argument("release", metavar="RELEASE", help=_RELEASE_HELP)
    export.add_argument("--format", required=True, choices=EXPORT_FORMATS, help=", ".join(EXPORT_FORMATS), metavar="FORM")
    export.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the folder to make")
    export.add_argument("--force", action="store_true", help="replace an earlier export")
    export.add_argument(
        "--upright", action="store_true", help="write turned pictures the right way up, as sizes and boxes have them"
    )
    export.add_argument("--jpeg", action="store_true", help="write every picture as JPEG (those that are, stay as they are)")
    export.add_argument("--shards", type=int, metavar="N", help="webdataset: so many archives a split, for as many workers")
    export.add_argument("--boxes-only", action="store_true", help="voc: leave out pictures that show a class without a box")

    diff = add_command(commands, "diff", _command_diff, "what changed from one release to another", config=False)
    diff.add_argument("before", metavar="BEFORE", help=_RELEASE_HELP)
    diff.add_argument("after", metavar="AFTER", help="the same")
    diff.add_argument(
        "--limit", type=int, default=20, metavar="N", help="lines a table at most, 0 for all (default: 20; --json has all)"
    )

    push = add_command(
        commands, "push", _command_push, "publish a release at a folder or s3://bucket/prefix, whole or not at all", config=False
    )
    push.add_argument("release", metavar="RELEASE", help=_RELEASE_HELP)
    push.add_argument("target", metavar="TARGET", help="a folder, or a URL that fsspec knows")

    pull = add_command(
        commands, "pull", _command_pull, "bring the release that was last pushed to a target, verified", config=False
    )
    pull.add_argument("target", metavar="TARGET", help="a folder, or a URL that fsspec knows")
    pull.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to make")

    add_duplicates_command(commands)
    add_command(commands, "versions", _command_versions, "the releases a dataset had, and which are kept")


def _command_export(options: argparse.Namespace) -> int:
    from logoingest.cli.releases.printing import print_export
    from logoingest.release import open_release
    from logoingest.release.exports import ExportOptions, export_release

    with find_release(options.release) as folder:
        asked = ExportOptions(**{name: getattr(options, name) for name in ExportOptions._fields})
        summary = export_release(open_release(folder), options.format, options.out, options.force, asked)
    if options.json:
        return print_json(summary)
    print_export(summary)
    return 0


def _command_diff(options: argparse.Namespace) -> int:
    from logoingest.cli.releases.printing import print_diff
    from logoingest.release import open_release
    from logoingest.release.keeping.comparison import compare_releases

    if options.limit < 0:
        raise UsageError(Problem("--limit", "is negative", "0 shows everything"))
    with find_release(options.before) as before, find_release(options.after) as after:
        diff = compare_releases(open_release(before), open_release(after))
    if options.json:
        print_json(diff)
    else:
        print_diff(diff, options.limit or None)
    return 3 if diff.moved else 0


def _command_push(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.cli.releases.printing import print_push
    from logoingest.release.keeping.publishing import push_release
    from logoingest.schemas import Stage

    with find_release(options.release) as folder, show_progress(options.quiet) as progress:
        summary = push_release(folder, options.target, lambda done, total: progress(Stage.RELEASE, done, total, "files"))
    if options.json:
        return print_json(summary)
    print_push(summary)
    return 0


def _command_pull(options: argparse.Namespace) -> int:
    from logoingest.cli.releases.printing import print_pull
    from logoingest.release import open_release
    from logoingest.release.keeping.publishing import pull_release

    release = open_release(pull_release(options.target, options.folder))
    if options.json:
        from logoingest.cli.releases.answers import PulledRelease

        return print_json(PulledRelease(str(release.path), release.fingerprint, release.splits))
    print_pull(release)
    return 0


def _command_versions(options: argparse.Namespace) -> int:
    from logoingest.cli.arguments import load_options
    from logoingest.cli.releases.printing import print_versions
    from logoingest.release.keeping.versions import locate_versions
    from logoingest.workspace import Workspace

    described = locate_versions(Workspace(load_options(options).workspace_url))
    if options.json:
        return print_json(described)
    print_versions(described, options.config)
    return 0
