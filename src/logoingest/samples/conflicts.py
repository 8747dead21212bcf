"""Pictures that a person must look at: found, ruled on, or left out until then.

Pictures that show the same thing and were settled as different classes; and those that may stand for photos that are gone, however well
their answers agree (``placeholder``, see ``stand_ins.suspected``).

Two settled pictures contradict each other when neither's classes are all among the other's: one "Nike" and one "Puma", not one
"Nike" and one "Nike, Puma". Pictures of equal pixels cannot both be right (``identical``); pictures of one near-duplicate group may
be (``near``): a brand's two logos differ by less than a group allows.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.refusals import Refusal, reject_annotations
from logoingest.samples.group_rulings import GroupDecision, GroupRuling, list_allowed, map_labels
from logoingest.samples.stand_ins.suspected import SuspectedPlaceholder
from logoingest.schemas import ConflictKind, ConflictRow, Reason, SampleRow, Stage
from logoingest.wording import spell_count

_REASONS = {ConflictKind.IDENTICAL: Reason.CLASS_CONFLICT, ConflictKind.PLACEHOLDER: Reason.PLACEHOLDER}
"""Kinds that are left out until somebody rules."""
_SHOWN_PICTURES = 6
_SHOWN_DIGITS = 12


class Resolved(NamedTuple):
    """What rulings and the policy made of the samples."""

    samples: pa.Table
    """``SampleRow``, sorted by image_id."""
    rejected: pa.Table
    """``RejectedRow`` of the pictures left out, sorted by annotation_id."""
    conflicts: pa.Table
    """``ConflictRow``: what nobody has ruled on, sorted by kind and group_id."""
    ruled: int
    """Pictures that are what a person said instead of what their answers say, or that a person left out."""


@dataclass(frozen=True)
class _Sample:
    image_id: str
    group_id: str
    pixel_hash: str
    class_ids: frozenset[str]
    confidence: float
    annotation_ids: Sequence[str]


def resolve_conflicts(  # noqa: PLR0917  # what the samples stage has
    samples: pa.Table,
    images: pa.Table,
    annotations: pa.Table,
    decisions: pa.Table,
    rulings: Sequence[GroupRuling],
    policy: Literal["review", "keep"],
    *,
    suspected: Sequence[SuspectedPlaceholder] = (),
) -> Resolved:
    """Apply what people ruled, then find the pictures that still contradict each other.

    A ruling holds for the pictures it names, whatever group they are in by now. A picture that gets another class than its answers
    gave it has confidence 1, the agreement of the answers with that class, and of its boxes those of that class.

    Args:
        samples: ``SampleRow``.
        images: ``ImageRow``; ``image_id`` and ``pixel_hash`` are looked at.
        annotations: ``AnnotationRow`` of at least the samples' annotations.
        decisions: as in ``settle_samples``: annotation_id, class_ids.
        rulings: what people ruled; of several about one picture the last counts.
        policy: ``review`` leaves out pictures of equal pixels that contradict each other (``class_conflict``), ``keep`` keeps them.
            Near-duplicates that do are kept either way. Suspected placeholders go the way of equal pixels (``placeholder``).
        suspected: pictures that may be placeholders (``settle_samples``).

    Returns:
        Samples, the source rows that are rejected with them, and every open conflict, those left out included.
    """
    by_picture = map_labels(rulings)
    samples, ruled = _apply_classes(samples, decisions, by_picture)
    dropped = [row for row in _read_ids(samples) if row in by_picture and by_picture[row].decision == GroupDecision.DROP]
    refusals = {image_id: Refusal(Reason.CLASS_CONFLICT, f"left out by {by_picture[image_id].signed}") for image_id in dropped}
    both = list_allowed(rulings)
    found = list(_find(_read_samples(samples, images, _find_grouped(samples), set(dropped)), both))
    counted = _count_votes([sample for _, members in found for sample in members], decisions)
    conflicts = [_describe(kind, members, counted, _tell_pictures(kind, members, counted)) for kind, members in found]
    disputed = {
        image_id for conflict in conflicts if conflict["kind"] == ConflictKind.IDENTICAL for image_id in conflict["image_ids"]
    }
    given = {image_id for image_id, ruling in by_picture.items() if ruling.class_id is not None}
    for members, evidence in _find_suspected(samples, images, suspected, disputed | given | set(dropped), both):
        conflicts.append(
            _describe(
                ConflictKind.PLACEHOLDER,
                members,
                _count_votes(members, decisions),
                f"may stand for photos that are gone: {evidence}",
            )
        )
    for conflict in conflicts if policy == "review" else ():
        if conflict["kind"] in _REASONS:
            why = Refusal(_REASONS[conflict["kind"]], f"{conflict['detail']}; somebody must rule: labels review")
            refusals.update(dict.fromkeys(conflict["image_ids"], why))
    conflicts.sort(key=lambda row: (row["kind"], row["group_id"], row["image_ids"]))
    kept, rejected = _refuse(samples, annotations, refusals)
    return Resolved(kept, rejected, ConflictRow.table(conflicts), ruled + len(dropped))


def _apply_classes(samples: pa.Table, decisions: pa.Table, rulings: Mapping[str, GroupRuling]) -> tuple[pa.Table, int]:
    """The samples with the classes people gave, and how many are changed by that."""
    given = {image_id: ruling.class_id for image_id, ruling in rulings.items() if ruling.class_id is not None}
    is_named = pc.is_in(samples.column("image_id"), value_set=pa.array(given, pa.string()))
    rows = samples.filter(is_named).to_pylist()
    changed = [row for row in rows if row["class_ids"] != [given[row["image_id"]]]]
    if not changed:
        return samples, 0
    named = _read_named(decisions, [voter for row in changed for voter in row["annotation_ids"]])
    changed = [_change_class(row, given[row["image_id"]], named) for row in changed]
    ids = pa.array([row["image_id"] for row in changed], pa.string())
    others = samples.filter(pc.invert(pc.is_in(samples.column("image_id"), value_set=ids)))
    return pa.concat_tables([others, SampleRow.table(changed)]).sort_by("image_id"), len(changed)


def _change_class(row: Mapping[str, Any], class_id: str, named: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    voters = [voter for voter in row["annotation_ids"] if named.get(voter)]
    agreeing = sum(class_id in named[voter] for voter in voters)
    return {
        **row,
        "class_id": class_id,
        "class_ids": [class_id],
        "confidence": 1.0,
        "agreement": agreeing / len(voters) if voters else 0.0,
        "boxes": [box for box in row["boxes"] if box["class_id"] == class_id],
    }


def _read_ids(samples: pa.Table) -> list[str]:
    ids: list[str] = samples.column("image_id").to_pylist()
    return ids


def _find_grouped(samples: pa.Table) -> pa.Array:
    """The image_ids of samples that are in a group of several."""
    groups = samples.column("group_id")
    counted = pc.value_counts(groups)
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    return samples.column("image_id").filter(pc.is_in(groups, value_set=several)).combine_chunks()


def _read_samples(samples: pa.Table, images: pa.Table, image_ids: pa.Array, without: Collection[str]) -> list[_Sample]:
    """Those of the samples, in order of image_id."""
    rows = samples.filter(pc.is_in(samples.column("image_id"), value_set=image_ids)).select(
        ["image_id", "group_id", "class_ids", "confidence", "annotation_ids"]
    )
    pixels = images.select(["image_id", "pixel_hash"]).filter(
        pc.is_in(images.column("image_id"), value_set=rows.column("image_id"))
    )
    pixel_hashes = dict(zip(pixels.column("image_id").to_pylist(), pixels.column("pixel_hash").to_pylist(), strict=True))
    return [
        _Sample(
            row["image_id"], row["group_id"], pixel_hashes[row["image_id"]], frozenset(row["class_ids"]), row["confidence"], row["annotation_ids"]
        )
        for row in rows.sort_by("image_id").to_pylist()
        if row["image_id"] not in without
    ]  # fmt: skip


def _find(samples: Sequence[_Sample], allowed: Sequence[GroupRuling]) -> Iterator[tuple[ConflictKind, list[_Sample]]]:
    """Pictures of equal pixels that contradict each other; then groups that do without those; but for what is ``allowed``."""
    named = _index_allowed(allowed)
    conflicting: set[str] = set()
    for members in _gather(samples, lambda sample: (sample.group_id, sample.pixel_hash)):
        if _contradict(members):
            conflicting.update(sample.image_id for sample in members)
            if not _is_allowed(members, named):
                yield ConflictKind.IDENTICAL, members
    for members in _gather(
        (sample for sample in samples if sample.image_id not in conflicting), lambda sample: (sample.group_id, "")
    ):
        if _contradict(members) and not _is_allowed(members, named):
            yield ConflictKind.NEAR, members


def _find_suspected(
    samples: pa.Table,
    images: pa.Table,
    suspected: Sequence[SuspectedPlaceholder],
    without: Collection[str],
    allowed: Sequence[GroupRuling],
) -> Iterator[tuple[list[_Sample], str]]:
    """Of each suspected placeholder, the pictures that are samples, unless somebody has ruled that they are what they are."""
    ids = pa.array([image_id for entry in suspected for image_id in entry.image_ids], pa.string())
    known = {sample.image_id: sample for sample in _read_samples(samples, images, ids, without)}
    named = _index_allowed(allowed)
    for entry in suspected:
        members = [known[image_id] for image_id in entry.image_ids if image_id in known]
        if members and not _is_allowed(members, named):
            yield members, entry.evidence


def _index_allowed(allowed: Sequence[GroupRuling]) -> dict[str, list[frozenset[str]]]:
    """Picture → the sets of pictures it is ruled to be right in."""
    named: dict[str, list[frozenset[str]]] = defaultdict(list)
    for ruling in allowed:
        for image_id in ruling.images:
            named[image_id].append(frozenset(ruling.images))
    return named


def _gather(samples: Iterable[_Sample], key: Any) -> Iterator[list[_Sample]]:
    found: dict[Any, list[_Sample]] = defaultdict(list)
    for sample in samples:
        found[key(sample)].append(sample)
    return (members for members in found.values() if len(members) > 1)


def _contradict(members: Sequence[_Sample]) -> bool:
    """Two of them name classes neither of which includes the other's: the distinct sets, by size, are no chain."""
    distinct = sorted({sample.class_ids for sample in members}, key=len)
    return any(not smaller <= larger for smaller, larger in itertools.pairwise(distinct))


