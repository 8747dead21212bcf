"""Each stage between its tables: read what it needs, call the plain function, write what it made.

A stage's package is imported when the stage runs: a run that finds everything fresh must say so at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest import __version__
from logoingest.errors import LogoingestError
from logoingest.pipeline.ledger import check_law, collect_ledger
from logoingest.pipeline.session import Run
from logoingest.pipeline.staleness import hash_source
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import FileRecord, Workspace, hash_file

#: Every split a released picture ever had in this workspace, so that it keeps it.
ASSIGNMENTS = "assignments"


class StageOutput(NamedTuple):
    """What a stage wrote (file → record) and its figures for the log and ``status``."""

    outputs: dict[str, FileRecord]
    counts: dict[str, int]


def make_annotations(run: Run) -> StageOutput:
    """Source files → annotations."""
    from logoingest.sources import read_annotations

    kept, rejected = read_annotations(run.config.sources, run.config.base_dir)
    counts = {"annotations": kept.num_rows, "rejected": rejected.num_rows, "urls": len(pc.unique(kept.column("url")))}
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
    """Download shards → images."""
    from logoingest.images import select_images

    kept, rejected = select_images(read_downloads(run.workspace), run.workspace.read_table("annotations"), run.config.images)
    counts = {
        "images": kept.num_rows,
        "groups": len(pc.unique(kept.column("group_id"))),
        "rejected": rejected.num_rows,
    }
    return StageOutput(_write_tables(run.workspace, {"images": kept, "images_rejected": rejected}), counts)


def make_samples(run: Run) -> StageOutput:
    """Annotations, decisions and images → samples, workers and how far they agree."""
    from logoingest.labels import read_gold, settle_samples

    read, config = run.workspace.read_table, run.config.samples
    annotations = read("annotations")
    gold = read_gold(run.config.resolve(config.gold), config, run.class_map, annotations) if config.gold else {}
    samples, rejected, workers, agreement = settle_samples(annotations, read("decisions"), read("images"), config, gold)
    counts = {"samples": samples.num_rows, "rejected": rejected.num_rows, "workers": workers.num_rows}
    counts["suspects"] = workers.num_rows - workers.column("suspect").null_count
    if (alpha := agreement.column("alpha")[0].as_py()) is not None:
        counts["alpha_percent"] = round(100 * alpha)
    if config.gold:
        counts["gold"] = len(gold)
    tables = {"samples": samples, "samples_rejected": rejected, "workers": workers, "agreement": agreement}
    return StageOutput(_write_tables(run.workspace, tables), counts)


def make_splits(run: Run) -> StageOutput:
    """Samples → splits, earlier assignments kept."""
    from logoingest.splits import assign_splits

    previous: dict[str, str] = {}
    if run.config.splits.keep_previous and run.workspace.has_table(ASSIGNMENTS):
        table = run.workspace.read_table(ASSIGNMENTS)
        previous = dict(zip(table.column("image_id").to_pylist(), table.column("split").to_pylist(), strict=True))
    read = run.workspace.read_table
    kept, rejected = assign_splits(read("samples"), read("annotations"), run.config.splits, previous)
    placed = {entry["values"]: entry["counts"] for entry in pc.value_counts(kept.column("split")).to_pylist()}
    counts = {**{name: placed.get(name, 0) for name in run.config.splits.shares}, "rejected": rejected.num_rows}
    return StageOutput(_write_tables(run.workspace, {"splits": kept, "splits_rejected": rejected}), counts)


def make_release(run: Run) -> StageOutput:
    """Samples, images and splits → the Parquet release; the conservation law is checked before anything is published."""
    from logoingest.release import write_release
    from logoingest.release.versions import publish_release

    workspace = run.workspace
    ledger = collect_ledger(workspace)
    check_law(ledger)
    splits = workspace.read_table("splits")
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
        )
        outputs = {
            f"release/{file.relative_to(folder).as_posix()}": hash_file(file) for file in folder.rglob("*") if file.is_file()
        }
        publish_release(workspace, folder, run.config.release.keep_versions)
    workspace.write_table(ASSIGNMENTS, _extend_assignments(workspace, splits))
    return StageOutput(outputs, {"images": splits.num_rows, **ledger.counts})


def make_baseline(run: Run) -> StageOutput:
    """Release → baseline and its verdict."""
    from logoingest.baseline import train_baseline

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

    html = render_report(run.workspace, run.config, collect_ledger(run.workspace).rejected)
    return StageOutput({"report.html": run.workspace.write_bytes("report.html", html.encode())}, {"kilobytes": len(html) // 1024})


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


def _describe_lineage(run: Run) -> dict[str, object]:
    """What the release was made of; nothing that differs between machines or runs."""
    config = run.config
    sections = ("labels", "images", "samples", "splits", "release")
    settings = {name: getattr(config, name).model_dump(mode="json") for name in sections}
    settings["labels"] = {}  # the map's path differs between machines; its hash stands below
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


def _extend_assignments(workspace: Workspace, splits: pa.Table) -> pa.Table:
    """Earlier assignments and today's; today's counts where both have a picture (``keep_previous = false``)."""
    columns = splits.select(["image_id", "split"])
    if workspace.has_table(ASSIGNMENTS):
        earlier = workspace.read_table(ASSIGNMENTS)
        gone = pc.invert(pc.is_in(earlier.column("image_id"), value_set=columns.column("image_id")))
        columns = pa.concat_tables([earlier.filter(gone), columns])
    return columns.sort_by("image_id")
