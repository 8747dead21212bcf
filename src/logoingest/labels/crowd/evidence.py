"""The crowd's evidence as people and other rooms ask for it: from annotations and a class map to a row a spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.consensus.votes import Indices
from logoingest.labels.crowd.meanings import MIN_PICTURES, MIN_WRITERS, Meanings, weigh_meanings
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.crowd.writings import UNDECIDED, CrowdVotes
from logoingest.labels.matching.label_table import encode_labels
from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.labels.matching.spelling_index import index_of
from logoingest.schemas import Decision
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

#: What "no label" is called where a class id is asked for.
NO_LABEL = "no label"
#: Pictures named as examples.
_EXAMPLES = 5
#: The class map left these undecided for what they are; no crowd changes that.
_NEVER = frozenset({"reversed_text", "too_long", "several", "ambiguous"})
_ELSEWHERE = -2


class Meaning(StrEnum):
    """What the crowd's evidence says of a spelling."""

    NAMES = "names"
    """It is a name of its class (or says that there is no label)."""
    SPREAD = "spread"
    """It stands beside all classes alike: noise, spam, or an umbrella over them."""
    SEVERAL = "several"
    """It goes with several classes, or with one now and then."""
    STRANGER = "stranger"
    """It is a class that the map lacks, mistaken now and then for this one."""
    LITTLE = "little"
    """Too few people wrote it, of too few pictures, or nobody else said anything known of them."""


_TOLD = (Meaning.NAMES, Meaning.SPREAD, Meaning.SEVERAL, Meaning.STRANGER)
#: Probability from which a meaning is told.
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class SpellingEvidence:
    """What the others' answers about the same pictures tell of a spelling; its writers' own answers don't count."""

    key: str
    """Equal for all answers that the evidence is gathered for (``spellings.make_key``)."""
    text: str
    """Its most frequent answer, as typed."""
    raw_labels: Sequence[str]
    """Its distinct answers, the most frequent first."""
    answers: int
    declared: str | None
    """The class the map gives it (``NO_LABEL`` where it means none); None where the map does not decide."""
    is_open: bool
    """The map leaves it undecided, and a crowd may decide it."""
    meaning: Meaning
    class_id: str | None
    """The class it most probably names, or ``NO_LABEL``; None where nobody else said anything."""
    probability: float
    """That it names that class, 0 to 1; calibrated."""
    settled: int
    """Pictures of it that the others settled as that class."""
    next_class_id: str | None
    next_probability: float
    next_settled: int
    pictures: int
    """Pictures it was written of; copies count once where groups are known."""
    witnessed: int
    """Pictures of them that others settled as any class."""
    workers: int
    """People who wrote it; all without a name count as one."""
    urls: Sequence[str]
    """Some of its pictures, those settled as the class first."""

    @property
    def words(self) -> str:
        """``written of 51 pictures by 9 workers; 48 were settled as volkswagen by others; next hyundai 3``."""
        said = f"written of {spell_count(self.pictures, 'picture')} by {spell_count(self.workers, 'worker')}"
        if self.class_id is None or not self.settled:
            return f"{said}; others settled {self.witnessed or 'none'} of them"
        were = "was" if self.settled == 1 else "were"
        told = f"{said}; {self.settled} {were} settled as {self.class_id} by others"
        return f"{told}; next {self.next_class_id} {self.next_settled}" if self.next_settled else told


@dataclass(frozen=True, eq=False)
class CrowdEvidence:
    """All spellings, the most frequent first."""

    spellings: Sequence[SpellingEvidence]

    @cached_property
    def by_label(self) -> Mapping[str, SpellingEvidence]:
        """Raw label → its spelling's evidence."""
        return {label: spelling for spelling in self.spellings for label in spelling.raw_labels}

    @cached_property
    def by_key(self) -> Mapping[str, SpellingEvidence]:
        """Key → the evidence of the answers that the map leaves open."""
        return {spelling.key: spelling for spelling in self.spellings if spelling.is_open}

    def find(self, raw_label: str) -> SpellingEvidence | None:
        """The evidence of an answer of the data; None for one that nobody gave."""
        return self.by_label.get(raw_label)


