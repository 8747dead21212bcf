"""The config's tables as frozen pydantic models: unknown keys refused, units in names, a line of meaning under every key."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from logoingest.config.detection_section import DetectionConfig
from logoingest.config.fetch_section import FetchConfig
from logoingest.config.kept_columns import find_kept_fault
from logoingest.config.source_section import SourceConfig
from logoingest.config.sweep_section import SweepConfig, find_sweep_faults
from logoingest.config.toml_table import Section, Share
from logoingest.files.local import LocalRoot, name_root
from logoingest.named_maps import is_named

#: The splits that have keys of their own, and are the only ones where ``[splits.shares]`` is left out.
PLAIN_SPLITS = ("train", "validation", "test")
MAX_SPLITS = 16
_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
#: Names that ``datasets``, an export's own folder or an operating system has taken, and why they cannot name a split.
_TAKEN_NAMES = {
    "all": "datasets means every split by it",
    "val": "exports write validation as val: call it validation",
    "annotations": "a folder of the COCO export is called so",
    **dict.fromkeys(("con", "prn", "aux", "nul"), "Windows has no such files"),
}


def find_name_fault(name: str) -> str | None:
    """Why a split cannot be called so; None when it can."""
    if not _SPLIT_NAME.fullmatch(name):
        return "lower-case letters, digits and _, a letter first, 32 at most"
    return _TAKEN_NAMES.get(name)


class DatasetConfig(Section):
    """What the dataset is called and where it is made."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Letters, digits, dot, dash, underscore; names the release."""
    workspace: str
    """Local folder (relative to this file) or s3://bucket/prefix; the release is written to <workspace>/release/."""
    description: str = ""
    """One paragraph for the dataset card."""
    licence: str = "other"
    """A licence identifier for the dataset card (the pictures' licence, not the software's)."""
    source_url: str = ""
    """Where the list of URLs came from, for the dataset card."""
    version: Annotated[str, Field(pattern=r"^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$")] = "1.0.0"
    """Yours to raise, for card and Croissant: MAJOR.MINOR.PATCH (semver.org)."""
    date: dt.date | None = None
    """For card and Croissant, as 2025-10-09; left out, the day of the newest answer (never today: equal inputs, equal bytes)."""
    citation: str = ""
    """How to cite the dataset, BibTeX or a sentence; left out, BibTeX of name, version, year and source_url."""
    partitions: Annotated[int, Field(ge=1, le=1024)] = 1
    """In how many parts, by the hash of the URL, near pictures of a very large set are looked for; changes no result (docs/scale.md)."""
    min_images: PositiveInt = 1
    """Gate: fewer released pictures than this ends the run with exit code 3."""
    max_failed_share: Share = 0.9
    """A run whose failed share of URLs is larger ends with exit code 4."""


class LabelsConfig(Section):
    """How answers become classes and votes become one answer."""

    class_map: str
    """The class map, TOML (relative to this file), or one that comes with the package by name: "logoingest:litw"."""
    crowd: Literal["propose", "accept"] = "propose"
    """Whether words that answers about the same pictures explain are proposed in a review, or decided (docs/crowd.md)."""
    crowd_confidence: Annotated[float, Field(ge=0.9, lt=1.0)] = 0.995
    """With crowd = "accept": how probable a word's class must be."""


class ImagesConfig(Section):
    """Which pictures are good enough."""

    min_side_px: PositiveInt = 16
    """Shorter side, at least."""
    max_pixels: PositiveInt = 100_000_000
    """More is refused before decoding (decompression bomb)."""
    near_duplicates: bool = True
    """Group near-duplicates, not only identical files."""
    reject_damaged: bool = False
    """Reject what the strict JPEG decoder warns about; otherwise it is flagged."""
    reject_flags: tuple[str, ...] = ()
    """Quality flags that reject: dark, bright, blurry, low_information, odd_aspect, mostly_border, greyscale …"""
    placeholder_sha256: tuple[str, ...] = ()
    """Known placeholders, by sha256 of their bytes or by pixel_hash."""
    placeholders: str | None = None
    """File of further such hashes, one a line, # begins a comment (relative to this file)."""
    store: Literal["original", "rgb"] = "original"
    """What is released: the bytes as fetched, or 8-bit sRGB pictures, upright, as JPEG or PNG (docs/images.md)."""
    max_side_px: NonNegativeInt = 0
    """With store = "rgb": larger pictures are shrunk to this longer side, boxes with them; 0 sets no limit."""
    ocr: bool = False
    """Read the text on pictures, and report where it names another class than the answers do (extra "ocr")."""
    against: tuple[str, ...] = ()
    """Other datasets: releases, folders of Parquet files or pictures (relative to this file), URLs. verify looks for leaks to them."""
    against_policy: Literal["report", "reject"] = "report"
    """report: verify and duplicates name what is near to theirs; reject: such pictures are left out (known_elsewhere)."""

    @model_validator(mode="after")
    def _shrinks_no_originals(self) -> ImagesConfig:
        if self.max_side_px and self.store == "original":
            raise ValueError('max_side_px shrinks what is released, but store = "original" keeps every byte: set store = "rgb"')
        return self


