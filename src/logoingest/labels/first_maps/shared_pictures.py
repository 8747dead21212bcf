"""Who says what of the same pictures: how often the others, where one wrote a spelling, write it too, or another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MAX_PER_PICTURE = 300
"""A picture with more different answers shows nothing."""


class Sayings(NamedTuple):
    """Who said what of which picture, each once, in numbers; only pictures that several people spoke of."""

    picture: Indices
    person: Indices
    """A number for each person and picture."""
    spelling: Indices
    """0 to spellings - 1."""
    worker: Indices
    people: Floats
    """How many spoke of each picture."""
    spellings: int


class Company(NamedTuple):
    """What the others say where one says a spelling; a row and a column for each owner of spellings."""

    shared: sparse.csr_array
    """Answers of the row's, times the share of the other people on their pictures who say the column's."""
    pictures: sparse.csr_array
    """Pictures that both were said of."""
    answers: Floats
    """Answers of the row's on pictures that others spoke of, too."""
    writers: Indices
    """People who said it, on any picture."""
    persons: int
    """People on pictures, each once a picture; of several values one gives each is an answer."""

    @property
    def own(self) -> Floats:
        """How many of the answers the others agree with."""
        return np.asarray(self.shared.diagonal(), np.float64)

    @property
    def base(self) -> Floats:
        """Each one's share of all these answers: how often the others would say it if they had not seen the picture."""
        return np.asarray(self.answers / max(self.answers.sum(), 1.0), np.float64)

    @property
    def chance(self) -> Floats:
        """How probably another person on the picture says each, whatever it shows."""
        return np.asarray(np.clip(self.answers / max(self.persons, 1), _LEAST, 1 - _LEAST), np.float64)

    @property
    def is_telling(self) -> bool:
        """People agree more often than if they had not looked at the pictures, and not by luck."""
        strength, luck = self._measure_strength()
        return strength > max(_MIN_AGREEMENT, _NOT_LUCK * luck)

    @property
    def silence(self) -> Floats:
        """Log odds that each tells nothing of the picture: that the others say it as often as of any, against as often as they do, and
        above chance half as often at least as what people say is agreed with in the mean.

        A word that is given to all pictures alike has no mutual information with them, whatever it is.
        """
        strength = max(self._measure_strength()[0], _WEAK)
        chance, share = self.chance, self.own / np.maximum(self.answers, 1.0)
        agreed = np.clip(np.maximum(chance + strength / 2 * (1 - chance), share), _LEAST, 1 - _LEAST)
        fit = share * np.log(chance / agreed) + (1 - share) * np.log((1 - chance) / (1 - agreed))
        return np.asarray(self.answers / 2 * fit, np.float64)  # a pair of its writers is met from either side

    def _measure_strength(self) -> tuple[float, float]:
        """(agreement beyond chance, at most 1, what luck makes of it: one standard deviation)."""
        answers = max(float(self.answers.sum()), 1.0)
        agreed, chance = float(self.own.sum()) / answers, float((self.answers * self.chance).sum()) / answers
        return (agreed - chance) / (1 - chance), float(np.sqrt(2 * chance / answers / (1 - chance)))


_MIN_AGREEMENT = 0.02
"""Krippendorff's alpha, about, from which answers tell something of pictures …"""
_NOT_LUCK = 4.0
"""… and so many standard deviations."""
_WEAK = 0.1
_LEAST = 1e-6


