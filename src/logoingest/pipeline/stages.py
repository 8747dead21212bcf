"""Each stage between its tables: read what it needs, call the plain function, write what it made.

A stage's package is imported when the stage runs: a run that finds everything fresh must say so at once.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest import __version__
from logoingest.errors import LogoingestError
from logoingest.pipeline.ledger import check_law, collect_ledger
from logoingest.pipeline.session import Run
from logoingest.pipeline.staleness import GIVEN_GOLD, hash_source
from logoingest.pipeline.texts import TEXT_CONFLICTS, TEXTS, read_texts
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import FileRecord, Workspace, hash_file

if TYPE_CHECKING:
    from logoingest.config import ImagesConfig
    from logoingest.splits import FixedSet

logger = logging.getLogger("logoingest")


class StageOutput(NamedTuple):
    """What a stage wrote (file → record) and its figures for the log and ``status``."""

    outputs: dict[str, FileRecord]
    counts: dict[str, int]


def make_annotations(run: Run) -> StageOutput:
    """Source files → annotations."""
    from logoingest.labels import find_given_gold
    from logoingest.sources import read_annotations

    kept, rejected = read_annotations(run.config.sources, run.config.base_dir)
    counts = {"annotations": kept.num_rows, "rejected": rejected.num_rows, "urls": len(pc.unique(kept.column("url")))}
    counts |= {GIVEN_GOLD: given} if (given := find_given_gold(kept).num_rows) else {}
    return StageOutput(_write_tables(run.workspace, {"annotations": kept, "annotations_rejected": rejected}), counts)


def make_labels(run: Run) -> StageOutput:
    """Annotations → labels (distinct answers) and decisions (one per annotation)."""
    from logoingest.labels import normalise_annotations

    labels, decisions, rejected = normalise_annotations(run.workspace.read_table("annotations"), run.class_map)
    decided = pc.value_counts(decisions.column("decision")).to_pylist()
    counts = {"labels": labels.num_rows, **{entry["values"]: entry["counts"] for entry in decided}}
    tables = {"labels": labels, "decisions": decisions, "labels_rejected": rejected}
    return StageOutput(_write_tables(run.workspace, tables), counts)


def make_images(run: Run) -> StageOutput:
    """Download shards → images, of the URLs that the sources list today."""
    from logoingest.images import select_images
    from logoingest.images.placeholders import tabulate_listed
    from logoingest.images.selection import find_distinct

    annotations = run.workspace.read_table("annotations")
    downloads, listed = read_downloads(run.workspace), load_listed(run)
    downloads = downloads.filter(pc.is_in(downloads.column("url"), value_set=pc.unique(annotations.column("url"))))
    kept, rejected = selected = select_images(downloads, annotations, run.config.images, listed)
    placeholders = tabulate_listed(find_distinct(downloads) if listed else (), listed)
    if run.config.images.against and run.config.images.against_policy == "reject":
        from logoingest.pipeline.against import refuse_known

        kept, rejected = refuse_known(run, selected, annotations)
    counts = {
        "images": kept.num_rows,
        "groups": len(pc.unique(kept.column("group_id"))),
        "rejected": rejected.num_rows,
    }
    tables = {"images": kept, "images_rejected": rejected, "placeholders_listed": placeholders}
    return StageOutput(_write_tables(run.workspace, tables), counts)


def load_listed(run: Run) -> dict[str, str]:
    """Hash → where it is listed, of the placeholders that ``images.placeholder_sha256`` and ``images.placeholders`` name.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    from logoingest.images.placeholders import read_listed

    images = run.config.images
    return read_listed(images.placeholder_sha256, run.config.resolve(images.placeholders) if images.placeholders else None)


