"""What a person should look at: settled labels that look wrong, and refused pictures that look decided. Nothing is changed by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.evidence.label_errors import (
    Floats,
    Rows,
    calibrate,
    combine,
    find_label_errors,
    rank_labels,
    scale,
    spread_votes,
    temper_confidence,
)
from logoingest.evidence.vectors import Vectors, find_nearest
from logoingest.evidence.written import Heard, hear_texts
from logoingest.schemas import PredictionRow, SuspectRow

#: Kinds of suspects: a settled label that looks wrong, and a refused picture that looks decided.
LABEL, SETTLED = "label", "settled"
#: Neighbours that are looked at, and shown.
NEIGHBOURS, SHOWN = 5, 3
#: A refused picture is proposed from this joint probability on, when so many of its neighbours are of the class.
_SURE, _AGREEING = 0.9, 3
#: More neighbours are asked for than needed, since those of the picture's own group do not count.
_FURTHER = 24
_MOST_NAMED, _MOST_TEXTS = 4, 3


@dataclass(frozen=True)
class JudgedPictures:
    """What models say of pictures they never learned from; n labelled ones (train, validation, test) and m refused ones.

    All tuples and arrays of the labelled ones are as long, as are those of the refused ones.
    """

    class_ids: tuple[str, ...]
    image_ids: tuple[str, ...]
    labels: Rows
    """Class index."""
    splits: tuple[str, ...]
    folds: Rows
    """-1 for test, which is in no fold."""
    probabilities: npt.NDArray[np.float32]
    is_known: npt.NDArray[np.bool_]
    """Whether the label's class was learned from where the picture was held out: otherwise the model can't have named it."""
    refused_ids: tuple[str, ...]
    refused: npt.NDArray[np.float32]


class PictureKnowledge(NamedTuple):
    """What else is known of the pictures, by image_id."""

    confidence: Mapping[str, float]
    """Of the settled class."""
    votes: Mapping[str, Mapping[str, int]]
    """class_id → answers."""
    groups: Mapping[str, str]
    settled: Mapping[str, str]
    """The class of every picture with one class, of whatever split."""
    texts: Mapping[str, Sequence[str]] = {}
    """What was read on the pictures, folded; none where nothing was read."""
    spellings: Sequence[tuple[str, str]] = ()
    """(folded text, class_id) of the class map."""


class RankedSuspects(NamedTuple):
    """The two tables, and how the model stood."""

    predictions: pa.Table
    """``PredictionRow``, sorted by image_id."""
    suspects: pa.Table
    """``SuspectRow``, kind by kind in order of rank."""
    temperature: float
    accuracy: float
    """Share of the labelled pictures whose label the model names first."""
    unjudged: int
    """Pictures whose class was in no other fold."""
    loudness: float
    """How much the text on the pictures counts beside the model (``hear_texts``)."""


class _Near(NamedTuple):
    ids: Sequence[str]
    classes: Sequence[str]
    distance: float | None


def find_suspects(judged: JudgedPictures, known: PictureKnowledge, vectors: Vectors | None) -> RankedSuspects:
    """Rank the labels by what models, votes and the text on the pictures say together, and propose what refused pictures are.

    A label is a suspect where both witnesses together hold another class for likelier, unless its class was in no other fold; whether
    confident learning flags it without the votes is told beside it. A refused picture is proposed where both together are 90 % sure of a class that somebody named,
    and three of its five nearest settled pictures are of it.

    Args:
        judged: of a training or a probe.
        known: votes, groups and classes.
        vectors: embeddings for neighbours and distances; without them nothing refused is proposed.

    Raises:
        UsageError: the model knows other classes than the labels; see ``find_label_errors``.
    """
    taught = judged.is_known
    temperature = calibrate(judged.probabilities[taught], judged.labels[taught])[1]
    shares = scale(judged.probabilities, temperature)
    heard = _hear(judged, known, shares)
    errors = find_label_errors(heard.shares if heard.loudness else judged.probabilities, judged.labels)
    count = len(judged.class_ids)
    priors = (np.bincount(judged.labels, minlength=count) + 1) / (len(judged.labels) + count)
    number = {class_id: place for place, class_id in enumerate(judged.class_ids)}
    confidence = np.array([known.confidence.get(image_id, 0.0) for image_id in judged.image_ids])
    confidence[taught] = temper_confidence(heard.shares[taught], confidence[taught], judged.labels[taught], priors)
    together = combine(heard.shares, _weigh(judged.image_ids, judged.labels, confidence, known, number), priors)
    near = _find_near(vectors, known, [*judged.image_ids, *judged.refused_ids])
    rows = [
        *_list_labels(judged, known, together, errors.flagged, heard, near),
        *_list_settled(judged, known, temperature, priors, near),
    ]
    is_right = judged.probabilities.argmax(axis=1) == judged.labels
    return RankedSuspects(
        _tabulate_predictions(judged, shares, temperature, near),
        SuspectRow.table(rows),
        temperature,
        float(is_right.mean()) if len(is_right) else 0.0,
        int((~judged.is_known).sum()),
        heard.loudness,
    )


def _hear(judged: JudgedPictures, known: PictureKnowledge, shares: Floats) -> Heard:
    number = {class_id: place for place, class_id in enumerate(judged.class_ids)}
    texts = [known.texts.get(image_id, ()) for image_id in judged.image_ids]
    spellings = [(text, number[class_id]) for text, class_id in known.spellings if class_id in number]
    return hear_texts(shares, judged.labels, judged.folds, judged.is_known, texts, spellings)


def _weigh(
    image_ids: Sequence[str], labels: Rows, confidence: Floats, known: PictureKnowledge, number: Mapping[str, int]
) -> Floats:
    votes = [
        {number[name]: times for name, times in known.votes.get(image_id, {}).items() if name in number} for image_id in image_ids
    ]
    return spread_votes(confidence, labels, votes, len(number))


def _find_near(vectors: Vectors | None, known: PictureKnowledge, image_ids: Sequence[str]) -> dict[str, _Near]:
    """The nearest settled pictures of other groups, of those pictures that have an embedding."""
    if vectors is None:
        return {}
    among = vectors.select([image_id for image_id in vectors.image_ids if image_id in known.settled])
    asked = vectors.select(image_ids)
    if not len(among) or not len(asked):
        return {}
    found = find_nearest(among, asked.matrix, min(NEIGHBOURS + _FURTHER, len(among)))
    near = {}
    for image_id, rows, similarity in zip(asked.image_ids, found.rows.tolist(), found.similarity.tolist(), strict=True):
        own = known.groups.get(image_id, image_id)
        kept = [
            (among.image_ids[row], cosine)
            for row, cosine in zip(rows, similarity, strict=True)
            if row >= 0 and among.image_ids[row] != image_id and known.groups.get(among.image_ids[row]) != own
        ][:NEIGHBOURS]
        classes = [known.settled[name] for name, _ in kept]
        distance = round(1 - float(np.mean([cosine for _, cosine in kept])), 6) if kept else None
        near[image_id] = _Near([name for name, _ in kept], classes, distance)
    return near


def _list_labels(  # noqa: PLR0917  # the witnesses
    judged: JudgedPictures,
    known: PictureKnowledge,
    together: Floats,
    flagged: npt.NDArray[np.bool_],
    heard: Heard,
    near: Mapping[str, _Near],
) -> list[dict[str, object]]:
    everyone = np.arange(len(judged.labels))
    others = together.copy()
    others[everyone, judged.labels] = -1.0
    proposals = others.argmax(axis=1)
    margins = together[everyone, judged.labels] - others[everyone, proposals]
    ranked = rank_labels(together, judged.labels).tolist()
    chosen = [row for row in ranked if judged.is_known[row] and margins[row] < 0]
    doubts = [
        _Doubt(
            LABEL,
            judged.image_ids[row],
            judged.splits[row],
            judged.class_ids[judged.labels[row]],
            judged.class_ids[proposals[row]],
            together[row, proposals[row]],
            margins[row],
            bool(flagged[row]),
            _describe_text(known.texts.get(judged.image_ids[row], ()), judged.class_ids, heard, row),
        )
        for row in chosen
    ]
    return _rank(doubts, known, near)


def _describe_text(texts: Sequence[str], class_ids: Sequence[str], heard: Heard, row: int) -> str:
    """``coca cola, enjoy, as on cocacola``; empty where the text is not heard or says nothing."""
    if not heard.loudness or heard.speaks_for[row] < 0:
        return ""
    return ", ".join([*texts[:_MOST_TEXTS], f"as on {class_ids[heard.speaks_for[row]]}"])


def _rank(doubts: Sequence[_Doubt], known: PictureKnowledge, near: Mapping[str, _Near]) -> list[dict[str, object]]:
    return [
        _describe(rank, doubt, known.votes.get(doubt.image_id, {}), near.get(doubt.image_id))
        for rank, doubt in enumerate(doubts, 1)
    ]


def _list_settled(
    judged: JudgedPictures, known: PictureKnowledge, temperature: float, priors: Floats, near: Mapping[str, _Near]
) -> list[dict[str, object]]:
    if not judged.refused_ids:
        return []
    number = {class_id: place for place, class_id in enumerate(judged.class_ids)}
    nobody = np.full(len(judged.refused_ids), -1, np.int64)
    voted = _weigh(judged.refused_ids, nobody, np.zeros(len(nobody)), known, number)
    together = combine(scale(judged.refused, temperature), voted, priors)
    best = together.argmax(axis=1)
    found = []
    for row, image_id in enumerate(judged.refused_ids):
        proposal, around = judged.class_ids[best[row]], near.get(image_id)
        agreeing = list(around.classes).count(proposal) if around else 0
        named = known.votes.get(image_id, {}).get(proposal, 0)
        if together[row, best[row]] >= _SURE and agreeing >= _AGREEING and named:
            found.append(_Doubt(SETTLED, image_id, None, None, proposal, float(together[row, best[row]]), 0.0))
    return _rank(sorted(found, key=lambda doubt: (-doubt.score, doubt.image_id)), known, near)


class _Doubt(NamedTuple):
    """What is doubted of a picture."""

    kind: str
    image_id: str
    split: str | None
    class_id: str | None
    proposal: str
    score: float
    margin: float
    is_flagged: bool = False
    """By confident learning, from the model and the text, without the votes."""
    written: str = ""
    """On the picture, and which class that speaks for."""


def _describe(rank: int, doubt: _Doubt, votes: Mapping[str, int], near: _Near | None) -> dict[str, object]:
    said, around = describe_votes(votes), list(near.classes[:SHOWN]) if near else []
    label = f"labelled {doubt.class_id}" if doubt.class_id else "refused"
    told = [f"{label}, model and votes say {doubt.proposal} ({doubt.score:.0%})"]
    told += ["confident learning flags it"] if doubt.is_flagged else []
    told += [f"answers: {said}"] if said else []
    told += [f"written on it: {doubt.written}"] if doubt.written else []
    told += [f"looks like {', '.join(around)}"] if around else []
    told += [f"in {doubt.split}{': you decide, not the model' if doubt.split == 'test' else ''}"] if doubt.split else []
    return {
        "kind": doubt.kind,
        "image_id": doubt.image_id,
        "split": doubt.split,
        "class_id": doubt.class_id,
        "proposal": doubt.proposal,
        "rank": rank,
        "score": round(float(doubt.score), 6),
        "margin": round(float(doubt.margin), 6),
        "votes": said,
        "neighbours": list(near.ids[:SHOWN]) if near else [],
        "neighbour_classes": around,
        "detail": "; ".join(told),
    }


def describe_votes(votes: Mapping[str, int]) -> str:
    """``nike 2 : puma 1``, the most named first."""
    ranked = sorted(votes.items(), key=lambda pair: (-pair[1], pair[0]))
    more = f" : {len(ranked) - _MOST_NAMED} more" if len(ranked) > _MOST_NAMED else ""
    return " : ".join(f"{name} {times}" for name, times in ranked[:_MOST_NAMED]) + more


def _tabulate_predictions(judged: JudgedPictures, shares: Floats, temperature: float, near: Mapping[str, _Near]) -> pa.Table:
    refused = scale(judged.refused, temperature) if judged.refused_ids else np.zeros((0, shares.shape[1]))
    ids, folds = [*judged.image_ids, *judged.refused_ids], [*judged.folds.tolist(), *([-1] * len(judged.refused_ids))]
    every = np.concatenate([shares, refused])
    ranked = np.sort(every, axis=1)
    best = every.argmax(axis=1).tolist()
    rows = (
        {
            "image_id": image_id,
            "fold": None if fold < 0 else fold,
            "class_id": judged.class_ids[number],
            "class_index": number,
            "probabilities": row.astype(np.float32),
            "margin": round(float(top[-1] - top[-2]), 6),
            "distance": near[image_id].distance if image_id in near else None,
        }
        for image_id, fold, number, row, top in zip(ids, folds, best, every, ranked, strict=True)
    )
    return PredictionRow.table(rows).sort_by("image_id")


def keep_open(suspects: pa.Table, samples: pa.Table, ruled: Collection[str]) -> pa.Table:
    """The suspects that still are: nobody has ruled on the picture, its class is still that one, or it is still refused.

    Args:
        suspects: ``SuspectRow``.
        samples: image_id, class_id.
        ruled: image_ids of pictures that a person ruled on.
    """
    place = pc.index_in(suspects.column("image_id"), value_set=samples.column("image_id").combine_chunks())
    now = samples.column("class_id").take(place)
    unchanged = pc.if_else(
        pc.equal(suspects.column("kind"), LABEL), pc.fill_null(pc.equal(now, suspects.column("class_id")), False), pc.is_null(place)
    )
    untouched = pc.invert(pc.is_in(suspects.column("image_id"), value_set=pa.array(sorted(ruled), pa.string())))
    return suspects.filter(pc.and_(unchanged, untouched))
