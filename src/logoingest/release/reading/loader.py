"""A release as Python sees it: tables for looking, a torch dataset for training. torch is imported only when a dataset is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.errors import GateError, Problem, UsageError, suggest_name
from logoingest.release.form.features import LIGHT_COLUMNS, ReleaseRow, release_schema
from logoingest.release.form.manifest import DATA_FOLDER, MANIFEST_NAME, lies_inside, read_manifest
from logoingest.release.form.notebook import SHOWN_CLASSES, describe_counts, render_table, show_text

if TYPE_CHECKING:
    import pandas as pd

    from logoingest.evidence.similar import Similar
    from logoingest.evidence.vectors import Vectors
    from logoingest.release.reading.similarity import PictureEncoder
    from logoingest.release.reading.torch_datasets import ReleaseDataset, ReleaseStream


@dataclass(frozen=True, repr=False)
class Release:
    """An opened release; ``open_release`` makes one."""

    path: Path
    manifest: Mapping[str, Any]

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        """Name, fingerprint and figures on one line; the manifest is in ``manifest``."""
        shown = f"{describe_counts(self.splits)}; {len(self.class_ids):,} classes; {self.fingerprint[:16]}"
        return f"<Release {show_text(self.name)}: {shown}; {show_text(str(self.path))}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: pictures of every class in every split."""
        splits = list(self.splits)
        entries = self.manifest["classes"][:SHOWN_CLASSES]
        rows = [
            (str(label), entry["id"], entry["name"], *(entry["images"].get(split, 0) for split in splits))
            for label, entry in enumerate(entries)
        ]
        several = self.manifest["multi_class_images"]
        rows.append(("-1", "", "several classes", *(several.get(split, 0) for split in splits)))
        title = f"{show_text(self.name)}: {describe_counts(self.splits)}; {self.fingerprint[:16]}"
        more = len(self.manifest["classes"]) - len(entries)
        return render_table(title, ("label", "class", "name", *splits), rows, more)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return str(self.manifest["name"])

    @property
    def class_ids(self) -> list[str]:
        """The class of each label: its class_id, as in every other reader."""
        return [entry["id"] for entry in self.manifest["classes"]]

    @property
    def display_names(self) -> list[str]:
        """The class of each label, as people write it."""
        return [entry["name"] for entry in self.manifest["classes"]]

    @property
    def splits(self) -> dict[str, int]:
        """Split → pictures."""
        return dict(self.manifest["splits"])

    @property
    def kept_columns(self) -> list[str]:
        """The source's own columns that the release carries, each a list of texts."""
        return list(self.manifest.get("kept_columns", ()))

    @property
    def boxes(self) -> pa.Table:
        """Every box of every split: split, image_id, label, class_id, bbox ([x, y, width, height] in pixels of the upright
        picture), truncated, attributes. Read anew each time; no picture is read.

        Raises:
            GateError: a data file is gone or damaged.
        """
        return flatten_boxes(self.to_arrow(columns=["split", "image_id", "boxes"]), self.class_ids)

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the conservation law: annotations, voted, rejected."""
        return dict(self.manifest["counts"])

    @property
    def fingerprint(self) -> str:
        """One hash that stands for the whole release."""
        return str(self.manifest["fingerprint"])

    def files(self, split: str) -> list[Path]:
        """The data files of a split, in order.

        Raises:
            UsageError: there is no such split.
        """
        if split not in self.splits:
            raise UsageError(Problem(f"split {split!r}", "does not exist", f"there are {', '.join(self.splits)}"))
        prefix = f"{DATA_FOLDER}/{split}-"
        return [self.path / name for name in sorted(self.manifest["files"]) if name.startswith(prefix)]

    def to_arrow(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of a split, or of all splits with a column ``split`` in front.

        Args:
            split: train, or another of ``splits``; all when left out.
            columns: those to read; when left out, all but the pictures (ask for "image" by name, it is read into memory).

        Raises:
            UsageError: there is no such split or column.
            GateError: a data file is gone or damaged.
        """
        schema = release_schema(self.class_ids, self.kept_columns)
        wanted = list((*LIGHT_COLUMNS, *self.kept_columns) if columns is None else columns)
        unknown = [name for name in wanted if name not in schema.names and not (split is None and name == "split")]
        if unknown:
            hint = suggest_name(unknown[0], schema.names, f"there are {', '.join(schema.names)}")
            raise UsageError(Problem(", ".join(unknown), "no such column", hint))
        stored = [name for name in wanted if name != "split"]
        if split is not None:
            return self._read_split(split, stored, schema)
        tables = []
        for name in self.splits:
            table = self._read_split(name, stored, schema)
            tables.append(table.add_column(0, "split", pa.array([name] * table.num_rows, pa.string())))
        joined = pa.concat_tables(tables)
        return joined if columns is None or "split" not in wanted else joined.select(wanted)

    def to_pandas(self, split: str | None = None, images: bool = False) -> pd.DataFrame:
        """The same as a data frame; with ``images`` the column image holds {"bytes", "path"}."""
        columns = ["image", *LIGHT_COLUMNS, *self.kept_columns] if images else None
        frame: pd.DataFrame = self.to_arrow(split, columns).to_pandas()
        return frame

    def dataset(
        self, split: str, transform: Callable[[Any], Any] | None = None, *, keep_multi_class: bool = False
    ) -> ReleaseDataset:
        """A torch map-style dataset of (picture, label): a PIL RGB image the right way up, or what ``transform`` makes of it.

        Labels, image ids, boxes and confidences of its items are there without reading a picture: see ``ReleaseDataset``.

        Args:
            split: train, or another of ``splits``.
            transform: called with the PIL image; must be picklable when workers are spawned.
            keep_multi_class: also give pictures of several classes, with label -1; they are left out otherwise.

        Raises:
            UsageError: there is no such split.
            LogoingestError: torch is not installed.
        """
        _need_torch()
        from logoingest.release.reading.torch_datasets import ReleaseDataset

        return ReleaseDataset(self.files(split), self.class_ids, transform, keep_multi_class=keep_multi_class)

    def iterable(
        self,
        split: str,
        transform: Callable[[Any], Any] | None = None,
        *,
        shuffle_buffer: int = 1000,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_remainder: bool = False,
        keep_multi_class: bool = False,
    ) -> ReleaseStream:
        """A torch iterable dataset: reads row groups in a shuffled order and shuffles again in a buffer. Sequential on disk.

        Over all ranks and their workers every picture comes once an epoch, none twice.

        Args:
            split: train, or another of ``splits``.
            transform: as in ``dataset``.
            shuffle_buffer: encoded pictures held for shuffling, per worker; 0 keeps the order of the files.
            seed: with the epoch (``set_epoch``) it fixes the order.
            rank: which of ``world_size`` trainers this is; of torch.distributed when left out and that is initialised, else 0.
            world_size: how many trainers share the split; their parts differ by one picture at most.
            drop_remainder: give every rank equally many, and leave out what does not divide: trainers that wait for each other
                after every batch need it. Other pictures are left out in every epoch.
            keep_multi_class: as in ``dataset``.

        Raises:
            UsageError: there is no such split, or no such rank.
            LogoingestError: torch is not installed.
        """
        _need_torch()
        from logoingest.release.reading.torch_datasets import ReleaseStream

        return ReleaseStream(
            self.files(split),
            self.class_ids,
            transform,
            shuffle_buffer=shuffle_buffer,
            seed=seed,
            rank=rank,
            world_size=world_size,
            drop_remainder=drop_remainder,
            keep_multi_class=keep_multi_class,
        )

    def similar(
        self,
        image: str | bytes | Path,
        count: int = 12,
        *,
        workspace: str | os.PathLike[str] = "",
        encoder: PictureEncoder | None = None,
    ) -> Similar:
        """The pictures of the release that look most like one, nearest first, by cosine.

        Args:
            image: an image_id or its first six or more digits; or a picture's file (``Path``) or its bytes, which need ``encoder``.
            count: how many.
            workspace: whose embeddings (``logoingest embed``) are taken; when left out, those beside the release, where it lies in
                its workspace and there are any of the encoder.
            encoder: the network, as ``logoingest.training.loop.encoders.load_baseline_encoder(folder)`` opens it. Without embeddings
                of a workspace, every picture of the release runs through it, at every call.

        Raises:
            UsageError: there are neither embeddings nor an encoder, or none of the encoder in the workspace; no such picture.
            GateError: a data file is gone or damaged.
        """
        from logoingest.release.reading.similarity import FACTS, find_in_release

        facts = self.to_arrow(columns=FACTS)
        return find_in_release(facts, self._see(workspace, encoder), image, count, encoder)

    def _see(self, workspace: str | os.PathLike[str], encoder: PictureEncoder | None) -> tuple[str, Vectors]:
        """(the network's name, the pictures as it sees them)."""
        from logoingest.release.reading.similarity import encode_release, read_workspace_vectors
        from logoingest.workspace import Workspace

        place = Workspace(os.fspath(workspace) or str(self.path.absolute().parent))
        try:
            return read_workspace_vectors(place, encoder)
        except UsageError:
            if workspace or encoder is None:
                raise
        ids = self.to_arrow(columns=["image_id"]).column("image_id").to_pylist()
        return encoder.model_hash[:16], encode_release(ids, [path for split in self.splits for path in self.files(split)], encoder)

    def _read_split(self, split: str, columns: Sequence[str], schema: pa.Schema) -> pa.Table:
        kept = pa.schema([schema.field(name) for name in columns])
        tables = []
        for path in self.files(split):
            try:
                table = pq.ParquetFile(path).read(columns=list(columns))
                tables.append(ReleaseRow.complete(table, columns).select(list(columns)).cast(kept))
            except (OSError, ValueError, KeyError, pa.ArrowException) as error:
                what = f"cannot be read ({error})"
                raise GateError(Problem(str(path), what, "check the release with: logoingest verify")) from error
        return pa.concat_tables(tables) if tables else kept.empty_table()


