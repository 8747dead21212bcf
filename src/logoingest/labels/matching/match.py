"""From an answer to a class: exact finds first, then guarded fuzzy matching, then doubt that is said aloud.

The order: override (single annotations) → declared alias, raw and folded → class name → an answer that means "no label" →
spacing, signs, umlauts, exact transliteration → affixes and noise words stripped → guarded fuzzy → several brands → review →
unknown. An answer of several values (``choices``) is decided value by value, as "nike / puma" is part by part.
A decision depends on the answer and the map alone, never on other answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from logoingest.choices import read_choices
from logoingest.labels.matching.nearest import MAX_KEY_LENGTH, Neighbours
from logoingest.labels.matching.objections import find_objection
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.fold import Folded, fold
from logoingest.schemas import Decision

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap
    from logoingest.labels.matching.spelling_index import Hit, SpellingIndex, Variant


_EXACT_SCORE = 100.0
_MAX_PARTS = 8
_MAX_CHOICES = 64
MAX_DEPTH = 2
"""How often a part is parted again."""


@dataclass(frozen=True, slots=True)
class LabelDecision:
    """What the class map makes of one answer: the columns of ``LabelRow`` but for ``count``, and a note for people."""

    raw_label: str
    decision: Decision
    """accepted, ignored, dropped (its class is not wanted), review or unknown."""
    rule: str
    map_hash: str
    class_ids: tuple[str, ...] = ()
    matched_alias: str | None = None
    score: float | None = None
    runner_up: str | None = None
    margin: float | None = None
    attributes: str | None = None
    note: str = ""
    """Why it is not accepted, in one line."""

    @property
    def class_id(self) -> str | None:
        """The class, when the answer names exactly one."""
        return self.class_ids[0] if len(self.class_ids) == 1 else None


@dataclass(frozen=True, slots=True)
class Query:
    """A key to look for fuzzily, and the table it belongs to."""

    key: str
    is_latin: bool
    words: tuple[str, ...] = ()
    """What the answer sets spaces between."""
    is_proposal: bool = False
    """A transliteration: may be proposed, never accepted."""


@dataclass(frozen=True, slots=True)
class _Find:
    """The best neighbour over all queries of an answer."""

    query: Query
    neighbours: Neighbours
    objection: str | None


def normalise_label(raw: str, class_map: ClassMap) -> LabelDecision:
    """What the class map makes of one answer. Bounded time for any text; raises nothing."""
    return decide_labels([raw], class_map)[0]


def decide_labels(raw_labels: Sequence[str], class_map: ClassMap) -> list[LabelDecision]:
    """A decision for each answer, in order; give distinct answers, equal ones are decided again."""
    several = {raw: values for raw in raw_labels if (values := list_values(raw, class_map))}
    if not several:
        return _decide(raw_labels, class_map, class_map.separators, MAX_DEPTH)
    single = [raw for raw in raw_labels if raw not in several]
    distinct = sorted({value for values in several.values() for value in values})
    made = iter(_decide([*single, *distinct], class_map, class_map.separators, MAX_DEPTH))
    decided = [next(made) for _ in single]
    parts = dict(zip(distinct, made, strict=True))
    rest = iter(decided)
    return [
        _decide_values(raw, [parts[value] for value in several[raw]], class_map) if raw in several else next(rest)
        for raw in raw_labels
    ]


def list_values(raw: str, class_map: ClassMap) -> list[str]:
    """The values an answer consists of; none when it is one text, or an alias of the map as it stands."""
    values = read_choices(raw)
    if values is None or raw in index_of(class_map).raw_aliases:
        return []
    return values if len(values) <= _MAX_CHOICES else values[: _MAX_CHOICES + 1]


def _decide_values(raw: str, values: Sequence[LabelDecision], class_map: ClassMap) -> LabelDecision:
    """An answer of several values: accepted when every value is, no label when all say so, else in doubt."""
    folded = fold(raw)
    if len(values) > _MAX_CHOICES:
        return _build(folded, class_map, Decision.REVIEW, "too_long", note=f"more than {_MAX_CHOICES} values")
    known = [value for value in values if value.decision in {Decision.ACCEPTED, Decision.DROPPED}]
    if len(known) == len(values):
        return _join_parts(folded, values, class_map)
    if all(value.decision == Decision.IGNORED for value in values):
        return _build(folded, class_map, Decision.IGNORED, "no_label")
    if known:
        return _doubt_parts(folded, values, known, class_map)
    decision = Decision.REVIEW if any(value.decision == Decision.REVIEW for value in values) else Decision.UNKNOWN
    note = f"names several things, none of them known ({', '.join(value.raw_label for value in values)})"
    return _build(folded, class_map, decision, "several", note=note)


def _decide(raw_labels: Sequence[str], class_map: ClassMap, separators: Sequence[str], depth: int) -> list[LabelDecision]:
    index = index_of(class_map)
    folded = [fold(raw) for raw in raw_labels]
    decisions = [_decide_exactly(item, class_map, index) for item in folded]
    variants = {place: index.list_variants(folded[place]) for place, decision in enumerate(decisions) if decision is None}
    for place, stripped in variants.items():
        decisions[place] = _decide_stripped(folded[place], stripped, class_map, index)
    pending = [place for place in variants if decisions[place] is None]
    queries = [make_queries(folded[place], variants[place]) for place in pending]
    finds = dict(zip(pending, _find_neighbours(queries, class_map, index), strict=True))
    for place, find in finds.items():
        if find is not None and find.objection is None:
            decisions[place] = _accept_fuzzily(folded[place], find, class_map, index)
    if depth:
        may_be_several = re.compile("|".join(re.escape(separator) for separator in separators) or "(?!)").search
        undecided = {
            place: folded[place]
            for place in pending
            if decisions[place] is None and may_be_several(f"{folded[place].raw} {folded[place].text}")
        }
        for place, decision in _decide_several(undecided, class_map, separators, depth).items():
            decisions[place] = decision
    return [
        decision if decision is not None else _doubt(folded[place], finds.get(place), class_map, index)
        for place, decision in enumerate(decisions)
    ]


def _decide_exactly(folded: Folded, class_map: ClassMap, index: SpellingIndex) -> LabelDecision | None:
    if folded.is_reversed:
        return _build(folded, class_map, Decision.REVIEW, "reversed_text", note="a character in it reverses the writing direction")
    if folded.is_cut:
        return _build(folded, class_map, Decision.REVIEW, "too_long", note=f"{len(folded.raw)} characters")
    if folded.is_doubted and not index.is_declared_as_written(folded):
        return _build(folded, class_map, Decision.REVIEW, "contains", note="a sign beside the words may deny or compare them")
    if hit := index.find_declared(folded):
        return _accept_hit(folded, hit, hit.rule, class_map, index)
    if index.means_no_label(folded):
        return _build(folded, class_map, Decision.IGNORED, "no_label")
    if not folded.plain:
        return _build(folded, class_map, Decision.UNKNOWN, "no_letters", note="has neither letters nor digits")
    if hit := index.find(folded) or index.find_exact(folded):
        return _accept_hit(folded, hit, hit.rule, class_map, index)
    return None


def _decide_stripped(
    folded: Folded, variants: Sequence[Variant], class_map: ClassMap, index: SpellingIndex
) -> LabelDecision | None:
    for variant in (*variants, *index.list_glued(folded, variants)):
        if hit := index.find(variant.folded):
            rule = hit.rule if hit.rule == "transliteration" else variant.rule
            return _accept_hit(folded, hit, rule, class_map, index)
    for item in (folded, *(variant.folded for variant in variants)):
        if hit := index.find_plural(item):
            return _accept_hit(folded, hit, hit.rule, class_map, index)
    return None


def _accept_hit(folded: Folded, hit: Hit, rule: str, class_map: ClassMap, index: SpellingIndex) -> LabelDecision:
    spelling = hit.spelling
    if hit.rival is not None:
        note = f"{spelling.class_id} and {hit.rival} are both written so"
        return _build(
            folded, class_map, Decision.REVIEW, "ambiguous", matched_alias=spelling.text, score=_EXACT_SCORE, runner_up=hit.rival, margin=0.0, note=note
        )  # fmt: skip
    return _build(
        folded, class_map, Decision.ACCEPTED, rule, (spelling.class_id,), matched_alias=spelling.text, score=_EXACT_SCORE,
        attributes=_dump(index.read_attributes(folded)),
    )  # fmt: skip


def make_queries(folded: Folded, variants: Sequence[Variant]) -> list[Query]:
    """The keys of an answer: the whole, each affix-stripped form, and what is left without any noise."""
    queries: dict[tuple[str, bool], Query] = {}
    affix = [variant for variant in variants if variant.rule == "affix" and variant.is_fuzzy]
    noise = [variant for variant in variants if variant.rule == "noise"][-1:]
    for item in (folded, *(variant.folded for variant in (*affix, *noise))):
        own = item.joined if item.is_latin else item.plain.replace(" ", "")
        made = [Query(own, item.is_latin, tuple((item.ascii if item.is_latin else item.plain).split()))]
        if not item.is_latin:
            made.append(Query(item.joined, is_latin=True, is_proposal=True))
        for query in made:
            if query.key and len(query.key) <= MAX_KEY_LENGTH:
                queries.setdefault((query.key, query.is_latin), query)
    return list(queries.values())


def _find_neighbours(queries: Sequence[Sequence[Query]], class_map: ClassMap, index: SpellingIndex) -> list[_Find | None]:
    """The best neighbour of each answer, by its keys, with what speaks against it; all comparisons in two calls."""
    thresholds = class_map.thresholds
    neighbours: dict[tuple[str, bool], Neighbours] = {}
    for is_latin, table in ((True, index.latin), (False, index.native)):
        keys = sorted({query.key for made in queries for query in made if query.is_latin == is_latin})
        found = table.find_nearest(keys, thresholds.review_score)
        neighbours.update({(key, is_latin): near for key, near in zip(keys, found, strict=True)})
    return [_choose_find([(query, neighbours[query.key, query.is_latin]) for query in made], class_map, index) for made in queries]


def _choose_find(found: Sequence[tuple[Query, Neighbours]], class_map: ClassMap, index: SpellingIndex) -> _Find | None:
    """The first of the keys that have the best neighbour."""
    scored = [(near.best.score, query, near) for query, near in found if near.best is not None]
    if not scored:
        return None
    _, query, near = max(scored, key=itemgetter(0))
    if query.is_proposal:
        return _Find(query, near, "is written in another script")
    table = index.latin if query.is_latin else index.native
    return _Find(query, near, find_objection(query.key, near, table, class_map.thresholds, said=query.words))


def _accept_fuzzily(folded: Folded, find: _Find, class_map: ClassMap, index: SpellingIndex) -> LabelDecision:
    facts = _describe_find(find, index)
    class_id = facts.pop("class_id")
    return _build(
        folded, class_map, Decision.ACCEPTED, "fuzzy", (class_id,), attributes=_dump(index.read_attributes(folded)), **facts
    )


def _describe_find(find: _Find, index: SpellingIndex) -> dict[str, Any]:
    table = index.latin if find.query.is_latin else index.native
    best, second = find.neighbours
    spelling = None if best is None else table.spellings[best.entry]
    rival = None if second is None else table.spellings[second.entry]
    return {
        "class_id": None if spelling is None else spelling.class_id,
        "matched_alias": None if spelling is None else spelling.text,
        "score": None if best is None else round(best.score, 2),
        "runner_up": None if rival is None else rival.class_id,
        "margin": None if best is None or second is None else round(best.score - second.score, 2),
    }


def _decide_several(
    undecided: Mapping[int, Folded], class_map: ClassMap, separators: Sequence[str], depth: int
) -> dict[int, LabelDecision]:
    """Answers that name several brands: every part must be accepted by itself, else the answer stays in doubt.

    At a separator that names hold as well ("Tide & fils") an alias marked exact does not count: it is inside a longer answer.
    """
    index = index_of(class_map)
    decisions: dict[int, LabelDecision] = {}
    half: dict[int, LabelDecision] = {}
    for order, separator in enumerate(separators):
        split = {
            place: parts
            for place, folded in undecided.items()
            if place not in decisions and len(parts := split_answer(folded, separator)) > 1
        }
        if not split:
            continue
        distinct = sorted({part for parts in split.values() for part in parts})
        made = dict(zip(distinct, _decide(distinct, class_map, separators[order + 1 :], depth - 1), strict=True))
        for place, parts in split.items():
            found = [made[part] for part in parts]
            known = [part for part in found if _is_known(part, separator, index)]
            if len(known) == len(found):
                decisions[place] = _join_parts(undecided[place], found, class_map)
            elif known:
                half.setdefault(place, _doubt_parts(undecided[place], found, known, class_map))
    return {**half, **decisions}


def _is_known(part: LabelDecision, separator: str, index: SpellingIndex) -> bool:
    is_in_names = any(char.isalpha() or char in "&+" for char in separator)
    is_exact = any(spelling.is_exact for spelling in index.raw_aliases.get(part.matched_alias or "", ()))
    return part.decision in {Decision.ACCEPTED, Decision.DROPPED} and not (is_in_names and is_exact)


def split_answer(folded: Folded, separator: str) -> list[str]:
    """The parts of an answer between separators; none where they are too many, or one stands there twice."""
    text = folded.raw if separator == "\n" else folded.text
    if separator not in text or len(folded.text) > 2 * MAX_KEY_LENGTH:
        return []
    parts = [part.strip() for part in text.split(separator)]
    kept = [part for part in parts if part]
    return kept if len(kept) <= _MAX_PARTS and len(set(kept)) == len(kept) else []  # "Morgan & Morgan" is one name


def _join_parts(folded: Folded, parts: Sequence[LabelDecision], class_map: ClassMap) -> LabelDecision:
    class_ids = tuple(dict.fromkeys(class_id for part in parts for class_id in part.class_ids))
    score = min(part.score or 0.0 for part in parts)
    matched = " | ".join(part.matched_alias or "" for part in parts)
    decision = Decision.ACCEPTED if class_ids else Decision.DROPPED
    made = _build(folded, class_map, decision, "several", matched_alias=matched, score=score)
    return replace(made, class_ids=class_ids)


def _doubt_parts(
    folded: Folded, parts: Sequence[LabelDecision], known: Sequence[LabelDecision], class_map: ClassMap
) -> LabelDecision:
    open_parts = ", ".join(part.raw_label for part in parts if part not in known)
    note = f"names several things, not all of them known ({open_parts})"
    return _build(
        folded, class_map, Decision.REVIEW, "several", matched_alias=known[0].matched_alias, score=known[0].score, note=note
    )


def _doubt(folded: Folded, find: _Find | None, class_map: ClassMap, index: SpellingIndex) -> LabelDecision:
    """Review when something is near or inside, else unknown."""
    facts: dict[str, Any] = {} if find is None else _describe_find(find, index)
    facts.pop("class_id", None)
    if inside := list(index.list_inside(folded)):
        matched = inside[0].spelling.text
        found = ", ".join(f'"{hit.spelling.text}"' for hit in inside)
        note = f"contains {found} among other words"
        return _build(folded, class_map, Decision.REVIEW, "contains", matched_alias=matched, note=note)
    score = None if find is None or find.neighbours.best is None else find.neighbours.best.score
    if score is not None and score >= class_map.thresholds.review_score:
        return _build(folded, class_map, Decision.REVIEW, "near", note=(find.objection or "") if find else "", **facts)
    return _build(folded, class_map, Decision.UNKNOWN, "none", note="nothing in the map is near", **facts)


def _build(
    folded: Folded, class_map: ClassMap, decision: Decision, rule: str, class_ids: tuple[object, ...] = (), **facts: Any
) -> LabelDecision:
    outputs = [class_map.outputs[str(class_id)] for class_id in class_ids]
    kept = tuple(class_id for class_id in outputs if class_id is not None)
    if outputs and not kept:
        decision = Decision.DROPPED
    return LabelDecision(raw_label=folded.raw, decision=decision, rule=rule, map_hash=class_map.hash, class_ids=kept, **facts)


def _dump(attributes: Mapping[str, bool | int | str]) -> str | None:
    return json.dumps(dict(attributes), sort_keys=True, ensure_ascii=False) if attributes else None
