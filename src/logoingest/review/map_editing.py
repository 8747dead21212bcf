"""Rulings become entries of a class-map file, and nothing is written that would not decide as the person did.

What is written for a ruling: an alias (class, new), a word of ``noise_words``, an answer of ``no_label``, an alias of a class
that never comes out (drop), an ``[[overrides]]`` entry (override), a ``distinct_from`` pair (not). An alias is written only
where the entries before it do not yet decide the answer: "PMA" needs none beside "pma".
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import tomlkit

from logoingest.errors import ClassMapError, Problem
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.entries import (
    DROPPED_CLASS,
    Signature,
    add_class,
    add_dropped_class,
    add_overrides,
    add_pair,
    add_word,
)
from logoingest.labels.class_map.removing import merge_class, remove_aliases
from logoingest.labels.class_map.writing import add_alias, load_document
from logoingest.labels.matching.label_table import normalise_annotations
from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.labels.text.fold import fold
from logoingest.labels.text.quoting import shorten
from logoingest.named_maps import place_map
from logoingest.review.clusters import strip_noise
from logoingest.review.rulings import Action, RuledMeaning, Ruling, Undoing
from logoingest.schemas import Decision
from logoingest.strangers.escaping import is_formula

_EXACT_LETTERS = 3
_DECLARED = {"alias", "alias_folded", "no_label"}
_ALIASED = {Action.CLASS, Action.NEW, Action.DROP}
OVERRIDES = frozenset({Action.OVERRIDE, Action.OVERRIDE_DROP})
"""What is about annotations, not about an answer."""

_ONE_MEANING = {Action.CLASS, Action.NEW, Action.NOISE, Action.IGNORE, Action.DROP}


class ReadMap(NamedTuple):
    """A class-map file as it was read; the document is copied before it is edited."""

    class_map: ClassMap
    document: tomlkit.TOMLDocument


class Overruled(NamedTuple):
    """A ruling that came too late, and what was declared meanwhile."""

    ruling: Ruling
    by: str


@dataclass(frozen=True)
class MapEdit:
    """A class map with rulings written into it, not yet on disk."""

    path: Path
    document: tomlkit.TOMLDocument
    class_map: ClassMap
    """The map as it decides after the edit."""
    changes: Sequence[str]
    """What was added, a line each; empty when everything was decided so before."""
    settled: Sequence[Ruling]
    """Rulings the edit brings about."""
    already: Sequence[Ruling]
    """Rulings that the map, as it is, decides alike."""
    overruled: Sequence[Overruled]
    """Rulings for which nothing is written: somebody declared something else meanwhile."""


@dataclass
class _Draft:
    """A document being edited, and what was done to it."""

    path: Path
    document: tomlkit.TOMLDocument
    before: ClassMap
    signature: Signature
    changes: list[str] = field(default_factory=list)
    known: int = 0
    """How many of them ``before`` has."""

    def load(self) -> ClassMap:
        """The class map that the document is now."""
        file = place_map(self.path, Path())
        return ClassMap.from_toml(tomlkit.dumps(self.document), file.name, file.parent)

    def note(self, was_added: bool, change: str) -> None:
        """Remember what was done, if anything was."""
        if was_added:
            self.changes.append(change)


def plan_edit(
    path: Path,
    rulings: Sequence[Ruling],
    annotations: pa.Table,
    signature: Signature,
    exact: Collection[str] = (),
    *,
    undoing: Undoing | None = None,
    known: ClassMap | None = None,
    read: ReadMap | None = None,
) -> MapEdit:
    """The class map with the rulings in it; ``map_writing.write_document`` puts it on disk.

    Args:
        path: the class-map file.
        rulings: at most one an answer.
        annotations: ``AnnotationRow``s, all that carry an answer of ``OVERRIDES``; others are not looked at.
        signature: stands beside each entry.
        exact: aliases that shall count only as the whole answer, as ``write_spelling`` writes them.
        undoing: what is taken back before they are written.
        known: the map as it was read before, with what was made of it; it serves again where the file still says the same.
        read: the file as it is now, where somebody has read it.

    Raises:
        ClassMapError: a ruling would not decide as it says, or two contradict each other; all of them at once.
    """
    before, document = ReadMap(ClassMap.load(path), load_document(path)) if read is None else read
    before = known if known is not None and known.hash == before.hash else before
    draft = _Draft(path, document if read is None else copy.deepcopy(document), before, signature)
    if undoing is not None:
        _undo(draft, undoing)
    if problems := find_faults(rulings):
        raise ClassMapError(problems)
    verdicts = _judge(rulings, annotations, draft.before)
    late = [
        Overruled(ruling, verdict) for ruling, verdict in verdicts if verdict and _is_too_late(ruling, annotations, draft.before)
    ]
    late_ids = {id(one.ruling) for one in late}
    todo = [ruling for ruling, verdict in verdicts if verdict and id(ruling) not in late_ids]
    already = [ruling for ruling, verdict in verdicts if not verdict]
    after = draft.before
    if todo:
        _write_entries(draft, todo, annotations)
        after = _write_aliases(draft, [*todo, *already], exact)
        settled = _list_overridden(todo, annotations, draft.before)
        failed = [(ruling, verdict) for ruling, verdict in _judge([*todo, *already], annotations, after, settled) if verdict]
        if failed:
            raise ClassMapError([_describe_failure(ruling, verdict) for ruling, verdict in failed])
    return MapEdit(path, draft.document, after, draft.changes, todo, already, late)


def _undo(draft: _Draft, undoing: Undoing) -> None:
    """Take back what was declared; what is ruled is then judged by the map without it."""
    for class_id, labels in undoing.aliases.items():
        keys = {strip_noise(label, draft.before).joined for label in labels} | {fold(label).text for label in labels}
        for declared, out in draft.before.outputs.items():
            if out == class_id:
                texts = remove_aliases(draft.document, declared, partial(_is_among, keys, draft.before))
                draft.changes += [f"alias {shorten(text)} of {declared} taken back" for text in texts]
    for source, target in undoing.merged.items():
        draft.note(merge_class(draft.document, source, target), f"class {shorten(source)} comes out as {shorten(target)}")
    draft.before, draft.known = draft.load(), len(draft.changes)


def _is_among(keys: Collection[str], class_map: ClassMap, text: str) -> bool:
    return fold(text).text in keys or strip_noise(text, class_map).joined in keys


def write_spelling(raw_label: str) -> str:
    """The answer as an alias is best written: as typed, or folded where that cannot be seen; empty where there is nothing to see."""
    folded = fold(raw_label)
    text = " ".join(raw_label.split())
    is_fit = len(raw_label) <= 100 and text.isprintable() and not is_formula(text) and fold(text).text == folded.text
    return text if is_fit else folded.text


def is_exact_only(text: str) -> bool:
    """So short, in Latin letters, that it must be the whole answer."""
    folded = fold(text)
    return folded.is_latin and len(folded.joined) <= _EXACT_LETTERS


def is_decided_so(decision: LabelDecision, meaning: RuledMeaning, class_map: ClassMap) -> bool:
    """The map decides an answer as the ruling says; overrides apart, which are about annotations."""
    match meaning.action:
        case Action.CLASS | Action.NEW:
            if meaning.target not in class_map.outputs:
                return False
            output = class_map.outputs[meaning.target]
            return decision.decision == Decision.DROPPED if output is None else decision.class_ids == (output,)
        case Action.IGNORE:
            return decision.decision == Decision.IGNORED
        case Action.DROP:
            return decision.decision == Decision.DROPPED
        case Action.NOISE:
            word = meaning.target or write_spelling(decision.raw_label)
            is_named = decision.decision == Decision.ACCEPTED and not meaning.target
            return fold(word).text in class_map.noise_words and not is_named
        case Action.NOT:
            pair = {meaning.target, write_spelling(decision.raw_label)}
            is_apart = any(set(known) == pair for known in class_map.distinct_from)
            return is_apart and class_map.outputs[meaning.target] not in decision.class_ids
    return False


def describe_decision(decision: LabelDecision) -> str:
    """A decision in a few words: ``Nike (alias "nike")``."""
    what = " + ".join(decision.class_ids) if decision.decision == Decision.ACCEPTED else decision.decision
    return f"{what} ({decision.rule}{f' {shorten(decision.matched_alias)}' if decision.matched_alias else ''})"


def _judge(
    rulings: Sequence[Ruling], annotations: pa.Table, class_map: ClassMap, but_for: Collection[str] = ()
) -> list[tuple[Ruling, str]]:
    """Each ruling with what the map says instead; an empty text where it says the same."""
    decisions = decide_labels([ruling.raw_label for ruling in rulings], class_map)
    overrides = {ruling.raw_label: ruling.meaning for ruling in rulings if ruling.meaning.action in OVERRIDES}
    instead = _judge_overrides(overrides, annotations, class_map, but_for)
    judged = []
    for ruling, decision in zip(rulings, decisions, strict=True):
        if ruling.meaning.action in OVERRIDES:
            judged.append((ruling, instead[ruling.raw_label]))
        else:
            judged.append((ruling, "" if is_decided_so(decision, ruling.meaning, class_map) else describe_decision(decision)))
    return judged


def _judge_overrides(
    meanings: Mapping[str, RuledMeaning], annotations: pa.Table, class_map: ClassMap, but_for: Collection[str]
) -> dict[str, str]:
    """What annotations of each answer (but for those overridden earlier) come out as instead, by the function of the labels stage."""
    found: dict[str, list[str]] = {label: [] for label in meanings}
    for label, annotation_id, decision, class_ids, rule in _decide_annotations(annotations, meanings, class_map):
        meaning = meanings[label]
        output = class_map.outputs.get(meaning.target) if meaning.action is Action.OVERRIDE else None
        expected = (Decision.DROPPED, []) if output is None else (Decision.ACCEPTED, [output])
        is_so = (rule == "override" and (decision, class_ids) == expected) or annotation_id in but_for
        found[label].append("" if is_so else f"{' + '.join(class_ids) or decision} ({rule})")
    return {label: max(texts, default="nothing: no annotation has this answer") for label, texts in found.items()}


def _list_overridden(rulings: Iterable[Ruling], annotations: pa.Table, class_map: ClassMap) -> set[str]:
    """Annotations of override rulings that an override is about already."""
    labels = [ruling.raw_label for ruling in rulings if ruling.meaning.action in OVERRIDES]
    return {row[1] for row in _decide_annotations(annotations, labels, class_map) if row[-1] == "override"}


def _decide_annotations(
    annotations: pa.Table, labels: Iterable[str], class_map: ClassMap
) -> list[tuple[str, str, str, list[str], str]]:
    """(raw label, annotation id, decision, class ids, rule) of the annotations that carry one of the answers, by id."""
    labels = sorted(labels)
    if not labels:
        return []
    raw = pc.fill_null(annotations.column("raw_label").cast(pa.string()), "")
    picked = annotations.filter(pc.is_in(raw, value_set=pa.array(labels, pa.string())))
    decisions = normalise_annotations(picked, class_map).decisions
    columns = [picked.column("raw_label"), *(decisions.column(name) for name in ("annotation_id", "decision", "class_ids", "rule"))]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return sorted(((label or "", *rest) for label, *rest in rows), key=lambda row: row[1])


def _is_too_late(ruling: Ruling, annotations: pa.Table, class_map: ClassMap) -> bool:
    """Something else is declared for the answer, by name: a later ruling must not silently undo an earlier one."""
    if ruling.meaning.action in OVERRIDES:
        rows = _decide_annotations(annotations, [ruling.raw_label], class_map)
        return bool(rows) and all(rule == "override" for *_, rule in rows)
    if ruling.meaning.action not in _ONE_MEANING or (ruling.meaning.action is Action.NOISE and ruling.meaning.target):
        return False
    decision = decide_labels([ruling.raw_label], class_map)[0]
    return decision.rule in _DECLARED and decision.decision in {Decision.ACCEPTED, Decision.IGNORED, Decision.DROPPED}


def _describe_failure(ruling: Ruling, verdict: str) -> Problem:
    what = f'{shorten(ruling.raw_label)} as "{ruling.meaning}" would still come out as {verdict}'
    return Problem(ruling.where, what, "the map says otherwise more strongly: see labels explain, or write override: CLASS")


def find_faults(rulings: Sequence[Ruling]) -> list[Problem]:
    """What no map can bring about: answers that no entry can stand for, and answers that are one and are ruled on differently."""
    return [*_find_impossible(rulings), *_find_contradictions(rulings)]


def _find_impossible(rulings: Iterable[Ruling]) -> list[Problem]:
    """Answers that no entry of the kind can be about."""
    problems = []
    for ruling in rulings:
        folded, (action, target) = fold(ruling.raw_label), ruling.meaning
        if action in OVERRIDES or (action is Action.NOISE and target):
            continue
        what = ""
        if folded.is_reversed:
            what = "carries a character that reverses the writing direction"
        elif folded.is_cut:
            what = f"has {len(ruling.raw_label):,} characters"
        elif not folded.text and action is not Action.IGNORE:
            what = "has nothing to be seen"
        elif not folded.plain and action in {Action.NOISE, Action.NOT}:
            what = "has neither letters nor digits"
        if what:
            what = f"{shorten(ruling.raw_label)} {what}: no entry can stand for it"
            problems.append(Problem(ruling.where, what, "write override: CLASS or override: drop"))
    return problems


def _find_contradictions(rulings: Iterable[Ruling]) -> list[Problem]:
    """Answers that are one when folded, and are ruled on differently."""
    problems = []
    first: dict[str, Ruling] = {}
    for ruling in rulings:
        if ruling.meaning.action not in _ONE_MEANING or (ruling.meaning.action is Action.NOISE and ruling.meaning.target):
            continue
        earlier = first.setdefault(fold(ruling.raw_label).text, ruling)
        if earlier.meaning != ruling.meaning:
            one, other = (
                f'{shorten(ruling.raw_label)} is "{ruling.meaning}"',
                f'{shorten(earlier.raw_label)} is "{earlier.meaning}"',
            )
            hint = f"see {earlier.where}" if earlier.where else "one answer means one thing"
            problems.append(Problem(ruling.where, f"{one}, but {other}, and folded the two are one answer", hint))
    return problems


def _write_entries(draft: _Draft, rulings: Sequence[Ruling], annotations: pa.Table) -> None:
    """Everything but the aliases."""
    document, signature, before = draft.document, draft.signature, draft.before
    overridden: dict[str, Ruling] = {}
    for ruling in rulings:
        action, target = ruling.meaning
        text = write_spelling(ruling.raw_label)
        match action:
            case Action.NEW:
                draft.note(add_class(document, target, signature), f"class {shorten(target)}")
            case Action.NOISE:
                word = target or text
                draft.note(add_word(document, "noise_words", word, before.noise_words, signature), f"noise word {shorten(word)}")
            case Action.IGNORE:
                draft.note(add_word(document, "no_label", text, before.no_label, signature), f"no_label answer {shorten(text)}")
            case Action.DROP:
                if before.outputs.get(DROPPED_CLASS, "") is not None:
                    draft.note(add_dropped_class(document), f"class {shorten(DROPPED_CLASS)}, which never comes out")
            case Action.OVERRIDE | Action.OVERRIDE_DROP:
                overridden[ruling.raw_label] = ruling
    _write_overrides(draft, overridden, annotations)
    for ruling in rulings:
        if ruling.meaning.action is Action.NOT:
            text = write_spelling(ruling.raw_label)
            draft.document = add_pair(draft.document, ruling.meaning.target, text)
            draft.note(was_added=True, change=f"distinct_from {shorten(ruling.meaning.target)} and {shorten(text)}")


def _write_overrides(draft: _Draft, rulings: Mapping[str, Ruling], annotations: pa.Table) -> None:
    """One entry a ruling, for the annotations that no override is about yet."""
    open_ids: dict[str, list[str]] = {label: [] for label in rulings}
    for label, annotation_id, _, _, rule in _decide_annotations(annotations, rulings, draft.before):
        if rule != "override":
            open_ids[label].append(annotation_id)
    for label, ids in open_ids.items():
        target = rulings[label].meaning.target
        was_added = add_overrides(draft.document, ids, target, f"review of {shorten(label)}", draft.signature)
        draft.note(was_added, f"override of {len(ids)} annotations that say {shorten(label)}: {target or 'drop'}")


def _write_aliases(draft: _Draft, rulings: Sequence[Ruling], exact: Collection[str]) -> ClassMap:
    """Aliases for what is not decided yet: first one for all answers that share a key, then one for each that is left."""
    class_map = draft.before if len(draft.changes) == draft.known else draft.load()
    named = [ruling for ruling in rulings if ruling.meaning.action in _ALIASED]
    for is_last in (False, True):
        missing: dict[tuple[RuledMeaning, str], list[str]] = defaultdict(list)
        decisions = decide_labels([ruling.raw_label for ruling in named], class_map)
        for ruling, decision in zip(named, decisions, strict=True):
            if not is_decided_so(decision, ruling.meaning, class_map):
                text = write_spelling(ruling.raw_label)
                key = "" if is_last else strip_noise(ruling.raw_label, class_map).joined
                missing[ruling.meaning, key or fold(text).text].append(text)
        if not missing:
            break
        for (meaning, _), texts in missing.items():
            text = min(texts, key=lambda text: (len(text), text))
            _write_alias(draft, meaning, text, is_exact=text in exact or is_exact_only(text))
        class_map = draft.load()
    return class_map


def _write_alias(draft: _Draft, meaning: RuledMeaning, text: str, *, is_exact: bool) -> None:
    is_drop = meaning.action is Action.DROP
    class_id = DROPPED_CLASS if is_drop else meaning.target
    by, on = draft.signature
    was_added = add_alias(draft.document, class_id, text, exact=is_drop or is_exact, by=by, on=on)
    draft.note(was_added, f"alias {shorten(text)} of {class_id}")