class SamplesConfig(Section):
    """How votes are settled."""

    method: Literal["majority", "one_coin"] = "one_coin"
    """majority: share of votes; one_coin: EM over worker skills."""
    min_votes: PositiveInt = 1
    """Fewer answers that name a class reject the picture (too_few_votes)."""
    min_confidence: Share = 0.6
    """Lower posterior confidence rejects the picture (low_confidence). Without gold, one_coin is never surer than 0.967."""
    placeholder_min_urls: NonNegativeInt = 5
    """The same picture at this many URLs whose answers disagree or say nothing is a placeholder; 0 switches it off."""
    gold: str | None = None
    """CSV of pictures whose class is known (relative to this file): measures workers, corrects confidence, names no picture's class."""
    gold_from_sources: bool = True
    """Whether right answers that a source gives count as gold too: Appen's and Toloka's test questions, ground truths, benchmarks."""
    gold_url_column: str = "url"
    """Its column of URLs; a file without it may have source_id instead. MTurk results: Input.image_url."""
    gold_class_column: str = "class"
    """Its column of classes, read as answers are; empty cells are no gold. MTurk results: Input.gold, say."""
    group_conflicts: Literal["review", "keep"] = "review"
    """Equal pixels settled as contradicting classes: review leaves them out until somebody rules (class_conflict); keep lists them."""
    rulings: str = "rulings.toml"
    """What people ruled on pictures of contradicting classes (relative to this file); need not be there. labels review writes it."""


class SplitsConfig(Section):
    """The splits and their shares, which sum to 1: ``train``, ``validation`` and ``test``, or any names in ``[splits.shares]``."""

    train: Share = 0.7
    """Share of the pictures; 0 closes a split: it gets nothing but what ``fixed`` names, and what is near to that."""
    validation: Share = 0.15
    test: Share = 0.15
    shares: dict[str, Share] = {}
    """Name → share, in order, instead of the three keys above: {train = 0.7, validation = 0.15, test = 0.1, calibration = 0.05}."""
    fixed: str | None = None
    """CSV of pictures whose split is given: columns url or image_id, and split (relative to this file)."""
    seed: int = 0
    """Another seed gives another split; changing it moves pictures, so don't between versions."""
    min_class_images: PositiveInt = 1
    """Classes with fewer pictures are left out (class_too_small)."""
    min_per_split: PositiveInt = 1
    """Groups of near-duplicates a class should have in every split, where it has enough; train, test, validation are served first."""
    keep_previous: bool = True
    """Pictures of an earlier release of this workspace keep their split."""

    @model_validator(mode="after")
    def _agree(self) -> SplitsConfig:
        plain = {name: getattr(self, name) for name in PLAIN_SPLITS}
        named = self.shares or plain
        faults = [f"{name!r} cannot name a split ({why})" for name in named if (why := find_name_fault(name))]
        if len(named) > MAX_SPLITS:
            faults.append(f"{len(named)} splits, more than {MAX_SPLITS}")
        faults += [
            f"{name} = {plain[name]:g} stands beside shares, which says {named.get(name, 0.0):g}: write it there"
            for name in PLAIN_SPLITS
            if self.shares and name in self.model_fields_set and plain[name] != named.get(name, 0.0)
        ]
        if named.get("train", 0.0) <= 0:
            faults.append("train must be larger than 0")
        if abs((total := sum(named.values())) - 1.0) > 1e-6:
            faults.append(f"{' + '.join(named)} = {total:g}, not 1")
        if faults:
            raise ValueError("; ".join(faults))
        told = {"shares": dict(named), **{name: named.get(name, 0.0) for name in PLAIN_SPLITS}}
        self.__dict__.update(told)  # frozen for everybody else
        return self


