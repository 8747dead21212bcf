"""Any mode to RGB: one rule, a case for each line of it, and the same answer wherever a picture is opened."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from builders.places import DATA, ROOT
from logoingest.pictures.decoding import decode_picture
from logoingest.pictures.loading import check_picture, load_picture
from logoingest.pictures.normal_form import show_picture
from logoingest.pictures.rgb import convert_to_rgb
from logoingest.training.data.pictures import decode_square

CASES = json.loads((DATA / "pictures/modes.json").read_text())["cases"]
_TYPES = {"I;16": np.uint16, "I": np.int32, "F": np.float32}


def draw_case(case):
    """The picture of a case: one row."""
    if case["mode"] in _TYPES:
        return Image.fromarray(np.array([[float(value) for value in case["stored"]]]).astype(_TYPES[case["mode"]]))
    image = Image.new(case["mode"], (len(case["stored"]), 1))
    if "palette" in case:
        image.putpalette(case["palette"])
    for column, value in enumerate(case["stored"]):
        image.putpixel((column, 0), tuple(value) if isinstance(value, list) else value)
    if "transparency" in case:
        image.info["transparency"] = tuple(case["transparency"]) if isinstance(case["transparency"], list) else case["transparency"]
    return image


def spell_out(case):
    return [value if isinstance(value, list) else [value] * 3 for value in case["rgb"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['mode']} {case['stored']}"[:60])
def test_each_mode_becomes_rgb_by_the_rule(case):
    """What is stored becomes what the table says."""
    assert np.asarray(convert_to_rgb(draw_case(case)))[0].tolist() == spell_out(case)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["mode"] != "CMYK"], ids=lambda case: f"{case['mode']} {case['stored']}"[:60]
)
def test_every_way_in_gives_the_same_pixels(case):
    """Inspected, loaded, checked, squeezed for training and brought into normal form, a file shows the pixels of the rule."""
    image = draw_case(case)
    kind = "TIFF" if image.mode in {"I", "F", "RGB;16"} else "PNG"
    buffer = io.BytesIO()
    options = {"transparency": image.info["transparency"]} if "transparency" in case else {}
    image.resize((image.width * 2, 2), Image.Resampling.NEAREST).save(buffer, kind, **options)
    data = buffer.getvalue()
    expected = np.repeat(np.repeat([spell_out(case)], 2, axis=0), 2, axis=1)
    for seen in (decode_picture(data, kind, 10_000).small, load_picture(data), check_picture(data).picture, show_picture(data)):
        assert np.array_equal(np.asarray(seen), expected)
    squeezed = np.asarray(Image.fromarray(expected.astype(np.uint8)).resize((4, 4), Image.Resampling.BICUBIC, reducing_gap=3.0))
    assert np.array_equal(decode_square(data, 4), squeezed)


def test_no_second_way_to_rgb_comes_back():
    """Nothing outside pictures/ converts to RGB, opens a stranger's picture or turns it; the demo's own drawings may."""
    second = re.compile(r"\.convert\(\s*[\"'](RGB|RGBA|L)[\"']|Image\.open\(|exif_transpose|PngImageFile|getexif\(")
    found = []
    for path in sorted((ROOT / "src/logoingest").rglob("*.py")):
        room = path.relative_to(ROOT / "src/logoingest").parts[0]
        if room not in {"pictures", "demo"}:
            found += [f"{path.name}:{line}" for line in path.read_text().splitlines() if second.search(line)]
    assert found == []
