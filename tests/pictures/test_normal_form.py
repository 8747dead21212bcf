"""Pictures brought into normal form: 8-bit RGB, upright, sRGB, small enough; PNG from lossless formats, JPEG from lossy ones."""

import hashlib
import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from logoingest.images import inspect_image
from logoingest.pictures.normal_form import normalise_picture

RED, WHITE = (200, 30, 20), (255, 255, 255)


def draw(size=(60, 40)):
    """Four quarters of different colours, and a slope."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = (20, 180, 60)
    pixels[height // 2 :, : width // 2] = (10, 40, 210)
    pixels[height // 2 :, width // 2 :, :] = np.linspace(0, 255, width - width // 2).astype(np.uint8)[None, :, None]
    return Image.fromarray(pixels)


def encode(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def check(data, max_side_px=0):
    """What every normal form is; returns its pixels."""
    form = normalise_picture(data, max_side_px)
    image = opened(form.data)
    assert (image.format, image.mode, image.size) == (form.format, "RGB", (form.width, form.height))
    assert image.getexif().get(0x0112, 1) == 1
    assert not image.info.get("icc_profile")
    assert "transparency" not in image.info
    assert getattr(image, "n_frames", 1) == 1
    assert normalise_picture(data, max_side_px) == form
    return np.asarray(image).astype(int)


def swap_primaries():
    """An sRGB profile whose red and green are exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("JPEG", "JPEG"), ("WEBP", "JPEG"), ("AVIF", "JPEG"), ("PNG", "PNG"), ("GIF", "PNG"), ("BMP", "PNG"), ("TIFF", "PNG"),
     ("PPM", "PNG"), ("TGA", "PNG")],
)  # fmt: skip
def test_the_format_follows_the_source(kind, becomes):
    """Lossy sources become JPEG, lossless ones PNG, with the same picture in it."""
    form = normalise_picture(encode(draw(), kind, **({"rle": False} if kind == "TGA" else {})))
    assert form.format == becomes
    difference = np.abs(np.asarray(opened(form.data)).astype(int) - np.asarray(draw()))
    assert difference.mean() < (8 if kind in {"GIF", "JPEG", "WEBP", "AVIF"} else 0.01)


def test_lossless_webp_and_jpeg_in_tiff():
    """What counts is how the pixels were kept, not the container."""
    assert normalise_picture(encode(draw(), "WEBP", lossless=True)).format == "PNG"
    assert normalise_picture(encode(draw(), "TIFF", compression="jpeg")).format == "JPEG"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_so_already_stays_byte_for_byte(kind):
    """An upright RGB JPEG or PNG without profile is not encoded again, nor when the limit is just its size."""
    data = encode(draw(), kind)
    assert normalise_picture(data).data == data
    assert normalise_picture(data, 60).data == data
    assert normalise_picture(data, 59).data != data


def test_a_damaged_jpeg_is_encoded_anew():
    """Stray bytes before its end marker are not handed on."""
    data = encode(Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)), "JPEG")
    hurt = data[:-2] + b"\x12\x34\x56" + data[-2:]
    assert inspect_image(hurt)["damaged"] is True
    form = normalise_picture(hurt)
    assert form.data != hurt
    assert inspect_image(form.data)["damaged"] is False


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_orientation_is_applied(kind, orientation):
    """Stored in any of the eight ways, the picture comes out the same way up, also when it is shrunk."""
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = draw() if orientation == 1 else draw().transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif, quality=95)
    pixels = check(data)
    assert pixels.shape == (40, 60, 3)
    assert np.abs(pixels - np.asarray(draw())).mean() < 10
    assert check(data, 30).shape == (20, 30, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparency_lies_on_white(mode):
    """Transparent pixels are white, half transparent ones half white, whatever colour is hidden in them."""
    image = Image.new("RGBA", (20, 10), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 10))
    data = (
        encode(image, "PNG")
        if mode == "RGBA"
        else encode(image.convert("P") if mode == "P" else image.convert(mode), "TIFF" if mode == "PA" else "PNG")
    )
    pixels = check(data)
    assert (pixels[5, 5] == WHITE).all()
    assert (pixels[5, 15] < 255).any()
    half = encode(Image.new("RGBA", (4, 4), (255, 0, 0, 128)), "PNG")
    assert np.abs(check(half)[0, 0] - (255, 127, 127)).max() <= 1


def test_a_transparent_palette_colour_lies_on_white():
    """GIF and PNG name one colour as transparent."""
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, *RED])
    image.paste(1, (4, 0, 8, 8))
    for kind in ("GIF", "PNG"):
        pixels = check(encode(image, kind, transparency=0))
        assert (pixels[2, 1] == WHITE).all()
        assert (pixels[2, 6] == RED).all()


def test_sixteen_bits_become_the_upper_eight():
    """I;16 is scaled, not clipped."""
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    pixels = check(encode(Image.fromarray(ramp), "PNG"))
    assert np.abs(pixels[0, :, 0] - np.arange(256)).max() <= 1


def test_cmyk_becomes_rgb():
    """Ink to light, by Pillow, where no profile says how."""
    pixels = check(encode(draw().convert("CMYK"), "JPEG", quality=95))
    assert np.abs(pixels[5, 5] - RED).max() < 12