def make_samples(run: Run) -> StageOutput:
    """Annotations, decisions and images → samples, workers and how far they agree."""
    from logoingest.labels import read_given_gold, read_gold, settle_samples
    from logoingest.labels.conflicts import resolve_conflicts
    from logoingest.labels.group_rulings import read_group_rulings

    read, config = run.workspace.read_table, run.config.samples
    annotations = read("annotations")
    gold = read_given_gold(annotations, read("decisions"), run.class_map) if config.gold_from_sources else {}
    gold |= read_gold(run.config.resolve(config.gold), config, run.class_map, annotations) if config.gold else {}
    listed = read("placeholders_listed") if run.workspace.has_table("placeholders_listed") else None
    settled = settle_samples(annotations, read("decisions"), read("images"), config, gold, listed=listed)
    samples, rejected, workers, agreement, placeholders = settled
    rulings = read_group_rulings(run.config.resolve(config.rulings), run.class_map)
    resolved = resolve_conflicts(samples, read("images"), annotations, read("decisions"), rulings, config.group_conflicts)
    samples, rejected = resolved.samples, pa.concat_tables([rejected, resolved.rejected]).sort_by("annotation_id")
    counts = {"samples": samples.num_rows, "rejected": rejected.num_rows, "workers": workers.num_rows}
    counts |= {"conflicts": resolved.conflicts.num_rows} | ({"ruled": resolved.ruled} if rulings else {})
    counts["suspects"] = workers.num_rows - workers.column("suspect").null_count
    if (alpha := agreement.column("alpha")[0].as_py()) is not None:
        counts["alpha_percent"] = round(100 * alpha)
    if gold or config.gold:
        counts["gold"] = len(gold)
    tables = {"samples": samples, "samples_rejected": rejected, "workers": workers, "agreement": agreement}
    tables |= {"placeholders": placeholders, "conflicts": resolved.conflicts}
    counts["placeholders"] = placeholders.num_rows
    if run.config.images.ocr:
        tables |= _compare_texts(run, samples)
        counts["text_conflicts"] = tables[TEXT_CONFLICTS].num_rows
    return StageOutput(_write_tables(run.workspace, tables), counts)


def _compare_texts(run: Run, samples: pa.Table) -> dict[str, pa.Table]:
    """What stands written on the pictures, and where that is another class than was answered."""
    from logoingest.labels.texts import find_text_conflicts

    images = run.workspace.read_table("images", ["image_id", "urls", "shard", "shard_row"])
    texts = read_texts(run, samples.column("image_id"), images)
    return {TEXTS: texts, TEXT_CONFLICTS: find_text_conflicts(samples, texts, images, run.class_map)}


def make_splits(run: Run) -> StageOutput:
    """Samples → splits, earlier assignments kept."""
    from logoingest.pipeline.assignments import read_assignments
    from logoingest.splits import assign_splits

    previous: dict[str, str] = {}
    if run.config.splits.keep_previous:
        table = read_assignments(run.workspace)
        previous = dict(zip(table.column("image_id").to_pylist(), table.column("split").to_pylist(), strict=True))
    read = run.workspace.read_table
    fixed = load_fixed_set(run)
    kept, rejected = assign_splits(read("samples"), read("annotations"), run.config.splits, previous, fixed.places)
    placed = {entry["values"]: entry["counts"] for entry in pc.value_counts(kept.column("split")).to_pylist()}
    counts = {**{name: placed.get(name, 0) for name in run.config.splits.shares}, "rejected": rejected.num_rows}
    if run.config.splits.fixed:
        missing = [*fixed.unknown, *sorted(fixed.places.keys() - set(kept.column("image_id").to_pylist()))]
        counts |= {"fixed": len(fixed.places) + len(fixed.unknown) - len(missing), "fixed_missing": len(missing)}
        if missing:
            named = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
            logger.warning("%s: %d of its pictures are not among the samples: %s", run.config.splits.fixed, len(missing), named)
    return StageOutput(_write_tables(run.workspace, {"splits": kept, "splits_rejected": rejected}), counts)


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


