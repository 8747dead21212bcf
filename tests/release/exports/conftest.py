"""The releases that are exported."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from builders.releases import HOSTILE, TURNED, draw_quarters, store_turned


@pytest.fixture(scope="module")
def hostile(making, tmp_path_factory):
    """A release whose classes have names that break folders, XML, CSV and terminals; boxes on every picture but the first."""
    pictures = [making.draw_picture(number, ("JPEG", "PNG", "WEBP", "GIF")[number % 4]) for number in range(2 * len(HOSTILE))]
    class_ids = [[HOSTILE[number % len(HOSTILE)]] for number in range(len(pictures))]
    splits = ["train" if number < len(HOSTILE) else "test" for number in range(len(pictures))]
    boxes = [[{"class_id": ids[0], "bbox": [1.5, 2.0, 10.0, 12.25]}] if number else [] for number, ids in enumerate(class_ids)]
    ingredients = replace(making.collect(pictures, class_ids, splits, boxes), classes=[(name, name) for name in HOSTILE])
    folder = tmp_path_factory.mktemp("hostile") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture(scope="module")
def unboxed(making, tmp_path_factory):
    """A release without boxes; every class in both splits."""
    pictures = [making.draw_picture(number) for number in range(12)]
    class_ids = [[HOSTILE[number % 3]] for number in range(12)]
    splits = ["train" if number < 6 else "validation" for number in range(12)]
    ingredients = replace(making.collect(pictures, class_ids, splits), classes=[(name, name) for name in HOSTILE])
    folder = tmp_path_factory.mktemp("unboxed") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture(scope="module")
def turned(making, tmp_path_factory):
    """Pictures of a red corner with a box around it, as JPEG and PNG in four orientations, and a palette without one."""
    pictures = [store_turned(draw_quarters((64 + n, 48)), turn, form) for n, (turn, form) in enumerate(
        (turn, form) for turn in TURNED for form in ("JPEG", "PNG"))]  # fmt: skip
    stream = io.BytesIO()
    draw_quarters((90, 48)).convert("P").save(stream, "GIF")
    pictures.append(stream.getvalue())
    boxes = [[{"class_id": "no", "bbox": [0.0, 0.0, 16.0, 16.0]}]] * len(pictures)
    ingredients = making.collect(pictures, [["no"]] * len(pictures), ["train"] * len(pictures), boxes)
    folder = tmp_path_factory.mktemp("turned") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture(params=["written", "hostile", "unboxed"])
def folder(request):
    return request.getfixturevalue(request.param)
