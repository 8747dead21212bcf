"""Refused pictures that a person gave a class: their answers vote for it after all, and are lost no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from logoingest.refusals import Refusal
from logoingest.samples.answers import Annotations, Answers
from logoingest.samples.verdicts import Verdicts
from logoingest.schemas import Reason


def know_ruled_classes(read: Annotations, ruled: Mapping[str, str]) -> Annotations:
    """The annotations with classes that nobody but a person who ruled ever named, behind the others."""
    here = set(read.images.column("image_id").to_pylist()) & ruled.keys() if ruled else set()
    new = sorted({ruled[image_id] for image_id in here} - set(read.class_ids))
    return replace(read, class_ids=[*read.class_ids, *new]) if new else read


def settle_as_ruled(
    read: Annotations, answers: Answers, verdicts: Verdicts, refusals: Mapping[int, Refusal], ruled: Mapping[str, str]
) -> tuple[Verdicts, dict[int, Refusal]]:
    """Settle refused pictures as a person ruled, with confidence 1; a placeholder stays one.

    Args:
        read: with the ruled classes (``know_ruled_classes``).
        answers: of them.
        verdicts: what the answers came to.
        refusals: picture → why it was refused.
        ruled: image_id → class.
    """
    number = {class_id: place for place, class_id in enumerate(read.class_ids)}
    ids = read.images.column("image_id")
    names = {picture: ids[picture].as_py() for picture in refusals} if ruled else {}
    chosen = {
        picture: number[ruled[image_id]]
        for picture, image_id in names.items()
        if image_id in ruled and refusals[picture].reason is not Reason.PLACEHOLDER
    }
    if not chosen:
        return verdicts, dict(refusals)
    pictures, classes = np.array(list(chosen), np.intp), np.array(list(chosen.values()), np.intp)
    kept = ~np.isin(verdicts.class_picture, pictures)
    size = max(len(read.class_ids), 1)
    pairs = np.sort(
        np.concatenate([verdicts.class_picture[kept] * size + verdicts.class_number[kept], pictures * size + classes])
    ).astype(np.intp)
    confidence, agreement, is_settled = verdicts.confidence.copy(), verdicts.agreement.copy(), verdicts.is_settled.copy()
    said = answers.picture[answers.named_answer] * size + answers.named_class
    agreeing = np.array([np.count_nonzero(said == picture * size + class_) for picture, class_ in chosen.items()])
    confidence[pictures], is_settled[pictures] = 1.0, True
    agreement[pictures] = np.round(agreeing / np.maximum(verdicts.named[pictures], 1), 6)
    settled = replace(
        verdicts,
        confidence=confidence,
        agreement=agreement,
        is_settled=is_settled,
        class_picture=pairs // size,
        class_number=pairs % size,
    )
    return settled, {picture: refusal for picture, refusal in refusals.items() if picture not in chosen}
