"""Answers decided by the crowd: which words it may give a class, which lines of the layer still hold, and for which pictures.

**Words.** Undecided by the map, a name of one class with at least ``labels.crowd_confidence``, written by three people or more (two,
where these two share words for three classes: then they speak a language, and have not agreed on a word), settled by others as that
class of two in five of its pictures and of two at least, and as the next class a third as often at most. What a person declared, and what ``distinct_from`` keeps apart, stays as it is.

**Lines** are kept, and decide on other data too, until newer answers contradict them: then they are withdrawn, and that is said.

**Pictures.** The answers that taught a word do not then confirm their pictures: a picture's answers by it count only where two people
who did not write it there taught it by two other pictures.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from logoingest.labels.crowd.evidence import (
    NO_LABEL,
    CrowdEvidence,
    Meaning,
    Reading,
    SpellingEvidence,
    describe_meanings,
    number_answers,
)
from logoingest.labels.crowd.layer import CrowdDecisions, CrowdLine
from logoingest.labels.crowd.meanings import Meanings, weigh_meanings
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.crowd.writings import Bools, count_people, list_writings
from logoingest.labels.matching.label_table import Withheld, encode_labels, tabulate_decisions
from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.fold import fold
from logoingest.schemas import Decision

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

RULE = "crowd"
"""The rule of an answer that the crowd decided."""

UNCONFIRMED = "what it means is not sure where copies of a picture count once"
"""Why an answer that the crowd decided does not count once the pictures are known."""

UNSUSTAINED = "what it means is known from the people who wrote it here, or from this picture, alone"
"""Why an answer that the crowd decided does not count for its picture."""

_PEOPLE = 3
_SPEAKERS = 2
#: Two people who share words for so many classes speak a language.
_SHARED_CLASSES = 3
_PICTURES = 2
_SPEAKERS_PICTURES = 3
_SETTLED = 2
#: The share of its pictures that others settled as the class, at least; and how many as the next, for one of the class, at most.
_CLEAR = 0.4
_NEXT = 1 / 3
#: Others who taught a word, and the pictures they taught it by, before it counts for a picture.
_TEACHERS = 2
_LESSONS = 2
#: A line no longer holds where the word names its class with less than this probability.
_HOLDS = 0.5


def normalise_with_crowd(
    annotations: pa.Table, class_map: ClassMap, lines: Sequence[CrowdLine], confidence: float, today: dt.date
) -> CrowdDecisions:
    """The labels stage where ``labels.crowd = "accept"``.

    Args:
        annotations: ``AnnotationRow``s; a URL is a picture.
        class_map: decides first.
        lines: the layer as it is.
        confidence: probability from which a word is given its class.
        today: what new lines are dated.
    """
    codes, distinct = encode_labels(annotations.column("raw_label"))
    decided = decide_labels(distinct, class_map)
    reading = number_answers(annotations, class_map, decisions=decided)
    meanings = weigh_meanings(reading.votes, reading.class_of)
    evidence = describe_meanings(reading, meanings)
    sure = list_sure(evidence, class_map, confidence, list_speakers(reading, meanings))
    kept = _renew_lines(lines, sure, evidence, class_map, today)
    applied = {make_key(line.text, index_of(class_map)): line for line in kept if not line.why}
    made = [_apply(decision, applied, evidence, class_map) for decision in decided]
    crowd = np.array([decision.rule == RULE for decision in made], bool)[codes]
    held = crowd & ~find_sustained(reading, meanings, applied, _list_elsewhere(applied, evidence))
    normalised = tabulate_decisions(annotations, class_map, codes, made, Withheld(held, UNSUSTAINED))
    were = {(line.text, line.class_id) for line in lines if not line.why}
    withdrawn = [line for line in kept if line.why and (line.text, line.class_id) in were]
    return CrowdDecisions(normalised, kept, withdrawn)


def find_unconfirmed(
    annotations: pa.Table, images: pa.Table, class_map: ClassMap, lines: Sequence[CrowdLine], confidence: float
) -> Bools:
    """The rows of words that the crowd decided and would not decide where copies of a picture count once.

    Args:
        annotations: ``AnnotationRow``s.
        images: ``ImageRow``s: which URLs show one picture, or copies of it.
        class_map: decides first.
        lines: the layer; words that were learned from more than these annotations are not asked again.
        confidence: as in ``normalise_with_crowd``.
    """
    reading = number_answers(annotations, class_map, images)
    meanings = weigh_meanings(reading.votes, reading.class_of)
    evidence = describe_meanings(reading, meanings)
    applied = {make_key(line.text, index_of(class_map)): line for line in lines if not line.why}
    sure = {spelling.key: spelling for spelling in list_sure(evidence, class_map, confidence, list_speakers(reading, meanings))}
    held = {key for key, line in applied.items() if key in sure and sure[key].class_id == class_map.outputs.get(line.class_id)}
    by_url = number_answers(annotations, class_map)  # its spellings stand in the same order: a line counted its pictures by URL
    urls = count_people(list_writings(by_url.votes), by_url.votes.spellings)[1].tolist()
    seen = {key: count for key, count, is_open in zip(by_url.keys, urls, by_url.is_open, strict=True) if is_open}
    elsewhere = {key for key, line in applied.items() if key in seen and line.pictures >= seen[key] + _LESSONS}
    stands = find_sustained(reading, meanings, held | elsewhere, elsewhere)
    asked = np.array([is_open and key in applied for key, is_open in zip(reading.keys, reading.is_open, strict=True)], bool)
    rows = np.zeros(len(reading.spelling), bool)
    spoken = reading.spelling >= 0
    rows[spoken] = asked[reading.spelling[spoken]] if len(asked) else False
    return rows & ~stands


def list_sure(
    evidence: CrowdEvidence, class_map: ClassMap, confidence: float, speakers: Collection[str] = ()
) -> list[SpellingEvidence]:
    """The words that the crowd may give a class; ``speakers`` are keys whose two writers speak a language."""
    return [
        spelling
        for spelling in evidence.spellings
        if spelling.is_open
        and spelling.meaning == Meaning.NAMES
        and spelling.class_id not in {None, NO_LABEL}
        and spelling.probability >= confidence
        and _is_founded(spelling, spelling.key in speakers)
        and not _is_kept_apart(spelling, class_map)
    ]


def _is_founded(spelling: SpellingEvidence, is_spoken: bool) -> bool:
    people, pictures = (_SPEAKERS, _SPEAKERS_PICTURES) if is_spoken else (_PEOPLE, _PICTURES)
    is_clear = spelling.settled >= _CLEAR * spelling.witnessed and spelling.next_settled <= _NEXT * spelling.settled
    return spelling.workers >= people and spelling.pictures >= pictures and spelling.settled >= _SETTLED and is_clear


def _is_kept_apart(spelling: SpellingEvidence, class_map: ClassMap) -> bool:
    """``distinct_from`` names the word and the class, by its id or one of its spellings."""
    index = index_of(class_map)
    names = {known.text for known in class_map.spellings if class_map.outputs[known.class_id] == spelling.class_id}
    names |= {declared for declared, out in class_map.outputs.items() if out == spelling.class_id}
    keys = {fold(name).text for name in names}
    for pair in class_map.distinct_from:
        for word, other in (pair, pair[::-1]):
            if make_key(word, index) == spelling.key and fold(other).text in keys:
                return True
    return False


def list_speakers(reading: Reading, meanings: Meanings) -> set[str]:
    """Keys of two writers who share words for several classes."""
    wanted = (meanings.writers == _SPEAKERS) & np.array(reading.is_open, bool) & (meanings.names >= _HOLDS)
    rows = np.flatnonzero((reading.spelling >= 0) & (reading.worker >= 0))
    rows = rows[wanted[reading.spelling[rows]]]
    writers: defaultdict[int, set[int]] = defaultdict(set)
    for spelling, worker in zip(reading.spelling[rows].tolist(), reading.worker[rows].tolist(), strict=True):
        writers[spelling].add(worker)
    shared = _share_classes(reading, meanings)
    return {
        reading.keys[place]
        for place, pair in writers.items()
        if len(pair) == 2 and len(shared[min(pair), max(pair)]) >= _SHARED_CLASSES
    }


def _share_classes(reading: Reading, meanings: Meanings) -> defaultdict[tuple[int, int], set[int]]:
    """Two workers → the classes that they share an undecided word for; words of few writers, which are the ones that tell."""
    telling = (meanings.writers >= _SPEAKERS) & (meanings.writers <= 12) & np.array(reading.is_open, bool) & (meanings.names >= 0.9)
    rows = np.flatnonzero((reading.spelling >= 0) & (reading.worker >= 0))
    rows = rows[telling[reading.spelling[rows]]]
    writers: defaultdict[int, set[int]] = defaultdict(set)
    for spelling, worker in zip(reading.spelling[rows].tolist(), reading.worker[rows].tolist(), strict=True):
        writers[spelling].add(worker)
    shared: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for spelling, workers in writers.items():
        for pair in combinations(sorted(workers), 2):
            shared[pair].add(int(meanings.class_number[spelling]))
    return shared


def _renew_lines(
    lines: Sequence[CrowdLine], sure: Sequence[SpellingEvidence], evidence: CrowdEvidence, class_map: ClassMap, today: dt.date
) -> list[CrowdLine]:
    """The layer after this run: earlier lines as far as they hold, with newer evidence where there is more, and new ones."""
    index = index_of(class_map)
    found = {spelling.key: spelling for spelling in sure}
    rulings = decide_labels([line.text for line in lines], class_map)
    kept: dict[tuple[str, str], CrowdLine] = {}
    for line, ruling in zip(lines, rulings, strict=True):
        key = make_key(line.text, index)
        if line.class_id not in class_map.outputs or (known := _compare_ruling(line, ruling, class_map)) is None:
            continue  # the class is gone, or a person has said otherwise
        spelling = found.pop(key, None) if not line.why else found.get(key)
        if spelling is not None and class_map.outputs[line.class_id] == spelling.class_id:
            found.pop(key, None)
            fresh = _make_line(spelling, line.class_id, line.on or today)._replace(text=line.text)
            kept[key, line.class_id] = fresh if line.why or fresh.pictures >= line.pictures else line
            continue
        if spelling is not None:
            found[key] = spelling
        why = line.why or ("" if known else _contradict(line, evidence.by_key.get(key), class_map))
        withdrawn_on = line.withdrawn_on or (today if why else None)
        kept.setdefault((key, line.class_id), line._replace(why=why, withdrawn_on=withdrawn_on))
    for key, spelling in found.items():
        class_id = class_map.sources[str(spelling.class_id)]
        kept[key, class_id] = _make_line(spelling, class_id, today)
    return sorted(kept.values(), key=lambda line: (line.class_id, line.text))


def _compare_ruling(line: CrowdLine, decision: LabelDecision, class_map: ClassMap) -> bool | None:
    """Whether the map itself decides the line's text so; None where it decides otherwise."""
    if decision.decision in {Decision.REVIEW, Decision.UNKNOWN}:
        return None if _is_declared_apart(line, class_map) else False
    return True if decision.class_id is not None and decision.class_id == class_map.outputs[line.class_id] else None


