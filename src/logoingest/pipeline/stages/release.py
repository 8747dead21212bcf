"""Samples, images and splits → the Parquet release; the conservation law is checked before anything is published."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from logoingest.errors import GateError, LogoingestError, Problem
from logoingest.pipeline.spec import StageOutput, StageSpec
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.pipeline.stages.images import IMAGES_FILE
from logoingest.pipeline.stages.samples import SAMPLES_FILE
from logoingest.stage_names import Stage
from logoingest.version import __version__

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

    from logoingest.config import Config, ImagesConfig
    from logoingest.pipeline.session import Run
    from logoingest.workspace import Manifest, Workspace

RELEASE_MANIFEST = "release/manifest.json"
#: What goes into a release of samples and images.
_SAMPLE_COLUMNS = ("image_id", "class_id", "class_ids", "confidence", "votes", "boxes", "annotation_ids")
_PICTURE_COLUMNS = ("image_id", "width", "height", "format", "byte_count", "urls", "shard", "shard_row")
#: Keys of [images] that change what a release's pictures look like.
_RELEASED_FORM = {"store", "max_side_px"}


def make_release(run: Run) -> StageOutput:
    """Write the release and publish it."""
    from logoingest.pipeline.assignments import read_assignments, write_assignments
    from logoingest.pipeline.ledger import check_law, collect_ledger
    from logoingest.pipeline.retention.budget import require_room
    from logoingest.release import write_release
    from logoingest.release.keeping.versions import publish_release
    from logoingest.workspace import hash_file

    workspace = run.workspace
    ledger = collect_ledger(workspace)
    check_law(ledger)
    splits = workspace.read_table("splits")
    earlier = read_assignments(workspace)
    require_room(run, _sum_bytes(workspace, splits), "the release")
    with workspace.staging_folder("release") as folder:
        write_release(
            folder,
            workspace.read_table("samples", _SAMPLE_COLUMNS),
            workspace.read_table("images", _PICTURE_COLUMNS),
            splits,
            ledger.rejected,
            [(class_id, run.class_map.name(class_id)) for class_id in run.class_map.class_ids],
            lambda shard, rows: _load_bytes(workspace, shard, rows),
            dataset=run.config.dataset,
            settings=run.config.release,
            lineage=_describe_lineage(run),
            counts=ledger.counts,
            split_names=list(run.config.splits.shares),
            convert=_choose_converter(run.config.images),
            annotations=workspace.read_table("annotations", ["url", "carried"]) if run.config.kept_columns else None,
            kept=run.config.kept_columns,
            answered_on=_find_newest_answer(workspace),
        )
        outputs = {
            f"release/{file.relative_to(folder).as_posix()}": hash_file(file) for file in folder.rglob("*") if file.is_file()
        }
        version = publish_release(workspace, folder, run.config.release.keep_versions)
    record = write_assignments(workspace, earlier, splits, version.version, version.fingerprint)
    outputs["tables/assignments.parquet"] = record
    return StageOutput(outputs, {"images": splits.num_rows, **ledger.counts})


def _sum_bytes(workspace: Workspace, splits: pa.Table) -> int:
    """Bytes of the pictures that have a split, as they were fetched."""
    import pyarrow.compute as pc

    images = workspace.read_table("images", ["image_id", "byte_count"])
    released = images.filter(pc.is_in(images.column("image_id"), value_set=splits.column("image_id")))
    return pc.sum(released.column("byte_count")).as_py() or 0


def _find_newest_answer(workspace: Workspace) -> dt.date | None:
    """The day (UTC) of the newest answer; None where no source says when."""
    import pyarrow.compute as pc

    newest = pc.max(workspace.read_table("annotations", ["submitted_at"]).column("submitted_at")).as_py()
    return None if newest is None else newest.date()


def _load_bytes(workspace: Workspace, shard: str, rows: Sequence[int]) -> list[bytes]:
    found = [data for data in workspace.read_shard_bytes(shard, rows) if data is not None]
    if len(found) != len(rows):
        raise LogoingestError(f"{workspace.path('downloads/' + shard)}: lacks the bytes of a released picture; run fetch again")
    return found


def _choose_converter(images: ImagesConfig) -> Callable[[bytes], tuple[bytes, str, int, int]] | None:
    """What brings pictures into the form they are released in; None where they stay as they were fetched."""
    if images.store == "original":
        return None
    from logoingest.pictures.normal_form import normalise_picture

    return partial(normalise_picture, max_side_px=images.max_side_px)


def _describe_lineage(run: Run) -> dict[str, object]:
    """What the release was made of; nothing that differs between machines or runs."""
    from logoingest.pipeline.staleness import hash_source

    config = run.config
    sections = ("labels", "images", "samples", "splits", "release")
    settings = {name: getattr(config, name).model_dump(mode="json") for name in sections}
    settings["images"]["against"] = [path.rstrip("/").rpartition("/")[2] for path in config.images.against]  # paths differ too
    settings["samples"]["rulings"] = hash_source(config.resolve(config.samples.rulings))
    del settings["labels"]["class_map"]  # the map's path differs between machines; its hash stands below
    if config.splits.fixed:
        file = config.resolve(config.splits.fixed)
        settings["splits"]["fixed"] = {"file": file.name, "sha256": hash_source(file)}
    if config.images.placeholders:
        file = config.resolve(config.images.placeholders)
        settings["images"]["placeholders"] = {"file": file.name, "sha256": hash_source(file)}
    del settings["images"]["ocr"]  # it changes nothing that is released
    del settings["release"]["keep_versions"]  # says what becomes of other releases
    sources = [
        {
            "file": config.resolve(source.path).name,
            "sha256": hash_source(config.resolve(source.path)),
            "settings": source.model_dump(mode="json", exclude={"path"}),
        }
        for source in config.sources
    ]
    return {
        "sources": json.loads(json.dumps(sources)),
        "class_map": {"file": config.class_map_path.name, "hash": run.class_map.hash},
        "config": settings,
        "logoingest": __version__,
    }


def _list_settings(config: Config) -> list[object]:
    return [
        config.release.model_dump(mode="json"),
        config.images.model_dump(mode="json", include=_RELEASED_FORM),
        config.dataset.model_dump(mode="json", exclude={"workspace", "min_images", "max_failed_share"}),
    ]


def _list_further_inputs(run: Run, manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_output, hash_source, hash_value

    inputs = {}
    if run.config.kept_columns:
        annotations = hash_output(manifest, Stage.ANNOTATIONS, ANNOTATIONS_FILE)
        inputs["kept columns"] = hash_value([run.config.kept_columns, annotations])
    inputs["class map"] = run.class_map.hash
    inputs["samples.rulings"] = hash_source(run.config.resolve(run.config.samples.rulings))
    return inputs


def _find_shortage(run: Run) -> LogoingestError | None:
    count, wanted = run.workspace.read_manifest().stages[Stage.RELEASE].counts["images"], run.config.dataset.min_images
    if count >= wanted:
        return None
    what = f"{count:,} pictures released, dataset.min_images asks for {wanted:,}"
    return GateError(Problem("gate", what, "status says where the rows went"))


RELEASE = StageSpec(
    name=Stage.RELEASE,
    version=4,
    needs=(Stage.ANNOTATIONS, Stage.LABELS, Stage.FETCH, Stage.IMAGES, Stage.SAMPLES, Stage.SPLITS),
    reads={
        ANNOTATIONS_FILE: Stage.ANNOTATIONS,
        "tables/annotations_rejected.parquet": Stage.ANNOTATIONS,
        "tables/labels_rejected.parquet": Stage.LABELS,
        IMAGES_FILE: Stage.IMAGES,
        "tables/images_rejected.parquet": Stage.IMAGES,
        SAMPLES_FILE: Stage.SAMPLES,
        "tables/samples_rejected.parquet": Stage.SAMPLES,
        "tables/splits.parquet": Stage.SPLITS,
        "tables/splits_rejected.parquet": Stage.SPLITS,
    },
    make=make_release,
    help="write the Parquet release",
    settings=_list_settings,
    further_inputs=_list_further_inputs,
    find_fault=_find_shortage,
)
