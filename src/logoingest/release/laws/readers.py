"""A release as other libraries see it: each that is installed must see the same rows and the same pictures, and asks nobody."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import io
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

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

_COLUMNS = ("image_id", "label", "image")
_QUERY = "SELECT image_id, label, image['bytes'] FROM read_parquet(?)"


class SeenRow(NamedTuple):
    """A row as a reader gives it; ``sha256`` is that of the picture's bytes."""

    image_id: str
    label: int
    sha256: str


#: Rows in order, by split.
SeenRows = dict[str, list[SeenRow]]


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
        wrong = [split for split in expected if seen.get(split, []) != expected[split]] + sorted(seen.keys() - expected.keys())
        if wrong:
            yield Violation(Law.REOPENS, name, f"reads other rows or pictures in {', '.join(wrong)[:200]}")


def _read_with_loader(release: Release) -> SeenRows:
    """What the files say by our own reading; that the bytes are those of the hash is a law of its own."""
    seen: SeenRows = {}
    for split in release.splits:
        rows = release.to_arrow(split, ["image_id", "label", "stored_sha256"])
        stored = pc.coalesce(rows.column("stored_sha256"), rows.column("image_id"))
        seen[split] = _join(rows.column("image_id"), rows.column("label"), stored.to_pylist())
    return seen


def _read_with_pyarrow(release: Release) -> SeenRows:
    import pyarrow.dataset as pads

    seen: SeenRows = {}
    for split, files in _files(release):
        rows = seen.setdefault(split, [])
        for batch in pads.dataset([str(file) for file in files], format="parquet").to_batches(
            columns=list(_COLUMNS), batch_size=256
        ):
            rows += _join(batch.column("image_id"), batch.column("label"), map(_hash_picture, batch.column("image").field("bytes")))
    return seen


def _read_with_pandas(release: Release) -> SeenRows:
    import pandas as pd

    seen: SeenRows = {}
    for split, files in _files(release):
        rows = seen.setdefault(split, [])
        for file in files:
            frame = pd.read_parquet(file, columns=list(_COLUMNS))
            hashes = [_hash(picture["bytes"]) for picture in frame["image"]]
            rows += map(SeenRow, frame["image_id"].tolist(), frame["label"].tolist(), hashes)
    return seen


def _read_with_duckdb(release: Release) -> SeenRows:
    import duckdb

    seen: SeenRows = {}
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"}) as connection:
        for split, files in _files(release):
            rows = seen.setdefault(split, [])
            connection.execute(_QUERY, [[str(file) for file in files]])
            while batch := connection.fetchmany(256):
                rows += [SeenRow(image_id, label, _hash(data)) for image_id, label, data in batch]
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
        opened = datasets.load_dataset(folder, streaming=True, cache_dir=cache)
        for split, rows in opened.items():
            names = rows.features["label"].names
            if names != release.class_ids:
                raise ValueError(f"class names {names[:3]} …, not those of the manifest")
            next(iter(rows))["image"].load()
            stored = rows.select_columns(list(_COLUMNS)).cast_column("image", datasets.Image(decode=False))
            seen[str(split)] = [SeenRow(row["image_id"], row["label"], _hash(row["image"]["bytes"])) for row in stored]
    return seen


def _read_with_mlcroissant(release: Release) -> SeenRows:
    """Every record that ``croissant.json`` describes, its picture opened; a data file is in memory at a time."""
    import mlcroissant

    seen: SeenRows = {split: [] for split in release.splits}
    if not any(release.splits.values()):
        return seen
    with _quiet("absl"):  # recommends properties that a release of pictures has no use for
        opened = mlcroissant.Dataset(jsonld=str(release.path / CROISSANT_NAME))
        for record in opened.records("pictures"):
            split, image_id = (record[f"pictures/{name}"].decode() for name in ("split", "image_id"))
            seen[split].append(SeenRow(image_id, record["pictures/label"], _hash_opened(record["pictures/image"])))
        names = [record["classes/class_id"] for record in opened.records("classes")]
    if names != release.class_ids:
        raise ValueError(f"class names {names[:3]} …, not those of the manifest")
    return {split: sorted(rows) for split, rows in seen.items()}  # rows are in the order of image_id, files come in any


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
        stored = pc.coalesce(rows.column("stored_sha256"), rows.column("image_id")).to_pylist()
        seen[split] = _join(rows.column("image_id"), pa.array(dataset.labels.tolist(), pa.int64()), stored)
        for index, data in _read_pictures(release.files(split), _spread(len(dataset))):
            picture, label = dataset[index]
            if label != seen[split][index].label or picture.tobytes() != load_picture(data).tobytes():
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


def _join(ids: pa.Array | pa.ChunkedArray, labels: pa.Array | pa.ChunkedArray, hashes: Any) -> list[SeenRow]:
    return [SeenRow(*row) for row in zip(ids.to_pylist(), labels.to_pylist(), hashes, strict=True)]


def _hash_picture(picture: pa.BinaryScalar) -> str:
    return _hash(picture.as_py())


def _hash(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
