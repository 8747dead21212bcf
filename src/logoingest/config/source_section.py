"""``[[sources]]``: one source file of annotations, and which of its columns say what."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import field_validator, model_validator

from logoingest.config.kept_columns import find_kept_fault, name_kept_columns
from logoingest.config.toml_table import Section

#: What a source file may be (docs/sources.md).
SourceFormat = Literal[
    "mturk",
    "tabular",
    "urls",
    "label_studio",
    "voc",
    "cvat",
    "coco",
    "via",
    "ground_truth",
    "labelbox",
    "crowdflower",
    "toloka",
    "zooniverse",
    "prodigy",
]


class SourceConfig(Section):
    """One source file of annotations."""

    path: str
    """File, folder or pattern (relative to this file): docs/sources.md lists the formats. "nightly/*.csv" is a source a file."""
    last_day: dt.date | None = None
    """With a pattern: files with a later day in their names are left out."""
    format: SourceFormat | None = None
    """Guessed from the file when left out."""
    sheet: str | None = None
    """Sheet of an Excel workbook; left out, the only one that holds pictures."""
    encoding: str = "utf-8"
    """A byte-order mark is understood; anything but UTF-8 must be declared."""
    url_column: str | None = None
    """Column of the image URL; guessed when left out. MTurk: Input.image_url (also numbered: Input.image_url1 …)."""
    label_column: str | None = None
    """Column of the answer; guessed when left out. MTurk: Answer.<field>, or <field> inside Answer.taskAnswers."""
    worker_column: str | None = None
    """Column of the worker's id."""
    bbox_column: str | None = None
    """Column of a box: "[x, y, width, height]" or MTurk's [{left, top, width, height, label}]."""
    bbox_columns: tuple[str, ...] = ()
    """Four columns of a box's numbers; guessed by their usual names (xmin, ymin, xmax, ymax; x, y, width, height …)."""
    bbox_format: Literal["xyxy", "xywh", "cxcywh"] | None = None
    """What bbox_columns hold: two corners, a corner and a size, a centre and a size; guessed from their names."""
    bbox_unit: Literal["pixels", "shares"] | None = None
    """Whether bbox_columns hold pixels or shares of the picture's sides; guessed from their values."""
    annotator_columns: tuple[str, ...] = ()
    """A column an annotator: each holds that person's answers, and names the worker. Guessed: annotator_1, annotator_2 …"""
    picture_columns: tuple[str, ...] = ()
    """A column a picture: each holds what the row's person says of the picture that its name, or its question, names. Guessed."""
    other_column: str | None = None
    """Column of what was typed where label_column says "other"; guessed (species_other), and then the answer."""
    option_columns: tuple[str, ...] = ()
    """A column an option, ticked (true, 1, x) or not: a row's ticks are one answer. Guessed where no column is the answer."""
    certainty_column: str | None = None
    """Column of how sure people were, in tables of every kind: which of its answers do not vote, unsure and unsure_below say."""
    unsure: tuple[str, ...] = ()
    """What certainty_column says where an answer was a guess and does not vote: ["guess", "not sure"]."""
    unsure_below: float | None = None
    """A number below which an answer does not vote: 3 of five points, 50 of a hundred per cent."""
    status_column: str | None = None
    """Column of the requester's verdict (submitted, approved, rejected); guessed, as are the next two. MTurk and others have their own."""
    time_column: str | None = None
    """Column of the time an answer was sent."""
    work_time_column: str | None = None
    """Column of the seconds spent on an answer."""
    id_column: str | None = None
    """Column of the source's own id of an answer."""
    alternative_url_columns: tuple[str, ...] = ()
    """Columns of further URLs of the same picture."""
    keep_columns: dict[str, str] = {}
    """Columns that go along into the release: ["licence"], or { licence = "Input.license" } under another name."""
    sha256_column: str | None = None
    """Column of the sha256 that the picture's bytes must have, in hex or base64; empty cells ask for nothing."""
    md5_column: str | None = None
    """The same for md5."""
    delimiter: str | None = None
    """One character; guessed when left out (csv, tsv)."""
    local_root: str | None = None
    """Folder of pictures on this machine (relative to this file): paths and file: URLs of this source are read in it, nowhere else."""
    url_prefix: str = ""
    """Put before image URLs that have no scheme (file names, Pascal VOC's paths; end it with /), or around them: "https://…/{}.jpg"."""
    json_answers: bool = True
    """Whether an answer cell that holds a JSON list or object is read as such (tags, boxes, choices); false keeps its text."""

    @field_validator("keep_columns", mode="before")
    @classmethod
    def _name_kept(cls, given: object) -> object:
        return name_kept_columns(given)

    @field_validator("keep_columns")
    @classmethod
    def _check_kept(cls, kept: dict[str, str]) -> dict[str, str]:
        if fault := find_kept_fault(kept):
            raise ValueError(fault)
        return kept

    @model_validator(mode="after")
    def _looks_in_one_place(self) -> SourceConfig:
        if self.local_root is not None and self.url_prefix:
            raise ValueError("local_root and url_prefix both say where pictures without a scheme lie: name one")
        return self

    @model_validator(mode="after")
    def _says_what_is_unsure(self) -> SourceConfig:
        if (self.certainty_column is None) == bool(self.unsure or self.unsure_below is not None):
            raise ValueError("certainty_column goes with unsure or unsure_below: which of its answers are guesses")
        return self

    @field_validator("bbox_columns")
    @classmethod
    def _are_four(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns and len(set(columns)) != 4:
            raise ValueError(f"names four columns, not {len(set(columns))}")
        return columns

    @field_validator("url_prefix")
    @classmethod
    def _has_no_userinfo(cls, prefix: str) -> str:
        if "@" in prefix.partition("//")[2].partition("/")[0]:
            raise ValueError("names a user or password, which a release would repeat: give them by fetch.credentials")
        return prefix
