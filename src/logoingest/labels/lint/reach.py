"""Lint rules that ask the matching itself: is every class found under its own name, which classes are within each other's reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.lint.claims import Claims, quote
from logoingest.labels.lint.files import Claim
from logoingest.labels.lint.findings import Finding
from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.labels.text.fold import fold
from logoingest.schemas import Decision
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap, Spelling
    from logoingest.labels.class_map.map_file import Thresholds

_MIN_LETTERS = 4
_MAX_KEY = 120
_MAX_PAIRS = 20_000
_MAX_SINGLE_IDS = 10
_CELLS_AT_ONCE = 4_000_000


class NearPair(NamedTuple):
    """Two classes, and a spelling of the first that would be accepted as one of the second if the first were not in the map."""

    class_id: str
    spelling: str
    other_id: str
    other_spelling: str
    edits: int


def check_reach(claims: Claims, class_map: ClassMap, raw_labels: Sequence[str] | None) -> Iterator[Finding]:
    """Every rule of this module; ``raw_labels`` are the answers of a label file, for what is never used."""
    yield from _check_own_names(claims, class_map)
    yield from _check_near(claims, class_map)
    if raw_labels is not None:
        yield from _check_use(claims, class_map, raw_labels)


def _check_own_names(claims: Claims, class_map: ClassMap) -> Iterator[Finding]:
    decided = decide_labels([claim.text for claim in claims.names], class_map)
    for claim, decision in zip(claims.names, decided, strict=True):
        if not _is_own(claim, decision, class_map):
            what = f"the name {quote(claim.text)} of {claim.class_id} {_describe(decision)}"
            yield Finding("not-idempotent", claim.file, claim.line, what, _suggest(decision))
    yield from _check_ids(claims, class_map)


def _check_ids(claims: Claims, class_map: ClassMap) -> Iterator[Finding]:
    """Ids that are no names: people don't type them, but files that were normalised once hold them."""
    others = [claim for claim in claims.names if claim.text != claim.class_id]
    aliases = {alias.folded.text for alias in claims.aliases}
    lost: list[tuple[Claim, LabelDecision]] = []
    for claim, decision in zip(others, decide_labels([claim.class_id for claim in others], class_map), strict=True):
        if _is_own(claim, decision, class_map) or fold(claim.class_id).text in aliases:
            continue  # that an alias takes it is said by its own rule
        if decision.decision == Decision.ACCEPTED:
            what = f"the class id {quote(claim.class_id)} {_describe(decision)}; the class's name is {quote(claim.text)}"
            hint = "nothing, if that is what people mean by it"
            yield Finding("id-means-other-class", claim.file, claim.line, what, hint)
        else:
            lost.append((claim, decision))
    hint = 'add it as an alias: { text = "…", exact = true }, if normalised files are to be read again'
    if len(lost) > _MAX_SINGLE_IDS:
        first = lost[0][0]
        what = f"{len(lost):,} class ids are no spelling of their class, {quote(first.class_id)} the first of them"
        yield Finding("id-not-recognised", first.file, first.line, what, hint)
        return
    for claim, decision in lost:
        what = f"the class id {quote(claim.class_id)} {_describe(decision)}"
        yield Finding("id-not-recognised", claim.file, claim.line, what, hint)


def _is_own(claim: Claim, decision: LabelDecision, class_map: ClassMap) -> bool:
    wanted = class_map.outputs[claim.class_id]
    return decision.decision == Decision.DROPPED if wanted is None else decision.class_ids == (wanted,)


def _describe(decision: LabelDecision) -> str:
    if decision.class_ids:
        return f"comes out as {' and '.join(decision.class_ids)} (rule {decision.rule})"
    because = f": {decision.note}" if decision.note else ""
    return f"is {'asked about' if decision.decision == Decision.REVIEW else decision.decision} (rule {decision.rule}{because})"