class ReleaseConfig(Section):
    """How the Parquet release is written."""

    rows_per_group: PositiveInt = 100
    """Rows per Parquet row group."""
    max_file_bytes: PositiveInt = 500_000_000
    """Roughly the size at which a split goes on in a further file."""
    min_files: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Files of a split at least, of equally many pictures: readers that give each worker files of its own need as many as workers."""
    keep_versions: NonNegativeInt = 3
    """Releases kept in releases/v1, v2 … after another has replaced them; 0 keeps none."""


class RetentionConfig(Section):
    """How much is kept, and how long."""

    max_workspace_bytes: NonNegativeInt = 0
    """Fetching stops, and a release is not begun, before the workspace holds more, earlier releases and all; 0 sets no limit."""
    min_free_bytes: NonNegativeInt = 500_000_000
    """The same before the disk of a local workspace has less free; never less than 40 MB."""

    unlisted_days: NonNegativeInt | Literal["never"] = 30
    """Days after which what was fetched goes, rows and bytes, where the sources no longer list its URL."""
    refused_days: NonNegativeInt | Literal["never"] = "never"
    """Days after which the bytes go of what was fetched and is no usable picture; what is known of it stays."""
    unfinished_days: NonNegativeInt | Literal["never"] = 7
    """Days after which goes what a training that was broken off has left."""


class MetricsConfig(Section):
    """What a monitor is told of each run."""

    folder: str = ""
    """A Prometheus textfile collector's folder (relative to this file): each run writes logoingest_<name>.prom. Left empty: none."""


