"""What one decode tells of strangers' bytes."""

import io
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from builders.laws import examples
from builders.places import DATA, REAL_DATA
from logoingest.images import inspect_image
from logoingest.images.looking.inspection import take_print
from logoingest.pictures.frames import MAX_FRAMES
from logoingest.pictures.profiles import describe_profile
from logoingest.schemas import FACT_COLUMNS

NASTY = REAL_DATA / "nasty_images"


def draw(size=(300, 200)):
    """A picture whose four quarters differ, with some texture."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 255 // height, columns * 255 // width, (rows * columns) % 251], axis=2).astype(np.uint8)
    pixels[: height // 3, : width // 3] = (250, 20, 20)
    return Image.fromarray(pixels)


def encode(image, picture_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM", "TGA"])
def test_accepted_formats(picture_format):
    """Every accepted format gives all facts."""
    options = {"rle": False} if picture_format == "TGA" else {}
    facts = inspect_image(encode(draw(), picture_format, **options))
    assert set(facts) == set(FACT_COLUMNS)
    assert facts["image_reason"] is None, facts["image_detail"]
    assert (facts["format"], facts["width"], facts["height"], facts["frames"]) == (picture_format, 300, 200, 1)
    assert (len(facts["hash"]), len(facts["signature"]), len(facts["pixel_hash"])) == (64, 1024, 64)
    assert facts["damaged"] is False


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM"])
@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_a_print_alone_is_that_of_the_facts(picture_format, share):
    """Whole, cut or empty: what a picture is found again by is the same, with the other facts or without."""
    data = encode(draw(), picture_format)
    data = data[: int(len(data) * share)]
    facts = inspect_image(data)
    assert take_print(data, 10**8) == (facts["pixel_hash"], facts["signature"])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty"),
        (b"  \n", "white space"),
        (b"<!DOCTYPE html><title>Not found</title>", "an HTML page"),
        (b"\xef\xbb\xbf <html><body>", "an HTML page"),
        ("<html>".encode("utf-16"), "an HTML page"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<?xml version='1.0'?><Error/>", "an XML document"),
        (b'{"error": 404}', "a JSON document"),
        (b"Not found", "text"),
        (b"%PDF-1.4", "a PDF document"),
        (b"\0\0\0\x18ftypmp42", "a video"),
        (b"\x1aE\xdf\xa3", "a video"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript file"),
        (b"\0\0\0\x0cjP  \r\n", "a JPEG 2000 picture"),
        (b"\x01\x02\x03", "bytes of no known format"),
        (b"\xef\xbb\xbf\xff\xd8\xff\xe0\0\x10JFIF", "a picture with stray bytes before it (3)"),
        (b"<br />Warning: x\n\x89PNG\r\n\x1a\n", "a picture with stray bytes before it (17)"),
    ],
)
def test_not_images_are_named(data, name):
    """What is no picture is called by what it is."""
    facts = inspect_image(data)
    assert (facts["image_reason"], facts["image_detail"], facts["hash"]) == ("not_image", name, None)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncation_is_noticed(picture_format, share):
    """A cut-off file is never a usable picture."""
    data = encode(draw(), picture_format)
    facts = inspect_image(data[: int(len(data) * share)])
    assert facts["image_reason"] in {"truncated", "decode_error"}
    if picture_format in {"JPEG", "BMP"}:
        assert facts["image_reason"] == "truncated"


def test_damaged_jpeg_is_kept_and_flagged():
    """Stray bytes before the end marker leave a usable picture, marked with the decoder's words."""
    data = encode(draw(), "JPEG")
    facts = inspect_image(data[:-2] + b"\x12\x34\x56" + data[-2:])
    assert facts["image_reason"] is None
    assert facts["damaged"] is True
    assert "Corrupt JPEG data" in facts["image_detail"]
    assert facts["hash"] == inspect_image(data)["hash"]