def open_folder(path: str | os.PathLike[str]) -> Release:
    """Open a local release folder; its files are looked for, not read (``verify_release`` reads them).

    Raises:
        UsageError: there is no release, or one of a newer form than this logoingest knows.
        GateError: the manifest is damaged, or a file is missing or of another length than it says.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    problems = []
    for name, record in manifest["files"].items():
        if not lies_inside(name):
            problems.append(Problem(MANIFEST_NAME, f"names the file {name[:80]!r}", "it is no release of logoingest"))
            continue
        try:
            size = (folder / name).stat().st_size
        except OSError:
            problems.append(Problem(str(folder / name), "is missing", "make the release again"))
            continue
        if size != record["bytes"]:
            what = f"has {size:,} bytes, the manifest says {record['bytes']:,}"
            problems.append(Problem(str(folder / name), what, "check the release with: logoingest verify"))
    if problems:
        raise GateError(problems)
    return Release(folder, manifest)


def flatten_boxes(rows: pa.Table, class_ids: Sequence[str]) -> pa.Table:
    """One row a box of rows with a column ``boxes``: the other columns, repeated, then label, class_id, bbox and the rest."""
    lists = rows.column("boxes").combine_chunks()
    parents = pc.list_parent_indices(lists)
    boxes = pc.list_flatten(lists)
    flat = rows.drop_columns(["boxes"]).take(parents)
    for name in ("label", "bbox", "truncated", "attributes"):
        flat = flat.append_column(name, pc.struct_field(boxes, name))
    place = flat.schema.get_field_index("label") + 1
    return flat.add_column(place, "class_id", pa.array(class_ids, pa.string()).take(pc.struct_field(boxes, "label")))


def _need_torch() -> None:
    try:
        import torch  # noqa: F401  # only to say clearly that it is missing
    except ImportError as error:
        hint = 'install it with: pip install "logoingest[train]"; .to_arrow() and .to_pandas() work without'
        raise UsageError(Problem("torch", f"cannot be imported ({error})", hint)) from error