def _is_allowed(members: Sequence[_Sample], named: Mapping[str, Sequence[frozenset[str]]]) -> bool:
    ids = {sample.image_id for sample in members}
    return any(ids <= allowed for allowed in named.get(members[0].image_id, ()))


def _read_named(decisions: pa.Table, voters: Sequence[str]) -> dict[str, list[str]]:
    """Annotation → the classes it names."""
    rows = decisions.filter(pc.is_in(decisions.column("annotation_id"), value_set=pa.array(voters, pa.string())))
    return dict(zip(rows.column("annotation_id").to_pylist(), rows.column("class_ids").to_pylist(), strict=True))


def _count_votes(samples: Sequence[_Sample], decisions: pa.Table) -> dict[str, dict[str, int]]:
    """Picture → class → answers that name it."""
    named = _read_named(decisions, [voter for sample in samples for voter in sample.annotation_ids])
    counted: dict[str, dict[str, int]] = {}
    for sample in samples:
        votes = counted.setdefault(sample.image_id, defaultdict(int))
        for voter in sample.annotation_ids:
            for class_id in named.get(voter, ()):
                votes[class_id] += 1
    return counted


def _describe(
    kind: ConflictKind, members: Sequence[_Sample], counted: Mapping[str, Mapping[str, int]], detail: str
) -> dict[str, Any]:
    classes = {class_id for sample in members for class_id in sample.class_ids}
    votes = {class_id: sum(counted[sample.image_id].get(class_id, 0) for sample in members) for class_id in classes}
    ranked = sorted(votes, key=lambda class_id: (-votes[class_id], class_id))
    return {
        "kind": kind,
        "group_id": members[0].group_id,
        "image_ids": [sample.image_id for sample in members],
        "class_ids": ranked,
        "votes": [votes[class_id] for class_id in ranked],
        "detail": detail,
    }


