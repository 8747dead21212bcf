"""What is in doubt, as a person wants to see it: clusters with counts, who is behind them, candidates, and TOML to paste."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.choices import read_choices
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.crowd.evidence import NO_LABEL, CrowdEvidence, Meaning, SpellingEvidence
from logoingest.labels.matching.match import decide_labels
from logoingest.review.candidates import Candidate, ClusterCandidates, choose_evidence, find_evidence, find_named_class
from logoingest.review.clusters import OpenSpelling, cluster_labels, is_only_noise
from logoingest.schemas import Decision

_EXAMPLES = 3
_FEW_ANSWERS = 3
_MANY_WRITERS = 3
_ID_DIGITS = 10


@dataclass(frozen=True, slots=True)
class OpenLabel:
    """A distinct answer that is in review or unknown, and the annotations that carry it undecided."""

    raw_label: str
    decision: str
    rule: str
    near_spelling: str | None
    answers: int
    workers: Sequence[str]
    """Distinct, sorted; answers without a worker are not among them."""
    urls: Sequence[str]
    """Distinct, those with a picture first."""

    @property
    def label_id(self) -> str:
        """``L`` and ten hex digits of the raw label's sha256: what a spreadsheet cannot spoil."""
        return make_label_id(self.raw_label)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Answers that probably mean one thing."""

    members: Sequence[OpenLabel]
    """The most frequent first."""
    weighed: ClusterCandidates = field(compare=False, repr=False)
    place: int
    """Of the cluster among those that are weighed."""
    suspicious: Collection[str] = ()
    """Workers that look like spammers; others than the cluster's may be among them."""
    evidence: SpellingEvidence | None = None
    """What others called its pictures, where the crowd tells anything."""

    @property
    def candidates(self) -> Sequence[Candidate]:
        """The classes it may mean, the best first; found when they are first asked for."""
        return self.weighed.read(self.place)

    @property
    def cluster_id(self) -> str:
        """``C`` and ten hex digits, of its members."""
        return "C" + make_label_id("\0".join(sorted(member.label_id for member in self.members)))[1:]

    @property
    def answers(self) -> int:
        """How many answers it would settle."""
        return sum(member.answers for member in self.members)

    @property
    def workers(self) -> Sequence[str]:
        """Distinct workers behind it, sorted."""
        return sorted({worker for member in self.members for worker in member.workers})

    @property
    def suspects(self) -> int:
        """How many of its workers look like spammers."""
        return len(set(self.workers) & set(self.suspicious))

    @property
    def urls(self) -> Sequence[str]:
        """Distinct URLs, in the order of the members."""
        return list(dict.fromkeys(url for member in self.members for url in member.urls))

    @property
    def examples(self) -> Sequence[str]:
        """URLs to look at: the first of each spelling, then further ones."""
        firsts = [member.urls[0] for member in self.members if member.urls]
        return list(dict.fromkeys([*firsts, *self.urls]))[:_EXAMPLES]

    @property
    def advice(self) -> Advice | None:
        """What it seems to be where it is no class of the map; None where the crowd does not say so."""
        told = self.evidence
        if told is None:
            return None
        if told.meaning is Meaning.STRANGER:
            return Advice.STRANGER
        if told.meaning is Meaning.NAMES and told.class_id == NO_LABEL:
            return Advice.NO_LABEL
        if told.meaning is not Meaning.SPREAD:
            return None
        is_common = told.workers >= _MANY_WRITERS and self.suspects < len(self.workers)
        return Advice.NOISE if is_common else Advice.NOTHING

    @property
    def warning(self) -> str:
        """What is suspicious about who typed it; empty when nothing is."""
        people = len(self.workers)
        if people and self.suspects == people:
            return "its only worker looks like a spammer" if people == 1 else f"all {people} workers look like spammers"
        if people == 1 and self.answers >= _FEW_ANSWERS:
            return f"one worker alone typed it, {self.answers} times"
        return f"{self.suspects} of {people} workers look like spammers" if self.suspects else ""


class Advice(StrEnum):
    """What an answer seems to be that is no class of the map, as others' answers about its pictures tell."""

    NOISE = "noise"
    """Many wrote it, beside all classes alike: a word beside the point, or an umbrella over all."""
    NO_LABEL = "no label"
    """Others say of the same pictures that there is no label."""
    STRANGER = "stranger"
    """Perhaps a class that the map lacks."""
    NOTHING = "nothing"
    """Few wrote it, beside all classes alike, or spammers: nothing to be put into the map."""


_ADVICE = {
    Advice.NOISE: "stands beside all classes alike: noise, or a word for all of them",
    Advice.NO_LABEL: 'others say "no label" of its pictures',
    Advice.STRANGER: "perhaps a class that the map lacks",
    Advice.NOTHING: "stands beside all classes alike, and few wrote it: nothing for the map",
}


class GatheredLabels(NamedTuple):
    """What is undecided, and what is left out of it because noise words name nothing: spellings and answers."""

    labels: Sequence[OpenLabel]
    noise_labels: int
    noise_answers: int


