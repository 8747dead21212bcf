"""Which classes an undecided cluster may mean: what others called the same pictures, and letters, weighed together.

Where the crowd *names* a class, that counts first, and letters speak for other classes only as far as the crowd leaves room; where it
has seen little, it and the letters add up; where it says that a word stands beside everything, or is a class that the map lacks,
letters alone are never enough.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.crowd.evidence import NO_LABEL, CrowdEvidence, Meaning, SpellingEvidence
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.matching.spelling_index import index_of
from logoingest.review.initials import find_initials

if TYPE_CHECKING:
    from logoingest.review.proposals import Proposal

CANDIDATES = 9
"""Candidates a cluster, or a set of pictures, at most: a digit chooses one."""

USEFUL_SCORE = 0.35
"""Candidates below it are not shown: what is nearest of nothing near."""

_ASKED_MEMBERS = 3
#: Clusters that are weighed at once: enough that a sheet is filled quickly, so few that a card opens at once.
_AT_ONCE = 64
_SURE = 0.9
_WEIGHTS = {Meaning.NAMES: 1.0, Meaning.LITTLE: 0.5, Meaning.SEVERAL: 0.5, Meaning.SPREAD: 0.0, Meaning.STRANGER: 0.0}
#: What letters are worth where the crowd says that a word is none of the map's.
_DOUBTED = 0.5
_NONE_OF_THESE = frozenset({Meaning.SPREAD, Meaning.STRANGER})


class Candidate(NamedTuple):
    """A class a cluster may mean."""

    class_id: str
    """As declared in the map."""
    name: str
    alias: str
    """The spelling that is nearest; "" where only pictures speak for the class."""
    score: float
    """0 to 1; for ordering, not a probability."""
    reason: str


def find_evidence(evidence: CrowdEvidence, raw_label: str, class_map: ClassMap) -> SpellingEvidence | None:
    """What the crowd tells of an undecided answer, or of one value of an answer with several."""
    found = evidence.find(raw_label)
    if found is not None:
        return found if found.is_open else None
    return evidence.by_key.get(make_key(raw_label, index_of(class_map)))


def find_named_class(evidence: SpellingEvidence | None) -> str | None:
    """The class, as it comes out of the map, that the crowd is sure of; ``NO_LABEL`` is one."""
    is_sure = evidence is not None and evidence.meaning is Meaning.NAMES and evidence.probability >= _SURE
    return evidence.class_id if evidence is not None and is_sure else None


def choose_evidence(found: Iterable[SpellingEvidence | None]) -> SpellingEvidence | None:
    """What tells most of a cluster: of its spellings' evidence one that names a class, else the most frequent spelling's."""
    known = list(dict.fromkeys(one for one in found if one is not None))
    return min(known, key=lambda one: (one.meaning is not Meaning.NAMES, -one.answers, one.key), default=None)


def gather_candidates(
    clusters: Sequence[Sequence[str]], evidence: Sequence[SpellingEvidence | None], class_map: ClassMap
) -> list[list[Candidate]]:
    """Candidates of each cluster, best first: by its first members' letters and by what the crowd tells of it."""
    from logoingest.review.proposals import propose_classes  # brings scikit-learn along, which applying a sheet does not need

    asked = [labels[:_ASKED_MEMBERS] for labels in clusters]
    distinct = list(dict.fromkeys(label for labels in asked for label in labels))
    proposals = dict(zip(distinct, propose_classes(distinct, class_map, limit=CANDIDATES), strict=True))
    declared = _list_declared(class_map)
    found = []
    for labels, told in zip(asked, evidence, strict=True):
        best: dict[str, Candidate] = {}
        for candidate in _read_letters(labels, proposals, declared, class_map):
            if candidate.class_id not in best or candidate.score > best[candidate.class_id].score:
                best[candidate.class_id] = candidate
        weighed = weigh_candidates(best.values(), told, class_map)
        found.append([one for one in weighed if one.score >= USEFUL_SCORE][:CANDIDATES])
    return found


