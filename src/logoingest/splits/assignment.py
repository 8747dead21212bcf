"""Every sample's split: the table of it, and one group's way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import SplitsConfig
from logoingest.errors import Problem, UsageError
from logoingest.refusals import Refusal, reject_annotations
from logoingest.schemas import Origin, SplitRow, Stage, StageResult
from logoingest.splits.balancing import balance_shares
from logoingest.splits.board import Board, set_board
from logoingest.splits.group_placement import list_members, order_groups, place_groups
from logoingest.splits.grouping import (
    NOWHERE,
    Groups,
    Integers,
    Samples,
    form_groups,
    look_up,
    read_samples,
    refuse_small_classes,
)
from logoingest.splits.repair import meet_needs


@dataclass(frozen=True)
class Assignment:
    """What became of the samples; ``quota`` says of each group whether a class had to have one where it is."""

    samples: Samples
    groups: Groups
    board: Board
    quota: list[bool]
    refused: dict[int, Refusal]


def assign_splits(
    samples: pa.Table,
    annotations: pa.Table,
    config: SplitsConfig,
    previous: Mapping[str, str],
    fixed: Mapping[str, str] | None = None,
) -> StageResult:
    """Give every sample its split.

    Args:
        samples: ``SampleRow``; ``image_id``, ``group_id``, ``class_ids`` and ``annotation_ids`` are looked at.
        annotations: ``AnnotationRow`` of at least the samples' annotations.
        config: shares, seed, ``min_class_images`` and ``min_per_split``. A split with share 0 gets nothing new but what is fixed.
        previous: image_id → split of an earlier release. Never moved.
        fixed: image_id → split that somebody gave; further pictures are passed over. Their groups go with them.

    Returns:
        kept: ``SplitRow`` sorted by image_id; no group is in two splits. Where two groups of an earlier release turn out to be one,
        each part keeps its place and is a group of its own, named by its smallest image_id.
        rejected: ``RejectedRow`` of the samples left out: ``CLASS_TOO_SMALL`` (any of a picture's classes has fewer than
        ``min_class_images`` pictures; repeated until none has), ``GROUP_CONFLICT`` (a new picture near earlier ones of two splits).

    Raises:
        UsageError: ``previous`` names a split that the config lacks, or ``fixed`` contradicts it, an earlier place or itself.
    """
    made = _assign(samples, config, previous, fixed or {}, None)
    return StageResult(
        _write_rows(samples, made, config, previous, fixed or {}), _write_rejected(samples, annotations, made.refused)
    )


def replay_group(
    samples: pa.Table, config: SplitsConfig, previous: Mapping[str, str], fixed: Mapping[str, str], image_id: str
) -> tuple[pa.Table, Board, int]:
    """Assign everything again and watch one picture's group.

    Args:
        samples: this and the next three as for ``assign_splits``.
        config: the same.
        previous: the same.
        fixed: the same.
        image_id: the picture; must be among the samples and not refused.

    Returns:
        The same rows as ``assign_splits``; the board at the end, with the group's ``steps``; the group's number on it.
    """
    made = _assign(samples, config, previous, fixed, image_id)
    return _write_rows(samples, made, config, previous, fixed), made.board, made.board.watched


def _assign(
    table: pa.Table, config: SplitsConfig, previous: Mapping[str, str], fixed: Mapping[str, str], watched: str | None
) -> Assignment:
    splits = list(config.shares)
    _check_names(config, previous, fixed)
    samples = read_samples(table)
    refused = refuse_small_classes(samples, config.min_class_images)
    groups = form_groups(samples, previous, fixed, splits, refused)
    row = NOWHERE if watched is None else samples.image_ids.index(watched).as_py()
    number = NOWHERE if row < 0 else int(groups.group_of[row])
    board = set_board(groups, samples.class_ids, config.shares, config.min_per_split, number)
    members = list_members(board, order_groups(groups.names, groups.sizes, config.seed))
    quota = place_groups(board, members)
    for group in meet_needs(board, members):
        quota[group] = True
    for group in balance_shares(board, members):
        quota[group] = False
    return Assignment(samples, groups, board, quota, refused)


def _check_names(config: SplitsConfig, previous: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    known = ", ".join(config.shares)
    problems = []
    for where, places in (("an earlier release has pictures in", previous), ("splits.fixed names", fixed)):
        for name in sorted(set(places.values()) - set(config.shares)):
            hint = f"write {name} = 0.0 into [splits.shares] to keep it; the splits are {known}"
            problems.append(Problem("splits", f"{where} {name!r}, which the config lacks", hint))
    if problems:
        raise UsageError(problems)


def _write_rows(
    table: pa.Table, made: Assignment, config: SplitsConfig, previous: Mapping[str, str], fixed: Mapping[str, str]
) -> pa.Table:
    group_of = made.groups.group_of
    rows = np.flatnonzero(group_of >= 0)
    order = rows[_sort_strings(made.samples.image_ids.take(pa.array(rows)))]
    groups = group_of[order]
    ids = made.samples.image_ids.take(pa.array(order))
    splits = list(config.shares)
    places = np.array(made.board.place, np.int64)[groups]
    placed = np.array(made.groups.split, np.int64)[groups] >= 0
    origins = np.where(
        placed,
        np.where(look_up(ids, previous, splits) >= 0, 0, np.where(look_up(ids, fixed, splits) >= 0, 1, 2)),
        np.where(np.array(made.quota, bool)[groups], 3, 4),
    )
    columns = {
        "image_id": ids,
        "group_id": pa.array(made.groups.names, pa.string()).take(pa.array(groups)),
        "class_ids": table.column("class_ids").take(pa.array(order)),
        "split": pa.array(splits, pa.string()).take(pa.array(places)),
        "origin": pa.array(list(Origin), pa.string()).take(pa.array(origins)),
    }
    schema = SplitRow.arrow_schema()
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _sort_strings(values: pa.Array) -> Integers:
    return np.asarray(pc.sort_indices(values).to_numpy(), np.int64)


def _write_rejected(table: pa.Table, annotations: pa.Table, refused: Mapping[int, Refusal]) -> pa.Table:
    rows = sorted(refused)
    voters = table.column("annotation_ids").take(pa.array(rows, pa.int64())).to_pylist()
    costs = {voter: refused[row] for row, ids in zip(rows, voters, strict=True) for voter in ids}
    return reject_annotations(annotations, costs, Stage.SPLITS).sort_by("annotation_id")
