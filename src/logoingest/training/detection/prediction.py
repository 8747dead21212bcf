"""What a detector says is in every picture of a feed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from logoingest.training.detection.data.boxes import Detections
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.fitting import DetectorJob

#: Boxes of a picture that any figure counts (COCO's own bound).
MOST_BOXES = 100
_AT_ONCE = 8


def find_boxes(job: DetectorJob, feed: PhotoFeed) -> list[Detections]:
    """What it says of every picture, in order; in pixels of the upright picture. In full precision, as it is used: bf16 knows places of
    256 pixels and more to two pixels.
    """
    job.network.eval()
    return list(_iterate_detections(job, feed))


def _iterate_detections(job: DetectorJob, feed: PhotoFeed) -> Iterator[Detections]:
    with torch.no_grad():
        for pictures, _, rows in feed.serve(feed.plan(max(_AT_ONCE, job.config.batch_size))):
            if not pictures:
                continue
            answers = job.network(pictures)
            for answer, row in zip(answers, rows.tolist(), strict=True):
                yield read_answer(answer, feed.find_shown(row), feed.find_size(row), job.design.class_count)


def read_answer(answer: dict[str, Tensor], shown: tuple[int, int], size: tuple[float, float], class_count: int) -> Detections:
    """One answer of a torchvision detector, in pixels of the upright picture; what lies beyond the picture is cut off.

    Args:
        answer: boxes, labels (from 1) and scores.
        shown: width and height of what the network saw of the picture.
        size: width and height of the upright picture.
        class_count: classes; other labels are left out.
    """
    labels = answer["labels"].cpu().numpy().astype(np.int64) - 1
    scores = answer["scores"].float().cpu().numpy().astype(np.float64)
    ends = np.tile(np.array(size, np.float64), 2)
    corners = answer["boxes"].float().cpu().numpy().astype(np.float64) * (ends / np.tile(np.array(shown, np.float64), 2))
    corners = corners.clip(0, ends)
    sound = (corners[:, 2:] > corners[:, :2]).all(axis=1) & np.isfinite(scores) & (labels >= 0) & (labels < class_count)
    order = np.argsort(-scores, kind="stable")
    order = order[sound[order]][:MOST_BOXES]
    return Detections(corners[order], labels[order], scores[order])
