"""Which classes an undecided label may mean, across scripts: proposals for a person. Nothing here is ever accepted by itself.

Labels and spellings are read the same way: romanised, and with the general words among them translated. A reading is compared as it is
spelt, as it sounds, and by its letter groups and consonants, where the groups that few spellings of the map share count most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.text.fold import Folded, fold, make_plain
from logoingest.labels.text.romanisation import romanise, romanise_japanese
from logoingest.labels.text.sounds import make_skeleton, sound_out
from logoingest.labels.text.translations import translate

Scores = npt.NDArray[np.float32]

#: Letters of a reading that are looked at, and what of it a reason shows.
_MAX_LETTERS = 80
_SHOWN_LETTERS = 40
#: Readings compared at once: bounds the memory to about 100 bytes for each of them and each spelling.
_CHUNK = 512
_MIN_SCORE = 0.01
#: Shortest and longest letter groups, the space around a word counted.
_GROUP_SIZES = (2, 3)
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_INITIALS = re.compile(r"\b[A-Z]{2,4}\b")
_LETTER_NAMES = dict(
    re.findall(
        r"(\w):(\w+)",
        "A:e B:bi C:si D:di E:i F:ef G:ji H:eich I:ai J:jei K:kei L:el M:em N:en O:o P:pi Q:kiu R:ar S:es T:ti U:iu V:vi W:dabliu "
        "X:eks Y:wai Z:zet",
    )
)


class Proposal(NamedTuple):
    """A class that a label may mean."""

    class_id: str
    """As it comes out of the map."""
    alias: str
    """The class's spelling that is nearest."""
    score: float
    """0 to 1, four decimals; it orders classes, it is no probability."""
    reason: str
    """How the label was read, for the person who decides: plain ASCII, one line."""


class _Reading(NamedTuple):
    """A text in Latin letters."""

    latin: str
    """Romanised."""
    translated: str
    """With general words in English."""


class _Views(NamedTuple):
    """Readings, one entry each, as they are compared."""

    spelt: Sequence[str]
    sounds: Sequence[str]
    spelt_translated: Sequence[str]
    sounds_translated: Sequence[str]
    """In the order of the alphabet: translated words stand where their own language puts them."""
    grams: tuple[Sequence[str], Sequence[str], Sequence[str]]
    """What letter groups are taken from: letters, sounds and consonants."""


class _Grams:
    """Groups of letters, sounds and consonants, each weighed by how few of the spellings have it (tf-idf)."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._counter = HashingVectorizer(
            analyzer="char_wb", ngram_range=_GROUP_SIZES, alternate_sign=False, norm=None, n_features=2**18, dtype=np.float32
        )
        self._weighers = [TfidfTransformer(sublinear_tf=True).fit(self._counter.transform(kind)) for kind in texts]
        self._spellings = self._weigh(texts).T.tocsr()

    def compare(self, texts: Sequence[Sequence[str]]) -> Scores:
        """Mean of the three kinds' cosines of each text with each spelling, 0 to 1."""
        found: Scores = (self._weigh(texts) @ self._spellings).toarray()
        found /= len(self._weighers)
        return found

    def _weigh(self, texts: Sequence[Sequence[str]]) -> Any:
        weighed = [weigher.transform(self._counter.transform(kind)) for weigher, kind in zip(self._weighers, texts, strict=True)]
        return sparse.hstack(weighed, format="csr")


@dataclass(frozen=True, eq=False)
class _Table:
    """The readings of a map's spellings, ordered by class; a spelling may have two."""

    views: _Views
    aliases: Sequence[str]
    class_ids: Sequence[str]
    """Distinct, sorted."""
    bounds: npt.NDArray[np.int64]
    """Where each class begins, and at last where all end."""
    grams: _Grams

    def compare(self, readings: Sequence[_Reading]) -> tuple[Scores, Scores]:
        """(reading, spelling) → score, and by how much the translation is nearer than the romanisation (or farther)."""
        ours, theirs = _view(readings), self.views
        plain = _measure(ours.spelt, theirs.spelt) + _measure(ours.sounds, theirs.sounds)
        translated = _measure(ours.spelt_translated, theirs.spelt_translated)
        translated += _measure(ours.sounds_translated, theirs.sounds_translated)
        score = (np.maximum(plain, translated) / 2 + self.grams.compare(ours.grams)) / 2
        return np.round(score, 4), translated - plain


class _Match(NamedTuple):
    """One label's readings against every spelling."""

    readings: Sequence[_Reading]
    scores: Scores
    leanings: Scores
    """How much nearer the translation is than the romanisation."""
    best: Scores
    """The best reading's score, for each spelling."""


def propose_classes(labels: Sequence[str], class_map: ClassMap, limit: int = 3) -> list[list[Proposal]]:
    """The classes each label may mean, best first, in the order of the labels; equal scores in the order of the class ids.

    A label's proposals depend on the label and the map alone. Dropped classes are never proposed. Any text is taken; one without
    letters or digits gets no proposal. With the extra ``ja`` installed, Japanese is read by a dictionary as well.

    Args:
        labels: as people typed them; distinct ones, equal ones are read again.
        class_map: whose spellings are compared.
        limit: proposals a label at most.
    """
    table = _build_table(class_map)
    if table is None or limit < 1:
        return [[] for _ in labels]
    proposals: list[list[Proposal]] = []
    for start in range(0, len(labels), _CHUNK):
        proposals += _propose(labels[start : start + _CHUNK], table, limit)
    return proposals


