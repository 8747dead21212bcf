"""Reading a release and turning bytes into squares."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from logoingest.errors import GateError, WorkspaceError
from logoingest.training.data.pictures import ByteReader, decode_square, iterate_decoded, read_release


def test_splits_span_files_and_row_groups(make_release, splits):
    """Every picture is found again whatever files and row groups it lies in."""
    release = read_release(make_release(splits, files=2, row_group=5))
    for name, rows in splits.items():
        split = release.splits[name]
        assert split.label.tolist() == [label for _, label in rows]
        reader = ByteReader(split, open_groups=1)
        assert [reader.read(row) for row in range(len(split))] == [data for data, _ in rows]


def test_pictures_of_several_classes_are_left_out(make_release, splits):
    """Label -1 says several classes: no row of the baseline."""
    mixed = {**splits, "train": [(data, -1 if row == 0 else label) for row, (data, label) in enumerate(splits["train"])]}
    split = read_release(make_release(mixed)).splits["train"]
    assert len(split) == len(mixed["train"]) - 1
    assert ByteReader(split).read(0) == mixed["train"][1][0]


def test_a_missing_split_is_empty(make_release, splits):
    """A release without validation pictures is read as one."""
    assert len(read_release(make_release({"train": splits["train"], "test": splits["test"]})).splits["validation"]) == 0


def test_no_release_says_what_to_run(tmp_path):
    """An empty folder is no release."""
    with pytest.raises(WorkspaceError, match="run the release stage"):
        read_release(tmp_path)


def test_label_out_of_range_is_refused(make_release, splits):
    """Label 7 of 4 classes is no class, whoever wrote it."""
    with pytest.raises(GateError, match="label 7 of 4 classes"):
        read_release(make_release({**splits, "test": [(splits["test"][0][0], 7)]}))


def test_missing_class_names_are_refused(make_release, splits):
    """Parquet without the metadata that names the classes is no release."""
    folder = make_release(splits)
    path = folder / "data" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(GateError, match="names no classes"):
        read_release(folder)


def test_a_file_that_is_no_parquet_is_named(make_release, splits):
    """A damaged file is named."""
    folder = make_release(splits)
    (folder / "data" / "test-00000-of-00001.parquet").write_bytes(b"nonsense")
    with pytest.raises(WorkspaceError, match="test-00000"):
        read_release(folder)


def test_a_broken_picture_is_named(make_release, splits):
    """A picture that cannot be decoded is named by its id, with threads and without."""
    split = read_release(make_release({**splits, "test": [(b"no picture", 0)]})).splits["test"]
    for workers in (0, 2):
        with pytest.raises(GateError, match=split.image_id[0]):
            list(iterate_decoded(split, [0], 32, workers))


def test_threads_change_nothing(make_release, splits):
    """Decoding gives the same pictures in the same order with any number of threads."""
    split = read_release(make_release(splits)).splits["train"]
    order = np.random.default_rng(0).permutation(len(split)).tolist()
    alone, many = (np.stack(list(iterate_decoded(split, order, 32, workers, ahead=3))) for workers in (0, 3))
    assert (alone == many).all()


def save(image: Image.Image, file_format: str = "PNG", **options) -> bytes:
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode):
    """Any of Pillow's modes ends as bytes of three channels."""
    image = Image.new("L", (40, 20), 200).convert(mode) if mode != "I;16" else Image.fromarray(np.full((20, 40), 50_000, np.uint16))
    file_format = "TIFF" if mode in {"CMYK", "F", "I"} else "PNG"
    square = decode_square(save(image, file_format), 16)
    assert square.shape == (16, 16, 3)
    assert square.dtype == np.uint8


def test_transparency_is_laid_on_white():
    """A black logo on nothing is black on white, not black on black."""
    square = decode_square(save(Image.new("RGBA", (32, 32), (0, 0, 0, 0))), 16)
    assert (square == 255).all()


def test_exif_orientation_is_applied():
    """A picture stored on its side is seen upright."""
    image = Image.new("RGB", (64, 64), "white")
    image.paste("black", (0, 0, 64, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    square = decode_square(save(image, "JPEG", exif=exif, quality=95), 16)
    assert square[:, -1].mean() < 30 < square[:, 0].mean()


def test_sixteen_bit_greys_keep_their_shades():
    """A 16-bit grey of a half is a half, not white."""
    square = decode_square(save(Image.fromarray(np.full((20, 20), 32768, np.uint16))), 16)
    assert abs(int(square.mean()) - 127) <= 1
