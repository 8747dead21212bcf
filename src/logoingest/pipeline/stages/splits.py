"""Samples → splits, earlier assignments kept."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from logoingest.pipeline.spec import StageOutput, StageSpec, write_tables
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.pipeline.stages.images import COPIES_FILE, IMAGES_FILE
from logoingest.pipeline.stages.samples import SAMPLES_FILE
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from logoingest.pipeline.session import Run
    from logoingest.splits import FixedSet
    from logoingest.workspace import Manifest

_MOST_NAMED = 3
_SAMPLE_COLUMNS = ("image_id", "group_id", "class_ids", "annotation_ids")

logger = logging.getLogger("logoingest")


def make_splits(run: Run) -> StageOutput:
    """Assign train, validation, test …"""
    import pyarrow.compute as pc

    from logoingest.refusals import SOURCE_COLUMNS
    from logoingest.splits import assign_splits

    read = run.workspace.read_table
    previous, fixed = _read_previous(run), load_fixed_set(run)
    kept, rejected = assign_splits(
        read_chained_samples(run), read("annotations", SOURCE_COLUMNS), run.config.splits, previous, fixed.places
    )
    placed = {entry["values"]: entry["counts"] for entry in pc.value_counts(kept.column("split")).to_pylist()}
    counts = {**{name: placed.get(name, 0) for name in run.config.splits.shares}, "rejected": rejected.num_rows}
    if run.workspace.has_table("copies"):
        counts["copies_apart"] = _count_apart(kept, read("copies"))
    if run.config.splits.fixed:
        counts |= _count_fixed(run.config.splits.fixed, fixed, set(kept.column("image_id").to_pylist()))
    return StageOutput(write_tables(run.workspace, {"splits": kept, "splits_rejected": rejected}), counts)


def read_chained_samples(run: Run) -> pa.Table:
    """What the splits are made of: samples, the groups of a short chain of copies as one."""
    from logoingest.splits import join_chains

    samples = run.workspace.read_table("samples", _SAMPLE_COLUMNS)
    if not run.workspace.has_table("copies"):
        return samples
    return join_chains(samples, run.workspace.read_table("copies", ["image_id", "other_id"]))


def _read_previous(run: Run) -> dict[str, str]:
    """image_id → its split in earlier releases; none where they are not kept to."""
    from logoingest.pipeline.assignments import read_assignments

    if not run.config.splits.keep_previous:
        return {}
    table = read_assignments(run.workspace)
    return dict(zip(table.column("image_id").to_pylist(), table.column("split").to_pylist(), strict=True))


def _count_apart(splits: pa.Table, copies: pa.Table) -> int:
    """How many pairs of copies are in two splits, named in the log: earlier releases have them there, or a long chain was cut."""
    places = dict(zip(splits.column("image_id").to_pylist(), splits.column("split").to_pylist(), strict=True))
    pairs = zip(copies.column("image_id").to_pylist(), copies.column("other_id").to_pylist(), strict=True)
    apart = [pair for pair in pairs if len({places[one] for one in pair if one in places}) > 1]
    if apart:
        named = ", ".join(f"{one[:12]} ({places[one]}) and {other[:12]} ({places[other]})" for one, other in apart[:_MOST_NAMED])
        more = " …" if len(apart) > _MOST_NAMED else ""
        why = "released pictures are never moved, and chains of many copies are cut"
        logger.warning("%d pairs of copies stay in two splits, since %s: %s%s", len(apart), why, named, more)
    return len(apart)


def _count_fixed(name: str, fixed: FixedSet, placed: Collection[str]) -> dict[str, int]:
    """How many pictures of the fixed set have a split; those that have none are named in the log."""
    missing = [*fixed.unknown, *sorted(fixed.places.keys() - placed)]
    if missing:
        named = ", ".join(missing[:_MOST_NAMED]) + (" …" if len(missing) > _MOST_NAMED else "")
        logger.warning("%s: %d of its pictures are not among the samples: %s", name, len(missing), named)
    return {"fixed": len(fixed.places) + len(fixed.unknown) - len(missing), "fixed_missing": len(missing)}


def load_fixed_set(run: Run) -> FixedSet:
    """The pictures whose split ``splits.fixed`` gives; none where the config names no file.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    from logoingest.splits import FixedSet, read_fixed_set

    splits = run.config.splits
    if not splits.fixed:
        return FixedSet({}, ())
    images = run.workspace.read_table("images", ["image_id", "urls"])
    return read_fixed_set(run.config.resolve(splits.fixed), list(splits.shares), images)


def _list_further_inputs(run: Run, manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_output, hash_source

    if not run.config.splits.fixed:
        return {}
    images = hash_output(manifest, Stage.IMAGES, IMAGES_FILE)  # finds the pictures of URLs
    return {"splits.fixed": hash_source(run.config.resolve(run.config.splits.fixed)), IMAGES_FILE: images}


SPLITS = StageSpec(
    name=Stage.SPLITS,
    version=4,
    needs=(Stage.ANNOTATIONS, Stage.LABELS, Stage.FETCH, Stage.IMAGES, Stage.SAMPLES),
    reads={ANNOTATIONS_FILE: Stage.ANNOTATIONS, COPIES_FILE: Stage.IMAGES, SAMPLES_FILE: Stage.SAMPLES},
    make=make_splits,
    help="assign train, validation, test …",
    settings=lambda config: config.splits.model_dump(mode="json"),
    further_inputs=_list_further_inputs,
)
