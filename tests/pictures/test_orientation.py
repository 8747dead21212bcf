"""Which way up a picture is: as browsers read it, and the same to every reader or refused."""

import json
import struct
import zlib

import numpy as np
import pytest

from builders.places import DATA
from builders.strangers import (
    SIDEWAYS,
    UPRIGHT,
    XMP_SIDEWAYS,
    check_everywhere,
    check_refused_but_saved,
    check_saved,
    draw_halves,
    encode,
    make_chunk,
    make_webp,
    put_chunk,
    put_segment,
)
from logoingest.images import inspect_image
from logoingest.pictures.loading import load_picture

CASES = json.loads((DATA / "pictures/orientations.json").read_text())["cases"]
JPEG, PNG = encode(draw_halves(), "JPEG", subsampling=0, quality=95), encode(draw_halves(), "PNG")
UPSIDE = SIDEWAYS.replace(b"\6", b"\3")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["exif"])
def test_exif_is_read_as_browsers_read_it(case):
    """One SHORT of 1 to 8 turns; other types and counts don't; nobody else turns it otherwise without being refused."""
    tiff = bytes.fromhex(case["tiff"])
    for data in (put_segment(JPEG, b"Exif\0\0" + tiff), put_chunk(PNG, make_chunk(b"eXIf", tiff))):
        facts = inspect_image(data)
        size = (30, 40) if case["orientation"] in {6, 8} else (40, 30)
        assert (facts["orientation"], facts["width"], facts["height"]) == (case["orientation"], *size)
        if facts["image_reason"] is None:
            check_everywhere(data, size)
        else:
            assert "datasets turns it" in facts["image_detail"] or "cannot be read" in facts["image_detail"]
        check_saved(data, size)


def _wrap_raw(tiff):
    text = b"\nexif\n%8d\n" % (len(tiff) + 6) + (b"Exif\0\0" + tiff).hex().encode() + b"\n"
    return make_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))


PLACES = {
    "the first of two in a JPEG": (put_segment(put_segment(JPEG, b"Exif\0\0" + UPSIDE), b"Exif\0\0" + SIDEWAYS), 6),
    "behind the pixels of a JPEG": (
        JPEG[:-2] + b"\xff\xe1" + struct.pack(">H", 8 + len(SIDEWAYS)) + b"Exif\0\0" + SIDEWAYS + JPEG[-2:],
        1,
    ),
    "XMP in a JPEG": (put_segment(JPEG, b"http://ns.adobe.com/xap/1.0/\0" + XMP_SIDEWAYS), 1),
    "XMP in a PNG": (put_chunk(PNG, make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_SIDEWAYS)), 1),
    "behind the pixels of a PNG": (put_chunk(PNG, make_chunk(b"eXIf", SIDEWAYS), b"IEND"), 1),
    "the first of two in a PNG": (put_chunk(put_chunk(PNG, make_chunk(b"eXIf", SIDEWAYS)), make_chunk(b"eXIf", UPSIDE)), 6),
    "with a JPEG's prefix in a PNG": (put_chunk(PNG, make_chunk(b"eXIf", b"Exif\0\0" + SIDEWAYS)), 1),
    "with a wrong checksum in a PNG": (put_chunk(PNG, make_chunk(b"eXIf", SIDEWAYS, checksum=1)), 1),
    "a raw profile in a PNG": (put_chunk(PNG, _wrap_raw(SIDEWAYS)), 1),
    "in a WebP": (make_webp((b"EXIF", SIDEWAYS), flags=8), 1),
    "XMP in a WebP": (make_webp((b"XMP ", XMP_SIDEWAYS), flags=4), 1),
    "XMP in a GIF": (encode(draw_halves(), "GIF", xmp=XMP_SIDEWAYS), 1),
}


@pytest.mark.parametrize("place", PLACES)
def test_only_the_place_that_browsers_read_counts(place):
    """Elsewhere an orientation is none; Pillow reads some of these, so the file as it is would be turned by others: refused, saved."""
    data, orientation = PLACES[place]
    size = (30, 40) if orientation == 6 else (40, 30)
    facts = inspect_image(data)
    assert (facts["orientation"], facts["width"], facts["height"]) == (orientation, *size)
    if facts["image_reason"] is None:
        check_everywhere(data, size)
    else:
        saved = check_refused_but_saved(data, size, "")
        left = saved[: size[1] // 2, : size[0]] if orientation == 6 else saved[:, : size[0] // 2]
        assert left[..., 0].mean() > 200


def test_an_upright_word_does_no_harm():
    """Orientation 1 where browsers do not look is what they show."""
    for data in (make_webp((b"EXIF", UPRIGHT), flags=8), put_chunk(PNG, make_chunk(b"eXIf", UPRIGHT), b"IEND")):
        assert inspect_image(data)["image_reason"] is None
        check_everywhere(data, (40, 30))


def test_what_is_turned_is_turned_right():
    """Orientation 6: the left half of what is stored is the upper half of what is shown."""
    shown = np.asarray(load_picture(put_chunk(PNG, make_chunk(b"eXIf", SIDEWAYS))))
    assert shown[0, 0].tolist() == [255, 0, 0]
    assert shown[-1, 0].tolist() == [0, 0, 255]
