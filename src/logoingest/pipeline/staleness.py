"""What a stage depends on, as named hashes, and whether that changed since it ran."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from logoingest import __version__
from logoingest.config import Config
from logoingest.pipeline.session import Run
from logoingest.schemas import Stage
from logoingest.workspace import Manifest, hash_file

#: The count of annotations with which their source gives a right answer.
GIVEN_GOLD = "given_gold"

#: Raised by one when a stage's rules change, so that workspaces of an older version run it again.
STAGE_VERSIONS: dict[Stage, int] = {
    **dict.fromkeys(Stage, 1),
    Stage.FETCH: 2,
    Stage.ANNOTATIONS: 2,
    Stage.LABELS: 3,
    Stage.IMAGES: 3,
    Stage.SAMPLES: 3,
    Stage.SPLITS: 2,
    Stage.RELEASE: 4,
    Stage.REPORT: 3,
}

_ANNOTATIONS = "tables/annotations.parquet"
_TABLE_INPUTS: dict[Stage, dict[str, Stage]] = {
    Stage.ANNOTATIONS: {},
    Stage.LABELS: {_ANNOTATIONS: Stage.ANNOTATIONS},
    Stage.FETCH: {_ANNOTATIONS: Stage.ANNOTATIONS},
    Stage.IMAGES: {_ANNOTATIONS: Stage.ANNOTATIONS, "downloads/": Stage.FETCH},
    Stage.SAMPLES: {
        _ANNOTATIONS: Stage.ANNOTATIONS,
        "tables/decisions.parquet": Stage.LABELS,
        "tables/images.parquet": Stage.IMAGES,
        "tables/placeholders_listed.parquet": Stage.IMAGES,
    },
    Stage.SPLITS: {_ANNOTATIONS: Stage.ANNOTATIONS, "tables/samples.parquet": Stage.SAMPLES},
    Stage.RELEASE: {
        _ANNOTATIONS: Stage.ANNOTATIONS,
        "tables/annotations_rejected.parquet": Stage.ANNOTATIONS,
        "tables/labels_rejected.parquet": Stage.LABELS,
        "tables/images.parquet": Stage.IMAGES,
        "tables/images_rejected.parquet": Stage.IMAGES,
        "tables/samples.parquet": Stage.SAMPLES,
        "tables/samples_rejected.parquet": Stage.SAMPLES,
        "tables/splits.parquet": Stage.SPLITS,
        "tables/splits_rejected.parquet": Stage.SPLITS,
    },
    Stage.TRAIN: {"release/manifest.json": Stage.RELEASE},
    Stage.REPORT: {
        "tables/labels.parquet": Stage.LABELS,
        "downloads/": Stage.FETCH,
        "tables/images.parquet": Stage.IMAGES,
        "tables/samples.parquet": Stage.SAMPLES,
        "tables/splits.parquet": Stage.SPLITS,
        "tables/workers.parquet": Stage.SAMPLES,
        "tables/agreement.parquet": Stage.SAMPLES,
        "release/manifest.json": Stage.RELEASE,
        "baseline/verdict.json": Stage.TRAIN,
    },
}
#: Tables that the report shows where they are there, whoever made them: a stage, or a command of its own.
_SHOWN_TABLES = ("placeholders", "conflicts", "against")
#: Keys of [images] that change what a release's pictures look like.
_RELEASED_FORM = {"store", "max_side_px"}
_SETTINGS: dict[Stage, Callable[[Config], Any]] = {
    Stage.ANNOTATIONS: lambda config: [source.model_dump(mode="json") for source in config.sources],
    Stage.IMAGES: lambda config: config.images.model_dump(
        mode="json", exclude={"max_side_px", "ocr"}
    ),  # store decides what is usable
    Stage.SAMPLES: lambda config: [config.samples.model_dump(mode="json"), config.images.ocr],
    Stage.SPLITS: lambda config: config.splits.model_dump(mode="json"),
    Stage.RELEASE: lambda config: [
        config.release.model_dump(mode="json"),
        config.images.model_dump(mode="json", include=_RELEASED_FORM),
        config.dataset.model_dump(mode="json", exclude={"workspace", "min_images", "max_failed_share"}),
    ],
    Stage.TRAIN: lambda config: config.train.model_dump(mode="json", exclude={"device", "workers"}),
    Stage.REPORT: lambda config: config.report.model_dump(mode="json"),
}


def _name_hash(manifest: Manifest, name: str, maker: Stage) -> str:
    """The sha256 of a file that a stage made; "" where it is not made yet."""
    record = manifest.stages.get(maker)
    return "" if record is None or name not in record.outputs else record.outputs[name].sha256


def collect_inputs(run: Run, stage: Stage, manifest: Manifest) -> dict[str, str]:
    """Everything the stage depends on: name for people → hash; an input that is not made yet hashes to ""."""
    inputs = {"version": f"{__version__}/{STAGE_VERSIONS[stage]}"}
    if stage in _SETTINGS:
        inputs["config"] = hash_value(_SETTINGS[stage](run.config))
    for name, maker in _TABLE_INPUTS[stage].items():
        if name.endswith("/"):
            record = manifest.stages.get(maker)
            outputs = {} if record is None else record.outputs
            inputs[name] = hash_value({key: outputs[key].sha256 for key in sorted(outputs) if key.startswith(name)})
        else:
            inputs[name] = _name_hash(manifest, name, maker)
    if stage is Stage.RELEASE and run.config.kept_columns:
        inputs["kept columns"] = hash_value([run.config.kept_columns, _name_hash(manifest, _ANNOTATIONS, Stage.ANNOTATIONS)])
    if stage is Stage.SAMPLES and run.config.images.ocr:
        inputs["class map"] = run.class_map.hash  # its spellings are looked for on the pictures
    if stage is Stage.IMAGES and run.config.images.placeholders:
        inputs["images.placeholders"] = hash_source(run.config.resolve(run.config.images.placeholders))
    if stage is Stage.ANNOTATIONS:
        for source in run.config.sources:
            inputs[source.path] = hash_source(run.config.resolve(source.path))
    elif stage is Stage.IMAGES and run.config.images.against and run.config.images.against_policy == "reject":
        from logoingest.pipeline.against import hash_others

        inputs["images.against"] = hash_others(run.config)
    elif stage is Stage.SPLITS and run.config.splits.fixed:
        inputs["splits.fixed"] = hash_source(run.config.resolve(run.config.splits.fixed))
        inputs["tables/images.parquet"] = _hash_output(
            manifest, Stage.IMAGES, "tables/images.parquet"
        )  # finds the pictures of URLs
    elif stage in {Stage.LABELS, Stage.RELEASE}:
        inputs["class map"] = run.class_map.hash
    elif stage is Stage.SAMPLES and run.config.samples.gold:
        inputs["gold"] = hash_source(run.config.resolve(run.config.samples.gold))
        inputs["class map"] = run.class_map.hash  # reads the gold's labels
    elif stage is Stage.TRAIN and run.config.train.weights not in {"none", "imagenet"}:
        inputs["weights"] = hash_source(run.config.resolve(run.config.train.weights))
    elif stage is Stage.REPORT:
        inputs |= {f"tables/{name}.parquet": _hash_table(run, name) for name in _SHOWN_TABLES}
    if stage is Stage.SAMPLES and run.config.samples.gold_from_sources and _gives_gold(manifest):
        inputs["class map"] = run.class_map.hash  # reads the sources' right answers
    if stage in {Stage.SAMPLES, Stage.RELEASE}:
        inputs["samples.rulings"] = hash_source(run.config.resolve(run.config.samples.rulings))
        if inputs["samples.rulings"]:
            inputs["class map"] = run.class_map.hash  # names the rulings' classes
    return inputs


def _gives_gold(manifest: Manifest) -> bool:
    record = manifest.stages.get(Stage.ANNOTATIONS)
    return record is not None and GIVEN_GOLD in record.counts


def _hash_table(run: Run, name: str) -> str:
    """sha256 of a table as it lies in the workspace; "" where it is missing."""
    file = f"tables/{name}.parquet"
    return run.workspace.hash_file(file).sha256 if run.workspace.exists(file) else ""


def _hash_output(manifest: Manifest, stage: Stage, name: str) -> str:
    record = manifest.stages.get(stage)
    return record.outputs[name].sha256 if record is not None and name in record.outputs else ""


def explain_staleness(run: Run, stage: Stage, manifest: Manifest) -> str | None:
    """Why the stage must run again, in a few words; None when it need not."""
    record = manifest.stages.get(stage)
    if record is None:
        return "never run"
    if not run.workspace.is_intact(record):
        return "its files are missing or cut short"
    inputs = collect_inputs(run, stage, manifest)
    changed = sorted(name for name in inputs.keys() | record.inputs.keys() if inputs.get(name) != record.inputs.get(name))
    return f"changed: {', '.join(changed)}" if changed else None


def hash_value(value: Any) -> str:
    """sha256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_source(path: Path) -> str:
    """sha256 of a file; of the names and contents of a folder's or a glob pattern's files; "" when there is nothing."""
    if path.is_file():
        return hash_file(path).sha256
    found = sorted(path.rglob("*")) if path.is_dir() else sorted(Path(name) for name in glob.glob(str(path)))
    files = [file for file in found if file.is_file()]
    return hash_value([[file.name, hash_file(file).sha256] for file in files]) if files else ""
