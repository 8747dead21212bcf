"""What the crowd says against the class map: aliases of the wrong class, false friends, umbrella words, classes that are one or two.

**Company.** Where two names mean one thing, one stands beside the other as often as beside itself: of the answers a share p writes
the one, q the other, and 2pq of the pairs of people on one picture differ (Hardy-Weinberg). The rarer the mixed pairs, relative to
that, the better people tell the two apart. A spelling that is not told apart from another class is in doubt; two classes that are
not told apart are one; spellings of one class that are never beside each other, though the same people write both, are two.

**The map without them.** What is in doubt is weighed anew as if the map did not know it (``meanings``), so that a wrong alias which
many wrote does not bear itself out; it is a contradiction where the crowd is then sure of something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from logoingest.consensus.votes import Indices
from logoingest.labels.crowd.companions import Companions, list_companions, measure_excess, split_by_companions
from logoingest.labels.crowd.evidence import NO_LABEL, CrowdEvidence, Meaning, Reading, SpellingEvidence, describe_meanings
from logoingest.labels.crowd.meanings import weigh_meanings
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.crowd.writings import UNDECIDED, Bools
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.quoting import shorten
from logoingest.plain_json import shown_as
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

_DECLARED = frozenset({"alias", "alias_folded", "name", "no_label"})
_SURE = 0.95
#: From which another class of a spelling is told; a person decides.
_LIKELY = 0.8
_MIN_PICTURES = 3
_MIN_PEOPLE = 2
_ANCHOR = 3
#: Beside a spelling, the share of another class from which it may be a word of two classes.
_SHARED = 0.3
_UMBRELLA_PEOPLE = 3
_UMBRELLA_PICTURES = 5
#: Mixed pairs, relative to what there would be if two names were one, from which a spelling is in doubt.
_MIXED = 0.5
_RAW_LABELS = 50
#: How much more often another class stands beside a word of two meanings than beside the other spellings of its class.
_TWICE = 2.0
_FEW = 5


class ContradictionKind(StrEnum):
    """What the crowd says against the map."""

    ALIAS = "wrong alias"
    """A spelling that is declared for one class names another."""
    MATCH = "false friend"
    """The same of one that is accepted without being declared."""
    SEVERAL = "two meanings"
    """A declared or accepted spelling names two classes."""
    UMBRELLA = "umbrella word"
    """A declared or accepted spelling stands beside all classes alike."""
    ONE = "one class"
    """Two classes that people do not tell apart."""
    TWO = "two classes"
    """A class of which some spellings have pictures of their own."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One thing the crowd says against the map."""

    kind: ContradictionKind
    text: str
    """The most frequent answer that it is about."""
    raw_labels: Sequence[str]
    """The answers that it is about, the most frequent first."""
    declared: str
    """The class they have, as it comes out (``NO_LABEL`` where they mean none)."""
    class_id: str | None
    """The class they seem to be; None where it is none of the map's."""
    rule: str
    """The rule that gave them their class."""
    answers: int
    pictures: int
    workers: int
    probability: float
    """That it is so, 0 to 1."""
    words: str
    """What was seen."""
    urls: Sequence[str]
    """Some of the pictures."""

    @property
    @shown_as("proposal")
    def proposal(self) -> str:
        """What could be done about it."""
        return _PROPOSALS[self.kind].format(declared=self.declared, class_id=self.class_id)

    @property
    def contradiction_id(self) -> str:
        """``K`` and ten hex digits, of what it is about."""
        told = "\0".join((self.kind, self.declared, self.class_id or "", *sorted(self.raw_labels)))
        return "K" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:10]


_PROPOSALS = {
    ContradictionKind.ALIAS: "take it back from {declared}, declare it of {class_id}",
    ContradictionKind.MATCH: "declare it of {class_id}",
    ContradictionKind.SEVERAL: "leave it undecided: {declared} and {class_id} are both meant",
    ContradictionKind.UMBRELLA: "take it back from {declared}: a noise word, or no label",
    ContradictionKind.ONE: "let {declared} come out as {class_id}",
    ContradictionKind.TWO: "make it a class of its own, apart from {declared}",
}


class _Doubts(NamedTuple):
    """What company alone says."""

    spellings: Bools
    """In doubt, to be weighed anew."""
    spread: Bools
    """In doubt for standing beside many classes alike."""
    same: Sequence[tuple[int, int, float]]
    """(rarer class, commoner class, probability) that are not told apart."""


class CrowdFindings(NamedTuple):
    """What answers about the same pictures tell."""

    evidence: CrowdEvidence
    """Of the words; of those that the map decides only if asked for."""
    contradictions: Sequence[Contradiction]
    """Against the class map, most answers first."""