class Reading(NamedTuple):
    """The annotations in numbers, and what the numbers stand for."""

    spelling: Indices
    """Of each row; -1 where its answer is never judged."""
    picture: Indices
    """Of each row."""
    worker: Indices
    """Of each row; -1 where nobody says who."""
    votes: CrowdVotes
    class_of: Indices
    keys: Sequence[str]
    labels: Sequence[Sequence[str]]
    answers: Indices
    is_open: Sequence[bool]
    class_names: Sequence[str]
    picture_urls: pa.StringArray
    """Not as a list: of a million pictures that would take 0.1 GB."""

    def name_pictures(self, pictures: Iterable[int]) -> tuple[str, ...]:
        """The URLs of some pictures."""
        return tuple(self.picture_urls[int(picture)].as_py() for picture in pictures)


def gather_evidence(
    annotations: pa.Table,
    class_map: ClassMap,
    images: pa.Table | None = None,
    decisions: Sequence[LabelDecision] | None = None,
) -> CrowdEvidence:
    """What the crowd tells of every distinct spelling.

    Args:
        annotations: ``AnnotationRow``s, of which raw_label, url and worker_id are looked at; in any order.
        class_map: decides what is known already.
        images: ``ImageRow``s (urls, group_id): copies of a picture then count as one. Left out, a URL is a picture.
        decisions: of the distinct answers (null is ""), where they are there already.
    """
    reading = number_answers(annotations, class_map, images, decisions)
    return describe_meanings(reading, weigh_meanings(reading.votes, reading.class_of))


def number_answers(
    annotations: pa.Table,
    class_map: ClassMap,
    images: pa.Table | None = None,
    decisions: Sequence[LabelDecision] | None = None,
) -> Reading:
    """The annotations in numbers; as ``gather_evidence`` takes them."""
    codes, distinct = encode_labels(annotations.column("raw_label"))
    decisions = decide_labels(distinct, class_map) if decisions is None else decisions
    class_names = [*class_map.class_ids, NO_LABEL]
    numbers = {name: number for number, name in enumerate(class_names)}
    label_class = np.array([_place_decision(decision, numbers) for decision in decisions], np.intp)
    index = index_of(class_map)
    keys = [make_key(raw, index) for raw in distinct]
    open_ = [decision.rule not in _NEVER for decision in decisions]
    label_class[~np.array(open_, bool) & (label_class == UNDECIDED)] = _ELSEWHERE
    names = sorted({(key, int(class_)) for key, class_ in zip(keys, label_class, strict=True) if class_ != _ELSEWHERE and key})
    places = {name: place for place, name in enumerate(names)}
    spelling_of = np.array([places.get((key, int(class_)), -1) for key, class_ in zip(keys, label_class, strict=True)], np.intp)
    counts = np.bincount(codes, minlength=len(distinct))
    labels: list[list[str]] = [[] for _ in names]
    for place in sorted(range(len(distinct)), key=lambda place: (-counts[place], distinct[place])):
        if spelling_of[place] >= 0:
            labels[spelling_of[place]].append(distinct[place])
    spelling = spelling_of[codes] if len(codes) else np.zeros(0, np.intp)
    picture, urls = _number_pictures(annotations.column("url"), images)
    worker = _number(annotations.column("worker_id"))[0]
    told = (spelling >= 0) & (picture >= 0)
    class_of = np.array([class_ for _, class_ in names], np.intp)
    votes = CrowdVotes(picture[told], worker[told], spelling[told], len(names), len(class_names))
    return Reading(
        spelling=spelling,
        picture=picture,
        worker=worker,
        votes=votes,
        class_of=class_of,
        keys=[key for key, _ in names],
        labels=labels,
        answers=np.bincount(spelling[spelling >= 0], minlength=len(names)),
        is_open=[class_ == UNDECIDED for _, class_ in names],
        class_names=class_names,
        picture_urls=urls,
    )


def _place_decision(decision: LabelDecision, numbers: Mapping[str, int]) -> int:
    if decision.decision == Decision.IGNORED:
        return numbers[NO_LABEL]
    if decision.decision == Decision.ACCEPTED:
        return _ELSEWHERE if decision.class_id is None else numbers[decision.class_id]
    return _ELSEWHERE if decision.decision == Decision.DROPPED else UNDECIDED


