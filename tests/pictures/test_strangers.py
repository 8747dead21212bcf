"""Pictures as strangers send them: what is accepted opens everywhere, what is refused says why, what decodes is saved by store = "rgb"."""

import io
import json

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from builders.places import DATA
from builders.strangers import (
    REMEDY,
    check_everywhere,
    check_refused_but_saved,
    check_saved,
    decode_as_datasets,
    draw_halves,
    encode,
    make_chunk,
    make_gif,
    make_webp,
    put_chunk,
    put_segment,
)
from logoingest.images import inspect_image
from logoingest.pictures import portability
from logoingest.pictures.loading import load_picture
from logoingest.pictures.normal_form import normalise_picture

FOLDER = DATA / "pictures"
OUTCOMES = json.loads((FOLDER / "outcomes.json").read_text())["pictures"]


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcomes_of_strangers_pictures(name, request):
    """Each file ends as the table says, and what the table accepts or saves is the same picture to all readers."""
    path = FOLDER / "strangers" / name
    if not path.is_file():
        path = next(request.getfixturevalue("shared_data").rglob(name))
    data, expected = path.read_bytes(), OUTCOMES[name]
    facts = inspect_image(data)
    assert facts["image_reason"] == expected.get("reason"), facts["image_detail"]
    if "reason" in expected:
        assert facts["image_detail"].removesuffix(REMEDY) == expected["says"]
    assert (facts["hash"] is not None) == ("size" in expected)
    if "size" in expected:
        size = tuple(expected["size"])
        assert (facts["width"], facts["height"]) == size
        found = (facts["orientation"], facts["frames"], facts["damaged"])
        assert found == (expected.get("orientation", 1), expected.get("frames", 1), expected.get("damaged", False))
        check_saved(data, size)
        if "reason" not in expected:
            check_everywhere(data, size)


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        (make_chunk(b"pHYs", b"\0\0\0\1\0\0\0\1\1", checksum=1), "bad header checksum in b'pHYs'"),
        (make_chunk(b"tEXt", b"Title\0x", checksum=1), "bad header checksum in b'tEXt'"),
        (make_chunk(b"pHYs", b"\0\0"), "Truncated pHYs chunk"),
        (make_chunk(b"tRNS", b"\0"), "Truncated tRNS chunk"),
        (make_chunk(b"iCCP", b"name\0\7x"), "Unknown compression method 7"),
    ],
    ids=["pHYs checksum", "tEXt checksum", "pHYs length", "tRNS length", "iCCP compression"],
)
def test_faults_in_chunks_that_no_pixel_needs(chunk, says):
    """The true cause is said; without the chunk the picture is whole."""
    data = put_chunk(encode(draw_halves(), "PNG"), chunk)
    assert np.array_equal(check_refused_but_saved(data, (40, 30), says), np.asarray(draw_halves()))
    assert inspect_image(data, store="rgb")["damaged"] is True


def test_a_fault_that_pillow_overlooks_is_none():
    """Behind the pixels it asks no chunk for its checksum."""
    data = put_chunk(encode(draw_halves(), "PNG"), make_chunk(b"tIME", b"\7\xe0\1\1\0\0\0", checksum=1), b"IEND")
    assert inspect_image(data)["image_reason"] is None
    check_everywhere(data, (40, 30))


@pytest.mark.parametrize("packed", [True, False])
def test_texts_of_megabytes_are_no_bomb(packed):
    """Neither one that unpacks to two megabytes nor many that add up to seventy: a reason of their own, and the pixels are saved."""
    text = PngImagePlugin.PngInfo()
    for number in range(1 if packed else 70):
        text.add_text(f"Text{number}", "x" * (2_000_000 if packed else 1_000_000), zip=True)
    data = encode(draw_halves(), "PNG", pnginfo=text)
    says = "Decompressed data too large" if packed else "Too much memory used in text chunks"
    assert np.array_equal(check_refused_but_saved(data, (40, 30), says), np.asarray(draw_halves()))


