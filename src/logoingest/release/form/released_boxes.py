"""What a box of a release is: verify asks for every one, exports before they write one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from logoingest.boxes import lies_within
from logoingest.release.form.strict_json import read_strict_json


def is_released_box(box: Mapping[str, Any] | None, labels: Collection[int], width: int, height: int) -> bool:
    """Whether a box is of a class that its picture shows, lies in it, and says what else it says as a JSON object.

    Args:
        box: label, bbox, attributes, as in a row of a release.
        labels: every class of the picture, by number.
        width: of the upright picture, in pixels.
        height: likewise.
    """
    if box is None or box["label"] is None or box["bbox"] is None or None in box["bbox"]:
        return False
    return box["label"] in labels and lies_within(box["bbox"], width, height) and _is_object(box["attributes"])


def _is_object(text: str | None) -> bool:
    if text is None:
        return True
    try:
        return isinstance(read_strict_json(text.encode()), dict)
    except ValueError:
        return False