def list_sayings(said: pa.Table, values: Mapping[str, Sequence[str]], numbers: Mapping[str, int]) -> Sayings:
    """The table's rows in numbers; one worker's answers to one picture are one person's, rows without a worker one's each.

    Args:
        said: columns url, worker_id, raw_label.
        values: what each distinct answer says.
        numbers: number of a value's spelling; a value without one says nothing.
    """
    labels = pc.dictionary_encode(said.column("raw_label").combine_chunks())
    spoken = [sorted({numbers[value] for value in values[text] if value in numbers}) for text in labels.dictionary.to_pylist()]
    codes = labels.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    lengths = np.array([len(one) for one in spoken], np.int64)
    flat = np.array([number for one in spoken for number in one], np.int64)
    starts = np.cumsum(lengths) - lengths
    row = np.repeat(np.arange(len(codes)), lengths[codes])
    first = np.cumsum(lengths[codes]) - lengths[codes]
    spelling = flat[starts[codes[row]] + np.arange(len(row)) - first[row]]
    picture = _number(said.column("url"))[row]
    worker = _number_workers(said.column("worker_id"))[row]
    order = np.lexsort((spelling, worker, picture))
    picture, worker, spelling = picture[order], worker[order], spelling[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (picture[1:] != picture[:-1]) | (worker[1:] != worker[:-1]) | (spelling[1:] != spelling[:-1])
    return _keep_company(picture[is_new], worker[is_new], spelling[is_new], len(set(numbers.values())))


def _number(column: pa.ChunkedArray) -> Indices:
    return np.asarray(pc.dictionary_encode(column.combine_chunks()).indices.to_numpy(zero_copy_only=False), np.int64)


def _number_workers(column: pa.ChunkedArray) -> Indices:
    filled = pc.fill_null(column.combine_chunks().cast(pa.string()), "")
    codes = _number(pa.chunked_array([filled]))
    nameless = pc.equal(filled, "").to_numpy(zero_copy_only=False)
    return np.where(nameless, codes.max(initial=0) + 1 + np.arange(len(codes)), codes)


def _keep_company(picture: Indices, worker: Indices, spelling: Indices, spellings: int) -> Sayings:
    is_new = np.ones(len(picture), bool)
    is_new[1:] = (picture[1:] != picture[:-1]) | (worker[1:] != worker[:-1])
    person = np.cumsum(is_new) - 1
    people = np.bincount(picture[is_new], minlength=int(picture.max(initial=-1)) + 1).astype(np.float64)
    kept = people[picture] > 1
    return Sayings(picture[kept], person[kept], spelling[kept], worker[kept], people, spellings)


def measure_company(sayings: Sayings, owner: Indices) -> Company:
    """The company of each owner of spellings.

    Args:
        sayings: who said what.
        owner: number of the owner of each spelling.
    """
    owners = int(owner.max(initial=-1)) + 1
    said = owner[sayings.spelling]
    weight = 1 / (sayings.people[sayings.picture] - 1)
    rows = (len(sayings.people), owners)
    by_picture = sparse.csr_array((np.ones(len(said)), (sayings.picture, said)), shape=rows)
    by_person = sparse.csr_array((np.sqrt(weight), (sayings.person, said)), shape=(int(sayings.person.max(initial=-1)) + 1, owners))
    crowded = np.diff(by_picture.indptr) > _MAX_PER_PICTURE
    scale = np.where(crowded, 0.0, 1 / np.maximum(sayings.people - 1, 1.0))
    scaled = sparse.csr_array(by_picture.multiply(scale[:, None]))
    shared = sparse.csr_array(by_picture.T @ scaled - by_person.T @ by_person)
    shared.data = np.where(shared.data < _NOTHING, 0.0, shared.data)
    shared.eliminate_zeros()
    shown = sparse.csr_array((np.where(crowded, 0.0, 1.0)[sayings.picture], (sayings.picture, said)), shape=rows)
    shown.data = np.minimum(shown.data, 1.0)
    workers = int(sayings.worker.max(initial=-1)) + 1
    writers = np.unique(said * workers + sayings.worker) // max(workers, 1)
    return Company(
        shared=shared,
        pictures=sparse.csr_array(shown.T @ shown),
        answers=np.bincount(said, minlength=owners).astype(np.float64),
        writers=np.bincount(writers, minlength=owners),
        persons=int(sayings.people[sayings.people > 1].sum()),
    )


_NOTHING = 1e-9
