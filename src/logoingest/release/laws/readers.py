"""A release as other libraries see it: each that is installed must see the same rows and the same pictures, and asks nobody."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import io
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from logoingest.errors import quote_first_line
from logoingest.pictures.loading import load_picture
from logoingest.release.form.manifest import CROISSANT_NAME, DATA_FOLDER
from logoingest.release.laws.offline import stay_offline
from logoingest.release.laws.violations import Law, Violation
from logoingest.release.reading.loader import Release

logger = logging.getLogger("logoingest")

#: Pictures of a split that are compared where a reader gives them decoded only, beside the first and the last.
_COMPARED = 16

#: Rows that are looked at together.
_ROWS_AT_ONCE = 256
#: For datasets, which looks at every class name again for each lot that it reads: a row group where nothing is said.
_ROWS_AT_ONCE_WITH_NAMES = 500

#: Records that mlcroissant is asked for in all where a release has more pictures; and of a file at least.
_MOST_RECORDS, _LEAST_RECORDS = 5_000, 16

_COLUMNS = ("image_id", "label", "image")
_QUERY = "SELECT image_id, label, image['bytes'] FROM read_parquet(?)"


#: What a reader gives of a row; ``sha256`` is that of the picture's bytes.
SEEN_SCHEMA = pa.schema([("image_id", pa.string()), ("label", pa.int64()), ("sha256", pa.string())])

#: Rows in order, by split.
SeenRows = dict[str, pa.Table]


def check_readers(release: Release, *, is_sound: bool) -> Iterator[Violation]:
    """pyarrow, pandas, and where installed duckdb, torch, datasets and mlcroissant: equal rows, class names and pictures.

    A reader that is not installed is passed over, and the log says so.

    Args:
        release: as opened.
        is_sound: whether no law was broken so far. What decides by the card or the Croissant what to load, and from where, is asked
            only then.
    """
    try:
        expected = _read_with_loader(release)
    except Exception as error:  # noqa: BLE001  # whatever a reader raises is the finding
        yield Violation(Law.REOPENS, "logoingest", f"{type(error).__name__}: {quote_first_line(error)}")
        return
    for name, read in READERS.items():
        if importlib.util.find_spec(name) is None:
            logger.info("not reopened with %s, which is not installed", name)
            continue
        if name in DESCRIBED and not is_sound:
            logger.info("not reopened with %s: a law is broken already", name)
            continue
        if name == "mlcroissant" and (release.path / DATA_FOLDER).is_symlink():
            logger.info("not reopened with mlcroissant, which does not follow a link to another folder")
            continue
        try:
            seen = read(release)
        except Exception as error:  # noqa: BLE001  # whatever a reader raises is the finding
            yield Violation(Law.REOPENS, name, f"{type(error).__name__}: {quote_first_line(error)}")
            continue
        wrong = [split for split, rows in expected.items() if not rows.equals(seen.get(split, SEEN_SCHEMA.empty_table()))]
        wrong += sorted(seen.keys() - expected.keys())
        if wrong:
            yield Violation(Law.REOPENS, name, f"reads other rows or pictures in {', '.join(wrong)[:200]}")


def _read_with_loader(release: Release) -> SeenRows:
    """What the files say by our own reading; that the bytes are those of the hash is a law of its own."""
    seen: SeenRows = {}
    for split in release.splits:
        rows = release.to_arrow(split, ["image_id", "label", "stored_sha256"])
        stored = pc.coalesce(rows.column("stored_sha256"), rows.column("image_id"))
        seen[split] = pa.Table.from_arrays([rows.column("image_id"), rows.column("label"), stored], schema=SEEN_SCHEMA)
    return seen


def _read_with_pyarrow(release: Release) -> SeenRows:
    import pyarrow.dataset as pads

    seen: SeenRows = {}
    for split, files in _files(release):
        dataset = pads.dataset([str(file) for file in files], format="parquet")
        seen[split] = _join(map(_note_batch, dataset.to_batches(columns=list(_COLUMNS), batch_size=_ROWS_AT_ONCE)))
    return seen


def _read_with_pandas(release: Release) -> SeenRows:
    import pandas as pd

    def read(file: Any) -> pa.RecordBatch:
        frame = pd.read_parquet(file, columns=list(_COLUMNS))
        return _note(frame["image_id"].tolist(), frame["label"].tolist(), (picture["bytes"] for picture in frame["image"]))

    return {split: _join(map(read, files)) for split, files in _files(release)}


def _read_with_duckdb(release: Release) -> SeenRows:
    import duckdb

    seen: SeenRows = {}
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        for split, files in _files(release):
            connection.execute(_QUERY, [[str(file) for file in files]])
            batches = iter(lambda: connection.fetchmany(_ROWS_AT_ONCE), [])
            seen[split] = _join(_note(*zip(*batch, strict=True)) for batch in batches)
    return seen


def _read_with_datasets(release: Release) -> SeenRows:
    """By the card alone, streamed, so that nothing is copied; class names as well, and a picture of each split is decoded."""
    import datasets

    seen: SeenRows = {}
    if not any(release.splits.values()):
        return seen
    folder = str(release.path.absolute())
    if glob.has_magic(folder) or folder.endswith(".py"):
        raise ValueError(
            "takes a path with * ? [ for a pattern and one that ends in .py for a script: give the folder another name"
        )
    with tempfile.TemporaryDirectory(prefix="logoingest-") as cache, stay_offline():
        opened = datasets.load_dataset(folder, streaming=True, cache_dir=cache, batch_size=_ROWS_AT_ONCE_WITH_NAMES)
        for split, rows in opened.items():
            names = rows.features["label"].names
            if names != release.class_ids:
                raise ValueError(f"class names {names[:3]} …, not those of the manifest")
            next(iter(rows))["image"].load()
            stored = rows.select_columns(list(_COLUMNS)).cast_column("image", datasets.Image(decode=False)).with_format("arrow")
            seen[str(split)] = _join(map(_note_batch, stored.iter(batch_size=_ROWS_AT_ONCE)))
    return seen


def _read_with_mlcroissant(release: Release) -> SeenRows:
    """Every record that ``croissant.json`` describes, its picture opened; a data file is in memory at a time.

    It takes 2 ms a record, a whole file at a time: of a release with more than ``_MOST_RECORDS`` pictures it reads the beginning of
    each file.
    """
    count = sum(release.splits.values())
    if count == 0:
        return {split: SEEN_SCHEMA.empty_table() for split in release.splits}
    if count <= _MOST_RECORDS:
        return _read_records(release, release.path)
    files = _files(release)
    rows = max(_LEAST_RECORDS, _MOST_RECORDS // sum(len(paths) for _, paths in files))
    with tempfile.TemporaryDirectory(prefix="logoingest-") as folder:
        written = {split: _join(_write_beginning(path, Path(folder), rows) for path in paths) for split, paths in files}
        seen = _read_records(release, Path(folder))
    if any(not rows.equals(seen[split]) for split, rows in written.items()):
        raise ValueError("reads other rows or pictures in the beginnings of the data files")
    return _read_with_loader(release)


def _write_beginning(path: Path, folder: Path, rows: int) -> pa.RecordBatch:
    """Write a folder that ``croissant.json`` describes as it does the release, with a data file's first rows; what stands in these."""
    (folder / DATA_FOLDER).mkdir(exist_ok=True)
    shutil.copyfile(path.parent.parent / CROISSANT_NAME, folder / CROISSANT_NAME)
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(rows))
    pq.write_table(pa.Table.from_batches([batch]), folder / DATA_FOLDER / path.name)
    return _note_batch(batch)


