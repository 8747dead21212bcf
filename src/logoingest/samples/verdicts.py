"""What the answers make of each picture: one class, several, "no label", or nothing yet. The rules are told in ``samples``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from logoingest.config import SamplesConfig
from logoingest.consensus.confidence import SHARED_ERROR
from logoingest.consensus.one_coin import PRIOR_SKILL, Settled, settle_votes
from logoingest.consensus.votes import Floats, Indices, count_distinct, is_among, logit, squash
from logoingest.samples.answers import NO_GOLD, Annotations, AnswerKind, Answers, Bools

#: How much of an unread answer counts as doubt.
_DOUBT = 0.25
#: How much votes on one picture err together where none tell.
_USUAL_CORRELATION = 0.25


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A row a picture, and a row a class that won there."""

    named: Indices
    """Answers that name a class."""
    no_label: Indices
    """Answers that mean "no label"."""
    confidence: Floats
    """Of the class that won; of the least sure of several; of the best where none did. 0 to 1."""
    agreement: Floats
    """Share of the answers naming a class that name the one that won; the smallest of several."""
    is_tied: Bools
    """Another class has exactly as much for it."""
    is_even: Bools
    """Another class (or "no label") was named as often as the most named one."""
    is_no_label: Bools
    """"No label" won."""
    is_settled: Bools
    """At least one class won, however unsure."""
    class_picture: Indices
    """Picture by picture, the classes that won: the picture …"""
    class_number: Indices
    """… and the class, ascending."""
    votes: Settled
    """The votes of pictures with one class each, and what they say about the workers."""
    ballots: tuple[Indices, Indices, Indices]
    """Those votes: (picture, worker, class); "no label" is the class after the last."""


@dataclass(frozen=True, slots=True)
class _Tally:
    """Answers counted by picture, and by picture and class; a *cell* is a picture with a class somebody named there."""

    pictures: int
    classes: int
    named: Indices
    no_label: Indices
    cell_picture: Indices
    cell_class: Indices
    cell_votes: Indices
    is_several: Bools
    """Some answer names several classes."""


