"""``labels`` commands — suggest, review: what is in doubt, and the round trip that settles it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, name_person, print_json
from logoingest.cli.labels.review_printing import (
    print_applied,
    print_groups,
    print_suggestions,
)
from logoingest.cli.labels.text_conflicts import print_text_conflicts
from logoingest.errors import ClassMapError, Problem, UsageError
from logoingest.named_files import explain_unreadable, find_foreign_kind
from logoingest.plain_json import to_json
from logoingest.strangers.escaping import escape_text
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.class_map.entries import Signature
    from logoingest.pipeline import Run
    from logoingest.review import Applied, Review
    from logoingest.review.rulings import Ruling
    from logoingest.review.suggestions import Cluster

_SHOWN_CLUSTERS = 50
_ASKED_CLUSTERS = 500
_SHOWN_CHANGES = 60
_MAX_PICTURES = 2_000
_EXPECTED = "a sheet is the CSV file that --export wrote"


def add_commands(commands: Any) -> None:
    """Add these commands to the group's subparsers."""
    suggest = add_command(
        commands, "suggest", _command_suggest, "what is in review or unknown, clustered, with candidates and TOML lines"
    )
    _add_choice(suggest)
    suggest.add_argument(
        "--limit",
        type=_read_count,
        default=None,
        metavar="N",
        help=f"at most N clusters (default: {_SHOWN_CLUSTERS}, all with --json)",
    )

    review = add_command(
        commands,
        "review",
        _command_review,
        "decide what is in review or unknown, into the class map: at the terminal, or by spreadsheet",
    )
    way = review.add_mutually_exclusive_group()
    way.add_argument("--export", type=Path, metavar="CSV", help="write a sheet to fill in, and thumbnails beside it")
    way.add_argument("--apply", type=Path, metavar="CSV", help="read a filled-in sheet and write its decisions into the class map")
    way.add_argument(
        "--pictures",
        action="store_true",
        help="at the terminal: pictures whose label looks wrong or that could be settled, sets that contradict each other, and copies",
    )
    review.add_argument("--by", default=None, metavar="NAME", help="who decides (default: the user's name)")
    review.add_argument("--on", type=_read_date, default=None, metavar="DATE", help="when, as YYYY-MM-DD (default: today)")
    _add_choice(review)
    review.add_argument(
        "--limit",
        type=_read_count,
        default=None,
        metavar="N",
        help=f"at most N clusters (default: all; {_ASKED_CLUSTERS} at the terminal)",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drop", action="append", default=[], metavar="LABEL", help="take this spelling out of its cluster (repeatable)"
    )
    parser.add_argument("--min-count", type=_read_count, default=1, metavar="N", help="only clusters of at least N answers")


def _read_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no count from 1 on")
    return int(text)


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2025-10-09") from None


def _command_suggest(options: argparse.Namespace) -> int:
    from logoingest.pipeline import Run

    limit = options.limit if options.json else options.limit or _SHOWN_CLUSTERS
    run = Run(load_options(options))
    review = _gather(run, options, limit)
    if options.json:
        from logoingest.cli.labels.review_answers import describe_review
        from logoingest.pipeline.texts import read_text_conflicts

        return print_json(describe_review(review, read_text_conflicts(run)))
    print_text_conflicts(run)
    print_suggestions(review, options)
    return 0


def _command_review(options: argparse.Namespace) -> int:
    from logoingest.labels.class_map.entries import Signature
    from logoingest.pipeline import Run

    run = Run(load_options(options))
    signature = Signature(name_person(options.by), options.on or date.today())  # noqa: DTZ011  # the day where the person sits
    if options.export is not None:
        return _export(run, options)
    if options.apply is not None:
        return _apply(run, options, signature)
    if options.json:
        raise UsageError(Problem("--json", "has no meaning at the terminal", "it goes with --export or --apply"))
    return (_review_pictures if options.pictures else _review_at_terminal)(run, options, signature)


def _gather(run: Run, options: argparse.Namespace, limit: int | None) -> Review:
    from logoingest.labels.text.quoting import shorten
    from logoingest.review import gather_review

    review = gather_review(run, apart=options.drop, min_answers=options.min_count, limit=limit)
    known = {label.raw_label for label in review.open_labels.labels}
    unknown = [label for label in dict.fromkeys(options.drop) if label not in known]
    if unknown:
        raise UsageError(
            [
                Problem(f"--drop {shorten(label)}", "is no answer in review or unknown", "give it exactly as it was typed")
                for label in unknown
            ]
        )
    return review


