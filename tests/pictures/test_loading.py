"""The picture a model sees: RGB, the right way up, whatever was fetched."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from builders.places import REAL_DATA
from logoingest.pictures.loading import check_picture, load_picture


def encode(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def quarters():
    """Red above green, blue right of both."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 20, 20))
    image.paste("lime", (0, 20, 20, 40))
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_come_out_the_same_way_up(orientation):
    """A picture stored in any EXIF orientation is shown the same."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that the orientation's own transpose undoes
    stored = quarters()
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    shown = load_picture(encode(stored, "PNG", exif=exif))
    assert shown.size == (60, 40)
    assert np.array_equal(np.asarray(shown), np.asarray(quarters()))


def test_transparency_lies_on_white():
    """Transparent parts become white, not the colour that hides under them; also in palettes and grey with alpha."""
    for mode in ("RGBA", "LA"):
        image = Image.new(mode, (4, 4), (0,) * len(mode))
        assert load_picture(encode(image)).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    assert load_picture(encode(palette, "PNG", transparency=0)).getpixel((0, 0)) == (255, 255, 255)
    assert load_picture(encode(palette, "PNG")).getpixel((0, 0)) == (10, 20, 30)


def test_sixteen_bit_grey_is_scaled():
    """16-bit grey is scaled to 8 bits, not clipped to white."""
    image = Image.fromarray(np.array([[0, 25_700, 65_535]], np.uint16))
    assert np.asarray(load_picture(encode(image)))[0, :, 0].tolist() == [0, 100, 255]


def test_other_modes():
    """Grey, one bit, CMYK, float and animated pictures become RGB."""
    assert load_picture(encode(Image.new("L", (3, 3), 7))).getpixel((0, 0)) == (7, 7, 7)
    assert load_picture(encode(Image.new("1", (3, 3), 1))).getpixel((0, 0)) == (255, 255, 255)
    assert load_picture(encode(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG")).getpixel((0, 0)) == (255, 255, 255)
    floats = Image.fromarray(np.array([[-1.0, 0.0, 1.0]], np.float32))
    assert np.asarray(load_picture(encode(floats, "TIFF")))[0, :, 0].tolist() == [0, 127, 255]
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "blue")]
    assert load_picture(encode(frames[0], "GIF", save_all=True, append_images=frames[1:])).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("data", [b"", b"<html>", encode(quarters(), "JPEG")[:300], encode(quarters())[:80]])
def test_no_whole_picture_is_a_value_error(data):
    """Nothing, HTML and truncated pictures are one kind of error."""
    with pytest.raises(ValueError, match=r"."):
        check_picture(data)


def test_nasty_images_give_rgb_or_a_value_error():
    """Every nasty file becomes an RGB picture or a ValueError."""
    folder = REAL_DATA / "nasty_images"
    if not folder.is_dir():
        pytest.skip("shared data: nasty_images is not here")
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.suffix in {".csv", ".md"}:
            continue
        try:
            picture = load_picture(file.read_bytes())
        except ValueError:
            continue
        assert picture.mode == "RGB", file.name
        assert ImageOps.exif_transpose(picture).size == picture.size, file.name
