"""A trained detector, opened: what it finds in pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from logoingest.training.data.given import AnyPicture, check_several, name_given, open_given
from logoingest.training.detection.artifact import read_detector
from logoingest.training.detection.data.augmentation import fit_canvas
from logoingest.training.detection.data.boxes import FoundBox, FoundBoxes
from logoingest.training.detection.data.feeds import make_input
from logoingest.training.detection.data.photos import Pixels
from logoingest.training.detection.networks import Design
from logoingest.training.detection.prediction import read_answer
from logoingest.training.models.artifact import NO_CODE, AllowedCode


@dataclass(frozen=True)
class Detector:
    """A trained detector; ``load_detector`` opens one."""

    folder: Path
    network: nn.Module
    """In eval mode, on the CPU: pictures (3, height, width) in [0, 1] → boxes, labels from 1, scores, as torchvision's."""
    design: Design
    class_ids: tuple[str, ...]
    threshold: float
    """The score from which on a box is believed: the best F1 on validation."""

    def detect(self, pictures: Iterable[AnyPicture], threshold: float | None = None) -> list[FoundBoxes]:
        """What is in each picture, in their order; each answer depends on its picture alone.

        Args:
            pictures: files, bytes or open pictures; one at a time is in memory.
            threshold: the least score; when left out, the detector's own.

        Raises:
            UsageError: a single picture was given.
        """
        return list(self.iterate_found(pictures, threshold))

    def iterate_found(self, pictures: Iterable[AnyPicture], threshold: float | None = None) -> Iterator[FoundBoxes]:
        """As ``detect``, as soon as each is known."""
        check_several(pictures, "detect")
        least = self.threshold if threshold is None else threshold
        for place, picture in enumerate(pictures, 1):
            photo, reason = open_given(picture)
            yield FoundBoxes(name_given(picture, place), () if photo is None else self._find(photo, least), reason)

    def _find(self, photo: Image.Image, least: float) -> tuple[FoundBox, ...]:
        pixels = size_photo(photo, self.design.side_px)
        with torch.no_grad():
            answer = self.network([make_input(pixels).float() / 255])[0]
        shown = pixels.shape[1], pixels.shape[0]
        found = read_answer(answer, shown, photo.size, len(self.class_ids)).keep(least)
        return tuple(
            FoundBox(self.class_ids[label], round(score, 4), (round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2)))
            for (x1, y1, x2, y2), label, score in zip(
                found.corners.tolist(), found.labels.tolist(), found.scores.tolist(), strict=True
            )
        )


def open_detector(folder: Path, code: AllowedCode = NO_CODE) -> Detector:
    """Open a detector's folder; ``code`` is what may be imported where its card names code.

    Raises:
        UsageError: a file is missing or damaged, or they do not fit together.
    """
    return Detector(folder, *read_detector(folder, code))


def size_photo(photo: Image.Image, side_px: int) -> Pixels:
    """The picture with its longer side ``side_px``, uint8 (height, width, 3)."""
    height, width = fit_canvas((photo.height, photo.width), side_px)
    return np.array(photo.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)
