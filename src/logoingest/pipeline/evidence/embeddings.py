"""Embeddings of every picture that was fetched and opens, whatever became of it later; computed once, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.evidence.embedding_files import (
    EmbeddingModel,
    choose_model,
    list_models,
    read_embeddings,
    read_part,
    write_model,
    write_part,
)
from logoingest.evidence.vectors import tabulate_embeddings
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.pipeline.session import Run
from logoingest.schemas import Outcome
from logoingest.stage_names import Stage
from logoingest.workspace.downloads import read_downloads

if TYPE_CHECKING:
    from logoingest.training.loop.encoders import Encoder

BASELINE = "baseline"
_BASELINE_FILES = ("baseline/model.json", "baseline/model.safetensors")


class Embedded(NamedTuple):
    """What came of embedding a workspace's pictures."""

    model: EmbeddingModel
    pictures: int
    """That have an embedding now."""
    computed: int
    """Of them, those that had none before."""
    unreadable: int
    """Pictures that the network's reader cannot decode."""


@contextmanager
def open_encoder(run: Run, backbone: str = "") -> Iterator[Encoder]:
    """The network that ``evidence.backbone`` names, or another.

    Raises:
        UsageError: torch is missing; there is no baseline yet.
        ConfigError: the network cannot be had.
    """
    from logoingest.training import check_installation

    evidence = run.config.evidence
    name = backbone or evidence.backbone
    check_installation()
    from logoingest.training.loop.encoders import load_baseline_encoder, load_encoder
    from logoingest.training.models.artifact import AllowedCode
    from logoingest.training.models.web import reach_web

    if name != BASELINE:
        with reach_web(FetchSettings.from_config(run.config.fetch, run.config.base_dir, os.environ)):
            encoder = load_encoder(name, evidence.weights, evidence.image_side_px, run.config.base_dir, run.config.train.device)
        yield encoder
        return
    if not all(run.workspace.exists(file) for file in _BASELINE_FILES):
        hint = 'train one with "logoingest train", or name another network: --set evidence.backbone=mobilenet_v2'
        raise UsageError(Problem("evidence.backbone", "there is no trained baseline in the workspace yet", hint))
    with run.workspace.local_copy(BASELINE) as folder:
        code = AllowedCode.of(run.config.train, run.config.base_dir)
        yield load_baseline_encoder(Path(folder), BASELINE, run.config.train.device, code)


def embed(run: Run, backbone: str = "") -> Embedded:
    """Compute the embeddings that are missing; what an interrupted run has done is kept.

    Embeddings of an earlier network of the same name (a baseline that was trained anew) are removed.

    Args:
        run: an open run; its progress is told.
        backbone: in place of ``evidence.backbone``.

    Raises:
        UsageError, ConfigError: as ``open_encoder``; nothing was fetched yet.
        WorkspaceError: a shard is damaged.
    """
    places = list_places(run)
    with open_encoder(run, backbone) as encoder:
        model = _begin(run, encoder)
        computed = unreadable = done = 0
        for shard, rows in places.items():
            made = _embed_shard(run, encoder, model, shard, rows)
            computed, unreadable = computed + made.computed, unreadable + made.unreadable
            done += len(rows)
            run.progress(Stage.TRAIN, done, sum(map(len, places.values())), f"embeddings, {computed:,} new")
    for other in list_models(run.workspace):
        if other.name == model.name and other.model_hash != model.model_hash:
            run.workspace.remove(other.folder)
    return Embedded(model, done - unreadable, computed, unreadable)


def list_places(run: Run) -> dict[str, dict[str, int]]:
    """Shard → image_id → row of the first place of its bytes, of every picture that opens.

    Raises:
        UsageError: nothing was fetched yet.
    """
    downloads = read_downloads(run.workspace, ["outcome", "image_reason", "sha256"])
    opens = pc.and_(pc.equal(downloads.column("outcome"), Outcome.OK.value), pc.is_null(downloads.column("image_reason")))
    opens = pc.and_(opens, pc.is_valid(downloads.column("sha256")))
    rows = downloads.filter(opens).sort_by([("shard", "ascending"), ("shard_row", "ascending")])
    if not rows.num_rows:
        raise UsageError(Problem(run.workspace.url, "holds no pictures yet", "run with --until fetch"))
    places: dict[str, dict[str, int]] = {}
    seen: set[str] = set()
    for sha256, shard, row in zip(*(rows.column(name).to_pylist() for name in ("sha256", "shard", "shard_row")), strict=True):
        if sha256 not in seen:
            seen.add(sha256)
            places.setdefault(shard, {})[sha256] = row
    return places


def load_embeddings(run: Run, backbone: str = "") -> tuple[EmbeddingModel, pa.Table]:
    """The table ``embeddings`` of the network that the config names, as far as it was computed.

    Raises:
        UsageError: none were computed.
    """
    model = choose_model(run.workspace, backbone or run.config.evidence.backbone)
    return model, read_embeddings(run.workspace, model)


def _begin(run: Run, encoder: Encoder) -> EmbeddingModel:
    width = encoder.run(np.zeros((1, encoder.side_px, encoder.side_px, 3), np.uint8)).embeddings.shape[1]
    model = EmbeddingModel(*encoder.facts[:3], width, encoder.facts.class_ids)
    if model not in list_models(run.workspace):
        write_model(run.workspace, model)
    return model


class _Shard(NamedTuple):
    computed: int
    unreadable: int


def _embed_shard(run: Run, encoder: Encoder, model: EmbeddingModel, shard: str, rows: Mapping[str, int]) -> _Shard:
    before = read_part(run.workspace, model, shard)
    known = set(before.column("image_id").to_pylist()) if before is not None else set()
    missing = [image_id for image_id in rows if image_id not in known]
    if before is not None and known == set(rows):
        return _Shard(0, 0)
    bodies = run.workspace.read_shard_bytes(shard, [rows[image_id] for image_id in missing])
    found = {image_id: body for image_id, body in zip(missing, bodies, strict=True) if body is not None}
    readable = encode_pictures(encoder, found)
    table = readable if before is None else pa.concat_tables([before, readable])
    if before is None or readable.num_rows or known - set(rows):
        write_part(run.workspace, model, shard, list(rows), table)
    return _Shard(readable.num_rows, len(missing) - readable.num_rows)


def encode_pictures(encoder: Encoder, files: Mapping[str, bytes]) -> pa.Table:
    """``EmbeddingRow`` of encoded pictures by image_id; those that cannot be decoded are left out."""
    from logoingest.training.loop.encoders import BATCH

    names, ids, vectors = list(files), list[str](), []
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        try:
            said, kept = encoder.encode([files[name] for name in batch]).embeddings, batch
        except ValueError:
            kept, said = _encode_singly(encoder, files, batch)
        ids += kept
        vectors.append(said)
    return tabulate_embeddings(ids, np.concatenate(vectors) if ids else np.zeros((0, 1), np.float32), encoder.model_hash)


def _encode_singly(encoder: Encoder, files: Mapping[str, bytes], names: list[str]) -> tuple[list[str], npt.NDArray[np.float32]]:
    kept, said = [], []
    for name in names:
        try:
            said.append(encoder.encode([files[name]]).embeddings)
        except ValueError:
            continue
        kept.append(name)
    return kept, np.concatenate(said) if said else np.zeros((0, 1), np.float32)
