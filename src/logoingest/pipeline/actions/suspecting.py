"""Wrong labels and pictures that could be settled: judged out of fold, ranked, written for the review. Changes no label."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logoingest.errors import Problem, UsageError
from logoingest.evidence.embedding_files import choose_model, list_models
from logoingest.evidence.probe import probe_out_of_fold
from logoingest.evidence.suspects import LABEL, SETTLED, JudgedPictures, find_suspects
from logoingest.evidence.vectors import Vectors, centre_vectors, read_vectors
from logoingest.pipeline.evidence.embeddings import list_places, load_embeddings
from logoingest.pipeline.evidence.suspects import SUSPECTS, gather_knowledge, list_undecided, read_open_suspects
from logoingest.pipeline.session import Run
from logoingest.plain_json import Rows
from logoingest.release.keeping.opening import open_release
from logoingest.release.reading.loader import Release
from logoingest.schemas import SuspectRow
from logoingest.splits import deal_folds
from logoingest.stage_names import Stage
from logoingest.training.data.splits import FOLDED_SPLITS, SPLITS, ReleasedSplits, Split, read_splits

logger = logging.getLogger("logoingest")

PREDICTIONS = "predictions"
#: Refused pictures that trained networks look at, at most.
_MOST_REFUSED = 5_000


class Suspected(NamedTuple):
    """What was found, and by whom."""

    judge: str
    """"folds" (a training a fold) or "probe"."""
    judged: int
    """Settled pictures with one class."""
    accuracy: float
    """Share of them whose label the judge names first without having learned from it."""
    temperature: float
    labels: int
    """Settled labels that look wrong, and nobody has ruled on."""
    settled: int
    """Refused pictures that look decided, likewise."""
    unjudged: int
    """Pictures whose class lies in one group alone: no other fold could teach it."""


class SuspectsAnswer(NamedTuple):
    """What was found, and what is open."""

    found: Suspected | None
    """None where nothing was looked for anew."""
    suspects: Annotated[pa.Table, Rows(SuspectRow)]


def suspect(run: Run, folds: int = 5, *, probe: bool = False, backbone: str = "") -> Suspected:
    """Judge every released picture by models that never saw it, and write the tables ``predictions`` and ``suspects``.

    Args:
        run: an open run of a workspace with a release.
        folds: of groups of near-duplicates; each trains a network by ``[train]``, or fits a probe.
        probe: logistic regression on the embeddings, in place of trainings: seconds, and less sharp.
        backbone: whose embeddings, in place of ``evidence.backbone``.

    Raises:
        UsageError: nothing was released, there are fewer groups than folds, torch or (for a probe) the embeddings are missing.
        ConfigError: the network or its weights cannot be had.
    """
    if not run.workspace.exists("release/manifest.json"):
        raise UsageError(Problem(run.workspace.url, "has no release yet", "run with --until release"))
    vectors = _find_vectors(run, backbone, probe)
    undecided = list_undecided(run)
    with run.workspace.local_copy("release") as folder:
        release = open_release(folder)
        released = read_splits(release)
        if vectors is not None and probe:
            _warn_of_learned(run, backbone)
            judged = _probe(released, vectors, folds, undecided)
        else:
            judged = _train(run, release, released, folds, undecided)
    known = gather_knowledge(run)
    found = find_suspects(judged, known, vectors)
    if known.texts:
        heard = f"is heard (exponent {found.loudness:.2f})" if found.loudness else "tells no more than the model, and is not heard"
        logger.info("the text on the pictures %s", heard)
    run.workspace.write_table(PREDICTIONS, found.predictions)
    run.workspace.write_table(SUSPECTS, found.suspects)
    kinds = read_open_suspects(run).column("kind").to_pylist()
    if found.unjudged:
        logger.info("%d pictures could not be judged: all of their class is in one group", found.unjudged)
    judge = "probe" if probe else "folds"
    accuracy, temperature = round(found.accuracy, 4), round(found.temperature, 4)
    counts = kinds.count(LABEL), kinds.count(SETTLED)
    return Suspected(judge, len(judged.image_ids), accuracy, temperature, *counts, found.unjudged)


def _find_vectors(run: Run, backbone: str, needed: bool) -> Vectors | None:
    """The embeddings; without them a training still finds suspects, but names no neighbours."""
    if needed or list_models(run.workspace):
        try:
            return centre_vectors(read_vectors(load_embeddings(run, backbone)[1]))
        except UsageError:
            if needed:
                raise
    logger.info("no embeddings: neighbours are not shown and refused pictures are not proposed (logoingest embed)")
    return None


def _warn_of_learned(run: Run, backbone: str) -> None:
    """Embeddings of a network that learned from our labels repeat them."""
    model = choose_model(run.workspace, backbone or run.config.evidence.backbone)
    if model.class_ids:
        logger.warning(
            "the embeddings are of a network that has learned from the labels it is to judge (%s): wrong labels may look right; "
            "embed with a network of its own, as in --backbone mobilenet_v2, or leave out --probe",
            model.name,
        )


def _join(parts: Sequence[Split]) -> tuple[list[str], npt.NDArray[np.int64], list[str]]:
    ids = [image_id for part in parts for image_id in part.image_id]
    return ids, np.concatenate([part.label for part in parts]), [group for part in parts for group in part.groups]


def _probe(released: ReleasedSplits, vectors: Vectors, count: int, undecided: Sequence[str]) -> JudgedPictures:
    pool = [released.splits[name] for name in FOLDED_SPLITS]
    ids, labels, groups = _join(pool)
    _check_embedded([*ids, *released.splits["test"].image_id], vectors)
    held_out = deal_folds(groups, [f"{label:06}" for label in labels.tolist()], count)
    folds = np.array([next(number for number, fold in enumerate(held_out) if group in fold) for group in groups], np.int64)
    test, refused = released.splits["test"], [image_id for image_id in undecided if image_id in vectors.place]
    others = vectors.select([*test.image_id, *refused]).matrix
    probed = probe_out_of_fold(vectors.select(ids).matrix, labels, folds, len(released.class_ids), others)
    on_test, on_refused = probed.others[: len(test)], probed.others[len(test) :]
    return _gather(released, folds, probed.probabilities, probed.learned, on_test, refused, on_refused)


def _check_embedded(ids: Sequence[str], vectors: Vectors) -> None:
    missing = sum(image_id not in vectors.place for image_id in ids)
    if missing:
        what = f"{missing:,} of {len(ids):,} released pictures have none"
        raise UsageError(Problem("embeddings", what, "compute what is missing with: logoingest embed dataset.toml"))


def _train(run: Run, release: Release, released: ReleasedSplits, count: int, undecided: Sequence[str]) -> JudgedPictures:
    from logoingest.training import check_installation

    check_installation()
    from logoingest.heap import keep_freed_memory
    from logoingest.training.classification.folds import predict_out_of_fold
    from logoingest.training.classification.preparation import prepare
    from logoingest.training.data.splits import cut_folds
    from logoingest.training.loop.phases import Phases

    folds = cut_folds(released.splits, count)
    phases = Phases(
        lambda phase, facts: run.progress(Stage.TRAIN, int(facts.get("done", 0)), facts.get("total"), f"suspects: {phase}")
    )
    refused, pixels = _decode_refused(run, undecided)
    prepared = prepare(release, run.config.train, folds=True, phases=phases)
    with keep_freed_memory():
        made = predict_out_of_fold(
            prepared, run.config.train, folds, base_dir=Path(run.config.base_dir), further=pixels, phases=phases
        )
    return _gather(released, made.folds, made.probabilities, made.learned, made.test, refused, made.further)


def _gather(  # noqa: PLR0917  # what a judge says
    released: ReleasedSplits,
    folds: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float32],
    learned: npt.NDArray[np.bool_],
    on_test: npt.NDArray[np.float32],
    refused: Sequence[str],
    on_refused: npt.NDArray[np.float32],
) -> JudgedPictures:
    parts = [released.splits[name] for name in SPLITS]
    ids, labels, _ = _join(parts)
    pooled = len(folds)
    ever = np.asarray(learned.max(axis=0), bool)
    is_known = np.concatenate([learned[folds, labels[:pooled]], ever[labels[pooled:]]])
    return JudgedPictures(
        released.class_ids,
        tuple(ids),
        labels,
        tuple(name for name, part in zip(SPLITS, parts, strict=True) for _ in part.image_id),
        np.concatenate([folds, np.full(len(labels) - pooled, -1, np.int64)]),
        np.concatenate([shares, on_test]),
        is_known,
        tuple(refused),
        on_refused,
    )


def _decode_refused(run: Run, undecided: Sequence[str]) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """(those that decode, (n, side, side, 3)) of the first so many."""
    from logoingest.training.data.pictures import decode_square

    side, wanted = run.config.train.image_side_px, set(undecided[:_MOST_REFUSED])
    found: dict[str, npt.NDArray[np.uint8]] = {}
    places: Mapping[str, Mapping[str, int]] = list_places(run) if wanted else {}
    for shard, rows in places.items():
        here = [image_id for image_id in rows if image_id in wanted]
        for image_id, body in zip(here, run.workspace.read_shard_bytes(shard, [rows[name] for name in here]), strict=True):
            try:
                found[image_id] = decode_square(body or b"", side)
            except ValueError:
                continue
    ids = sorted(found)
    return ids, np.stack([found[image_id] for image_id in ids]) if ids else np.zeros((0, side, side, 3), np.uint8)
