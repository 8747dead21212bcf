"""A trained baseline's safeguard: reference pictures of train, a rule learned on validation, checked on test."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.errors import Problem, UsageError, quote_first_line
from logoingest.evidence.safeguards.files import (
    MOST_OF_A_CLASS,
    MOST_REFERENCES,
    Safeguard,
    write_safeguard,
)
from logoingest.evidence.safeguards.references import References, Witnessed, make_references, weigh_witnesses
from logoingest.evidence.safeguards.rule import NO_CLASS, Asked, Goals, learn_rule
from logoingest.evidence.safeguards.study import Study, study_rule
from logoingest.files.whole import read_bounded
from logoingest.release.keeping.opening import AnyRelease, open_release
from logoingest.training.data.given import MOST_FILE_BYTES
from logoingest.training.data.pictures import decode_square, iterate_decoded
from logoingest.training.data.splits import SPLITS, Rows, Split, read_splits
from logoingest.training.loop.encoders import BATCH, Encoded, Encoder, load_baseline_encoder
from logoingest.training.loop.phases import Phases
from logoingest.training.models.artifact import NO_CODE, AllowedCode
from logoingest.wording import spell_count

logger = logging.getLogger("logoingest")

#: Held-out pictures under which nothing can be said.
LEAST_VALIDATION = 20
#: Pictures of validation, of test and of no class that are asked, at most: more would make the figures no surer.
_MOST_ASKED = 20_000


class Made(NamedTuple):
    """A safeguard that was made."""

    safeguard: Safeguard
    study: Study


def learn_safeguard(
    release: AnyRelease,
    folder: Path,
    goals: Goals,
    strangers: Mapping[str, bytes] | None = None,
    *,
    device: str = "auto",
    workers: int = 0,
    phases: Phases | None = None,
    code: AllowedCode = NO_CODE,
) -> Made:
    """Learn when the baseline in ``folder`` is to be believed, and write that beside it.

    Args:
        release: that it was trained on.
        folder: of the baseline; gets safeguard.json and references.parquet.
        goals: what is to be kept.
        strangers: encoded pictures of no class by image_id, where there are some: half of them teach, the others check.
        device: as ``train.device``.
        workers: threads that decode.
        phases: told how far it is: safeguard.
        code: what may be imported where the baseline's network is code.

    Raises:
        UsageError: the baseline cannot be read or is of other classes; validation has fewer than 20 pictures.
        GateError: the release is damaged.
    """
    encoder = load_baseline_encoder(folder, device=device, code=code)
    released = read_splits(open_release(release))
    if encoder.facts.class_ids != released.class_ids:
        what = f"has {_name_classes(encoder.facts.class_ids)}, the release has {_name_classes(released.class_ids)}"
        raise UsageError(Problem(str(folder), what, "take the release that it was trained on, or train again"))
    train, validation, test = (released.splits[name] for name in SPLITS)
    lack = find_lack(len(validation))
    if lack is not None:
        raise UsageError(lack)
    with (phases or Phases()).phase("safeguard"):
        made = _learn(encoder, goals, (train, validation, test), strangers or {}, workers)
        write_safeguard(made.safeguard, made.study, folder)
    return made


def find_lack(validation: int) -> Problem | None:
    """Why there can be no safeguard with so many pictures in validation; None where there can."""
    if validation >= LEAST_VALIDATION:
        return None
    what = f"{spell_count(validation, 'single-class picture')}: too few to learn from when the model is to be believed"
    return Problem("validation", what, f"{LEAST_VALIDATION} or more are needed: give splits.validation a larger share")


def _learn(
    encoder: Encoder, goals: Goals, splits: tuple[Split, Split, Split], strangers: Mapping[str, bytes], workers: int
) -> Made:
    train, validation, test = splits
    kept = train.select(choose_references(train, len(encoder.facts.class_ids)))
    references = make_references(kept.image_id, name_seen(_encode_split(encoder, kept, workers)), encoder.model_hash)
    learned, checked = _divide_strangers(strangers)
    asked = []
    for split, ids in ((validation, learned), (test, checked)):
        some = split.select(_choose_first(split.image_id, _MOST_ASKED))
        said = _encode_split(encoder, some, workers)
        if split is validation:
            references = weigh_witnesses(references, name_seen(said))
        ours = _ask(references, said, some.label)
        found = _ask_strangers(encoder, references, [strangers[image_id] for image_id in ids])
        asked.append((ours.join(found), [*some.groups, *ids[: len(found.labels)]]))
    (of_validation, groups), (of_test, _) = asked
    safeguard = Safeguard(encoder.facts.class_ids, goals, learn_rule(of_validation, goals), references)
    study = study_rule(safeguard.rule, goals, of_validation, of_test, groups=groups, class_ids=safeguard.class_ids)
    return Made(safeguard, study)


def name_seen(said: Encoded) -> Witnessed:
    """What a network that knows our classes says, as witnesses take it."""
    assert said.scores is not None
    return Witnessed(said.embeddings, said.lower, said.scores)


def choose_references(train: Split, class_count: int) -> Rows:
    """Pictures of train, so many of each class that all stay bounded: those with the smallest image_id, which is chance."""
    most = max(1, min(MOST_OF_A_CLASS, MOST_REFERENCES // max(1, class_count)))
    order = np.argsort(np.array(train.image_id, object), kind="stable")
    chosen: list[int] = []
    for number in np.unique(train.label).tolist():
        chosen += order[train.label[order] == number][:most].tolist()
    return np.array(sorted(chosen)[:MOST_REFERENCES], np.int64)


def read_strangers(files: Iterable[str | os.PathLike[str]]) -> dict[str, bytes]:
    """Pictures of no class by the sha256 of their bytes; files that cannot be read are left out, and said so."""
    found: dict[str, bytes] = {}
    for file in files:
        try:
            data = read_bounded(Path(file), MOST_FILE_BYTES)
        except (OSError, ValueError) as error:
            logger.warning("%s is left out: %s", file, quote_first_line(error))
            continue
        found[hashlib.sha256(data).hexdigest()] = data
    return found


def _choose_first(image_ids: Sequence[str], most: int) -> Rows:
    return np.sort(np.argsort(np.array(image_ids, object), kind="stable")[:most]).astype(np.int64)


def _divide_strangers(strangers: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Every second one by image_id."""
    ids = sorted(strangers)[: 2 * _MOST_ASKED]
    return ids[::2], ids[1::2]


