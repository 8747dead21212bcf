"""The commands on what a network sees: embed, similar, suspects."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, print_json
from logoingest.errors import Problem, UsageError

if TYPE_CHECKING:
    from logoingest.evidence.similar import Similar
    from logoingest.pipeline import Run


_MOST_SHOWN = 1_000
_BACKBONE_HELP = "in place of evidence.backbone: baseline, a torchvision model by name, the folder of a baseline, an .onnx file"


def add_evidence_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    embed = add_command(commands, "embed", _command_embed, "what a network sees of every picture that was fetched; computed once")
    embed.add_argument("--backbone", default="", metavar="NETWORK", help=_BACKBONE_HELP)

    similar = add_command(commands, "similar", _command_similar, "the pictures that look most like one")
    similar.add_argument(
        "picture", metavar="IMAGE", help="its image_id or the first six or more digits of it, a URL of the dataset, or a file"
    )
    similar.add_argument("-k", type=_read_count, default=12, dest="count", metavar="N", help="how many (default: 12)")
    similar.add_argument("--backbone", default="", metavar="NETWORK", help=_BACKBONE_HELP)
    similar.add_argument("--html", type=Path, metavar="FILE", help="write a page with the pictures side by side")

    suspects = add_command(
        commands,
        "suspects",
        _command_suspects,
        "labels that look wrong, and refused pictures that look decided: ranked for the review; changes nothing",
    )
    suspects.add_argument("--folds", type=_read_count, default=5, metavar="N", help="parts that are judged in turn (default: 5)")
    suspects.add_argument("--probe", action="store_true", help="judge by a regression on the embeddings, not by a training a fold")
    suspects.add_argument("--list", action="store_true", help="judge nothing anew: list what is open")
    suspects.add_argument(
        "--limit", type=_read_count, default=20, metavar="N", help="lines that are shown (default: 20; all with --json)"
    )
    suspects.add_argument("--backbone", default="", metavar="NETWORK", help=_BACKBONE_HELP)


def _read_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_SHOWN:
        raise argparse.ArgumentTypeError(f"{text!r} is no count from 1 to {_MOST_SHOWN:,}")
    return int(text)


def _command_embed(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.pipeline import embed, open_run

    with show_progress(options.quiet) as progress, open_run(load_options(options), progress) as opened:
        made = embed(opened, options.backbone)
    if options.json:
        return print_json(made)
    print(
        f"{made.pictures:,} pictures have embeddings of {made.model.name} ({made.model.width} numbers), {made.computed:,} of them new"
    )
    if made.unreadable:
        print(f"{made.unreadable:,} cannot be decoded by the network's reader")
    return 0


def _command_similar(options: argparse.Namespace) -> int:
    from logoingest.pipeline import Run, find_similar

    run = Run(load_options(options))
    similar = find_similar(run, options.picture, options.count, options.backbone)
    if options.html is not None:
        _write_page(run, similar, options.html)
    if options.json:
        return print_json(similar)
    _print_similar(similar)
    if options.html is not None:
        print(f"wrote {options.html}")
    return 0


def _write_page(run: Run, similar: Similar, path: Path) -> None:
    from logoingest.pipeline.questions.similarity import render_similar

    page = render_similar(run, similar)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def _print_similar(similar: Similar) -> None:
    from logoingest.cli.console import clean, open_console, start_table

    console = open_console(soft_wrap=True)
    asked = similar.picture
    told = (
        f"{asked.image_id[:16]}: {' + '.join(asked.classes) or 'not settled'}, {asked.split or asked.reason or 'in no split'}"
        if asked
        else ""
    )
    console.print(f"like {clean(told or similar.asked)}, as {clean(similar.model)} sees it")
    texts = ("text",) if any(near.written is not None for near in similar.neighbours) else ()
    table = start_table("similarity", *texts, "picture", "class", "split", "url", numbers=("similarity", "text"))
    for near in similar.neighbours:
        picture = near.picture
        same = " (same group)" if asked and asked.group_id and picture.group_id == asked.group_id else ""
        where = picture.split or (f"rejected: {picture.reason}" if picture.reason else "none")
        table.add_row(
            f"{near.similarity:.3f}",
            *([] if near.written is None else [f"{near.written:.3f}"]),
            picture.image_id[:16] + same,
            clean(" + ".join(picture.classes)),
            clean(where),
            clean(picture.urls[0]) if picture.urls else "",
        )
    console.print(table)


def _command_suspects(options: argparse.Namespace) -> int:
    from logoingest.cli.console import show_progress
    from logoingest.pipeline import Run, SuspectsAnswer, open_run, read_open_suspects, suspect

    config = load_options(options)
    found = None
    if not options.list:
        with show_progress(options.quiet) as progress, open_run(config, progress) as opened:
            found = suspect(opened, options.folds, probe=options.probe, backbone=options.backbone)
    open_now = read_open_suspects(Run(config))
    if options.json:
        return print_json(SuspectsAnswer(found, open_now))
    if found is not None:
        share = f"{found.accuracy:.1%} of {found.judged:,} labels are what the {found.judge} say first"
        print(f"{share}; {found.labels:,} labels look wrong, {found.settled:,} refused pictures look decided")
    _print_suspects(open_now.to_pylist(), options)
    return 0


def _print_suspects(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    from logoingest.cli.console import clean, open_console, start_table

    console = open_console(soft_wrap=True)
    table = start_table(
        "rank", "kind", "picture", "label", "proposal", "margin", "answers", "looks like", "split", numbers=("rank", "margin")
    )
    for row in rows[: options.limit]:
        table.add_row(
            str(row["rank"]),
            row["kind"],
            row["image_id"][:16],
            clean(row["class_id"] or "refused"),
            clean(row["proposal"]),
            f"{row['margin']:.2f}" if row["class_id"] else "",
            clean(row["votes"]),
            clean(", ".join(row["neighbour_classes"])),
            clean(row["split"] or ""),
        )
    console.print(table)
    if len(rows) > options.limit:
        console.print(f"… and {len(rows) - options.limit:,} more: --limit, or --json")
    if rows:
        console.print(f"decide with: logoingest labels review {clean(options.config)} --pictures (or --export suspects.csv)")