def gather_open_labels(
    annotations: pa.Table, labels: pa.Table, decisions: pa.Table, class_map: ClassMap, pictured: pa.ChunkedArray | None = None
) -> GatheredLabels:
    """The distinct answers that no rule and no override decides, sorted by text; of several values at once, those that are open.

    Args:
        annotations: ``AnnotationRow``s.
        labels: ``LabelRow``s.
        decisions: ``DECISION_SCHEMA``, a row per annotation in their order.
        class_map: what decided.
        pictured: URLs of which there is a picture to show, text.
    """
    undecided = pc.is_in(decisions.column("decision"), value_set=pa.array([Decision.REVIEW, Decision.UNKNOWN]))
    picked = annotations.select(["raw_label", "worker_id", "url"]).filter(undecided)
    picked = picked.set_column(0, "raw_label", pc.fill_null(picked.column("raw_label"), ""))
    grouped = picked.group_by("raw_label").aggregate([("raw_label", "count"), ("worker_id", "distinct"), ("url", "distinct")])
    spellings = _divide_answers(grouped.to_pylist(), class_map)
    facts = labels.filter(pc.is_in(labels.column("raw_label"), value_set=pa.array(sorted(spellings), pa.string())))
    known = {row["raw_label"]: row for row in facts.select(["raw_label", "decision", "rule", "matched_alias"]).to_pylist()}
    known |= {made.raw_label: asdict(made) for made in decide_labels(sorted(spellings.keys() - known.keys()), class_map)}
    shown = _list_shown(picked.column("url"), pictured)
    found: list[OpenLabel] = []
    noise: list[int] = []
    for label, rows in sorted(spellings.items()):
        fact, answers = known[label], sum(row["raw_label_count"] for row in rows)
        if is_only_noise(label, class_map):
            noise.append(answers)
            continue
        workers = sorted({worker for row in rows for worker in row["worker_id_distinct"] if worker is not None})
        distinct = {url for row in rows for url in row["url_distinct"] if url is not None}
        urls = sorted(distinct, key=lambda url: (url not in shown, url))
        found.append(OpenLabel(label, fact["decision"], fact["rule"], fact["matched_alias"], answers, workers, urls))
    return GatheredLabels(found, len(noise), sum(noise))


def _list_shown(urls: pa.ChunkedArray, pictured: pa.ChunkedArray | None) -> Collection[str]:
    return () if pictured is None else set(urls.filter(pc.is_in(urls, value_set=pictured)).to_pylist())


def _divide_answers(rows: Sequence[Mapping[str, Any]], class_map: ClassMap) -> dict[str, list[Mapping[str, Any]]]:
    """What there is to decide → the rows it is about: of an answer of several values those that are open by themselves.

    One that nobody could settle so, as values contradict each other, is decided as a whole.
    """
    listed = {row["raw_label"]: values for row in rows if (values := read_choices(row["raw_label"]))}
    made = decide_labels(sorted({value for values in listed.values() for value in values}), class_map)
    is_open = {decision.raw_label for decision in made if decision.decision in {Decision.REVIEW, Decision.UNKNOWN}}
    divided: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        label = row["raw_label"]
        for text in [value for value in listed.get(label, ()) if value in is_open] or [label]:
            divided.setdefault(text, []).append(row)
    return divided


def list_spellings(labels: pa.Table) -> list[str]:
    """The distinct answers of ``LabelRow``s, and the values of those that are several: what rulings may be about."""
    answers = labels.column("raw_label").to_pylist()
    return list(dict.fromkeys([*answers, *(value for answer in answers for value in read_choices(answer) or ())]))


def cluster_open_labels(
    labels: Sequence[OpenLabel],
    class_map: ClassMap,
    *,
    crowd: CrowdEvidence | None = None,
    apart: Collection[str] = (),
    suspects: Collection[str] = (),
    min_answers: int = 1,
    limit: int | None = None,
) -> tuple[list[Cluster], int]:
    """Clusters with their candidates, those that would settle most answers first; and how many there are in all.

    Args:
        labels: from ``gather_open_labels``.
        class_map: where candidates come from.
        crowd: what others called the same pictures (``gather_evidence``).
        apart: raw labels taken out of their cluster.
        suspects: workers that look like spammers.
        min_answers: clusters with fewer answers are left out.
        limit: at most as many clusters.
    """
    if limit == 0:
        return [], 0
    ordered = sorted(labels, key=lambda label: label.raw_label)
    told = {} if crowd is None else {label.raw_label: find_evidence(crowd, label.raw_label, class_map) for label in ordered}
    owners = {spelling.text: spelling.class_id for spelling in class_map.spellings}
    spellings = [_describe_spelling(label, owners, told.get(label.raw_label)) for label in ordered]
    clusters = [[ordered[place] for place in places] for places in cluster_labels(spellings, class_map, apart)]
    clusters = [members for members in clusters if sum(member.answers for member in members) >= min_answers]
    shown = clusters[:limit]
    evidence = [choose_evidence(told.get(member.raw_label) for member in members) for members in shown]
    weighed = ClusterCandidates([[member.raw_label for member in members] for members in shown], evidence, class_map)
    suspicious = frozenset(suspects)
    made = enumerate(zip(shown, evidence, strict=True))
    return [Cluster(members, weighed, place, suspicious, said) for place, (members, said) in made], len(clusters)


def describe_advice(cluster: Cluster) -> str:
    """What a cluster seems to be that is no class of the map, and why; "" where the crowd does not say so."""
    if cluster.advice is None or cluster.evidence is None:
        return ""
    return f"{_ADVICE[cluster.advice]} ({cluster.evidence.words})"


def make_label_id(raw_label: str) -> str:
    """``L`` and ten hex digits: begins with a letter, so that no spreadsheet takes it for a number."""
    return "L" + hashlib.sha256(raw_label.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


def _describe_spelling(label: OpenLabel, owners: Mapping[str, str], told: SpellingEvidence | None) -> OpenSpelling:
    """What clusters are made by; where the crowd names a class, letters have no say."""
    named = find_named_class(told)
    owner = None if named or label.rule != "near" or label.near_spelling is None else owners.get(label.near_spelling)
    return OpenSpelling(label.raw_label, label.answers, owner, label.near_spelling if owner else None, named)