def _encode_split(encoder: Encoder, split: Split, workers: int) -> Encoded:
    squares = iterate_decoded(split, range(len(split)), encoder.side_px, workers)
    return _encode(encoder, squares)


def _encode(encoder: Encoder, squares: Iterable[npt.NDArray[np.uint8]]) -> Encoded:
    """What the network says, a batch in memory at a time; of no pictures, no rows."""
    said, batch = [], []
    for square in squares:
        batch.append(square)
        if len(batch) == BATCH:
            said.append(encoder.run(np.stack(batch)))
            batch = []
    if batch or not said:
        rest = np.stack(batch) if batch else np.zeros((1, encoder.side_px, encoder.side_px, 3), np.uint8)
        said.append(_cut(encoder.run(rest), len(batch)))
    scores, lower = (
        [part for part in parts if part is not None] for parts in ((one.scores for one in said), (one.lower for one in said))
    )
    embeddings = np.concatenate([one.embeddings for one in said])
    return Encoded(embeddings, *(np.concatenate(parts) if parts else None for parts in (scores, lower)))


def _cut(said: Encoded, count: int) -> Encoded:
    """Of the first pictures alone."""
    scores, lower = (None if part is None else part[:count] for part in (said.scores, said.lower))
    return Encoded(said.embeddings[:count], scores, lower)


def _ask(references: References, said: Encoded, labels: Rows) -> Asked:
    seen = name_seen(said)
    return Asked(np.asarray(seen.scores, np.float64), references.measure(seen), labels)


def _ask_strangers(encoder: Encoder, references: References, files: Sequence[bytes]) -> Asked:
    """Those that can be decoded; what cannot is no picture."""
    squares = []
    for data in files:
        try:
            squares.append(decode_square(data, encoder.side_px))
        except ValueError:
            continue
    return _ask(references, _encode(encoder, squares), np.full(len(squares), NO_CLASS, np.int64))


def _name_classes(class_ids: Sequence[str]) -> str:
    return f"{len(class_ids)} classes ({', '.join(class_ids[:3])}{' …' if len(class_ids) > 3 else ''})"