class TrainConfig(Section):
    """The baseline fine-tune."""

    enabled: bool = True
    """Whether a whole run trains at its end; false where the extra "train" is not installed."""
    recipe: str = "classify"
    """The task: "classify" (one class a picture), "detect" (boxes), or of one's own as "package.module:recipe", which runs that code (docs/baseline.md)."""
    recipe_options: dict[str, Any] = {}
    """Settings of the recipe's own; classify has none."""
    model: str = "mobilenet_v2"
    """A torchvision classifier by name, one of timm's ("timm/xception41"), or your code ("package.module:function"; docs/baseline.md)."""
    model_options: dict[str, Any] = {}
    """Keyword arguments of the model's constructor or of your function."""
    weights: str = "none"
    """"imagenet" (torchvision's or timm's own, downloaded), "none", or a local file of a state dict (relative to this file). {model} in
    its name is the model's, so that a sweep may vary the model."""
    freeze: Literal["none", "lower", "backbone"] = "none"
    """lower: the first two thirds of the layers stay as they are; backbone: only the last layer learns."""
    image_side_px: Annotated[int, Field(ge=16, le=1024)] = 128
    """Side of the square the model sees."""
    epochs: PositiveInt = 10
    batch_size: PositiveInt = 32
    lr: PositiveFloat | None = None
    """Peak learning rate; left out, what the model's kind stands: 0.003 with batch normalisation, 0.0005 with other, 0.0003 with none."""
    backbone_lr_factor: Annotated[float, Field(gt=0, le=10)] = 0.3
    """Pretrained layers learn with lr times this; the fresh last layer, and everything without weights, with lr."""
    weight_decay: NonNegativeFloat = 0.0001
    label_smoothing: Share = 0.0
    schedule: Literal["one_cycle", "cosine", "step"] = "one_cycle"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of all steps in which cosine and step rise to lr; one_cycle rises in its first 30 % whatever this says."""
    average: Share = 0.0
    """Keep not the last weights but their average over about this share of all steps, the newest counting most; 0 keeps the last."""
    early_stop_epochs: NonNegativeInt = 0
    """Stop after this many epochs without a better validation loss; 0 never stops early."""
    augment: Literal["none", "light", "strong"] = "light"
    balance: Literal["none", "weights", "sampler"] = "none"
    """weights: class-weighted loss; sampler: class-balanced sampling."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 on CUDA, float32 elsewhere."""
    workers: NonNegativeInt = 2
    """Decoding threads of the loader; 0 decodes as it goes. Changes no figure."""
    seed: int = 0
    log: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)
    """Where curves and figures go beside epochs.jsonl, in folders of baseline/ (extras of these names). W&B stays offline."""
    keep_runs: NonNegativeInt = 20
    """Records of trainings kept in runs/ of the workspace, the newest, each a folder with all but the weights; 0 keeps none."""
    min_margin: Share = 0.1
    """Verdict: how far test top-1 must be above the majority class and the zero-input control."""
    controls: bool = True
    """Run the zero-input and shuffled-label controls (part of the verdict)."""
    detection: DetectionConfig = DetectionConfig()
    """The recipe "detect"."""
    safeguard_ours_kept: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Share of pictures of our classes that the baseline's predictions are not to take for strangers."""
    safeguard_precision: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Of every class, share of its accepted predictions that are to be right; the rest is left to a person."""

    @property
    def weights_file(self) -> str | None:
        """The local file that ``weights`` names; None where it names none."""
        model = re.sub(r"[^A-Za-z0-9_.-]", "_", self.model)
        return None if self.weights in {"none", "imagenet"} else self.weights.replace("{model}", model)


class EvidenceConfig(Section):
    """What a network sees in the pictures: look-alikes, wrong labels, the map in the report."""

    backbone: str = "baseline"
    """baseline, any torchvision model by name, or (relative to this file) the folder of another baseline or an .onnx file."""
    weights: str = "imagenet"
    """Of a torchvision model: "imagenet" (downloaded), or a local file of a state dict (relative to this file)."""
    image_side_px: Annotated[int, Field(ge=16, le=1024)] = 224
    """Side of the square that a torchvision model, or an ONNX file that takes any, sees; a baseline has its own."""
    map: Literal["pca", "umap"] = "pca"
    """How the report lays the pictures out in a plane: by principal components, or by neighbourhoods (extra "umap")."""


class ReportConfig(Section):
    """The self-contained report.html."""

    thumbnails: NonNegativeInt = 480
    """Thumbnails embedded at most."""
    thumbnail_side_px: Annotated[int, Field(ge=16, le=512)] = 96
    """Longer side of a thumbnail."""
    thumbnail_bytes: NonNegativeInt = 2_500_000
    """All thumbnails together, as they stand in the page; the page itself is never longer than 5 MB."""


class Config(Section):
    """A whole dataset.toml."""

    dataset: DatasetConfig
    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    labels: LabelsConfig
    fetch: FetchConfig = FetchConfig()
    images: ImagesConfig = ImagesConfig()
    samples: SamplesConfig = SamplesConfig()
    splits: SplitsConfig = SplitsConfig()
    release: ReleaseConfig = ReleaseConfig()
    retention: RetentionConfig = RetentionConfig()
    metrics: MetricsConfig = MetricsConfig()
    train: TrainConfig = TrainConfig()
    sweep: SweepConfig = SweepConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    report: ReportConfig = ReportConfig()
    base_dir: Annotated[Path, Field(exclude=True)] = Path()
    """The folder relative paths are relative to (the file's own); not a key of the file."""

    @field_validator("sources")
    @classmethod
    def _check_kept(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        if fault := find_kept_fault(name for source in sources for name in source.keep_columns):
            raise ValueError(fault)
        return sources

    @property
    def kept_columns(self) -> list[str]:
        """The sources' columns that go along into the release, in the order of the sources."""
        return list(dict.fromkeys(name for source in self.sources for name in source.keep_columns))

    @model_validator(mode="after")
    def _tells_roots_apart(self) -> Config:
        folders: dict[str, str] = {}
        for root in self.local_roots:
            if folders.setdefault(root.prefix, root.folder) != root.folder:
                raise ValueError(
                    f"sources.local_root: two folders are called {root.prefix.removeprefix('file://')} alike: rename one"
                )
        return self

    @model_validator(mode="after")
    def _sweeps_settings_that_are(self) -> Config:
        if faults := list(find_sweep_faults(self.sweep, self.train)):
            raise ValueError("; ".join(f"sweep.{fault}" for fault in faults))
        return self

    @property
    def local_roots(self) -> tuple[LocalRoot, ...]:
        """The folders whose pictures may be read from this machine."""
        given = (source.local_root for source in self.sources)
        return tuple(dict.fromkeys(name_root(text, self.base_dir) for text in given if text is not None))

    def resolve(self, path: str) -> Path:
        """A path of this config, relative to the config file's folder."""
        return self.base_dir / Path(path).expanduser()

    @property
    def class_map_path(self) -> Path:
        """The class map's path; the name of one that comes with the package stays a name."""
        named = self.labels.class_map
        return Path(named) if is_named(named) else self.resolve(named)

    @property
    def workspace_url(self) -> str:
        """The workspace as an absolute local path or an fsspec URL."""
        workspace = self.dataset.workspace
        return workspace if "://" in workspace else str(self.resolve(workspace).absolute())
