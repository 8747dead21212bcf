"""Why a picture is in its split: the splits stage is played again from its tables, and what it does with the picture's group noted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.pipeline.assignments import read_assignments
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages.splits import SPLITS, load_fixed_set, read_chained_samples
from logoingest.pipeline.staleness import explain_staleness
from logoingest.schemas import Origin
from logoingest.splits import Board, Motive, PlacementStep, Standing, replay_group
from logoingest.wording import spell_count

_ID = re.compile(r"[0-9a-fA-F]{6,64}")
_MOST_NAMED = 5


class GroupMember(NamedTuple):
    """A picture of a group, and how it came into its split."""

    image_id: str
    class_ids: Sequence[str]
    split: str
    origin: Origin
    since: int | None
    """The version of the release that first had it there; None where none has."""
    urls: Sequence[str]
    """That served it."""


class Group(NamedTuple):
    """Pictures that show the same thing and stay together."""

    group_id: str
    members: Sequence[GroupMember]
    """The picture that was asked about, then the others by image_id."""


class ClassStanding(NamedTuple):
    """What a class has and wants in every split."""

    class_id: str
    groups: int
    """In all splits."""
    splits: Sequence[Standing]


class SplitExplanation(NamedTuple):
    """Where a picture is, and why."""

    image_id: str
    split: str
    origin: Origin
    why: str
    """A sentence."""
    group: Group
    classes: Sequence[ClassStanding]
    """Of the group, as they are now."""
    steps: Sequence[PlacementStep]
    """What was decided for the group, in order, with what its class had in every split at that moment."""


def explain_split(run: Run, picture: str) -> SplitExplanation:
    """Where a picture is and why.

    Args:
        run: of a workspace in which the splits stage has run.
        picture: its image_id, the first six or more digits of it, or a URL that served it.

    Raises:
        UsageError: nothing was run yet, the picture is not there, not in a split, named by too few digits, or tables and config
            are no longer those of the run.
    """
    for table in ("samples", "splits", "images"):
        if not run.workspace.has_table(table):
            raise UsageError(Problem(run.workspace.url, "has no splits yet", "run with --until splits"))
    image_id = _find_picture(run, picture)
    splits = run.workspace.read_table("splits")
    fixed = load_fixed_set(run).places
    kept = splits.filter(pc.equal(splits.column("origin"), Origin.KEPT))
    previous = dict(zip(kept.column("image_id").to_pylist(), kept.column("split").to_pylist(), strict=True))
    replayed, board, number = replay_group(read_chained_samples(run), run.config.splits, previous, fixed, image_id)
    if not replayed.equals(splits.cast(replayed.schema)):
        why = explain_staleness(run, SPLITS, run.workspace.read_manifest()) or "its tables were changed"
        raise UsageError(Problem("splits", f"cannot be played again ({why})", "run the splits stage, then ask again"))
    group = _gather_group(run, splits, image_id)
    asked = group.members[0]
    why = _say_why(group, board.steps, run.config.splits.fixed)
    return SplitExplanation(image_id, asked.split, asked.origin, why, group, _describe_classes(board, number), board.steps)


def _find_picture(run: Run, picture: str) -> str:
    """The image_id, which has a split."""
    images = run.workspace.read_table("images", ["image_id", "urls"])
    splits = run.workspace.read_table("splits", ["image_id"])
    if "://" in picture:
        flat = pc.list_flatten(images.column("urls"))
        at = pc.list_parent_indices(images.column("urls")).filter(pc.equal(flat, picture))
        found = images.column("image_id").take(at).to_pylist()
    elif _ID.fullmatch(picture):
        found = images.column("image_id").filter(pc.starts_with(images.column("image_id"), picture.lower())).to_pylist()
    else:
        raise UsageError(Problem(f"IMAGE {picture[:80]}", "is no image_id and no URL", "give at least six digits of the image_id"))
    if not found:
        hint = "explain --url says what became of a URL" if "://" in picture else "the column image_id of the release has them"
        what = "served no picture of this workspace" if "://" in picture else "no picture of this workspace is called so"
        raise UsageError(Problem(f"IMAGE {picture[:200]}", what, hint))
    if len(set(found)) > 1:
        named = ", ".join(sorted(set(found))[:_MOST_NAMED])
        raise UsageError(Problem(f"IMAGE {picture}", f"begins {len(set(found)):,} pictures: {named}", "give more digits"))
    if not pc.any(pc.equal(splits.column("image_id"), found[0])).as_py():
        raise UsageError(Problem(f"IMAGE {found[0]}", f"is in no split: {_say_refusal(run, images, found[0])}", ""))
    return str(found[0])


def _say_refusal(run: Run, images: pa.Table, image_id: str) -> str:
    urls = images.filter(pc.equal(images.column("image_id"), image_id)).column("urls").combine_chunks().values
    for stage in ("splits", "samples"):
        if run.workspace.has_table(f"{stage}_rejected"):
            rejected = run.workspace.read_table(f"{stage}_rejected")
            rows = rejected.filter(pc.is_in(rejected.column("url"), value_set=urls)).slice(0, 1).to_pylist()
            if rows:
                return f"{stage} rejected it ({rows[0]['reason']}: {rows[0]['detail'] or 'no detail'})"
    return "nobody's answer settled its class; explain --url says more"


def _gather_group(run: Run, splits: pa.Table, image_id: str) -> Group:
    own = splits.filter(pc.equal(splits.column("image_id"), image_id)).column("group_id")[0]
    members = splits.filter(pc.equal(splits.column("group_id"), own)).drop_columns("group_id")
    known = read_assignments(run.workspace)
    images = run.workspace.read_table("images", ["image_id", "urls"])
    ids = members.column("image_id")
    since = known.column("since").take(pc.index_in(ids, value_set=known.column("image_id").combine_chunks()))
    urls = images.column("urls").take(pc.index_in(ids, value_set=images.column("image_id").combine_chunks()))
    rows = members.append_column("since", since).append_column("urls", urls).select(GroupMember._fields).to_pylist()
    ordered = sorted(rows, key=lambda row: (row["image_id"] != image_id, row["image_id"]))
    return Group(own.as_py(), [GroupMember(**{**row, "origin": Origin(row["origin"])}) for row in ordered])


def _say_why(group: Group, steps: Sequence[PlacementStep], fixed: str | None) -> str:
    asked = group.members[0]
    split = asked.split
    if asked.origin == Origin.KEPT:
        since = f"v{asked.since}" if asked.since else "an earlier release"
        return f"kept: it is in {split} since {since}, and a released picture never moves"
    if asked.origin == Origin.FIXED:
        return f"fixed: {fixed} puts it into {split}"
    if asked.origin == Origin.JOINED:
        holder = next(other for other in group.members if other.origin in {Origin.KEPT, Origin.FIXED})
        how = f"is kept in {split}" if holder.origin == Origin.KEPT else f"is fixed in {split} by {fixed}"
        return f"joined: its near-duplicate {holder.image_id[:16]} {how}, and a group stays together"
    last = steps[-1]
    there = next(standing for standing in last.standing if standing.split == split)
    name, needed = last.class_id, spell_count(there.needed, "group", "groups")
    if last.why == Motive.QUOTA:
        return f"quota: {name} must have {needed} in {split} and had {there.groups} when its turn came"
    if last.why == Motive.REPAIR:
        return f"quota: moved here from {last.before}, since {name} must have {needed} in {split} and had {there.groups}"
    lack = f"it had {there.pictures} of {there.wanted:.1f} pictures there"
    if last.why == Motive.EVENING:
        return f"shares: moved here from {last.before}, which evens out the shares of {name}: {lack}"
    return f"hash order: when its turn came, {name} lacked most of its share in {split}: {lack}"


def _describe_classes(board: Board, group: int) -> list[ClassStanding]:
    return [
        ClassStanding(board.class_ids[number], board.group_count[number], board.describe_class(number))
        for number in board.classes[group]
    ]