def hear_crowd(reading: Reading, class_map: ClassMap, *, open_only: bool = False) -> CrowdFindings:
    """What the crowd tells of the words, and against the map; independent of the order of rows.

    Words in doubt are no witnesses until they are weighed anew: one wrong alias else makes its writers look unreliable.

    Args:
        reading: the answers (``evidence.number_answers``), with pictures where copies shall count once.
        class_map: by which they were decided.
        open_only: nobody asks for the evidence of words that the map decides.
    """
    company = list_companions(reading.votes, reading.class_of)
    if company is None:
        meanings = weigh_meanings(reading.votes, reading.class_of, open_only=open_only)
        return CrowdFindings(describe_meanings(reading, meanings), [])
    doubts = _doubt(company, reading, class_map)
    opened = np.where(doubts.spellings, UNDECIDED, reading.class_of)
    evidence = describe_meanings(reading, weigh_meanings(reading.votes, opened, open_only=open_only))
    found = list(_tell_same_classes(doubts.same, reading, company))
    if doubts.spellings.any():
        places = {(key, int(class_)): place for place, (key, class_) in enumerate(zip(reading.keys, reading.class_of, strict=True))}
        numbers = {name: number for number, name in enumerate(reading.class_names)}
        doubted = [
            (place, one)
            for one in evidence.spellings
            if one.declared is not None and doubts.spellings[place := places[one.key, numbers[one.declared]]]
        ]
        found += _judge_spellings(doubted, doubts.spread, _find_chief_names(reading, class_map), class_map)
    gone = {label for one in found for label in one.raw_labels}
    found += [one for one in _tell_divided_classes(reading, company, class_map) if not gone & set(one.raw_labels)]
    return CrowdFindings(evidence, sorted(found, key=lambda one: (-one.answers, one.kind, one.declared, one.text)))


def _doubt(company: Companions, reading: Reading, class_map: ClassMap) -> _Doubts:
    """The spellings that may be wrong where they are, and the classes that are not told apart."""
    same = [(rare, common, share) for rare, common, share in measure_excess(company) if share >= _SURE]
    joined = {frozenset(pair[:2]) for pair in same}
    in_doubt, spread = np.zeros(len(reading.class_of), bool), np.zeros(len(reading.class_of), bool)
    rivals: dict[int, tuple[int, float]] = {}
    beside = sparse.csr_array(company.spelling_class)
    for spelling in np.flatnonzero(reading.class_of != UNDECIDED).tolist():
        row = slice(beside.indptr[spelling], beside.indptr[spelling + 1])
        classes, counts = beside.indices[row], beside.data[row]
        own = int(reading.class_of[spelling])
        others = classes != own
        if not others.any() or company.pictures[spelling] < _MIN_PICTURES or company.writers[spelling] < _MIN_PEOPLE:
            continue
        support = float(counts[~others].sum()) - float(company.own[spelling])
        best = int(np.lexsort((classes[others], -counts[others]))[0])
        rival, rival_support = int(classes[others][best]), float(counts[others][best])
        alike = float(company.own[spelling] - company.alone_by_spelling[spelling])
        total = float(counts[others].sum()) + max(support, 0.0)
        if frozenset((own, rival)) in joined or total < 1:
            continue
        is_mixed = rival_support > support and company.is_mixed(spelling, rival, _MIXED)
        is_several = (
            support >= _ANCHOR
            and rival_support >= _SHARED * total
            and rival_support >= _TWICE * total * company.measure_share(own, rival, spelling)
        )
        is_spread = support < _MIXED * total and rival_support < _MIXED * total and alike < _MIXED * total
        in_doubt[spelling] = is_mixed or is_several or is_spread
        spread[spelling] = is_spread
        if is_mixed:
            rivals[spelling] = rival, rival_support / (rival_support + max(support, 0.0))
    in_doubt[list(_list_accusers(rivals, reading, class_map))] = False
    return _Doubts(in_doubt, spread, same)


def _list_accusers(rivals: Mapping[int, tuple[int, float]], reading: Reading, class_map: ClassMap) -> Iterator[int]:
    """Spellings that are in doubt only because one of the other class is: the class's name stands, else what its own class bears out.

    Args:
        rivals: spelling → (class beside it, that class's share of it and its own class).
        reading: whose spellings they are.
        class_map: names the classes.
    """
    names = _list_name_keys(reading, class_map)
    strongest: dict[tuple[int, int], tuple[bool, float, int, str]] = {}

    def rank(place: int) -> tuple[bool, float, int, str]:
        is_name = reading.keys[place] == names[int(reading.class_of[place])]
        return not is_name, round(rivals[place][1], 6), -int(reading.answers[place]), reading.keys[place]

    for place, (rival, _) in rivals.items():
        pair = int(reading.class_of[place]), rival
        strongest[pair] = max(strongest.get(pair, rank(place)), rank(place))
    for place, (rival, _) in rivals.items():
        other = strongest.get((rival, int(reading.class_of[place])))
        if other is not None and other > rank(place):
            yield place


def _find_chief_names(reading: Reading, class_map: ClassMap) -> Bools:
    """The spellings that are their class's own name, and most of what is said of it: where they mean another class, so does it."""
    names = _list_name_keys(reading, class_map)
    by_class = np.bincount(reading.class_of + 1, reading.answers, len(names) + 1)[1:]
    is_name = [class_ != UNDECIDED and key == names[class_] for key, class_ in zip(reading.keys, reading.class_of, strict=True)]
    return np.array(is_name, bool) & (2 * reading.answers >= by_class[reading.class_of])


