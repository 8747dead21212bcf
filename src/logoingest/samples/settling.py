"""The ``samples`` stage: from what people said about each picture to its settled class, or to why there is none.

How an answer is made from annotations is told in ``answers``, how votes are settled in ``consensus``. Beyond that:

- "No label" is a candidate like any class: one "Nike" among four "none" is no Nike (``no_label_won``).
- An answer that could not be read (review, unknown, dropped) votes for nothing, yet it may have meant something else: the
  confidence is cut by a quarter of such answers' share, each weighted by how much of that worker's other answers can be read
  (someone who types "good" everywhere hardly doubts anything).
- A picture for which some answer names several classes is settled class by class: each is there with a probability of its own
  (one coin: yes and no votes by skill, softened as the urn says; majority: the share naming it).
- A box is brought into its picture; an answer whose box lies elsewhere is refused (``bad_box``) before anything is counted.
- The same picture at many URLs whose answers disagree, or mostly mean "no label", is a placeholder: see ``placeholders``.

Every accepted annotation whose URL is in ``images`` ends in exactly one place: in ``annotation_ids`` of its picture's sample,
whichever class it named, or in ``rejected``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import SamplesConfig
from logoingest.consensus.votes import Indices, count_distinct, is_among
from logoingest.refusals import Refusal, reject_annotations
from logoingest.samples.agreement import tabulate_agreement
from logoingest.samples.answers import Annotations, Answers, Bools, gather_answers, number_annotations, place_gold
from logoingest.samples.boxes import DrawnBox, join_attributes, merge_boxes
from logoingest.samples.placing_boxes import place_boxes
from logoingest.samples.ruled_pictures import know_ruled_classes, settle_as_ruled
from logoingest.samples.stand_ins.placeholders import Placeholder, find_placeholders, tabulate_placeholders
from logoingest.samples.stand_ins.suspected import SuspectedPlaceholder, find_suspected
from logoingest.samples.verdicts import Verdicts, describe_answers, settle_pictures, to_list_array
from logoingest.samples.workers import describe_workers
from logoingest.schemas import Reason, SampleRow, Stage


class SettledSamples(NamedTuple):
    """What the samples stage made of its input."""

    samples: pa.Table
    """``SampleRow``, sorted by image_id."""
    rejected: pa.Table
    """``RejectedRow``, sorted by annotation_id."""
    workers: pa.Table
    """``WorkerRow``, sorted by worker_id."""
    agreement: pa.Table
    """``AgreementRow``: all answers, then "no label", then class by class."""
    placeholders: pa.Table
    """``PlaceholderRow``, sorted by image_id."""
    suspected: Sequence[SuspectedPlaceholder]
    """Pictures among ``samples`` or not that may be placeholders; ``resolve_conflicts`` leaves them out until somebody rules."""


def settle_samples(
    annotations: pa.Table,
    decisions: pa.Table,
    images: pa.Table,
    config: SamplesConfig,
    gold: Mapping[str, str | None] | None = None,
    *,
    listed: pa.Table | None = None,
    ruled: Mapping[str, str] | None = None,
) -> SettledSamples:
    """Settle what each picture shows.

    Args:
        annotations: ``AnnotationRow``, kept ones.
        decisions: a row an annotation: annotation_id, decision (accepted, ignored, review, unknown, dropped), class_ids
            (list of string; empty unless accepted), and perhaps attributes (what the label says besides its class, JSON);
            further columns are left alone.
        images: ``ImageRow``. Annotations whose URL no image has are neither counted nor rejected here.
        config: the ``[samples]`` section.
        gold: URL → the right class id, None where the picture shows none (``gold.read_gold``). Workers are measured against it and
            confidence is corrected by it; what a picture is settled as is still what its answers say.
        listed: ``ListedPlaceholderRow``: placeholders that are not among ``images``, for the table of all of them.
        ruled: image_id → class that a person gave. Pictures that would be refused, and are no placeholders, become samples of it;
            what else people ruled is ``resolve_conflicts``' business.

    Returns:
        Samples, rejected annotations (bad_box, tie, low_confidence, too_few_votes, no_label_won, placeholder), workers, agreement and
        placeholders.

    Raises:
        LogoingestError: an annotation has no decision.
    """
    annotations, misplaced = place_boxes(annotations, decisions, images)
    read = know_ruled_classes(number_annotations(annotations, decisions, images), ruled or {})
    answers = gather_answers(read)
    placeholders = find_placeholders(read, config.placeholder_min_urls)
    suspected = find_suspected(read, config.placeholder_min_urls, placeholders)
    hidden = np.zeros(len(read.images), bool)
    hidden[list(placeholders)] = True
    known = place_gold(read, gold or {})
    verdicts = settle_pictures(read, answers, hidden, known, config)
    refusals = _refuse_pictures(read, answers, verdicts, placeholders, config)
    verdicts, refusals = settle_as_ruled(read, answers, verdicts, refusals, ruled or {})
    refused = np.zeros(len(read.images), bool)
    refused[list(refusals)] = True
    return SettledSamples(
        samples=_build_samples(read, answers, verdicts, np.flatnonzero(verdicts.is_settled & ~refused)),
        rejected=pa.concat_tables([_reject_votes(read, refusals, refused), misplaced]).sort_by("annotation_id"),
        workers=describe_workers(read, answers, verdicts, known),
        agreement=tabulate_agreement(*verdicts.ballots, read.class_ids),
        placeholders=tabulate_placeholders(read, placeholders, suspected.rows, listed),
        suspected=suspected.units,
    )


def _refuse_pictures(
    read: Annotations, answers: Answers, verdicts: Verdicts, placeholders: dict[int, Placeholder], config: SamplesConfig
) -> dict[int, Refusal]:
    """Picture → why it becomes no sample, for all that somebody gave a class."""
    asked = np.zeros(len(read.images), bool)
    asked[read.picture[read.accepted & (read.picture >= 0)]] = True
    unsure = ~verdicts.is_settled | (verdicts.confidence < config.min_confidence)
    refused = asked & (verdicts.is_no_label | verdicts.is_tied | (verdicts.named < config.min_votes) | unsure)
    counts = describe_answers(read, answers, refused)
    torn = np.bincount(answers.picture[answers.is_torn], minlength=len(read.images))
    for picture in np.flatnonzero(torn * refused).tolist():
        counts[picture] += f"{'; ' if counts[picture] else ''}rows of {_count_people(torn[picture])} contradict each other"
    refusals = {
        picture: _refuse_picture(picture, verdicts, counts[picture], config) for picture in np.flatnonzero(refused).tolist()
    }
    return refusals | {picture: Refusal(Reason.PLACEHOLDER, found.evidence) for picture, found in placeholders.items()}


def _count_people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"


def _refuse_picture(picture: int, verdicts: Verdicts, counts: str, config: SamplesConfig) -> Refusal:
    if verdicts.is_no_label[picture]:
        return Refusal(Reason.NO_LABEL_WON, counts)
    if verdicts.named[picture] < config.min_votes:
        given = f"{counts}; " if counts else ""
        return Refusal(Reason.TOO_FEW_VOTES, f"{given}{verdicts.named[picture]} of samples.min_votes = {config.min_votes} votes")
    if verdicts.is_tied[picture] or verdicts.is_even[picture]:
        return Refusal(Reason.TIE, counts)
    return Refusal(
        Reason.LOW_CONFIDENCE,
        f"{counts}; confidence {verdicts.confidence[picture]:.2f} of samples.min_confidence = {config.min_confidence:g}",
    )


def _reject_votes(read: Annotations, refusals: dict[int, Refusal], refused: Bools) -> pa.Table:
    lost = np.flatnonzero(read.accepted & (read.picture >= 0))
    lost = lost[refused[read.picture[lost]]]
    rows = read.table.take(pa.array(lost, pa.int64()))
    found = (refusals[picture] for picture in read.picture[lost].tolist())
    why = dict(zip(rows.column("annotation_id").to_pylist(), found, strict=True))
    return reject_annotations(rows, why, Stage.SAMPLES)


def _build_samples(read: Annotations, answers: Answers, verdicts: Verdicts, pictures: Indices) -> pa.Table:
    place = np.full(len(read.images), -1)
    place[pictures] = np.arange(len(pictures))
    names = pa.array(read.class_ids, pa.string())
    kept = place[verdicts.class_picture] >= 0
    owner, won = place[verdicts.class_picture[kept]], verdicts.class_number[kept]
    one = np.bincount(owner, minlength=len(pictures)) == 1
    first = won[np.searchsorted(owner, np.arange(len(pictures)))]
    voters = np.flatnonzero(read.accepted & (read.picture >= 0))
    voters = voters[place[read.picture[voters]] >= 0]
    voters = voters[np.argsort(place[read.picture[voters]], kind="stable")]
    images = read.images.take(pa.array(pictures, pa.int64()))
    columns = {
        "image_id": images.column("image_id"),
        "group_id": images.column("group_id"),
        "class_id": names.take(pa.array(first, pa.int64(), mask=~one)),
        "class_ids": to_list_array(names.take(pa.array(won, pa.int64())), owner, len(pictures)),
        "confidence": pa.array(verdicts.confidence[pictures], pa.float64()),
        "votes": pa.array(verdicts.named[pictures], pa.int32()),
        "agreement": pa.array(verdicts.agreement[pictures], pa.float64()),
        "boxes": _gather_boxes(read, answers, verdicts, pictures),
        "annotation_ids": to_list_array(
            read.table.column("annotation_id").combine_chunks().take(pa.array(voters, pa.int64())),
            place[read.picture[voters]],
            len(pictures),
        ),
    }
    schema = SampleRow.arrow_schema()
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _gather_boxes(read: Annotations, answers: Answers, verdicts: Verdicts, pictures: Indices) -> pa.Array:
    """The boxes of classes that won, a list a picture."""
    size = max(len(read.class_ids), 1)
    row, class_ = read.named_row, read.named_class
    boxed = pc.is_valid(read.table.column("bbox")).to_numpy() & answers.counted
    shown = np.zeros(len(read.images), bool)
    shown[pictures] = True
    row, class_ = row[boxed[row]], class_[boxed[row]]
    kept = shown[read.picture[row]] & is_among(
        read.picture[row] * size + class_, verdicts.class_picture * size + verdicts.class_number
    )
    row, class_ = row[kept], class_[kept]
    drawn: dict[int, list[DrawnBox]] = {picture: [] for picture in count_distinct(read.picture[row])[0].tolist()}
    told = read.table.select(["bbox", "attributes", "label_attributes"]).take(pa.array(row, pa.int64())).columns
    for picture, number, person, bbox, of_source, of_label in zip(
        read.picture[row].tolist(),
        class_.tolist(),
        answers.person[row].tolist(),
        *(column.to_pylist() for column in told),
        strict=True,
    ):
        attributes = join_attributes(of_source, of_label)
        drawn[picture].append(DrawnBox(read.class_ids[number], tuple(bbox), person, attributes))
    merged = [merge_boxes(boxes) for boxes in drawn.values()]
    lengths = np.zeros(len(read.images), np.intp)
    lengths[list(drawn)] = [len(boxes) for boxes in merged]
    flat = [box for boxes in merged for box in boxes]
    owner = np.repeat(np.arange(len(pictures)), lengths[pictures])
    return to_list_array(pa.array(flat, SampleRow.arrow_schema().field("boxes").type.value_type), owner, len(pictures))
