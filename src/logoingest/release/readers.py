"""A release as other libraries see it: each that is installed must see the same rows."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from logoingest.release.loader import Release
from logoingest.release.manifest import CROISSANT_NAME
from logoingest.release.violations import Violation

logger = logging.getLogger("logoingest")

#: Rows as (image_id, label), in order, by split.
SeenRows = dict[str, list[tuple[str, int]]]


def check_readers(release: Release) -> Iterator[Violation]:
    """pyarrow, pandas, and where installed duckdb, datasets, mlcroissant and torch: equal rows, class names, a picture that opens.

    A reader that is not installed is passed over, and the log says so.
    """
    try:
        expected = _read_with_loader(release)
    except Exception as error:  # noqa: BLE001  # whatever a reader raises is the finding
        yield Violation("reopens", "logoingest", f"{type(error).__name__}: {_first_line(error)}")
        return
    for name, read in READERS.items():
        if importlib.util.find_spec(name) is None:
            logger.info("not reopened with %s, which is not installed", name)
            continue
        try:
            seen = read(release)
        except Exception as error:  # noqa: BLE001  # whatever a reader raises is the finding
            yield Violation("reopens", name, f"{type(error).__name__}: {_first_line(error)}")
            continue
        wrong = [split for split in expected if seen.get(split, []) != expected[split]]
        if wrong:
            yield Violation("reopens", name, f"reads other rows in {', '.join(wrong)}")


def _read_with_loader(release: Release) -> SeenRows:
    return {split: _pair(release.to_arrow(split, ["image_id", "label"])) for split in release.splits}


def _read_with_pyarrow(release: Release) -> SeenRows:
    import pyarrow.dataset as pads

    tables = {split: pads.dataset([str(file) for file in files], format="parquet") for split, files in _files(release)}
    return {split: _pair(table.to_table(columns=["image_id", "label"])) for split, table in tables.items()}


def _read_with_pandas(release: Release) -> SeenRows:
    import pandas as pd

    seen: SeenRows = {}
    for split, files in _files(release):
        frame = pd.concat([pd.read_parquet(file, columns=["image_id", "label"]) for file in files])
        seen[split] = list(zip(frame["image_id"].tolist(), frame["label"].tolist(), strict=True))
    return seen


def _read_with_duckdb(release: Release) -> SeenRows:
    import duckdb

    seen: SeenRows = {}
    with duckdb.connect(":memory:") as connection:
        for split, files in _files(release):
            relation = connection.read_parquet([str(file) for file in files])
            seen[split] = [(row[0], row[1]) for row in relation.select("image_id", "label").fetchall()]
    return seen


def _read_with_datasets(release: Release) -> SeenRows:
    """Streamed, so that nothing is copied; class names and a picture of each split as well."""
    import datasets

    seen: SeenRows = {}
    with tempfile.TemporaryDirectory(prefix="logoingest-") as cache:
        if not any(release.splits.values()):
            return seen
        opened = datasets.load_dataset(str(release.path), streaming=True, cache_dir=cache)
        light = datasets.load_dataset(str(release.path), streaming=True, cache_dir=cache, columns=["image_id", "label"])
        for split, rows in light.items():
            seen[str(split)] = [(row["image_id"], row["label"]) for row in rows]
            names = opened[split].features["label"].names
            if names != release.class_names:
                raise ValueError(f"class names {names[:3]} …, not those of the manifest")
            next(iter(opened[split]))["image"].load()
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
            seen[split].append((image_id, record["pictures/label"]))
        names = [record["classes/class_id"] for record in opened.records("classes")]
    if names != release.class_names:
        raise ValueError(f"class names {names[:3]} …, not those of the manifest")
    return {split: sorted(rows) for split, rows in seen.items()}  # rows are in the order of image_id, files come in any


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
    """The labels of our own dataset, and its first and last picture."""
    seen: SeenRows = {}
    for split in release.splits:
        dataset = release.dataset(split, keep_multi_class=True)
        ids = release.to_arrow(split, ["image_id"]).column("image_id").to_pylist()
        seen[split] = list(zip(ids, dataset.labels.tolist(), strict=True))
        for index in {0, len(dataset) - 1} if len(dataset) else ():
            dataset[index]
    return seen


#: Module → how it reads a release.
READERS: dict[str, Callable[[Release], SeenRows]] = {
    "pyarrow": _read_with_pyarrow,
    "pandas": _read_with_pandas,
    "duckdb": _read_with_duckdb,
    "datasets": _read_with_datasets,
    "mlcroissant": _read_with_mlcroissant,
    "torch": _read_with_torch,
}


def _files(release: Release) -> list[tuple[str, list[Any]]]:
    return [(split, files) for split in release.splits if (files := release.files(split))]


def _pair(table: pa.Table) -> list[tuple[str, int]]:
    return list(zip(table.column("image_id").to_pylist(), table.column("label").to_pylist(), strict=True))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