def _number(column: pa.ChunkedArray) -> tuple[Indices, pa.StringArray]:
    """The place of each value among the distinct ones, sorted; -1 for null."""
    distinct = pc.unique(column.cast(pa.string())).drop_null().sort()
    found = pc.index_in(column.cast(pa.string()), value_set=distinct, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(), np.intp), distinct


def _number_pictures(urls: pa.ChunkedArray, images: pa.Table | None) -> tuple[Indices, pa.StringArray]:
    """(the picture of each row, a URL a picture): near-duplicates are one where they are known."""
    picture, distinct = _number(urls)
    if images is None or len(distinct) == 0:
        return picture, distinct
    listed = images.column("urls").combine_chunks()
    place = pc.index_in(distinct, value_set=pc.list_flatten(listed))
    grouped = pc.is_valid(place).to_numpy(zero_copy_only=False)
    owner = pc.list_parent_indices(listed).take(place.drop_null()).to_numpy(zero_copy_only=False)
    del listed, place
    chunks = images.column("group_id").dictionary_encode().chunks  # all of one dictionary, whose texts nobody needs
    group = np.concatenate([np.zeros(0, np.int32), *(chunk.indices.to_numpy() for chunk in chunks)])[owner]
    group_of = np.arange(len(distinct), dtype=np.intp)
    _, first, codes = np.unique(group, return_index=True, return_inverse=True)
    group_of[grouped] = np.flatnonzero(grouped)[first][codes]  # the picture of a group's first URL stands for it
    return np.where(picture >= 0, group_of[picture], -1), distinct


def describe_meanings(reading: Reading, meanings: Meanings) -> CrowdEvidence:
    """What the numbers say, a row a spelling."""
    shown = _choose_pictures(meanings)
    names, told = [*reading.class_names], _judge_meanings(meanings)
    rows = []
    for place, key in enumerate(reading.keys):
        best, runner = int(meanings.class_number[place]), int(meanings.next_class[place])
        declared = int(reading.class_of[place])
        rows.append(
            SpellingEvidence(
                key=key,
                text=reading.labels[place][0],
                raw_labels=tuple(reading.labels[place]),
                answers=int(reading.answers[place]),
                declared=None if declared == UNDECIDED else names[declared],
                is_open=reading.is_open[place],
                meaning=told[place],
                class_id=None if best == UNDECIDED else names[best],
                probability=round(float(meanings.names[place]), 6),
                settled=int(meanings.settled[place]),
                next_class_id=None if runner == UNDECIDED else names[runner],
                next_probability=round(float(meanings.next_names[place]), 6),
                next_settled=int(meanings.next_settled[place]),
                pictures=int(meanings.pictures[place]),
                witnessed=int(meanings.witnessed[place]),
                workers=int(meanings.writers[place]),
                urls=reading.name_pictures(shown.get(place, ())),
            )
        )
    return CrowdEvidence(sorted(rows, key=lambda row: (-row.answers, row.key, row.declared or "")))


def _judge_meanings(meanings: Meanings) -> list[Meaning]:
    chances = np.stack([meanings.names, meanings.spread, meanings.several, meanings.stranger])
    enough = (meanings.writers >= MIN_WRITERS) & (meanings.witnessed >= MIN_PICTURES) & (chances.max(axis=0, initial=0) > _MOSTLY)
    return [_TOLD[best] if told else Meaning.LITTLE for best, told in zip(chances.argmax(axis=0), enough, strict=True)]


def _choose_pictures(meanings: Meanings) -> dict[int, list[int]]:
    """Spelling → some of its pictures, those that the others settled as its class first."""
    spelling, picture, settled = meanings.shown
    order = np.lexsort((picture, settled != meanings.class_number[spelling], spelling))
    spelling, picture = spelling[order], picture[order]
    first = np.searchsorted(spelling, spelling)
    kept = np.arange(len(spelling)) - first < _EXAMPLES
    chosen: dict[int, list[int]] = {}
    for one, of in zip(spelling[kept].tolist(), picture[kept].tolist(), strict=True):
        chosen.setdefault(one, []).append(of)
    return chosen
