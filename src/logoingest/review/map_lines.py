"""Lines for the map that settle clusters, to paste: as few as decide every answer of theirs, and none that guesses.

A cluster whose first candidate is near becomes aliases of that class; one with a candidate that is merely possible, or that names
several classes, is said in comments, which decide nothing when pasted; one without becomes a class of its own. What the crowd shows to
be no class at all is said in comments too, or, where few wrote it, not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import tomlkit

from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.class_map.writing import make_entry
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.fold import fold
from logoingest.review.clusters import strip_noise
from logoingest.review.map_editing import is_exact_only, write_spelling
from logoingest.review.suggestions import Advice, Cluster
from logoingest.strangers.escaping import flatten_text, is_formula

NEAR_ENOUGH = 0.7
"""Score from which the first candidate is proposed."""

_MAX_ROUNDS = 8
_ADVISED = {
    Advice.NOISE: "stands beside all classes alike; if it is beside the point: noise_words",
    Advice.NO_LABEL: "others say that there is no label; if it says so: no_label",
    Advice.NOTHING: "",
}


@dataclass
class _Proposal:
    """A cluster's class, and the spellings that are written out for it."""

    class_id: str
    is_new: bool
    is_sure: bool
    texts: Sequence[str]
    """What an entry can stand for, the most frequent first."""
    chosen: list[str] = field(default_factory=list)


def propose_lines(clusters: Sequence[Cluster], class_map: ClassMap) -> list[str]:
    """TOML for each cluster, valid for any text; empty where only spammers typed it, or no entry can stand for it."""
    advised = [_advise(cluster, class_map) for cluster in clusters]
    made = [_propose(cluster, class_map) if said is None else None for cluster, said in zip(clusters, advised, strict=True)]
    _choose_spellings([proposal for proposal in made if proposal is not None], class_map)
    return [_write(proposal, class_map) if said is None else said for proposal, said in zip(made, advised, strict=True)]


def _advise(cluster: Cluster, class_map: ClassMap) -> str | None:
    """What is said of a cluster that no class is proposed for; None where one is."""
    named = _list_classes(cluster, class_map)
    if len(named) > 1:
        return f"# names several classes: {flatten_text(', '.join(named))}\n"
    said = _ADVISED.get(cluster.advice) if cluster.advice else None
    words = tomlkit.item([write_spelling(cluster.members[0].raw_label)]).as_string()
    return f"# {said} = {flatten_text(words)}\n" if said else said


def _list_classes(cluster: Cluster, class_map: ClassMap) -> list[str]:
    hits = index_of(class_map).list_inside(fold(cluster.members[0].raw_label))
    return list(dict.fromkeys(hit.spelling.class_id for hit in hits))


def _propose(cluster: Cluster, class_map: ClassMap) -> _Proposal | None:
    first = cluster.candidates[0] if cluster.candidates else None
    texts: dict[str, str] = {}
    for member in cluster.members:
        if text := write_spelling(member.raw_label):
            texts.setdefault(fold(text).text, text)
    spelled = sorted(texts.values(), key=lambda text: _carries_noise(text, class_map))
    if not spelled:
        return None
    if first is not None:
        return _Proposal(first.class_id, False, first.score >= NEAR_ENOUGH, spelled)
    name = _name_class(spelled)
    return None if cluster.suspects or not name else _Proposal(name, True, True, spelled)


def _carries_noise(text: str, class_map: ClassMap) -> bool:
    return is_formula(text) or strip_noise(text, class_map).plain != fold(text).plain


def _name_class(texts: Sequence[str]) -> str:
    """The most frequent spelling that reads as a name."""
    return next((text for text in texts if text.isprintable() and not is_formula(text)), texts[0].lstrip("=+-@ ") if texts else "")


def _choose_spellings(proposals: Sequence[_Proposal], class_map: ClassMap) -> None:
    """One more spelling for each cluster that is not decided yet, the matching asked again after each round."""
    grown = class_map
    for proposal in proposals:
        if proposal.is_new:
            grown = _add_class(grown, proposal)
    waiting = {id(proposal): list(proposal.texts) for proposal in proposals}
    for _ in range(_MAX_ROUNDS):
        texts = sorted({text for rest in waiting.values() for text in rest})
        found = {made.raw_label: made.class_ids for made in decide_labels(texts, grown)}
        added = []
        for proposal in proposals:
            target = grown.outputs[proposal.class_id]
            rest = [text for text in waiting[id(proposal)] if found[text] != (target,)]
            if rest and target is not None:
                proposal.chosen.append(rest[0])
                added.append(Spelling(rest[0], proposal.class_id, is_alias=True, is_exact=is_exact_only(rest[0])))
            waiting[id(proposal)] = rest[1:]
        if not added:
            break
        grown = replace(grown, spellings=(*grown.spellings, *added))
    for proposal in proposals:
        proposal.chosen += waiting[id(proposal)]


def _add_class(class_map: ClassMap, proposal: _Proposal) -> ClassMap:
    name = proposal.class_id
    return replace(
        class_map,
        names={**class_map.names, name: name},
        outputs={**class_map.outputs, name: name},
        spellings=(*class_map.spellings, Spelling(name, name, is_alias=False)),
    )


def _write(proposal: _Proposal | None, class_map: ClassMap) -> str:
    if proposal is None:
        return ""
    aliases = tomlkit.array()
    for text in proposal.chosen:
        aliases.append(make_entry(text, exact=is_exact_only(text)))
    table = tomlkit.table()
    if len(aliases):
        table.append(tomlkit.key(["aliases", "any"]), aliases)
    classes = tomlkit.table(is_super_table=True)
    classes.append(proposal.class_id, table)
    document = tomlkit.document()
    document.append("classes", classes)
    lines = tomlkit.dumps(document)
    if proposal.is_sure:
        return lines
    name = class_map.names.get(proposal.class_id, proposal.class_id)
    return "".join(f"# {line}\n" for line in (f"if it is {flatten_text(name)}:", *lines.splitlines()))
