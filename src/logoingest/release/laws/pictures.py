"""The laws of the pictures themselves: every one is decoded once, and none is there twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image

from logoingest.errors import quote_first_line
from logoingest.pictures.loading import Seen, check_picture, load_picture
from logoingest.release.form.manifest import DATA_FOLDER, ReleaseManifest, StoredForm
from logoingest.release.laws.violations import Law, Violation
from logoingest.release.writing.rows import name_extension
from logoingest.workers import Workers, cut_lots

#: Pictures are first compared by so many pixels across and down.
_SAMPLE_SIDE = 32


class _Facts(NamedTuple):
    """What a row says of its picture."""

    image_id: str
    stored_sha256: str | None
    width: int
    height: int


class _Stored(NamedTuple):
    """A picture as it lies in a data file."""

    data: bytes | None
    path: str | None
    facts: _Facts


class _Seen(NamedTuple):
    """What is wrong with a picture, and a sample of its pixels, equal for equal ones; 0 where it was not decoded."""

    fault: tuple[Law, str] | None
    sample: int = 0


class _Sampled(NamedTuple):
    """A data file, and the samples of its pictures in order."""

    name: str
    split: str
    samples: npt.NDArray[np.uint64]


class _Lying(NamedTuple):
    """A picture in its place."""

    image_id: str
    group_id: str
    split: str


@dataclass
class PictureChecks:
    """The pictures of a release, file by file, and eight bytes of each that are remembered."""

    folder: Path
    manifest: ReleaseManifest
    workers: Workers
    _files: list[_Sampled] = field(default_factory=list)

    def check_file(self, file: pq.ParquetFile, name: str, split: str) -> Iterator[Violation]:
        """Every picture of a file is the one its hash was made of, decodes whole, and has the stated size, form and ending."""
        look = partial(_look_at_lot, StoredForm.read(self.manifest.lineage))
        samples: list[int] = []
        for seen in self.workers.map(look, cut_lots(_iterate_stored(file), lambda stored: len(stored.data or b""))):
            for fault, sample in seen:
                if fault is not None:
                    yield Violation(fault[0], f"{name} row {len(samples)}", fault[1])
                samples.append(sample)
        self._files.append(_Sampled(name, split, np.array(samples, np.uint64)))

    def check_repeats(self) -> Iterator[Violation]:
        """Equal pixels are in one group, and so in one split: in another they are a leak, in the same one they count twice.

        One picture saved twice is two files with equal pixels; the route keeps both and groups them.
        """
        equal: defaultdict[bytes, list[_Lying]] = defaultdict(list)
        for pixels, lying in self._find_alike():
            equal[pixels].append(lying)
        apart = [sorted(found) for found in equal.values() if len({one.group_id for one in found}) > 1]
        if not apart:
            return
        crossing = sum(len({one.split for one in found}) > 1 for found in apart)
        example = " and ".join(f"{one.image_id} ({one.split})" for one in min(apart)[:2])
        what = f"{len(apart):,} pictures are there several times, pixel by pixel, in groups of their own; {crossing:,} of them in several splits"
        yield Violation(Law.PIXELS_ONCE, DATA_FOLDER, f"{what}; for example {example}")

    def _find_alike(self) -> Iterator[tuple[bytes, _Lying]]:
        """The hash of all pixels of each picture whose sample another one shares."""
        samples = [file.samples for file in self._files]
        values, counts = np.unique(np.concatenate(samples) if samples else np.zeros(0, np.uint64), return_counts=True)
        shared = values[(counts > 1) & (values != 0)]
        for name, split, found in self._files if len(shared) else ():
            with pq.ParquetFile(self.folder / name) as file:
                start = 0
                for index in range(file.metadata.num_row_groups):
                    stop = start + file.metadata.row_group(index).num_rows
                    rows = np.flatnonzero(np.isin(found[start:stop], shared)).tolist()
                    if rows:
                        table = file.read_row_group(index, columns=["image.bytes", "image_id", "group_id"]).take(rows)
                        for row in table.to_pylist():
                            yield _hash_pixels(row["image"]["bytes"]), _Lying(row["image_id"], row["group_id"], split)
                    start = stop


def _hash_pixels(data: bytes) -> bytes:
    picture = load_picture(data)
    return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()


def _iterate_stored(file: pq.ParquetFile) -> Iterator[_Stored]:
    """The pictures of a file; a row group is in memory at a time."""
    for index in range(file.metadata.num_row_groups):
        table = file.read_row_group(index, columns=["image", *_Facts._fields])
        pictures, paths = table.column("image").combine_chunks().flatten()
        columns = (table.column(column).to_pylist() for column in _Facts._fields)
        for picture, path, *facts in zip(pictures, paths.to_pylist(), *columns, strict=True):
            yield _Stored(picture.as_py(), path, _Facts(*facts))


def _look_at_lot(form: StoredForm, lot: Sequence[_Stored]) -> list[_Seen]:
    return [_look_at(form, *stored) for stored in lot]


def _look_at(form: StoredForm, data: bytes | None, path: str | None, facts: _Facts) -> _Seen:
    if data is None:
        return _Seen((Law.NO_NULLS, "has no picture"))
    if hashlib.sha256(data).hexdigest() != (facts.stored_sha256 or facts.image_id):
        return _Seen((Law.IMAGE_BYTES, f"the bytes are not those of picture {facts.image_id[:80]}"))
    if facts.stored_sha256 is not None and not form.is_rgb:
        return _Seen((Law.STORED_FORM, f"picture {facts.image_id} is not as fetched, the manifest says that all are"))
    try:
        shown = check_picture(data)
    except ValueError as error:
        return _Seen((Law.PICTURES_DECODE, f"picture {facts.image_id} does not decode: {quote_first_line(error)}"))
    return _Seen(_find_fault(shown, path or "", facts, form), _take_sample(shown.picture))


def _find_fault(shown: Seen, path: str, facts: _Facts, form: StoredForm) -> tuple[Law, str] | None:
    size = shown.picture.size
    if size != (facts.width, facts.height):
        return Law.PICTURE_SIZE, f"picture {facts.image_id} is {size[0]} × {size[1]}, not {facts.width} × {facts.height}"
    ending = name_extension(shown.format)
    if path.rpartition(".")[2] != ending:
        return Law.FILE_ENDINGS, f"picture {facts.image_id} is a {shown.format}, its path ends in .{path.rpartition('.')[2]}"
    if form.is_rgb and (shown.mode != "RGB" or (form.max_side_px and max(size) > form.max_side_px)):
        return Law.STORED_FORM, f"picture {facts.image_id} is {shown.mode} of {size[0]} × {size[1]}, not {form.describe()}"
    return None


def _take_sample(shown: Image.Image) -> int:
    """Some pixels under the size, hashed: different ones tell pictures apart, equal ones do not say that they are equal."""
    width, height = shown.size
    small = shown.resize((min(width, _SAMPLE_SIDE), min(height, _SAMPLE_SIDE)), Image.Resampling.NEAREST)
    return int.from_bytes(hashlib.blake2b(repr(shown.size).encode() + small.tobytes(), digest_size=8).digest())
