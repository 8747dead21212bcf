"""The gallery: pictures by what they are settled as, where they are, who answered and why they were refused; and marking them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import Config
from logoingest.errors import Problem, UsageError
from logoingest.images.placeholders import add_listed
from logoingest.labels import ClassMap
from logoingest.labels.class_map.entries import Signature
from logoingest.review.rulings import Action, ClassFinder, read_meaning
from logoingest.samples.group_rulings import GroupDecision, GroupRuling, add_group_rulings
from logoingest.web.desks.gathering import GatheredDecisions
from logoingest.web.desks.written import WrittenDesk
from logoingest.web.indexes.answers import IndexedAnswers
from logoingest.web.indexes.pictures import IndexedPictures, Numbers, PictureIndex, Stamp, find_code, read_figures, stamp_tables
from logoingest.wording import spell_count
from logoingest.workspace import Workspace
from logoingest.workspace.rows import pick_rows

PAGE = 60
"""Pictures at once."""
_MOST_MARKED = 900
_REJECTED = ("images_rejected", "labels_rejected", "samples_rejected", "splits_rejected")
_STAMPED = ("images", "samples", "splits", "annotations", "predictions", *_REJECTED)
_KEPT = 16
_ORIGIN = "gallery"


class GalleryChoice(NamedTuple):
    """Which pictures are wanted; empty texts choose nothing."""

    class_id: str = ""
    split: str = ""
    flag: str = ""
    host: str = ""
    worker: str = ""
    reason: str = ""
    """Why answers about it were refused."""
    label: str = ""
    """An answer, as typed."""
    cluster: str = ""
    """An open decision about answers, by its key: pictures that somebody called one of them."""
    order: str = ""
    """``doubt``: the least sure first; ``strange``: those that look least like any other, as far as that is known; else by id."""


class ShownPicture(NamedTuple):
    """A picture of the gallery."""

    image_id: str
    class_id: str | None
    split: str | None
    confidence: float | None


class GalleryPage(NamedTuple):
    """Some pictures."""

    pictures: Sequence[ShownPicture]
    in_all: int
    start: int


class Marked(NamedTuple):
    """What came of marking pictures."""

    message: str
    is_done: bool = True


class Gallery:
    """The pictures of a workspace."""

    def __init__(
        self,
        config: Config,
        pictures: IndexedPictures,
        answers: IndexedAnswers,
        gathered: GatheredDecisions,
        written: WrittenDesk,
    ) -> None:
        self._config, self._pictures, self._written = config, pictures, written
        self._workspace = Workspace(config.workspace_url)
        self._answers, self._gathered, self._lock = answers, gathered, threading.Lock()
        self._chosen: OrderedDict[tuple[GalleryChoice, Sequence[str], Stamp], Numbers] = OrderedDict()

    # -- looking -------------------------------------------------------------------------------------------------------

    def list_pictures(self, choice: GalleryChoice, start: int = 0, most: int = PAGE) -> GalleryPage:
        """Some of the pictures that were chosen."""
        index = self._pictures.read()
        numbers = self._choose(index, choice)
        start = max(0, min(start, len(numbers) - 1))
        return GalleryPage([make_shown(index, int(number)) for number in numbers[start : start + most]], len(numbers), start)

    def _choose(self, index: PictureIndex, choice: GalleryChoice) -> Numbers:
        spellings = self._list_spellings(choice.cluster)
        key = (choice, spellings, stamp_tables(self._workspace, _STAMPED))
        with self._lock:
            if key in self._chosen:
                self._chosen.move_to_end(key)
                return self._chosen[key]
        mask = np.ones(len(index), bool)
        for other in self._draw_masks(index, choice, spellings):
            mask &= other
        numbers = index.order[mask[index.order]]
        if choice.order == "doubt":
            numbers = numbers[np.argsort(index.confidence[numbers], kind="stable")]
        if choice.order == "strange":
            distances = read_figures(self._workspace, index, "predictions", "distance")[numbers]
            numbers = numbers[np.argsort(-distances, kind="stable")[: np.count_nonzero(~np.isnan(distances))]]
        with self._lock:
            self._chosen[key] = numbers
            while len(self._chosen) > _KEPT:
                self._chosen.popitem(last=False)
        return numbers

    def _list_spellings(self, key: str) -> tuple[str, ...]:
        """The answers that an open decision is about; none where nothing of that key is open any more."""
        if not key:
            return ()
        found = self._gathered.require()
        cluster = found.cluster_of.get(found.labels.get(key, ""))
        return () if cluster is None else tuple(member.raw_label for member in cluster.members)

    def _draw_masks(self, index: PictureIndex, choice: GalleryChoice, spellings: Sequence[str]) -> Iterator[np.ndarray]:
        if choice.class_id:
            yield index.class_of == find_code(index.classes, choice.class_id)
        if choice.split:
            yield index.split_of == find_code(index.splits, choice.split)
        if choice.flag:
            yield self._mask_flag(index, choice.flag)
        if choice.host:
            yield self._answers.read(index).mask_host(choice.host)
        if choice.worker:
            answers = self._answers.read(index)
            yield answers.mask_pictures(answers.workers.find(choice.worker))
        if choice.label:
            answers = self._answers.read(index)
            yield answers.mask_pictures(answers.labels.find(choice.label))
        if choice.cluster:
            answers = self._answers.read(index)
            yield answers.mask_pictures(answers.labels.find_any(spellings))
        if choice.reason:
            yield self._mask_refused(index, choice.reason)

    def _mask_flag(self, index: PictureIndex, flag: str) -> np.ndarray:
        flags = self._workspace.read_table("images", ["flags"]).column("flags")
        flagged = pc.list_parent_indices(flags).filter(pc.equal(pc.list_flatten(flags), flag))
        mask = np.zeros(len(index), bool)
        mask[flagged.to_numpy()] = True
        return mask

    def _mask_refused(self, index: PictureIndex, reason: str) -> np.ndarray:
        """Pictures that came from a URL of which an answer was refused so."""
        tables = [name for name in _REJECTED if self._workspace.has_table(name)]
        found = [pick_rows(self._workspace, name, "reason", [reason], ["url"]).column(0) for name in tables]
        urls = pa.chunked_array([chunk for column in found for chunk in column.chunks], pa.string())
        mask = np.zeros(len(index), bool)
        mask[index.url_picture[pc.is_in(index.urls, value_set=urls).to_numpy(zero_copy_only=False)]] = True
        return mask

    # -- marking -------------------------------------------------------------------------------------------------------

    def set_class(self, by: str, image_ids: Sequence[str], text: str) -> Marked:
        """Rule that pictures show a class, given by id or name; ``drop`` leaves them out. It holds for these bytes everywhere.

        Raises:
            UsageError: there is no such class or picture; the rulings cannot be written.
        """
        images = self._require(image_ids)
        class_map = ClassMap.load(self._config.class_map_path)
        if text.strip().casefold() == GroupDecision.DROP:
            ruling = GroupRuling(images, GroupDecision.DROP)
        else:
            meaning = read_meaning(text, (), ClassFinder(class_map))
            if isinstance(meaning, Problem):
                raise UsageError(meaning)
            class_id = None if meaning is None or meaning.action is not Action.CLASS else class_map.outputs[meaning.target]
            if class_id is None:
                raise UsageError("a picture is given a class that comes out of the map, or drop")
            ruling = GroupRuling(images, GroupDecision.CLASS, class_id)
        with self._written.record(by, _ORIGIN, f"{ruling} for {spell_count(len(images), 'picture')}"):
            add_group_rulings(self._config.resolve(self._config.samples.rulings), [ruling], _sign(by))
        return Marked(f"{len(images)} pictures: {ruling}; taken into the dataset by the next run")

    def mark_placeholder(self, by: str, image_ids: Sequence[str]) -> Marked:
        """List pictures as placeholders.

        Raises:
            UsageError: the config names no list, or it cannot be written.
        """
        images = self._require(image_ids)
        if self._config.images.placeholders is None:
            hint = 'write: [images] placeholders = "placeholders.txt"'
            raise UsageError(Problem("dataset.toml: images.placeholders", "is not set: there is no list of placeholders", hint))
        with self._written.record(by, _ORIGIN, f"{spell_count(len(images), 'picture')} marked as placeholders"):
            name = " ".join(by.split()) or "somebody"
            add_listed(self._config.resolve(self._config.images.placeholders), images, f"marked by {name} on {_sign(by).on}")
        return Marked(f"{len(images)} pictures are listed as placeholders; the next run leaves them out")

    def take_back(self, by: str) -> Marked:
        """Take back what this person wrote last from the gallery.

        Raises:
            UsageError: there is nothing, or somebody changed it since.
        """
        return Marked(self._written.take_back(by, _ORIGIN))

    def _require(self, image_ids: Sequence[str]) -> tuple[str, ...]:
        index = self._pictures.read()
        known = sorted({image_id for image_id in image_ids[:_MOST_MARKED] if index.find(image_id) is not None})
        if not known or len(known) != len(set(image_ids)):
            raise UsageError(f"choose 1 to {_MOST_MARKED:,} pictures of the workspace")
        return tuple(known)


def make_shown(index: PictureIndex, number: int) -> ShownPicture:
    """A picture by its number."""
    confidence = float(index.confidence[number])
    return ShownPicture(
        index.name(number),
        index.find_class(number),
        index.find_split(number),
        None if np.isnan(confidence) else round(confidence, 3),
    )


def _sign(by: str) -> Signature:
    return Signature(by, date.today())  # noqa: DTZ011  the day where the person sits
