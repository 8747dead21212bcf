"""What these commands show. Class names and paths come from strangers: they are made harmless for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from logoingest.cli.console import clean, open_console, start_table
from logoingest.images.alike.bounds import describe_unsearched
from logoingest.release import Release
from logoingest.release.exports import ExportSummary
from logoingest.release.exports.folder import LEFT_OUT_NAME
from logoingest.release.keeping.comparison import ReleaseDiff, count_transitions
from logoingest.release.keeping.publishing import PushSummary
from logoingest.release.keeping.versions import VersionPlace

if TYPE_CHECKING:
    from logoingest.pipeline import Against

_NUMBERS = ("before", "after", "change", "pictures")
_REASONS = {
    "several_classes": "of several classes",
    "class_without_box": "with a class that has no box",
    "box_outside_picture": "with a box outside the picture",
}


def print_export(summary: ExportSummary) -> None:
    """Where the export is, and what it could not hold."""
    console = open_console()
    splits = ", ".join(f"{clean(split)} {count:,}" for split, count in summary.pictures.items()) or "no pictures"
    console.print(f"wrote {clean(summary.folder)} ({summary.format}): {splits}")
    _print_forms(console, summary)
    for reason, counts in summary.left_out.items():
        console.print(f"left out {sum(counts.values()):,} pictures {_REASONS[reason]}: see {LEFT_OUT_NAME}")


def _print_forms(console: Console, summary: ExportSummary) -> None:
    if summary.rewritten:
        console.print(f"wrote {sum(summary.rewritten.values()):,} pictures anew")
    if summary.turned:
        console.print(
            f"{summary.turned:,} pictures are turned by their EXIF orientation alone, sizes and boxes are those of the upright ones: "
            "a reader that does not turn them needs --upright"
        )


def print_diff(diff: ReleaseDiff, limit: int | None) -> None:
    """The difference as tables of ``limit`` lines at most."""
    console = open_console()
    if diff.is_empty:
        console.print(f"the same {diff.same:,} pictures, classes and splits in both")
        return
    console.print(
        f"{diff.same:,} pictures the same, {len(diff.added):,} added, {len(diff.removed):,} removed, "
        f"{len(diff.relabelled):,} relabelled, {len(diff.moved):,} moved between splits"
    )
    for what, names in (("new columns", diff.columns_added), ("columns that are gone", diff.columns_removed)):
        if names:
            console.print(f"{what}: {clean(', '.join(names))}")
    splits = ((split, f"{before:,}", f"{after:,}", f"{after - before:+,}") for split, (before, after) in diff.splits.items())
    _print_table(console, "", ("split", "before", "after", "change"), list(splits), None)
    _print_classes(console, diff)
    transitions = [(" + ".join(before), " + ".join(after), f"{count:,}") for before, after, count in count_transitions(diff)]
    _print_table(console, "Relabelled", ("from", "to", "pictures"), transitions, limit)
    pictures = [(entry.image_id, entry.split, " + ".join(entry.before), " + ".join(entry.after)) for entry in diff.relabelled]
    _print_table(console, "Relabelled pictures", ("image_id", "split", "from", "to"), pictures, limit)
    counts = [(entry.class_id, entry.split, f"{entry.before:,}", f"{entry.after:,}") for entry in diff.counts]
    _print_table(console, "Pictures per class", ("class", "split", "before", "after"), counts, limit)
    _print_table(console, "MOVED: a released picture must never change its split", ("image_id", "from", "to"), diff.moved, limit)


def print_push(summary: PushSummary) -> None:
    """Where the release is now, and what was there before."""
    console = open_console()
    console.print(
        f"published {summary.fingerprint[:16]} at {clean(summary.target)}/{summary.path}: {summary.bytes:,} bytes, "
        f"{summary.sent:,} files sent, {summary.there:,} there already, all verified"
    )
    if summary.previous == summary.fingerprint:
        console.print("it was the newest there before")
    elif summary.previous is not None:
        console.print(f"before it: releases/{summary.previous[:16]}, which stays")


def print_pull(release: Release) -> None:
    """What came."""
    splits = ", ".join(f"{clean(split)} {count:,}" for split, count in release.splits.items())
    open_console().print(f"pulled {release.fingerprint[:16]} into {clean(release.path)}: {splits}")


def print_versions(versions: Sequence[VersionPlace], config: Path) -> None:
    """Every version, oldest first, and where it lies."""
    console = open_console()
    if not versions:
        console.print(f"no release yet; make one with: logoingest run {clean(config)}")
        return
    rows = [
        (f"v{entry.version}", entry.fingerprint[:16], f"{sum(entry.splits.values()):,}", entry.folder or "not kept")
        for entry in versions
    ]
    _print_table(console, "", ("version", "fingerprint", "pictures", "folder"), rows, None)
    kept = [entry.version for entry in versions if entry.folder]
    if len(kept) > 1:
        console.print(f"compare two with: logoingest diff {clean(config)}@v{kept[-2]} {clean(config)}@v{kept[-1]}")


def print_against(found: Against, limit: int | None) -> None:
    """What each other dataset shares with ours, the pairs, leaks first, and what a leak means."""
    console = open_console()
    for other in found.others:
        unusable = f" ({other.unusable:,} more are no usable pictures)" if other.unusable else ""
        console.print(f"{found.compared:,} pictures against {other.pictures:,} of {clean(other.name)}{unusable}:")
        leaks = f"[bold]{other.leaks:,} leak[/bold]" if other.leaks else "none leaks"
        console.print(f"  {other.alike:,} of ours are there too, in {other.pairs:,} pairs; {leaks}")
        for sentence in describe_unsearched(other.unsearched):
            console.print(f"  {sentence}")
    pairs = found.pairs.sort_by([("leak", "descending"), ("image_id", "ascending")])
    rows = [
        (
            pair["image_id"][:12], pair["split"] or "none", pair["other_name"], pair["other_split"] or "unknown",
            str(pair["kind"]).replace("_", " "), f"{pair['distance']}", f"{pair['correlation']:.3f}", "leak" if pair["leak"] else "",
        )
        for pair in (pairs if limit is None else pairs.slice(0, limit)).to_pylist()
    ]  # fmt: skip
    columns = ("ours", "split", "theirs", "their split", "alike", "bits", "r", "")
    _print_table(console, "", columns, rows, None)
    if limit is not None and pairs.num_rows > limit:
        console.print(f"… and {pairs.num_rows - limit:,} more: --limit 0 shows all")
    if pairs.num_rows:
        console.print("all pairs: tables/against.parquet")
    if any(other.leaks for other in found.others):
        console.print(
            "A leak is a picture that is in another split there than here (or in one its path does not tell): one of the two datasets "
            'trains on what the other tests with. Leave such pictures out with images.against and images.against_policy = "reject".'
        )


def _print_classes(console: Console, diff: ReleaseDiff) -> None:
    for word, names in (("added", diff.classes_added), ("removed", diff.classes_removed)):
        if names:
            console.print(f"classes {word}: {', '.join(map(clean, names))}")
    for entry in diff.classes_renamed:
        console.print(f"class {clean(entry.class_id)} is now called {clean(entry.after)} (before: {clean(entry.before)})")
    if diff.labels_renumbered:
        console.print(f"{diff.labels_renumbered:,} classes have another label number: train models of the older release anew")


def _print_table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], limit: int | None) -> None:
    if not rows:
        return
    table = start_table(*columns, numbers=_NUMBERS, title=title or None)
    for row in islice(rows, limit):
        table.add_row(*map(clean, row))
    console.print()
    console.print(table)
    if limit is not None and len(rows) > limit:
        console.print(f"… and {len(rows) - limit:,} more: --limit 0 shows all")