def _is_declared_apart(line: CrowdLine, class_map: ClassMap) -> bool:
    pairs = [{fold(word).text for word in pair} for pair in class_map.distinct_from]
    names = {fold(known.text).text for known in class_map.spellings if known.class_id == line.class_id} | {fold(line.class_id).text}
    return any(fold(line.text).text in pair and pair & names for pair in pairs)


def _make_line(spelling: SpellingEvidence, class_id: str, on: dt.date) -> CrowdLine:
    return CrowdLine(
        text=spelling.text,
        class_id=class_id,
        probability=round(spelling.probability, 4),
        pictures=spelling.pictures,
        workers=spelling.workers,
        settled=spelling.settled,
        next_class_id=(spelling.next_class_id or "") if spelling.next_settled else "",
        next_settled=spelling.next_settled,
        on=on,
    )


def _contradict(line: CrowdLine, spelling: SpellingEvidence | None, class_map: ClassMap) -> str:
    """Why the line does not hold against newer answers; empty where it does, or where they are too few to tell."""
    if spelling is None or spelling.meaning == Meaning.LITTLE:
        return ""
    holds = spelling.class_id == class_map.outputs[line.class_id] and spelling.probability >= _HOLDS
    return "" if holds else spelling.words


def _apply(
    decision: LabelDecision, applied: Mapping[str, CrowdLine], evidence: CrowdEvidence, class_map: ClassMap
) -> LabelDecision:
    """The decision by the layer, where the map has none."""
    if decision.decision not in {Decision.REVIEW, Decision.UNKNOWN}:
        return decision
    found = evidence.find(decision.raw_label)
    line = applied.get(found.key) if found is not None and found.is_open else None
    if line is None:
        return decision
    output = class_map.outputs[line.class_id]
    return replace(
        decision,
        decision=Decision.ACCEPTED if output is not None else Decision.DROPPED,
        rule=RULE,
        class_ids=() if output is None else (output,),
        matched_alias=line.text,
        score=round(100 * line.probability, 2),
        runner_up=line.next_class_id or None,
        margin=None,
        note="",
    )