def settle_pictures(annotations: Annotations, answers: Answers, ignored: Bools, gold: Indices, config: SamplesConfig) -> Verdicts:
    """Settle every picture but the ignored ones (placeholders), whose answers must not tell anything about anybody's skill.

    ``gold`` is each picture's right class where that is known: see ``answers.place_gold``.
    """
    tally = _count_answers(annotations, answers)
    ballots = _list_votes(answers, tally, ignored)
    known = np.flatnonzero(gold != NO_GOLD)
    settled = settle_votes(*ballots, tally.classes + 1, config.method, gold_items=known, gold_classes=gold[known])
    doubt = _measure_doubt(answers, tally)
    confidence, is_tied, is_no_label = np.zeros(tally.pictures), np.zeros(tally.pictures, bool), np.zeros(tally.pictures, bool)
    confidence[settled.items] = settled.confidence * doubt[settled.items]
    is_tied[settled.items] = settled.tied
    is_no_label[settled.items] = settled.classes == tally.classes
    size = max(tally.classes, 1)
    single = settled.classes < tally.classes
    wins = settled.items[single] * size + settled.classes[single]

    mixed = tally.is_several & ~ignored
    probability = _judge_cells(answers, tally, settled, config.method) * doubt[tally.cell_picture]
    won = mixed[tally.cell_picture] & (probability >= config.min_confidence) & (probability > 0.5)
    has_won, best, least = _find_extremes(tally, probability, won)
    confidence[mixed] = np.where(has_won, least, best)[mixed]
    is_no_label |= mixed & ~has_won & (tally.no_label > tally.named)
    is_tied |= mixed & ~has_won & (np.abs(best - 0.5 * doubt) < 1e-9)
    pairs = np.sort(np.concatenate([wins, tally.cell_picture[won] * size + tally.cell_class[won]])).astype(np.intp)
    return Verdicts(
        named=tally.named,
        no_label=tally.no_label,
        confidence=np.round(confidence, 6),
        agreement=_measure_agreement(tally, pairs),
        is_tied=is_tied,
        is_even=_find_even(tally),
        is_no_label=is_no_label,
        is_settled=np.bincount(pairs // size, minlength=tally.pictures) > 0,
        class_picture=pairs // size,
        class_number=pairs % size,
        votes=settled,
        ballots=ballots,
    )


def _find_extremes(tally: _Tally, probability: Floats, won: Bools) -> tuple[Bools, Floats, Floats]:
    """(whether any class won, the best probability of all classes, the least of those that won), picture by picture."""
    best, least = np.zeros(tally.pictures), np.ones(tally.pictures)
    np.maximum.at(best, tally.cell_picture, probability)
    np.minimum.at(least, tally.cell_picture[won], probability[won])
    return np.bincount(tally.cell_picture[won], minlength=tally.pictures) > 0, best, least


def _measure_agreement(tally: _Tally, pairs: Indices) -> Floats:
    """The share of a picture's naming answers that name the class that won; of several, the smallest; 0 where none won."""
    share = tally.cell_votes / np.maximum(tally.named, 1)[tally.cell_picture]
    won = is_among(tally.cell_picture * max(tally.classes, 1) + tally.cell_class, pairs)
    agreement = np.zeros(tally.pictures)
    agreement[tally.cell_picture[won]] = 1.0
    np.minimum.at(agreement, tally.cell_picture[won], share[won])
    return np.asarray(np.round(agreement, 6), np.float64)


def describe_answers(annotations: Annotations, answers: Answers, pictures: Bools, shown: int = 4) -> dict[int, str]:
    """Picture → "nike 2 : puma 2 : no label 1", the most named first, for the pictures asked for."""
    tally = _count_answers(annotations, answers)
    cells: dict[int, list[tuple[int, str]]] = {picture: [] for picture in np.flatnonzero(pictures).tolist()}
    kept = np.flatnonzero(pictures[tally.cell_picture])
    for picture, class_, votes in zip(
        tally.cell_picture[kept].tolist(), tally.cell_class[kept].tolist(), tally.cell_votes[kept].tolist(), strict=True
    ):
        cells[picture].append((-votes, annotations.class_ids[class_]))
    texts = {}
    for picture, found in cells.items():
        found.sort()
        parts = [f"{name} {-votes}" for votes, name in found[:shown]]
        if len(found) > shown:
            parts.append(f"{len(found) - shown} more")
        if tally.no_label[picture]:
            parts.append(f"no label {tally.no_label[picture]}")
        texts[picture] = " : ".join(parts)
    return texts


def _count_answers(annotations: Annotations, answers: Answers) -> _Tally:
    pictures, size = len(annotations.images), max(len(annotations.class_ids), 1)
    classes = np.bincount(answers.named_answer, minlength=len(answers.picture))
    cells, votes = count_distinct(answers.picture[answers.named_answer] * size + answers.named_class)
    several = np.zeros(pictures, bool)
    several[answers.picture[classes > 1]] = True
    return _Tally(
        pictures=pictures,
        classes=len(annotations.class_ids),
        named=np.bincount(answers.picture[answers.kind == AnswerKind.NAMED], minlength=pictures),
        no_label=np.bincount(answers.picture[answers.kind == AnswerKind.NO_LABEL], minlength=pictures),
        cell_picture=cells // size,
        cell_class=cells % size,
        cell_votes=votes,
        is_several=several,
    )


def _find_even(tally: _Tally) -> Bools:
    most = tally.no_label.copy()
    np.maximum.at(most, tally.cell_picture, tally.cell_votes)
    leaders = np.bincount(tally.cell_picture[tally.cell_votes == most[tally.cell_picture]], minlength=tally.pictures)
    return np.asarray(leaders + (tally.no_label == most) > 1)


def _list_votes(answers: Answers, tally: _Tally, ignored: Bools) -> tuple[Indices, Indices, Indices]:
    """(picture, worker, class) of every vote on pictures with one class an answer; "no label" is the class after the last."""
    simple = ~(tally.is_several | ignored)
    names = simple[answers.picture[answers.named_answer]]
    naming, silent = answers.named_answer[names], np.flatnonzero(simple[answers.picture] & (answers.kind == AnswerKind.NO_LABEL))
    answer = np.concatenate([naming, silent])
    class_ = np.concatenate([answers.named_class[names], np.full(len(silent), tally.classes)])
    return answers.picture[answer], answers.worker[answer], class_


def _measure_doubt(answers: Answers, tally: _Tally) -> Floats:
    """What the confidence is multiplied by for the answers nobody could read: 1 where there are none, 0.75 where all are."""
    unread = answers.kind == AnswerKind.UNREAD
    workers = int(answers.worker.max(initial=-1)) + 2
    given = np.bincount(answers.worker + 1, minlength=workers)
    lost = np.bincount(answers.worker[unread] + 1, minlength=workers)
    readable = 1 - lost / np.maximum(given, 1)
    weight = np.bincount(answers.picture[unread], weights=readable[answers.worker[unread] + 1], minlength=tally.pictures)
    read = tally.named + tally.no_label
    return np.asarray(1 - _DOUBT * weight / np.maximum(read + weight, 1e-9), np.float64)


def _judge_cells(answers: Answers, tally: _Tally, settled: Settled, method: str) -> Floats:
    """How probably the picture shows the class, each class for itself: who names it says yes, who answers otherwise says no."""
    answered = tally.named + tally.no_label
    if method == "majority":
        return np.asarray(tally.cell_votes / np.maximum(answered, 1)[tally.cell_picture], np.float64)
    skill = np.full(int(answers.worker.max(initial=-1)) + 2, PRIOR_SKILL)
    skill[settled.workers + 1] = settled.skill
    weight = np.maximum(logit(skill), 0.0)[answers.worker + 1]
    says = answers.kind != AnswerKind.UNREAD
    everybody = np.bincount(answers.picture[says], weights=weight[says], minlength=tally.pictures)
    size = max(tally.classes, 1)
    cell = np.searchsorted(
        tally.cell_picture * size + tally.cell_class, answers.picture[answers.named_answer] * size + answers.named_class
    )
    yes = np.bincount(cell, weights=weight[answers.named_answer], minlength=len(tally.cell_class))
    alike = settled.correlation if settled.correlation >= 0 else _USUAL_CORRELATION
    margin = (2 * yes - everybody[tally.cell_picture]) / (1 + np.maximum(answered - 1, 0) * alike)[tally.cell_picture]
    return np.asarray(np.round(squash(margin) * (1 - SHARED_ERROR), 9), np.float64)


def to_list_array(values: pa.Array, owner: Indices, owners: int) -> pa.Array:
    """A list an owner from values grouped by ascending owner (0 to owners - 1)."""
    offsets = np.searchsorted(owner, np.arange(owners + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)