def _read_records(release: Release, folder: Path) -> SeenRows:
    import mlcroissant

    rows: dict[str, list[tuple[str, int, str]]] = {split: [] for split in release.splits}
    with _quiet("absl"):  # recommends properties that a release of pictures has no use for
        opened = mlcroissant.Dataset(jsonld=str(folder / CROISSANT_NAME))
        for record in opened.records("pictures"):
            split, image_id = (record[f"pictures/{name}"].decode() for name in ("split", "image_id"))
            rows[split].append((image_id, record["pictures/label"], _hash_opened(record["pictures/image"])))
        names = [record["classes/class_id"] for record in opened.records("classes")]
    if names != release.class_ids:
        raise ValueError(f"class names {names[:3]} …, not those of the manifest")
    return {  # rows are in the order of image_id, files come in any
        split: pa.Table.from_pylist([dict(zip(SEEN_SCHEMA.names, row, strict=True)) for row in sorted(found)], SEEN_SCHEMA)
        for split, found in rows.items()
    }


def _hash_opened(picture: Image.Image) -> str:
    """The sha256 of the bytes a picture was opened from and is not yet read from; of what it is made of anew, where they are gone."""
    stream = getattr(picture, "fp", None)
    if isinstance(stream, io.BytesIO):
        return _hash(stream.getvalue())
    raise ValueError(f"gives a {type(picture).__name__} that no longer has its bytes")


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """A library's warnings kept off the terminal for a while."""
    library = logging.getLogger(name)
    level = library.level
    library.setLevel(logging.ERROR)
    try:
        yield
    finally:
        library.setLevel(level)