def _list_elsewhere(applied: Mapping[str, CrowdLine], evidence: CrowdEvidence) -> set[str]:
    """Keys that were learned from more than these annotations: their lines saw more pictures than there are here."""
    known = evidence.by_key
    return {key for key, line in applied.items() if key in known and line.pictures >= known[key].pictures + _LESSONS}


def find_sustained(reading: Reading, meanings: Meanings, asked: Collection[str], elsewhere: Collection[str] = ()) -> Bools:
    """For each row, whether its word is known from two people who did not write it of its picture, and two other pictures.

    Args:
        reading: the annotations.
        meanings: what their words mean.
        asked: keys of the words; rows of others are not sustained.
        elsewhere: keys that are known from other annotations: their rows are.
    """
    is_asked = np.array([is_open and key in asked for key, is_open in zip(reading.keys, reading.is_open, strict=True)], bool)
    rows = np.flatnonzero((reading.spelling >= 0) & (reading.picture >= 0))
    rows = rows[is_asked[reading.spelling[rows]]] if len(is_asked) else rows
    cells = list(zip(*(column[rows].tolist() for column in (reading.spelling, reading.picture, reading.worker)), strict=True))
    lessons = _list_lessons(meanings, is_asked)
    taught: defaultdict[int, defaultdict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    authors: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for spelling, picture, worker in cells:
        authors[spelling, picture].add(worker)
        if (spelling, picture) in lessons and len(taught[spelling][worker]) <= _LESSONS:  # one more than asked: one may be this one
            taught[spelling][worker].add(picture)
    stands = {cell: _is_taught(taught[cell[0]], cell[1], writers) for cell, writers in authors.items()}
    sustained = np.zeros(len(reading.spelling), bool)
    sustained[rows] = [reading.keys[cell[0]] in elsewhere or stands[cell[:2]] for cell in cells]
    return sustained


def _list_lessons(meanings: Meanings, is_asked: Bools) -> set[tuple[int, int]]:
    """(spelling, picture) where others settled the picture as the spelling's class."""
    spelling, picture, settled = meanings.shown
    taught = (settled == meanings.class_number[spelling]) & is_asked[spelling] & (settled >= 0)
    return set(zip(spelling[taught].tolist(), picture[taught].tolist(), strict=True))


def _is_taught(taught: Mapping[int, set[int]], picture: int, writers: Collection[int]) -> bool:
    """Enough people who did not write the word here taught it by enough other pictures; all without a name are one."""
    teachers, lessons = 0, set[int]()
    for worker, pictures in taught.items():
        others = pictures - {picture} if worker not in writers else set[int]()
        teachers += bool(others)
        lessons |= others
        if teachers >= _TEACHERS and len(lessons) >= _LESSONS:
            return True
    return False