def make_release(run: Run) -> StageOutput:
    """Samples, images and splits → the Parquet release; the conservation law is checked before anything is published."""
    from logoingest.pipeline.assignments import read_assignments, write_assignments
    from logoingest.release import write_release
    from logoingest.release.versions import publish_release

    workspace = run.workspace
    ledger = collect_ledger(workspace)
    check_law(ledger)
    splits = workspace.read_table("splits")
    earlier = read_assignments(workspace)
    with workspace.staging_folder("release") as folder:
        write_release(
            folder,
            workspace.read_table("samples"),
            workspace.read_table("images"),
            splits,
            ledger.rejected,
            [(class_id, run.class_map.name(class_id)) for class_id in run.class_map.class_ids],
            lambda shard, rows: _load_bytes(workspace, shard, rows),
            run.config.dataset,
            run.config.release,
            _describe_lineage(run),
            ledger.counts,
            list(run.config.splits.shares),
            _choose_converter(run.config.images),
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


def _find_newest_answer(workspace: Workspace) -> dt.date | None:
    """The day (UTC) of the newest answer; None where no source says when."""
    newest = pc.max(workspace.read_table("annotations", ["submitted_at"]).column("submitted_at")).as_py()
    return None if newest is None else newest.date()


def make_baseline(run: Run) -> StageOutput:
    """Release → baseline and its verdict."""
    from logoingest.training import train_baseline

    train = run.config.train
    with run.workspace.local_copy("release") as release, run.workspace.staging_folder("baseline") as folder:
        verdict = train_baseline(
            release,
            train,
            folder,
            run.config.base_dir,
            lambda phase, facts: run.progress(Stage.TRAIN, int(facts.get("done", 0)), facts.get("total"), phase),
        )
        outputs = {f"baseline/{file.name}": hash_file(file) for file in folder.iterdir() if file.is_file()}
        run.workspace.replace_folder("baseline", folder)
    passed = sum(check.passed for check in verdict.checks)
    return StageOutput(outputs, {"checks": len(verdict.checks), "passed": passed})


def make_report(run: Run) -> StageOutput:
    """Everything → report.html."""
    from logoingest.report import render_report

    page = render_report(run.workspace, run.config, collect_ledger(run.workspace).rejected).encode()
    return StageOutput({"report.html": run.workspace.write_bytes("report.html", page)}, {"kilobytes": len(page) // 1024})


def make_downloads(run: Run) -> StageOutput:
    """URLs → download shards: see ``fetching``."""
    from logoingest.pipeline.fetching import fetch_all

    return StageOutput(*fetch_all(run))


MAKERS: Mapping[Stage, Callable[[Run], StageOutput]] = {
    Stage.ANNOTATIONS: make_annotations,
    Stage.LABELS: make_labels,
    Stage.FETCH: make_downloads,
    Stage.IMAGES: make_images,
    Stage.SAMPLES: make_samples,
    Stage.SPLITS: make_splits,
    Stage.RELEASE: make_release,
    Stage.TRAIN: make_baseline,
    Stage.REPORT: make_report,
}


def read_downloads(workspace: Workspace) -> pa.Table:
    """All shards' rows without the image bytes, with the columns shard and shard_row."""
    columns = [name for name in DownloadRow.arrow_schema().names if name != "bytes"]
    tables = []
    for name in workspace.shard_names():
        table = workspace.read_shard(name, columns)
        table = table.append_column("shard", pa.array([name] * table.num_rows, pa.string()))
        tables.append(table.append_column("shard_row", pa.array(range(table.num_rows), pa.int32())))
    if tables:
        return pa.concat_tables(tables)
    schema = DownloadRow.arrow_schema()
    schema = schema.remove(schema.get_field_index("bytes"))
    return schema.append(pa.field("shard", pa.string())).append(pa.field("shard_row", pa.int32())).empty_table()


def _write_tables(workspace: Workspace, tables: Mapping[str, pa.Table]) -> dict[str, FileRecord]:
    return {f"tables/{name}.parquet": workspace.write_table(name, table) for name, table in tables.items()}


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
    config = run.config
    sections = ("labels", "images", "samples", "splits", "release")
    settings = {name: getattr(config, name).model_dump(mode="json") for name in sections}
    settings["images"]["against"] = [path.rstrip("/").rpartition("/")[2] for path in config.images.against]  # paths differ too
    settings["samples"]["rulings"] = hash_source(config.resolve(config.samples.rulings))
    settings["labels"] = {}  # the map's path differs between machines; its hash stands below
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
        "class_map": {"file": config.resolve(config.labels.class_map).name, "hash": run.class_map.hash},
        "config": settings,
        "logoingest": __version__,
    }