def _tell_pictures(kind: ConflictKind, members: Sequence[_Sample], counted: Mapping[str, Mapping[str, int]]) -> str:
    pictures = "; ".join(_describe_picture(sample, counted[sample.image_id]) for sample in members[:_SHOWN_PICTURES])
    more = f"; and {len(members) - _SHOWN_PICTURES} more" if len(members) > _SHOWN_PICTURES else ""
    what = "equal pixels" if kind == ConflictKind.IDENTICAL else "near-duplicates"
    return f"{what} settled differently: {pictures}{more}"


def _describe_picture(sample: _Sample, votes: Mapping[str, int]) -> str:
    named = " + ".join(f"{class_id} {votes.get(class_id, 0)}" for class_id in sorted(sample.class_ids))
    answers = spell_count(len(sample.annotation_ids), "answer", "answers")
    return f"{sample.image_id[:_SHOWN_DIGITS]} {named} of {answers} (confidence {sample.confidence:.2f})"


def _refuse(samples: pa.Table, annotations: pa.Table, refusals: Mapping[str, Refusal]) -> tuple[pa.Table, pa.Table]:
    gone = pc.is_in(samples.column("image_id"), value_set=pa.array(refusals, pa.string()))
    lost = samples.filter(gone).select(["image_id", "annotation_ids"]).to_pylist()
    why = {voter: refusals[row["image_id"]] for row in lost for voter in row["annotation_ids"]}
    rejected = reject_annotations(annotations, why, Stage.SAMPLES).sort_by("annotation_id")
    return samples.filter(pc.invert(gone)), rejected
