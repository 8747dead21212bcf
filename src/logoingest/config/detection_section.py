"""[train.detection]: what a detector needs beyond what every training does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from logoingest.config.toml_table import Section

Stride = Literal[4, 8, 16, 32]


class DetectionConfig(Section):
    """The recipe "detect"; settings of a part that the detector lacks change nothing."""

    start: str = ""
    """Folder of a detector of the same classes and kind to go on from (relative to this file): its anchors and weights instead of fresh ones."""
    head: Literal["faster_rcnn", "retinanet", "fcos"] = "faster_rcnn"
    """What finds boxes over a classification backbone; a torchvision detector named by ``train.model`` has its own."""
    strides: Annotated[tuple[Stride, ...], Field(min_length=1)] = (8, 16, 32)
    """Levels of the pyramid, in pixels of the picture a cell: 8 sees small logos, and costs time."""
    channels: Annotated[int, Field(ge=32, le=512, multiple_of=32)] = 128
    """Of every level."""
    anchors: Annotated[int, Field(ge=1, le=9)] = 3
    """Anchors a level, found among the boxes of train by k-means."""
    proposals: Annotated[int, Field(ge=10, le=2000)] = 200
    """Faster R-CNN: regions looked at in every picture."""
    negatives: tuple[str, ...] = ()
    """Classes that mean that a picture shows none of the others, such as "none"; pictures that people said show none are always used."""
    paste: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of the training pictures that get a logo of another picture, of every class equally often."""
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Boxes below it are not looked at, nor counted by any figure."""