def test_a_sound_profile_survives_a_fault_beside_it():
    """What is left out is what is wrong, not the colours."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = put_chunk(encode(draw_halves(), "PNG", icc_profile=profile), make_chunk(b"tEXt", b"Title\0x", checksum=1))
    assert inspect_image(data)["icc"].startswith("RGB")


def test_a_fault_in_the_pixels_is_not_mended():
    """A palette with a wrong checksum, and pixels cut short, stay refused in any form."""
    palette = encode(draw_halves().convert("P"), "PNG")
    at = palette.index(b"PLTE") + 4
    whole = put_chunk(encode(draw_halves((200, 150)).effect_spread(90), "PNG"), make_chunk(b"tEXt", b"Title\0x", checksum=1))
    for data in (palette[:at] + b"\x7f" + palette[at + 1 :], whole[: len(whole) // 2]):
        facts = inspect_image(data, store="rgb")
        assert facts["image_reason"] in {"decode_error", "truncated"}
        assert facts["hash"] is None
        with pytest.raises(ValueError, match=r"."):
            normalise_picture(data)


def test_a_jpeg_without_its_end_marker():
    """All pixels are there: refused as it is, saved; cut within its pixels it is truncated in any form."""
    for options in ({}, {"progressive": True}):
        data = encode(draw_halves((200, 150)), "JPEG", **options)[:-2]
        saved = check_refused_but_saved(data, (200, 150), "end marker (EOI) is missing", "truncated")
        assert np.abs(saved.astype(int) - np.asarray(load_picture(data + b"\xff\xd9"))).mean() < 2
        assert inspect_image(data, store="rgb")["damaged"] is True
    for share in (0.5, 0.9):
        plain = encode(draw_halves((200, 150)).effect_spread(90), "JPEG")
        facts = inspect_image(plain[: int(len(plain) * share)], store="rgb")
        assert (facts["image_reason"], facts["hash"]) == ("truncated", None)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_cut_containers_are_truncated(kind):
    """What the container says is missing is missing: browsers wait for it, too."""
    data = encode(draw_halves((200, 150)), kind)
    for end in (len(data) // 2, len(data) - 40):
        assert inspect_image(data[:end], store="rgb")["image_reason"] == "truncated"
    if kind == "WEBP":
        more = data[:4] + (len(data) + 500).to_bytes(4, "little") + data[8:]
        assert inspect_image(more, store="rgb")["image_reason"] == "truncated"


def test_avif_is_known_by_its_compatible_brands():
    """A major brand of the container is AVIF too, if AVIF is among the compatible ones; else it is another HEIF."""
    data = encode(draw_halves(), "AVIF")
    other = data[:8] + b"mif1" + data[12:]
    assert (inspect_image(other)["format"], inspect_image(other)["image_reason"]) == ("AVIF", None)
    check_everywhere(other, (40, 30))
    unknown = data[:8] + b"MA1B" + data[12:]
    check_refused_but_saved(unknown, (40, 30), "Pillow does not recognise the AVIF")
    end = int.from_bytes(data[:4], "big")
    heic = data[:8] + b"mif1" + data[12:16] + data[16:end].replace(b"avif", b"heic").replace(b"avis", b"hevc") + data[end:]
    assert inspect_image(heic)["image_detail"] == "a HEIF picture"


def test_pictures_in_a_jpeg_are_no_frames():
    """A camera's preview or gain map makes no animation."""
    data = encode(draw_halves(), "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20), "green")])
    facts = inspect_image(data)
    assert (facts["format"], facts["frames"], facts["width"]) == ("JPEG", 1, 40)
    check_everywhere(data, (40, 30))
    assert len(normalise_picture(data).data) < len(data)


@pytest.mark.parametrize(
    ("screen", "frame", "offset", "transparent", "size", "white"),
    [
        ((40, 30), (40, 30), (0, 0), None, (40, 30), False),
        ((40, 30), (20, 15), (10, 8), None, (40, 30), True),
        ((40, 30), (20, 15), (10, 8), 0, (40, 30), True),
        ((0, 0), (20, 15), (0, 0), None, (20, 15), False),
        ((0, 0), (20, 15), (10, 8), None, (30, 23), True),
        ((20, 15), (20, 15), (10, 8), None, (30, 23), True),
        ((20, 15), (40, 30), (0, 0), None, (40, 30), False),
    ],
)
def test_the_ground_of_a_gif(screen, frame, offset, transparent, size, white):
    """Around the frame there is nothing, as in browsers, whatever the background's colour; the screen holds at least the frame."""
    data = make_gif(screen, frame, offset, transparent)
    if white and transparent is None:  # Pillow fills it with colour 0
        shown = check_refused_but_saved(data, size, "leaves a part of the screen open")
    else:
        check_everywhere(data, size)
        shown = check_saved(data, size)
    expected = np.full((size[1], size[0], 3), 255, np.uint8)
    expected[offset[1] : offset[1] + frame[1], offset[0] : offset[0] + frame[0]] = (0, 0, 255)
    assert np.array_equal(shown, expected)


def test_more_pixels_than_pillow_opens(monkeypatch):
    """Accepted by a larger max_pixels, but refused by Image.open: refused as it is, shrunk to what opens without a warning."""
    monkeypatch.setattr(portability, "PILLOW_REFUSES_PIXELS", 1_199)
    monkeypatch.setattr("logoingest.pictures.normal_form.PILLOW_REFUSES_PIXELS", 1_199)
    monkeypatch.setattr("logoingest.pictures.normal_form.PILLOW_WARNS_PIXELS", 599)
    for kind in ("PNG", "JPEG"):
        data = encode(draw_halves(), kind)
        facts = inspect_image(data, max_pixels=2_000)
        assert (facts["image_reason"], facts["width"], facts["height"]) == ("bomb", 40, 30)
        assert facts["image_detail"].startswith("40 x 30 pixels are more than Pillow opens")
        form = normalise_picture(data)
        assert (form.width, form.height) == (28, 21)
        assert inspect_image(form.data)["image_reason"] is None


@pytest.mark.parametrize("exif", [b"garbage", b"II", b"Exif\0\0http://example.org/", b"II*\0\xff\xff\xff\xff"])
def test_exif_that_cannot_be_read(exif):
    """Where it makes Pillow raise, the file is refused and saved; where Pillow overlooks it, it is accepted: nothing in between."""
    files = {
        "PNG": put_chunk(encode(draw_halves(), "PNG"), make_chunk(b"eXIf", exif)),
        "WEBP": make_webp((b"EXIF", exif), flags=8),
        "JPEG": put_segment(encode(draw_halves(), "JPEG"), b"Exif\0\0" + exif),
    }
    for data in files.values():
        facts = inspect_image(data)
        try:
            decode_as_datasets(data)
        except Exception:
            check_refused_but_saved(data, (40, 30), "its EXIF cannot be read")
        else:
            assert facts["image_reason"] is None
            check_everywhere(data, (40, 30))


def test_damaged_tiffs_are_refused_without_a_word(capfd):
    """What Pillow and libtiff think of a file goes into its row, not to the terminal."""
    data = bytearray(encode(draw_halves((200, 150)).effect_spread(90), "TIFF", compression="tiff_adobe_deflate"))
    data[2_000:2_040] = bytes(40)
    assert inspect_image(bytes(data))["image_reason"] is not None
    assert capfd.readouterr().err == ""


def test_a_loaded_picture_cannot_be_turned_twice():
    """What is upright tells no orientation any more."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for data in (
        encode(draw_halves(), "JPEG", exif=exif),
        encode(draw_halves(), "PNG", exif=exif),
        make_webp((b"EXIF", exif.tobytes()), flags=8),
    ):
        shown = load_picture(data)
        assert 0x0112 not in shown.getexif()
        assert 0x0112 not in Image.open(io.BytesIO(encode(shown, "PNG"))).getexif()