def _suggest(decision: LabelDecision) -> str:
    if decision.rule == "ambiguous":
        return "give one of the classes a name of its own"
    return "list it as an alias of its own class, or see what takes it with: logoingest labels explain"


def _check_near(claims: Claims, class_map: ClassMap) -> Iterator[Finding]:
    places = {claim.class_id: claim for claim in claims.names}
    for near in find_near_classes(class_map):
        late, early = sorted(
            (places[near.class_id], places[near.other_id]), key=lambda claim: (-claim.depth, -claim.line, claim.class_id)
        )
        what = (
            f"{quote(near.spelling)} ({near.class_id}) and {quote(near.other_spelling)} ({near.other_id}) are "
            f"{spell_count(near.edits, 'edit', 'edits')} apart ({early.where})"
        )
        hint = f"distinct_from = [[{quote(near.class_id)}, {quote(near.other_id)}]], or make them one class"
        yield Finding("near-classes", late.file, late.line, what, hint)


def find_near_classes(class_map: ClassMap) -> list[NearPair]:
    """Pairs of classes within fuzzy reach of each other that no ``distinct_from`` keeps apart and that do not come out as one.

    Candidates are spellings within as many edits as their length allows. Whether one would be taken for the other is asked of
    the matching itself, on maps of which one class of every pair was left out.
    """
    edits = _find_close_spellings(class_map)
    if not edits:
        return []
    neighbours: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in edits:
        neighbours[one.class_id].add(other.class_id)
        neighbours[other.class_id].add(one.class_id)
    asked: defaultdict[str, dict[str, Spelling]] = defaultdict(dict)  # class left in → spellings that may be taken for it
    for one, other in edits:
        asked[other.class_id][one.text] = one
        asked[one.class_id][other.text] = other
    found: dict[tuple[str, str], NearPair] = {}
    for group in _part_neighbours(neighbours):
        part = _cut_map(class_map, group)
        texts = sorted({text for class_id in group for text in asked[class_id]})
        for text, decision in zip(texts, decide_labels(texts, part), strict=True):
            spelling = None if decision.class_id is None else asked[decision.class_id].get(text)
            if decision.rule != "fuzzy" or spelling is None or decision.class_id is None or decision.matched_alias is None:
                continue
            near = NearPair(
                spelling.class_id, text, decision.class_id, decision.matched_alias, _count_edits(text, decision.matched_alias)
            )
            pair = (min(near.class_id, near.other_id), max(near.class_id, near.other_id))
            found[pair] = min(found.get(pair, near), near, key=lambda known: (known.edits, known))
    return [found[pair] for pair in sorted(found)]


def _find_close_spellings(class_map: ClassMap) -> list[tuple[Spelling, Spelling]]:
    apart = {frozenset(pair) for pair in class_map.distinct_from}
    keyed: dict[bool, dict[tuple[str, str], Spelling]] = {True: {}, False: {}}
    for spelling in class_map.spellings:
        folded = fold(spelling.text)
        key = folded.joined if folded.is_latin else folded.plain.replace(" ", "")
        if not spelling.is_exact and _MIN_LETTERS <= len(key) <= _MAX_KEY:
            keyed[folded.is_latin].setdefault((key, spelling.class_id), spelling)
    pairs: list[tuple[Spelling, Spelling]] = []
    for table in keyed.values():
        owners = _list_owners(table)
        for left, right in _compare_keys(sorted(owners), class_map.thresholds):
            for one in owners[left]:
                pairs += [
                    (one, other)
                    for other in owners[right]
                    if class_map.outputs[one.class_id] != class_map.outputs[other.class_id]
                    and frozenset((one.class_id, other.class_id)) not in apart
                ]
            if len(pairs) > _MAX_PAIRS:
                return pairs[:_MAX_PAIRS]
    return pairs


