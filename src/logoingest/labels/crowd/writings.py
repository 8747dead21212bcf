"""Who wrote what of which picture, in numbers and in one fixed order, so that the order of rows decides nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.consensus.votes import Indices, count_distinct

Bools = npt.NDArray[np.bool_]

UNDECIDED = -1
"""The class of a spelling that the class map does not decide."""


class CrowdVotes(NamedTuple):
    """Answers in numbers, a row an answer, in any order."""

    picture: Indices
    worker: Indices
    """Negative where nobody says who: a person of their own."""
    spelling: Indices
    """0 to spellings - 1."""
    spellings: int
    classes: int
    """The last one means "no label"."""


class Writings(NamedTuple):
    """Who wrote which spelling of which picture, once each; sorted by spelling, picture and worker."""

    spelling: Indices
    picture: Indices
    worker: Indices
    """Those without a name have numbers of their own, from ``named`` on."""
    speaker: Indices
    """The number of the writing's (picture, worker), in their order."""
    speaker_picture: Indices
    speaker_worker: Indices
    named: int
    pictures: int
    people: int


class KnownVotes(NamedTuple):
    """Answers whose class is known: (picture, worker, class) once each, sorted so."""

    picture: Indices
    worker: Indices
    class_number: Indices
    speaker: Indices
    """As in the writings."""


def list_writings(votes: CrowdVotes) -> Writings:
    """Bring answers into one order, each (spelling, picture, worker) once."""
    named = int(votes.worker.max(initial=-1)) + 1
    worker = votes.worker.copy()
    nobody = np.flatnonzero(worker < 0)
    worker[nobody[np.lexsort((votes.spelling[nobody], votes.picture[nobody]))]] = named + np.arange(len(nobody))
    people = named + len(nobody)
    spoken, speaker = np.unique(votes.picture * max(people, 1) + worker, return_inverse=True)
    picture, worker = np.divmod(spoken, max(people, 1))
    spelling, speaker = np.divmod(count_distinct(votes.spelling * max(len(spoken), 1) + speaker)[0], max(len(spoken), 1))
    pictures = int(votes.picture.max(initial=-1)) + 1
    return Writings(spelling, picture[speaker], worker[speaker], speaker, picture, worker, named, pictures, people)


def is_new(*columns: Indices) -> Bools:
    """Whether a row of sorted columns differs from the one before."""
    new = np.zeros(len(columns[0]), bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def collect_votes(writings: Writings, class_of: Indices) -> KnownVotes:
    """The votes of everybody whose spelling a class is known of; ``class_of`` is a spelling's, or ``UNDECIDED``."""
    class_number = class_of[writings.spelling]
    known = class_number != UNDECIDED
    classes = int(class_of.max(initial=0)) + 1
    speaker, class_number = np.divmod(count_distinct(writings.speaker[known] * classes + class_number[known])[0], classes)
    return KnownVotes(writings.speaker_picture[speaker], writings.speaker_worker[speaker], class_number, speaker)


def count_people(writings: Writings, spellings: int) -> tuple[Indices, Indices]:
    """(writers, pictures) of each spelling; all writers without a name count as one."""
    worker = np.minimum(writings.worker, writings.named)
    pairs, _ = count_distinct(writings.spelling * (writings.named + 1) + worker)
    writers = np.bincount(pairs // (writings.named + 1), minlength=spellings)
    first = is_new(writings.spelling, writings.picture)
    return writers, np.bincount(writings.spelling[first], minlength=spellings)