def test_a_profile_is_applied():
    """Colours become those that are seen: with red and green exchanged in the profile, red is shown green."""
    for kind in ("PNG", "JPEG", "TIFF", "WEBP"):
        data = encode(Image.new("RGB", (32, 32), (230, 20, 20)), kind, icc_profile=swap_primaries())
        red, green, blue = check(data)[10, 10]
        assert green > 200 > 90 > red, (kind, red, green, blue)
        assert inspect_image(data)["icc"].startswith("RGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.abs(check(encode(draw(), "PNG", icc_profile=srgb)) - np.asarray(draw())).max() <= 1


def test_a_profile_and_transparency():
    """The profile is for the colours, white is the ground all the same."""
    image = Image.new("RGBA", (20, 10), (230, 20, 20, 255))
    image.paste((230, 20, 20, 0), (0, 0, 10, 10))
    pixels = check(encode(image, "PNG", icc_profile=swap_primaries()))
    assert (pixels[5, 5] == WHITE).all()
    assert pixels[5, 15, 1] > 200 > pixels[5, 15, 0]


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, swap_primaries()[:300]])
def test_a_damaged_profile_counts_as_none(profile):
    """Broken or unfit profiles do not stop anything."""
    pixels = check(encode(draw(), "JPEG", quality=95, subsampling=0, icc_profile=profile))
    assert np.abs(pixels - np.asarray(draw())).mean() < 6
    cmyk = encode(draw().convert("CMYK"), "JPEG", quality=95, icc_profile=swap_primaries())
    assert np.abs(check(cmyk)[5, 5] - RED).max() < 12


def test_the_first_frame_is_taken():
    """Of an animation, and of a document's pages."""
    frames = [Image.new("RGB", (10, 10), colour) for colour in (RED, (0, 0, 255))]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(check(data)[5, 5] - RED).max() < 6


@pytest.mark.parametrize(
    ("size", "side", "becomes"), [((300, 100), 60, (60, 20)), ((100, 300), 60, (20, 60)), ((1000, 3), 10, (10, 1))]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_long_sides_are_shrunk(kind, size, side, becomes):
    """The longer side becomes the limit, the other in proportion, a pixel at least."""
    assert check(encode(draw(size), kind), side).shape[:2] == becomes[::-1]


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 250))
def test_nothing_is_enlarged(width, height, side):
    """Sides never grow, never pass the limit, and keep their proportion to a pixel."""
    form = normalise_picture(encode(Image.new("RGB", (width, height)), "BMP"), side)
    assert form.width <= width
    assert form.height <= height
    assert max(form.width, form.height) == min(side, max(width, height))
    assert abs(form.width * height - form.height * width) <= max(width, height)


def test_metadata_stays_behind():
    """Comments, EXIF and descriptions are not handed on when a picture is encoded anew."""
    exif = Image.Exif()
    exif[0x010E] = "secret"
    for kind, options in (("JPEG", {"comment": b"secret"}), ("WEBP", {}), ("TIFF", {})):
        data = encode(draw(), kind, exif=exif, **options)
        assert b"secret" in data
        assert b"secret" not in normalise_picture(data, 30).data


def test_another_process_gives_the_same_bytes():
    """Whatever PYTHONHASHSEED is."""
    code = (
        "import hashlib,io,sys; from PIL import Image; from logoingest.pictures.normal_form import normalise_picture;"
        "b=io.BytesIO(); Image.linear_gradient('L').save(b,sys.argv[1]);"
        "print(hashlib.sha256(normalise_picture(b.getvalue(),100).data).hexdigest())"
    )
    for kind in ("WEBP", "PNG"):
        buffer = io.BytesIO()
        Image.linear_gradient("L").save(buffer, kind)
        told = subprocess.run(
            [sys.executable, "-c", code, kind], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
        )
        assert told.stdout.strip() == hashlib.sha256(normalise_picture(buffer.getvalue(), 100).data).hexdigest()


@pytest.mark.parametrize("data", [b"", b"<html>", encode(draw((300, 300)), "PNG")[:200]])
def test_what_is_no_picture_is_an_error(data):
    """A ValueError says so."""
    with pytest.raises(ValueError, match=r"format|normal form"):
        normalise_picture(data)


@pytest.mark.slow
def test_every_usable_nasty_image_has_a_normal_form(shared_data):
    """What inspection lets through, converts: the same size as inspection says, and the same bytes twice."""
    converted = 0
    for path in sorted((shared_data / "nasty_images").iterdir()):
        data = path.read_bytes()
        facts = inspect_image(data)
        if facts["image_reason"] is None and path.suffix != ".csv":
            assert check(data).shape == (facts["height"], facts["width"], 3), path.name
            assert max(check(data, 48).shape[:2]) <= 48, path.name
            converted += 1
    assert converted >= 50


def test_the_eight_nasty_orientations_show_one_picture(shared_data):
    """exif_landscape_1 to 8 come out the same way up."""
    pictures = [check((shared_data / f"nasty_images/exif_landscape_{number}.jpg").read_bytes(), 64) for number in range(1, 9)]
    for picture in pictures[1:]:
        assert np.abs(picture - pictures[0]).mean() < 4