# -- review by spreadsheet ---------------------------------------------------------------------------------------------


def _export(run: Run, options: argparse.Namespace) -> int:
    from logoingest.review import draw_examples, gather_open_pictures
    from logoingest.review.sheets.conflict_sheet import render_conflicts
    from logoingest.review.sheets.contradiction_sheet import render_contradictions
    from logoingest.review.sheets.sheet import write_sheet

    sheet: Path = options.export
    if sheet.exists():
        raise UsageError(
            Problem(str(sheet), "is there already, and may hold decisions", "apply it and remove it, or choose another name")
        )
    review = _gather(run, options, options.limit)
    pictures = gather_open_pictures(run)
    urls = [url for conflict in pictures.rows for url in conflict.urls]
    urls = [*urls, *(url for cluster in review.clusters for url in _list_examples(cluster))][:_MAX_PICTURES]
    folder = sheet.with_name(f"{sheet.stem}_pictures")
    drawn = draw_examples(run, urls, folder) if urls else {}
    shown = {url: os.path.relpath(file, sheet.parent) for url, file in drawn.items()}
    try:
        against = render_contradictions(review.contradictions, review.class_map, lambda url: shown.get(url, url))
        further = [*against, *render_conflicts(pictures.rows, lambda url: shown.get(url, url))]
        sheet.write_bytes(write_sheet(review.clusters, lambda url: shown.get(url, url), further))
    except OSError as error:
        raise UsageError(Problem(str(sheet), f"cannot be written ({error.strerror or error})")) from None
    answers = sum(cluster.answers for cluster in review.clusters)
    labels = sum(len(cluster.members) for cluster in review.clusters)
    if options.json:
        from logoingest.cli.labels.review_answers import WrittenSheet

        counts = (
            len(review.clusters),
            labels,
            answers,
            len(review.contradictions),
            len(pictures.conflicts),
            len(pictures.suspects),
            len(pictures.copies),
            len(drawn),
        )
        return print_json(WrittenSheet(str(sheet), *counts))
    print(
        f"wrote {sheet}: {spell_count(len(review.clusters), 'cluster')}, {spell_count(labels, 'spelling')}, {spell_count(answers, 'answer')}"
    )
    if review.contradictions:
        print(f"below them {spell_count(len(review.contradictions), 'doubt')} about the class map itself")
    if pictures.suspects:
        print(f"below them {spell_count(len(pictures.suspects), 'picture')} whose label looks wrong, or that could be settled")
    if pictures.conflicts:
        print(
            f"below them {spell_count(len(pictures.conflicts), 'set')} of pictures that contradict each other, or may stand for photos that are gone"
        )
    if pictures.copies:
        print(f"below them {spell_count(len(pictures.copies), 'pair')} of pictures that may show the same")
    if drawn:
        print(f"wrote {folder}/: {spell_count(len(set(drawn.values())), 'picture')}")
    print(f"fill in the column decision, then: logoingest labels review {options.config} --apply {sheet}")
    return 0


def _list_examples(cluster: Cluster) -> list[str]:
    return list(dict.fromkeys([*cluster.examples, *(url for member in cluster.members for url in member.urls[:3])]))


def _apply(run: Run, options: argparse.Namespace, signature: Signature) -> int:
    from logoingest.review import apply_sheet

    sheet: Path = options.apply
    try:
        data = sheet.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(explain_unreadable(sheet, error, _EXPECTED)) from None
    if (kind := find_foreign_kind(data)) is not None:
        raise UsageError(Problem(str(sheet), kind, _EXPECTED))
    applied, reading, groups = apply_sheet(run, _gather(run, options, 0), data, sheet.name, signature)
    if options.json:
        from logoingest.cli.labels.review_answers import describe_applied

        return print_json(describe_applied(applied, reading, groups))
    print_applied(applied, options)
    print_groups(groups, options)
    for line in reading.gone[:_SHOWN_CHANGES]:
        print(f"  ! {line}")
    if reading.empty:
        print(f"left open: {spell_count(reading.empty, 'spelling')}")
    return 0