def test_png_bomb_is_refused_by_its_header():
    """More than max_pixels are never decoded, and nothing warns."""
    data = encode(Image.new("1", (12_000, 9_000)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = inspect_image(data)
    assert (facts["image_reason"], facts["image_detail"]) == (
        "bomb",
        "the header says 12000 x 9000 pixels, more than images.max_pixels = 100,000,000",
    )
    assert inspect_image(encode(draw(), "JPEG"), max_pixels=59_999)["image_reason"] == "bomb"


def test_absurd_sides_are_bombs():
    """A line of 100,001 pixels is no picture."""
    assert inspect_image(encode(Image.new("L", (100_001, 1)), "PNG"))["image_reason"] == "bomb"


def test_jpeg_of_many_scans_is_a_bomb():
    """A progressive JPEG that goes over its pixels a thousand times is refused before decoding."""
    data = encode(draw((2_000, 2_000)), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    facts = inspect_image(data[:start] + data[start:-2] * 400 + data[-2:])
    assert facts["image_reason"] == "bomb"
    assert "scans" in facts["image_detail"]


def test_scans_of_single_components_are_counted_without_progression():
    """Only a first scan of all components must be the last: one of a single component may be repeated a thousand times."""
    data = encode(draw((2_000, 2_000)), "JPEG")
    start = data.rindex(b"\xff\xda")
    assert data[start + 4] == 3
    one = data[: start + 2] + b"\0\x08\1\1\0\0\x3f\0" + data[start + 14 : -2]
    scan = one[start:]
    assert inspect_image(one + scan * 400 + data[-2:])["image_reason"] == "bomb"


def test_markers_of_scans_in_a_text_are_no_scans():
    """What an application segment holds is never decoded."""
    data = encode(draw((2_000, 2_000)), "JPEG")
    noise = b"\xff\xfe" + (30_002).to_bytes(2, "big") + b"\xff\xda" * 15_000
    assert inspect_image(data[:2] + noise + data[2:])["image_reason"] is None


def test_icon_whose_png_lies():
    """An icon's directory may say 16 x 16 while the PNG inside is huge."""
    png = encode(Image.new("1", (12_000, 9_000)), "PNG")
    header = b"\0\0\1\0\1\0" + bytes([16, 16, 0, 0, 1, 0, 32, 0]) + len(png).to_bytes(4, "little") + (22).to_bytes(4, "little")
    facts = inspect_image(header + png)
    assert (facts["image_reason"], facts["image_detail"]) == (
        "bomb",
        "the header says 12000 x 9000 pixels, more than images.max_pixels = 100,000,000",
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "TIFF"])
def test_orientation_is_applied(picture_format, orientation):
    """Stored sideways with its EXIF tag, a picture has the same size and hash as upright."""
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    upright = draw((320, 200))
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    facts = inspect_image(encode(stored, picture_format, exif=exif, quality=95))
    plain = inspect_image(encode(upright, picture_format, quality=95))
    assert (facts["width"], facts["height"], facts["orientation"]) == (320, 200, orientation)
    difference = np.frombuffer(facts["signature"], np.uint8).astype(int) - np.frombuffer(plain["signature"], np.uint8)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB"])
def test_modes_become_rgb(mode):
    """Each mode looks like the RGB picture it was made of."""
    grey = draw().convert("L")
    if mode in {"I;16", "I"}:
        image = (
            Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).convert(mode)
            if mode == "I"
            else Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        )
    elif mode == "F":
        image = Image.fromarray(np.asarray(grey).astype(np.float32) / 255)
    elif mode == "LAB":
        image = Image.merge("LAB", [grey, Image.new("L", grey.size, 128), Image.new("L", grey.size, 128)])
    else:
        image = draw().convert(mode)
    facts = inspect_image(encode(image, "TIFF"))
    assert facts["image_reason"] is None, facts["image_detail"]
    expected = np.frombuffer(inspect_image(encode(grey, "PNG"))["signature"], np.uint8).astype(float)
    found = np.frombuffer(facts["signature"], np.uint8).astype(float)
    assert np.corrcoef(expected, found)[0, 1] > 0.9


def test_alpha_is_composited_on_white():
    """Transparent pixels are white, whatever colour lies under them."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert inspect_image(encode(image, "PNG"))["brightness"] == pytest.approx(1.0)


def test_large_pictures_are_reduced_in_bands(monkeypatch):
    """Cutting into bands changes no figure and no hash."""
    data = encode(draw((700, 500)), "PNG")
    whole = inspect_image(data)
    monkeypatch.setattr("logoingest.pictures.decoding._BAND_PIXELS", 20_000)
    assert inspect_image(data) == whole


def test_pixel_hash_ignores_metadata():
    """The same pixels in another wrapping have the same pixel_hash; other pixels have another."""
    picture = draw()
    comment = encode(picture, "JPEG", comment=b"hello")
    assert inspect_image(comment)["pixel_hash"] == inspect_image(encode(picture, "JPEG"))["pixel_hash"]
    assert (
        inspect_image(encode(picture, "PNG", compress_level=1))["pixel_hash"] == inspect_image(encode(picture, "BMP"))["pixel_hash"]
    )
    assert inspect_image(encode(draw((301, 200)), "PNG"))["pixel_hash"] != inspect_image(encode(picture, "PNG"))["pixel_hash"]


def test_frames_are_counted():
    """Animations and pages are counted, without end in sight if need be."""
    frames = [draw((40, 30)).point(lambda level, shift=shift: (level + shift) % 256) for shift in range(0, 100, 25)]
    for picture_format in ("GIF", "TIFF", "WEBP", "PNG"):
        data = encode(frames[0], picture_format, save_all=True, append_images=frames[1:])
        assert inspect_image(data)["frames"] == 4, picture_format
    gif = encode(frames[0].convert("P"), "GIF")
    start = gif.index(b"\x2c", 13 + 3 * 256)
    assert inspect_image(gif[:start] + gif[start:-1] * 12_000 + b";")["frames"] == MAX_FRAMES


@examples(150)
@given(st.binary(max_size=64), st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM"]), st.integers(0, 400))
def test_never_raises(noise, picture_format, position):
    """Whatever bytes overwrite a picture, an outcome comes back."""
    data = bytearray(encode(draw((48, 32)), picture_format))
    data[position : position + len(noise)] = noise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facts = inspect_image(bytes(data))
    assert set(facts) == set(FACT_COLUMNS)
    assert facts["image_reason"] is not None or facts["hash"] is not None
    assert (facts["original_fault"] is not None) == (facts["image_reason"] is not None and facts["hash"] is not None)


@pytest.mark.skipif(not NASTY.is_dir(), reason="shared/data/nasty_images is not here")
def test_nasty_images():
    """Each of the nasty files ends in an outcome, within 512 MB; orientation 1 to 8 come out alike."""
    script = (
        "import json, pathlib, re, sys, time\n"
        "from logoingest.images import inspect_image\n"
        "out = {}\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    data = path.read_bytes(); start = time.process_time()\n"
        "    facts = inspect_image(data)\n"
        "    out[path.name] = [facts['image_reason'], facts['width'], facts['height'], facts['hash'] and facts['hash'].hex(), time.process_time() - start]\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"  # ru_maxrss would be the parent's
        "print(json.dumps([out, int(re.search(r'VmHWM:\\s+(\\d+)', status)[1])]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(NASTY)], capture_output=True, text=True, check=True, timeout=120
    )
    outcomes, peak_kb = json.loads(run.stdout)
    assert peak_kb < 512 * 1024
    assert run.stderr == ""
    expected = json.loads((DATA / "images/nasty_outcomes.json").read_text())
    assert {name: outcome[0] for name, outcome in outcomes.items() if name != "manifest.csv"} == expected
    landscapes = [outcomes[f"exif_landscape_{orientation}.jpg"] for orientation in range(1, 9)]
    assert {tuple(outcome[1:3]) for outcome in landscapes} == {(1800, 1200)}
    upright = np.frombuffer(bytes.fromhex(landscapes[0][3]), np.uint8)
    for outcome in landscapes:
        assert np.bitwise_count(np.frombuffer(bytes.fromhex(outcome[3]), np.uint8) ^ upright).sum() <= 64


def test_channel_figures_are_those_of_the_pixels():
    """Mean and standard deviation of red, green and blue, at the inspected scale; alpha lies on white first."""
    pixels = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
    facts = inspect_image(encode(Image.fromarray(pixels), "PNG"))
    shares = pixels.reshape(-1, 3) / 255
    assert facts["channel_mean"] == pytest.approx(shares.mean(axis=0).tolist())
    assert facts["channel_std"] == pytest.approx(shares.std(axis=0).tolist())
    clear = inspect_image(encode(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG"))
    assert (clear["channel_mean"], clear["channel_std"]) == ([1.0] * 3, [0.0] * 3)


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_colour_profile_is_named(picture_format):
    """Its space and description, as Pillow's colour management reads them; none without one."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    facts = inspect_image(encode(draw(), picture_format, icc_profile=profile.tobytes()))
    assert facts["icc"] == f"RGB: {ImageCms.getProfileDescription(profile).strip()}"
    assert inspect_image(encode(draw(), picture_format))["icc"] is None


@given(st.binary(max_size=400))
def test_any_bytes_are_described_as_a_profile(data):
    """Profiles come from strangers: one printable line, whatever they hold."""
    for profile in (data, b"\0" * 36 + b"acsp" + data, (b"\0" * 16 + b"RGB " + b"\0" * 16 + b"acsp").ljust(128, b"\0") + data):
        text = describe_profile(profile)
        assert text.isprintable()
        assert len(text) <= 200
