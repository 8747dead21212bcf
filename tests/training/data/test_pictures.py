"""Turning bytes into squares."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from logoingest.errors import GateError
from logoingest.release.reading.loader import open_folder
from logoingest.training.data.pictures import decode_square, iterate_decoded
from logoingest.training.data.splits import read_split


def test_a_broken_picture_is_named(make_release, splits):
    """A picture that cannot be decoded is named by its id, with threads and without."""
    split = read_split(open_folder(make_release({**splits, "test": [(b"no picture", 0)]})), "test")
    for workers in (0, 2):
        with pytest.raises(GateError, match=split.image_id[0]):
            list(iterate_decoded(split, [0], 32, workers))


def test_threads_change_nothing(make_release, splits):
    """Decoding gives the same pictures in the same order with any number of threads."""
    split = read_split(open_folder(make_release(splits)), "train")
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