def _list_owners(table: Mapping[tuple[str, str], Spelling]) -> dict[str, list[Spelling]]:
    owners: defaultdict[str, list[Spelling]] = defaultdict(list)
    for (key, _), spelling in table.items():
        owners[key].append(spelling)
    return owners


def _compare_keys(keys: Sequence[str], thresholds: Thresholds) -> Iterator[tuple[str, str]]:
    """Pairs of different keys within the edits that the shorter one's length allows."""
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for key in keys:
        by_length[len(key)].append(key)
    for length in sorted(by_length):
        allowed = _allow_edits(length, thresholds)
        if not allowed:
            continue
        others = [key for longer in range(length, length + allowed + 1) for key in by_length.get(longer, ())]
        step = max(1, _CELLS_AT_ONCE // len(others))
        for start in range(0, len(by_length[length]), step):
            queries = by_length[length][start : start + step]
            distances = process.cdist(queries, others, scorer=OSA.distance, score_cutoff=allowed, dtype=np.uint8, workers=-1)
            for row, column in np.argwhere(distances <= allowed).tolist():
                one, other = queries[row], others[column]
                if len(other) > length or one < other:
                    yield one, other


def _allow_edits(letters: int, thresholds: Thresholds) -> int:
    needed = (_MIN_LETTERS, thresholds.two_edits_letters, thresholds.three_edits_letters)
    return min(thresholds.max_edits, sum(letters >= least for least in needed))


def _part_neighbours(neighbours: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of classes none of which is another's neighbour: greedy colouring, the most entangled first."""
    colours: dict[str, int] = {}
    for class_id in sorted(neighbours, key=lambda class_id: (-len(neighbours[class_id]), class_id)):
        taken = {colours[other] for other in neighbours[class_id] if other in colours}
        colours[class_id] = next(colour for colour in range(len(taken) + 1) if colour not in taken)
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for class_id, colour in sorted(colours.items()):
        groups[colour].append(class_id)
    return [groups[colour] for colour in sorted(groups)]


def _cut_map(class_map: ClassMap, class_ids: Sequence[str]) -> ClassMap:
    """A map of these classes and the thresholds alone: nothing but their spellings decides."""
    kept = set(class_ids)
    return replace(
        class_map,
        names={class_id: class_map.names[class_id] for class_id in class_ids},
        spellings=tuple(spelling for spelling in class_map.spellings if spelling.class_id in kept),
        noise_words=(),
        no_label=(),
        separators=(),
        distinct_from=(),
        affixes=(),
        overrides={},
        outputs={class_id: class_id for class_id in class_ids},
        parts={},
    )


def _count_edits(one: str, other: str) -> int:
    left, right = fold(one), fold(other)
    return int(OSA.distance(left.joined, right.joined) if left.is_latin else OSA.distance(left.plain, right.plain))


def _check_use(claims: Claims, class_map: ClassMap, raw_labels: Sequence[str]) -> Iterator[Finding]:
    decided = decide_labels(sorted(set(raw_labels)), class_map)
    settled = [decision for decision in decided if decision.decision in {Decision.ACCEPTED, Decision.DROPPED}]
    used = {text for decision in settled for text in (decision.matched_alias or "").split(" | ")}
    used |= {decision.matched_alias for decision in settled if decision.matched_alias is not None}
    live = {(spelling.text, spelling.class_id) for spelling in class_map.spellings}
    named: set[str] = set()
    for claim in (*claims.names, *claims.aliases):
        if claim.text in used:
            named.add(claim.class_id)
    for claim in claims.names:
        if claim.class_id not in named:
            hint = "nothing, if labels of it are still to come"
            yield Finding("unused-class", claim.file, claim.line, f"no label names {claim.class_id}", hint)
    for claim in claims.aliases:
        if claim.text not in used and claim.class_id in named and (claim.text, claim.class_id) in live:
            what = f"the alias {quote(claim.text)} of {claim.class_id} decides no label"
            yield Finding("unused-alias", claim.file, claim.line, what, "nothing, or take it out")