def _read_with_torch(release: Release) -> SeenRows:
    """The labels of our own dataset; its first and last picture and some between must be the pixels that the files hold."""
    seen: SeenRows = {}
    for split in release.splits:
        dataset = release.dataset(split, keep_multi_class=True)
        rows = release.to_arrow(split, ["image_id", "stored_sha256"])
        stored = pc.coalesce(rows.column("stored_sha256"), rows.column("image_id"))
        labels = pa.array(dataset.labels)
        seen[split] = pa.Table.from_arrays([rows.column("image_id"), labels, stored], schema=SEEN_SCHEMA)
        for index, data in _read_pictures(release.files(split), _spread(len(dataset))):
            picture, label = dataset[index]
            if label != labels[index].as_py() or picture.tobytes() != load_picture(data).tobytes():
                raise ValueError(f"item {index} of {split} is not the picture of its row")
    return seen


def _read_pictures(files: Sequence[Any], indices: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The bytes of some rows of a split; a row group is in memory at a time."""
    start, wanted = 0, list(indices)
    for path in files:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                stop = start + file.metadata.row_group(number).num_rows
                if wanted and wanted[0] < stop:
                    column = file.read_row_group(number, columns=["image.bytes"]).column("image").combine_chunks().field("bytes")
                    while wanted and wanted[0] < stop:
                        index = wanted.pop(0)
                        yield index, column[index - start].as_py()
                start = stop


def _spread(length: int) -> list[int]:
    return sorted({length * place // _COMPARED for place in range(_COMPARED)} | {length - 1}) if length else []


#: Module → how it reads a release.
READERS: dict[str, Callable[[Release], SeenRows]] = {
    "pyarrow": _read_with_pyarrow,
    "pandas": _read_with_pandas,
    "duckdb": _read_with_duckdb,
    "torch": _read_with_torch,
    "datasets": _read_with_datasets,
    "mlcroissant": _read_with_mlcroissant,
}

#: Those that are told by a description what to load, and from where.
DESCRIBED = frozenset({"datasets", "mlcroissant"})


def _files(release: Release) -> list[tuple[str, list[Any]]]:
    return [(split, files) for split in release.splits if (files := release.files(split))]


def _join(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches, SEEN_SCHEMA)


def _note_batch(rows: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    """What stands in some rows (``_COLUMNS``)."""
    pictures = rows.column("image")
    chunks = pictures.chunks if isinstance(pictures, pa.ChunkedArray) else [pictures]
    data = (picture.as_py() for chunk in chunks for picture in chunk.field("bytes"))
    return _note(rows.column("image_id").to_pylist(), rows.column("label").to_pylist(), data)


def _note(ids: Sequence[str], labels: Sequence[int], pictures: Iterable[bytes | None]) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array(ids, pa.string()), pa.array(labels, pa.int64()), [_hash(data) for data in pictures]], SEEN_SCHEMA
    )


def _hash(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
