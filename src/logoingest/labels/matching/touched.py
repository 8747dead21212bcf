"""Which answers a change of a class map may decide otherwise, so that only those are decided again.

A decision looks a handful of keys up: the answer without spaces, what is left of it, its parts, each respelled and transliterated.
A spelling that is added or taken away matters to an answer that has a key no further from it than the search for neighbours goes,
or that holds it as whole words; a noise word to an answer that holds it. Where a change moves what all answers are weighed by
(thresholds, separators, words that many names share, how crowded the names are), that is said, and every answer must be decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.matching.match import MAX_DEPTH, list_values, split_answer
from logoingest.labels.matching.nearest import NearestTable, find_cutoff
from logoingest.labels.matching.spelling_index import SpellingIndex, index_of, join_key, list_respelled_keys
from logoingest.labels.text.fold import Folded, fold

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

_T = TypeVar("_T")

_AT_ONCE = 4_096
_MOST_CHANGED = 200


@dataclass(frozen=True, eq=False)
class AnswerKeys:
    """What is looked up for each of some answers, by the rules of a map."""

    class_map_hash: str
    answers: pa.Array
    """Texts."""
    keys: pa.Array
    """All keys of all answers."""
    owners: np.ndarray
    """The answer of each key, int32."""
    plains: pa.Array
    """Each answer's words, a space before and behind."""

    @classmethod
    def collect(cls, answers: Sequence[str], class_map: ClassMap, check: Callable[[], None] = lambda: None) -> AnswerKeys:
        """The keys of answers; ``check`` is called now and then, and may raise."""
        keys: list[pa.Array] = []
        owners: list[np.ndarray] = []
        for start in range(0, len(answers), _AT_ONCE):
            check()
            found = [_list_keys(answer, class_map) for answer in answers[start : start + _AT_ONCE]]
            keys.append(pa.array([key for some in found for key in some], pa.string()))
            owners.append(np.repeat(np.arange(start, start + len(found), dtype=np.int32), [len(some) for some in found]))
        return cls(
            class_map.hash,
            pa.array(answers, pa.string()),
            pa.concat_arrays([pa.array([], pa.string()), *keys]),
            np.concatenate([np.empty(0, np.int32), *owners]),
            pa.array([f" {fold(answer).plain} " for answer in answers], pa.string()),
        )

    def list_touched(self, before: ClassMap, after: ClassMap) -> list[str] | None:
        """The answers that ``after`` may decide otherwise than ``before``, in order; None where it may be any."""
        if self.class_map_hash != before.hash or not _weigh_alike(before, after):
            return None
        spellings = _differ(index_of(before).spellings, index_of(after).spellings)
        texts = {spelling.text for spelling in spellings} | _differ(before.no_label, after.no_label)
        words = _differ(before.noise_words, after.noise_words)
        if len(texts) + len(words) > _MOST_CHANGED:
            return None
        touched = np.zeros(len(self.answers), bool)
        for folded in map(fold, texts):
            touched |= _hold(self.plains, f" {folded.plain} ")
        for folded in map(fold, words):
            for part in {folded.joined, folded.plain.replace(" ", "")} - {""}:
                touched[self.owners[_hold(self.keys, part)]] = True
        near = {key for text in texts for key in _list_item_keys(fold(text))}
        touched[self.owners[self._find_near(sorted(near), find_cutoff(before.thresholds.review_score))]] = True
        return list(self.answers.filter(pa.array(touched)).to_pylist())

    def _find_near(self, wanted: Sequence[str], cutoff: float) -> np.ndarray:
        """Which of the keys are one of some others, or near."""
        found = np.zeros(len(self.keys), bool)
        if wanted:
            for start in range(0, len(self.keys), _AT_ONCE):
                some = self.keys.slice(start, _AT_ONCE).to_pylist()
                scores = process.cdist(some, wanted, scorer=OSA.normalized_similarity, dtype=np.float32, score_cutoff=cutoff)
                found[start : start + len(some)] = (scores > 0).any(axis=1)
        found |= pc.is_in(self.keys, value_set=pa.array(wanted, pa.string())).to_numpy(zero_copy_only=False)
        return found


def _list_keys(answer: str, class_map: ClassMap) -> list[str]:
    """Every key that is looked up for an answer, its values and their parts."""
    index = index_of(class_map)
    texts = dict.fromkeys(
        text for value in (answer, *list_values(answer, class_map)) for text in _list_parts(value, class_map.separators, MAX_DEPTH)
    )
    return list(dict.fromkeys(key for text in texts for item in _list_items(fold(text), index) for key in _list_item_keys(item)))


def _list_parts(text: str, separators: Sequence[str], depth: int) -> Iterator[str]:
    yield text
    folded = fold(text)
    for order, separator in enumerate(separators if depth else ()):
        for part in split_answer(folded, separator):
            yield from _list_parts(part, separators[order + 1 :], depth - 1)


def _list_items(folded: Folded, index: SpellingIndex) -> Iterator[Folded]:
    """An answer, and what is left of it."""
    variants = index.list_variants(folded)
    yield folded
    yield from (variant.folded for variant in (*variants, *index.list_glued(folded, variants)))


def _list_item_keys(folded: Folded) -> Iterator[str]:
    """What a text is looked up by, and found by where it is a spelling; what has no letters by itself."""
    if not folded.plain:
        yield from {folded.text, folded.raw.strip()}
        return
    yield from {join_key(folded), folded.joined, folded.joined.lstrip("+")} - {""}
    yield from list_respelled_keys(folded)


def _hold(texts: pa.Array, part: str) -> np.ndarray:
    return np.asarray(pc.match_substring(texts, part).to_numpy(zero_copy_only=False))


def _differ(before: Iterable[_T], after: Iterable[_T]) -> set[_T]:
    return set(before) ^ set(after)


def _weigh_alike(before: ClassMap, after: ClassMap) -> bool:
    """Whether two maps weigh an answer alike that has nothing to do with what one of them lacks."""
    is_alike = all(
        getattr(before, name) == getattr(after, name) for name in ("separators", "distinct_from", "thresholds", "affixes", "parts")
    ) and all(before.outputs[class_id] == after.outputs[class_id] for class_id in before.outputs.keys() & after.outputs.keys())
    one, other = index_of(before), index_of(after)
    is_alike = is_alike and one.inflects == other.inflects
    return is_alike and _guard_alike(one.latin, other.latin) and _guard_alike(one.native, other.native)


def _guard_alike(one: NearestTable, other: NearestTable) -> bool:
    return (one.generic, one.crowding, one.parts, one.partners) == (other.generic, other.crowding, other.parts, other.partners)