class ClusterCandidates:
    """The candidates of clusters, each found when it is first looked at, together with its neighbours'."""

    def __init__(self, clusters: Sequence[Sequence[str]], evidence: Sequence[SpellingEvidence | None], class_map: ClassMap) -> None:
        """``clusters`` are raw labels, the most frequent first; ``evidence`` is one a cluster."""
        self._clusters, self._evidence, self._class_map = clusters, evidence, class_map
        self._found: dict[int, Sequence[Candidate]] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """For another process: all but the lock."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """From another process."""
        vars(self).update(state, _lock=threading.Lock())

    def read(self, place: int) -> Sequence[Candidate]:
        """The candidates of the cluster at this place, the best first."""
        if (known := self._found.get(place)) is not None:  # nobody waits for what is known
            return known
        with self._lock:
            if place not in self._found:
                self._found.update(self._weigh(place - place % _AT_ONCE))
            return self._found[place]

    def weigh_all(self) -> Iterator[Mapping[int, Sequence[Candidate]]]:
        """Those of all clusters by their places, some at once."""
        for start in range(0, len(self._clusters), _AT_ONCE):
            self.read(start)
            yield {place: self._found[place] for place in range(start, min(start + _AT_ONCE, len(self._clusters)))}

    def take(self, found: Mapping[int, Sequence[Candidate]]) -> None:
        """Know what was weighed elsewhere."""
        self._found.update(found)

    def _weigh(self, start: int) -> dict[int, Sequence[Candidate]]:
        some = slice(start, start + _AT_ONCE)
        return dict(enumerate(gather_candidates(self._clusters[some], self._evidence[some], self._class_map), start))

    def peek(self, place: int) -> Sequence[Candidate] | None:
        """The same as far as somebody has looked at it; None where nobody has."""
        return self._found.get(place)


@lru_cache(maxsize=2)
def _list_declared(class_map: ClassMap) -> Mapping[tuple[str, str | None], str]:
    """(spelling, class that comes out) → the class it is declared of."""
    return {
        (spelling.text, class_map.outputs.get(spelling.class_id)): spelling.class_id for spelling in reversed(class_map.spellings)
    }


def weigh_candidates(letters: Collection[Candidate], told: SpellingEvidence | None, class_map: ClassMap) -> list[Candidate]:
    """Candidates by letters with what the crowd tells, best first.

    Args:
        letters: one a class.
        told: of the cluster.
        class_map: names the classes.
    """
    if told is None:
        return sorted(letters, key=lambda one: (-one.score, one.class_id))
    share = _WEIGHTS[told.meaning] * told.probability
    doubt = _DOUBTED if told.meaning in _NONE_OF_THESE else 1 - share if told.meaning is Meaning.NAMES else 1.0
    weighed = []
    is_met = not share or told.class_id in {None, NO_LABEL}
    for one in letters:
        if share and class_map.outputs.get(one.class_id) == told.class_id:
            is_met = True
            score = 1 - (1 - share) * (1 - one.score)
            weighed.append(one._replace(score=round(score, 4), reason=f"{told.words}; {one.reason}"))
        else:
            weighed.append(one._replace(score=round(doubt * one.score, 4)))
    if not is_met:
        class_id = class_map.sources[str(told.class_id)]
        weighed.append(Candidate(class_id, class_map.names.get(class_id, class_id), "", round(share, 4), told.words))
    return sorted(weighed, key=lambda one: (-one.score, one.class_id))


def _read_letters(
    labels: Sequence[str],
    proposals: Mapping[str, Sequence[Proposal]],
    declared: Mapping[tuple[str, str | None], str],
    class_map: ClassMap,
) -> Iterator[Candidate]:
    for label in labels:
        for proposal in proposals[label]:
            if proposal.score >= USEFUL_SCORE:
                yield _name_candidate(proposal, declared, class_map)
        for spelling, score, reason in find_initials(label, class_map):
            name = class_map.names.get(spelling.class_id, spelling.class_id)
            yield Candidate(spelling.class_id, name, spelling.text, score, reason)


def _name_candidate(proposal: Proposal, declared: Mapping[tuple[str, str | None], str], class_map: ClassMap) -> Candidate:
    """A proposal under the class's declared id: what an alias is written to."""
    class_id = declared.get((proposal.alias, proposal.class_id), proposal.class_id)
    return Candidate(class_id, class_map.names.get(class_id, class_id), proposal.alias, proposal.score, proposal.reason)