def _list_name_keys(reading: Reading, class_map: ClassMap) -> list[str]:
    """The key of each class's name."""
    index = index_of(class_map)
    return [make_key(class_map.name(class_id), index) for class_id in reading.class_names[:-1]] + [NO_LABEL]


def _judge_spellings(
    doubted: Sequence[tuple[int, SpellingEvidence]], spread: Bools, chief: Bools, class_map: ClassMap
) -> Iterator[Contradiction]:
    decisions = decide_labels([told.text for _, told in doubted], class_map)
    for (place, told), decision in zip(doubted, decisions, strict=True):
        if told.meaning is Meaning.NAMES and told.class_id != told.declared and told.probability >= _LIKELY:
            kind = ContradictionKind.ALIAS if decision.rule in _DECLARED else ContradictionKind.MATCH
            kind = ContradictionKind.ONE if chief[place] and told.class_id != NO_LABEL else kind
            yield _describe(kind, told, decision.rule, told.class_id, told.probability)
        elif decision.rule != "name" and _has_two_meanings(told):
            rival = told.next_class_id if told.class_id == told.declared else told.class_id
            yield _describe(ContradictionKind.SEVERAL, told, decision.rule, rival, _SURE)
        elif spread[place] and _is_umbrella(told):
            yield _describe(ContradictionKind.UMBRELLA, told, decision.rule, None, _SURE)


def _has_two_meanings(told: SpellingEvidence) -> bool:
    few = min(told.settled, told.next_settled)
    return (
        told.meaning is Meaning.SEVERAL
        and told.declared in {told.class_id, told.next_class_id}
        and NO_LABEL not in {told.class_id, told.next_class_id}
        and few >= max(_FEW, _SHARED * told.witnessed)
    )


def _is_umbrella(told: SpellingEvidence) -> bool:
    is_class = told.declared != NO_LABEL  # what means "no label" stands beside all classes, as people miss one now and then
    return is_class and told.meaning is Meaning.SPREAD and told.workers >= _UMBRELLA_PEOPLE and told.witnessed >= _UMBRELLA_PICTURES


def _describe(
    kind: ContradictionKind, told: SpellingEvidence, rule: str, class_id: str | None, probability: float
) -> Contradiction:
    return Contradiction(
        kind=kind,
        text=told.text,
        raw_labels=told.raw_labels[:_RAW_LABELS],
        declared=str(told.declared),
        class_id=class_id,
        rule="" if kind is ContradictionKind.ONE else rule,
        answers=told.answers,
        pictures=told.pictures,
        workers=told.workers,
        probability=probability,
        words=told.words,
        urls=told.urls,
    )


def _tell_same_classes(same: Sequence[tuple[int, int, float]], reading: Reading, company: Companions) -> Iterator[Contradiction]:
    """Two classes that are one."""
    for rare, common, share in same:
        own = np.flatnonzero(reading.class_of == rare)
        mixed = company.count_mixed(rare, common)
        words = (
            f"{spell_count(mixed, 'picture')} called {reading.class_names[rare]} by some are called {reading.class_names[common]}"
            " by others, as many as if the two were one"
        )
        yield _gather(ContradictionKind.ONE, own, reading, company, (reading.class_names[common], round(share, 4), words))


def _tell_divided_classes(reading: Reading, company: Companions, class_map: ClassMap) -> Iterator[Contradiction]:
    """Classes that are two: the spellings of the part without the class's name, or of the smaller one."""
    index = index_of(class_map)
    for smaller, larger, share in split_by_companions(company, reading.class_of):
        name = make_key(class_map.name(reading.class_names[int(reading.class_of[smaller[0]])]), index)
        part, rest = (larger, smaller) if name in {reading.keys[place] for place in smaller} else (smaller, larger)
        others = max(rest, key=lambda place: (reading.answers[place], reading.keys[place]))
        words = (
            f"{spell_count(len(company.count_reach(part)[0]), 'picture')} of its own, hardly ever beside"
            f" {shorten(reading.labels[others][0])} of the same class, though the same people write both"
        )
        yield _gather(ContradictionKind.TWO, part, reading, company, (None, round(share, 4), words))


def _gather(
    kind: ContradictionKind, places: Indices, reading: Reading, company: Companions, said: tuple[str | None, float, str]
) -> Contradiction:
    """A contradiction about several spellings of one class."""
    ordered = sorted(places.tolist(), key=lambda place: (-reading.answers[place], reading.keys[place]))
    class_id, probability, words = said
    pictures, people = company.count_reach(places)
    return Contradiction(
        kind=kind,
        text=reading.labels[ordered[0]][0],
        raw_labels=tuple(label for place in ordered for label in reading.labels[place])[:_RAW_LABELS],
        declared=reading.class_names[int(reading.class_of[ordered[0]])],
        class_id=class_id,
        rule="",
        answers=int(reading.answers[places].sum()),
        pictures=len(pictures),
        workers=people,
        probability=probability,
        words=words,
        urls=reading.name_pictures(pictures[:5]),
    )