def _propose(labels: Sequence[str], table: _Table, limit: int) -> list[list[Proposal]]:
    readings = [_read_label(fold(label)) for label in labels]
    scores, leanings = table.compare([reading for made in readings for reading in made])
    proposals = []
    start = 0
    for made in readings:
        own = slice(start, start + len(made))
        start += len(made)
        match = _Match(made, scores[own], leanings[own], scores[own].max(axis=0))
        by_class = np.maximum.reduceat(match.best, table.bounds[:-1])
        proposals.append([_describe(place, match, table) for place in _rank(by_class, limit)])
    return proposals


def _rank(scores: Scores, limit: int) -> list[int]:
    """Places of the highest scores, best first, the earlier place first where equal."""
    if limit < len(scores):
        lowest = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        places = np.flatnonzero(scores >= max(lowest, _MIN_SCORE))
    else:
        places = np.flatnonzero(scores >= _MIN_SCORE)
    order: list[int] = places[np.argsort(-scores[places], kind="stable")][:limit].tolist()
    return order


def _describe(place: int, match: _Match, table: _Table) -> Proposal:
    start, end = table.bounds[place : place + 2].tolist()
    spelling = start + int(match.best[start:end].argmax())
    row = int(match.scores[:, spelling].argmax())
    reading = match.readings[row]
    if match.leanings[row, spelling] > 0:
        reason = f'read as "{_shorten(reading.translated)}", general words translated'
    else:
        reason = f'read as "{_shorten(reading.latin)}"'
    return Proposal(table.class_ids[place], table.aliases[spelling], round(min(float(match.best[spelling]), 1.0), 4), reason)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else text[: _SHOWN_LETTERS - 3] + "..."


@lru_cache(maxsize=2)
def _build_table(class_map: ClassMap) -> _Table | None:
    """None where no class has a spelling that can be read."""
    rows = sorted(
        (class_id, spelling.text, reading)
        for spelling in class_map.spellings
        if (class_id := class_map.outputs[spelling.class_id]) is not None
        for reading in _read_spelling(spelling.text)
    )
    if not rows:
        return None
    class_ids, starts = np.unique([class_id for class_id, _, _ in rows], return_index=True)
    views = _view([reading for _, _, reading in rows])
    return _Table(views, [text for _, text, _ in rows], class_ids.tolist(), np.append(starts, len(rows)), _Grams(views.grams))


def _view(readings: Sequence[_Reading]) -> _Views:
    latin = [reading.latin for reading in readings]
    translated = [reading.translated for reading in readings]
    sounds = [sound_out(text) for text in translated]
    return _Views(
        [text.replace(" ", "") for text in latin],
        [sound_out(text).replace(" ", "") for text in latin],
        [text.replace(" ", "") for text in translated],
        ["".join(sorted(text.split())) for text in sounds],
        (latin, sounds, [make_skeleton(text) for text in sounds]),
    )


def _measure(ours: Sequence[str], theirs: Sequence[str]) -> Scores:
    """Share of letters in common, 0 to 1: the normalised indel similarity."""
    found: Scores = process.cdist(ours, theirs, scorer=fuzz.ratio, dtype=np.float32, workers=-1)
    found[[not text for text in ours], :] = 0  # two empty texts would be equal
    found /= 100
    return found


def _read_spelling(text: str) -> Iterator[_Reading]:
    """As it stands, and with its initials by their names ("GU" is typed as ジーユー)."""
    for folded in {text: fold(text), (spelt := _INITIALS.sub(_name_letters, text)): fold(spelt)}.values():
        if (reading := _read(folded)).latin:
            yield reading


def _name_letters(initials: re.Match[str]) -> str:
    return "".join(_LETTER_NAMES[letter] for letter in initials.group())


def _read_label(folded: Folded) -> list[_Reading]:
    """At least one reading; the same words in Japanese where they may be that."""
    readings = [_read(folded)]
    if _JAPANESE.search(folded.text) and (latin := romanise_japanese(folded.plain)) is not None:
        words = (make_plain(romanise_japanese(word) or "").replace(" ", "") for word in translate(folded.plain).split())
        readings.append(_Reading(_cut(make_plain(latin)), _cut(" ".join(words))))
    return readings


def _read(folded: Folded) -> _Reading:
    if folded.is_latin:
        return _Reading(_cut(folded.ascii), _cut(translate(folded.ascii)))
    words = (make_plain(romanise(word)).replace(" ", "") for word in translate(folded.plain).split())
    return _Reading(_cut(make_plain(romanise(folded.text))), _cut(" ".join(words)))


def _cut(text: str) -> str:
    return " ".join(text[:_MAX_LETTERS].split())
