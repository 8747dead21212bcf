"""The laws of the pictures themselves: every one is decoded once, and none is there twice."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from logoingest.pictures.loading import Seen, check_picture, load_picture
from logoingest.release.laws.violations import Law, Violation, first_line
from logoingest.release.manifest import ReleaseManifest, StoredForm
from logoingest.release.parquet import DATA_FOLDER
from logoingest.release.rows import name_extension

#: Pictures are first compared by so many pixels across and down.
_SAMPLE_SIDE = 32


class _Facts(NamedTuple):
    """What a row says of its picture."""

    image_id: str
    stored_sha256: str | None
    width: int
    height: int
    group_id: str


class _Seen(NamedTuple):
    """A picture that was decoded: what is wrong with it, and a sample of its pixels, equal for equal pictures."""

    fault: tuple[Law, str] | None
    sample: bytes | None = None


class _Lying(NamedTuple):
    """Where a picture lies, and what it is called there."""

    name: str
    split: str
    group: int
    row: int
    image_id: str
    group_id: str


@dataclass
class PictureChecks:
    """The pictures of a release, file by file, and what is remembered of them."""

    folder: Path
    manifest: ReleaseManifest
    _samples: dict[bytes, list[_Lying]] = field(default_factory=lambda: defaultdict(list))

    def check_file(self, file: pq.ParquetFile, name: str, split: str) -> Iterator[Violation]:
        """Every picture of a file is the one its hash was made of, decodes whole, and has the stated size, form and ending."""
        form = StoredForm.read(self.manifest.lineage)
        start = 0
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for index in range(file.metadata.num_row_groups):
                table = file.read_row_group(index, columns=["image", *_Facts._fields])
                pictures, paths = table.column("image").combine_chunks().flatten()
                facts = [
                    _Facts(*values) for values in zip(*(table.column(column).to_pylist() for column in _Facts._fields), strict=True)
                ]
                seen = pool.map(_look_at, pictures, paths.to_pylist(), facts, [form] * len(facts))
                for row, (fact, (fault, sample)) in enumerate(zip(facts, seen, strict=True)):
                    if fault is not None:
                        yield Violation(fault[0], f"{name} row {start + row}", fault[1])
                    if sample is not None:
                        self._samples[sample].append(_Lying(name, split, index, row, fact.image_id, fact.group_id))
                start += table.num_rows

    def check_repeats(self) -> Iterator[Violation]:
        """Equal pixels are in one group, and so in one split: in another they are a leak, in the same one they count twice.

        One picture saved twice is two files with equal pixels; the route keeps both and groups them.
        """
        alike = [lying for lying in self._samples.values() if len({one.group_id for one in lying}) > 1]
        groups: defaultdict[bytes, list[_Lying]] = defaultdict(list)
        for lying in (one for found in alike for one in found):
            groups[self._hash_pixels(lying)].append(lying)
        equal = [found for found in groups.values() if len({one.group_id for one in found}) > 1]
        if not equal:
            return
        first = min(equal, key=lambda found: found[0].image_id)
        crossing = sum(len({one.split for one in found}) > 1 for found in equal)
        what = f"{len(equal):,} pictures are there several times, pixel by pixel, in groups of their own"
        example = " and ".join(f"{one.image_id} ({one.split})" for one in first[:2])
        yield Violation(Law.PIXELS_ONCE, DATA_FOLDER, f"{what}; {crossing:,} of them in several splits; for example {example}")

    def _hash_pixels(self, lying: _Lying) -> bytes:
        with pq.ParquetFile(self.folder / lying.name) as file:
            column = file.read_row_group(lying.group, columns=["image.bytes"]).column("image").combine_chunks().field("bytes")
        picture = load_picture(column[lying.row].as_py())
        return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()


def _look_at(picture: pa.BinaryScalar, path: str | None, facts: _Facts, form: StoredForm) -> _Seen:
    data = picture.as_py()
    if data is None:
        return _Seen((Law.NO_NULLS, "has no picture"))
    if hashlib.sha256(data).hexdigest() != (facts.stored_sha256 or facts.image_id):
        return _Seen((Law.IMAGE_BYTES, f"the bytes are not those of picture {facts.image_id[:80]}"))
    if facts.stored_sha256 is not None and not form.is_rgb:
        return _Seen((Law.STORED_FORM, f"picture {facts.image_id} is not as fetched, the manifest says that all are"))
    try:
        shown = check_picture(data)
    except ValueError as error:
        return _Seen((Law.PICTURES_DECODE, f"picture {facts.image_id} does not decode: {first_line(error)}"))
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


def _take_sample(shown: Image.Image) -> bytes:
    """Some pixels under the size: different ones tell pictures apart, equal ones do not say that they are equal."""
    width, height = shown.size
    small = shown.resize((min(width, _SAMPLE_SIDE), min(height, _SAMPLE_SIDE)), Image.Resampling.NEAREST)
    return hashlib.sha256(repr(shown.size).encode() + small.tobytes()).digest()