# -- review at the terminal --------------------------------------------------------------------------------------------


def _review_at_terminal(run: Run, options: argparse.Namespace, signature: Signature) -> int:
    from logoingest.cli.labels.review_terminal import ANSWERS, review_at_terminal
    from logoingest.review import Journal, gather_open_pictures
    from logoingest.review.rulings import ClassFinder
    from logoingest.review.session import Session, collect_rulings, keep_rows, resume_session

    review = _gather(run, options, options.limit or _ASKED_CLUSTERS)
    print_text_conflicts(run)
    if review.note:
        print(f"({escape_text(review.note)})")
    pictures = gather_open_pictures(run)
    if pictures.suspects:
        print(
            f"(not here: {spell_count(len(pictures.suspects), 'suspect picture')}; --pictures asks about them, or the sheet, --export)"
        )
    if pictures.conflicts:
        print(f"(not here: {len(pictures.conflicts):,} sets of pictures that somebody must rule on; --pictures, or --export)")
    if pictures.copies:
        print(
            f"(not here: {spell_count(len(pictures.copies), 'pair')} of pictures that may show the same; --pictures, or --export)"
        )
    if review.contradictions:
        print(
            f"(not here: {spell_count(len(review.contradictions), 'doubt')} about the class map itself; in the sheet, and in labels suggest)"
        )
    journal = Journal(run, signature.by)
    session = Session(tuple(review.clusters), ClassFinder(review.class_map))
    if steps := journal.load():
        session = resume_session(session, steps, {label.raw_label for label in review.open_labels.labels})
    session = review_at_terminal(ANSWERS, session, lambda now: journal.save([to_json(step) for step in now.steps]))
    rulings = collect_rulings(session)
    rest = [to_json(step) for step in keep_rows(session)]
    if not rulings:
        journal.replace(rest)
        print("no decisions were made: nothing to write")
        return 0
    applied, problems = _apply_what_holds(run, review, rulings, signature)
    journal.replace(rest)
    print_applied(applied, options)
    for problem in problems:
        print(f"  ! not written: {escape_text(str(problem))}")
    return 2 if problems else 0


def _review_pictures(run: Run, options: argparse.Namespace, signature: Signature) -> int:
    from logoingest.cli.labels.review_terminal import PICTURES, review_at_terminal
    from logoingest.review import Journal, apply_session, gather_open_pictures
    from logoingest.review.picture_session import PictureSession, keep_others, list_picture_rulings
    from logoingest.review.rulings import ClassFinder
    from logoingest.review.session import SessionStep

    review = _gather(run, options, 0)
    found = gather_open_pictures(run)
    pictures = [*found.suspects, *found.conflicts, *found.copies][: options.limit or _ASKED_CLUSTERS]
    journal = Journal(run, signature.by)
    steps = tuple(SessionStep.from_json(step) for step in journal.load())
    session = PictureSession(pictures, ClassFinder(review.class_map), steps)
    if session.decided:
        session = replace(session, message=f"resumed: {len(session.decided):,} decisions of the session before; u takes them back")
    session = review_at_terminal(PICTURES, session, lambda now: journal.save([to_json(step) for step in now.steps]))
    decided = list_picture_rulings(session)
    if not decided.rows:
        journal.replace([to_json(step) for step in keep_others(session)])
        print("no decisions were made: nothing to write")
        return 0
    applied = apply_session(run, review, decided, pictures, signature)
    journal.replace([to_json(step) for step in keep_others(session, list(applied.left))])
    print_groups(applied.decisions.groups, options)
    for problem in applied.problems:
        print(f"  ! not written: {escape_text(str(problem))}")
    return 2 if applied.problems else 0


def _apply_what_holds(run: Run, review: Review, rulings: Sequence[Ruling], signature: Signature) -> tuple[Applied, list[Problem]]:
    """Write all rulings but those that cannot be; each round leaves out what was found wrong."""
    from logoingest.review import apply_rulings

    problems: list[Problem] = []
    while True:
        try:
            return apply_rulings(run, review, rulings, signature), problems
        except ClassMapError as error:
            faulty = {problem.where for problem in error.problems}
            kept = [ruling for ruling in rulings if ruling.where not in faulty]
            if len(kept) == len(rulings):
                raise
            problems += error.problems
            rulings = kept
