"""The pictures that came out best and worst, with what is there and what was said: examples.json, which the report draws. No torch here."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from logoingest.training.detection.data.boxes import Detections, TrueBoxes
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.data.photos import Photos, fit_photo
from logoingest.training.detection.scoring import match_boxes

EXAMPLES_FILE = "examples.json"
#: Pictures of each kind, and their longer side in pixels.
MOST_EXAMPLES = 12
SIDE_PX = 240
_QUALITY = 72
#: Boxes drawn into a picture, at most.
_MOST_BOXES = 20


class PictureOutcome(NamedTuple):
    """How one picture came out."""

    fault: float
    """Missed boxes, and the scores of those that are wrong, added up; 0 where all is right."""
    surety: float
    """The lowest score of a right box."""
    wrong: frozenset[int]
    """Which of the believed boxes are."""


def judge_picture(truth: TrueBoxes, said: Detections) -> PictureOutcome:
    """How a picture came out, from what is there and what is believed."""
    matched = match_boxes(truth, said, same_class=True)
    fault = len(matched.missed) + float(said.scores[list(matched.spare)].sum())
    surety = min((float(said.scores[number]) for number, _ in matched.pairs), default=0.0)
    return PictureOutcome(fault, surety, frozenset(matched.spare))


def choose_examples(outcomes: Sequence[PictureOutcome]) -> tuple[list[int], list[int]]:
    """(the best pictures: all right, the surest first; the worst: the most faults first), by place."""
    places = range(len(outcomes))
    best = sorted(
        (place for place in places if not outcomes[place].fault and outcomes[place].surety),
        key=lambda place: (-outcomes[place].surety, place),
    )
    worst = sorted((place for place in places if outcomes[place].fault), key=lambda place: (-outcomes[place].fault, place))
    return best[:MOST_EXAMPLES], worst[:MOST_EXAMPLES]


def write_examples(feed: PhotoFeed, found: Sequence[Detections], class_ids: Sequence[str], threshold: float, out_dir: Path) -> None:
    """Write examples.json: {"threshold", "best": […], "worst": […]}, each with its picture as a small JPEG in base64, and boxes."""
    said = [every.keep(threshold) for every in found]
    outcomes = [judge_picture(truth, believed) for truth, believed in zip(feed.truths, said, strict=True)]
    best, worst = choose_examples(outcomes)
    kinds = {
        kind: [describe_example(feed.photos, place, said[place], outcomes[place], class_ids) for place in places]
        for kind, places in (("best", best), ("worst", worst))
    }
    text = json.dumps({"threshold": threshold, **kinds}, ensure_ascii=False)
    (out_dir / EXAMPLES_FILE).write_text(text + "\n", encoding="utf-8")


def describe_example(
    photos: Photos, place: int, said: Detections, outcome: PictureOutcome, class_ids: Sequence[str]
) -> dict[str, Any]:
    """One picture; its boxes are [x, y, width, height] in pixels of the small JPEG."""
    small = fit_photo(Image.fromarray(photos.load(place)), SIDE_PX)
    factor = small.shape[1] / photos.shapes[place][1]
    across, down = photos.scales[place] * factor
    buffer = io.BytesIO()
    Image.fromarray(small).save(buffer, "JPEG", quality=_QUALITY)
    truth = photos.boxes[place]

    def place_box(corners: Sequence[float]) -> list[float]:
        x1, y1, x2, y2 = corners
        return [round(x1 * across, 1), round(y1 * down, 1), round((x2 - x1) * across, 1), round((y2 - y1) * down, 1)]

    return {
        "image_id": photos.image_ids[place],
        "width": small.shape[1],
        "height": small.shape[0],
        "jpeg": base64.b64encode(buffer.getvalue()).decode(),
        "there": [
            {"class_id": class_ids[label], "bbox": place_box(corners)}
            for corners, label in list(zip(truth.corners.tolist(), truth.labels.tolist(), strict=True))[:_MOST_BOXES]
        ],
        "said": [
            {
                "class_id": class_ids[int(said.labels[number])],
                "score": round(float(said.scores[number]), 3),
                "right": number not in outcome.wrong,
                "bbox": place_box(said.corners[number].tolist()),
            }
            for number in range(min(len(said.labels), _MOST_BOXES))
        ],
    }
