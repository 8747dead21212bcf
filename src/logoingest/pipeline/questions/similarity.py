"""What looks like a picture: of the workspace, at a URL of it, or in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.evidence.embedding_files import EmbeddingModel
from logoingest.evidence.similar import Neighbour, SeenPicture, Similar
from logoingest.evidence.vectors import Floats, Vectors, centre_vectors, find_nearest, read_vectors
from logoingest.evidence.written import compare_texts, weigh_likeness
from logoingest.pipeline.evidence.embeddings import load_embeddings, open_encoder
from logoingest.pipeline.evidence.suspects import fold_texts, gather_texts
from logoingest.pipeline.ledger import collect_ledger
from logoingest.pipeline.session import Run
from logoingest.pipeline.texts import read_asked
from logoingest.workspace.downloads import read_downloads

_ID = re.compile(r"[0-9a-fA-F]{6,64}")
_MOST_NAMED = 5
#: Bytes of a file that is asked about, at most.
_MOST_BYTES = 200_000_000


def find_similar(run: Run, asked: str, count: int = 12, backbone: str = "") -> Similar:
    """The pictures that look most like one.

    Args:
        run: of a workspace with embeddings.
        asked: an image_id or its first six or more digits, a URL of the workspace, or a picture's file.
        count: how many.
        backbone: the network, in place of ``evidence.backbone``.

    Raises:
        UsageError: no embeddings were computed, the picture is not there, or named by too few digits; a file needs torch.
    """
    model, table = load_embeddings(run, backbone)
    vectors = centre_vectors(read_vectors(table))
    image_id, query = _find_query(run, vectors, model, asked, backbone)
    texts = _compare_texts(run, vectors, model, asked, image_id)
    beside = None if texts is None else texts.weight * texts.likeness[None, :]
    found = find_nearest(vectors, query, count + (image_id is not None), beside)
    pairs = [
        (row, float(similarity))
        for row, similarity in zip(found.rows[0].tolist(), found.similarity[0].tolist(), strict=True)
        if row >= 0 and vectors.image_ids[row] != image_id
    ][:count]
    told = describe_pictures(run, [*([image_id] if image_id else []), *(vectors.image_ids[row] for row, _ in pairs)])
    neighbours = [_describe(vectors.image_ids[row], row, similarity, told, texts) for row, similarity in pairs]
    return Similar(asked, model.name, told[image_id] if image_id else None, neighbours)


class _Texts(NamedTuple):
    weight: float
    """What their likeness counts beside that of the pictures."""
    likeness: Floats
    """(pictures,)"""


def _describe(image_id: str, row: int, similarity: float, told: Mapping[str, SeenPicture], texts: _Texts | None) -> Neighbour:
    if texts is None:
        return Neighbour(round(similarity, 4), told[image_id])
    written = float(texts.likeness[row])
    return Neighbour(round(similarity - texts.weight * written, 4), told[image_id], round(written, 4))


def _compare_texts(run: Run, vectors: Vectors, model: EmbeddingModel, asked: str, image_id: str | None) -> _Texts | None:
    """How like the text on each picture is to that on the one asked about; None where it tells nothing of classes."""
    texts = gather_texts(run)
    if not texts:
        return None
    weight = _weigh_texts(run, vectors, model, texts)
    if not weight:
        return None
    own = texts.get(image_id or "")
    if own is None:
        own = fold_texts(read_asked(run, image_id or Path(asked).expanduser().read_bytes()))
    everything = [own, *(texts.get(name, []) for name in vectors.image_ids)]
    return _Texts(weight, compare_texts(everything, [0])[0, 1:].astype(np.float32))


def _weigh_texts(run: Run, vectors: Vectors, model: EmbeddingModel, texts: Mapping[str, Sequence[str]]) -> float:
    """By the pictures with one class; a network that has learned from our labels is asked about validation alone."""
    columns = {"samples": "class_id", "images": "group_id", "splits": "split"}
    if not all(map(run.workspace.has_table, columns)):
        return 0.0
    samples, images, splits = (run.workspace.read_table(name, ["image_id", column]) for name, column in columns.items())
    known = samples.join(images, "image_id", join_type="inner").join(splits, "image_id", join_type="inner")
    is_there = pc.is_in(known.column("image_id"), value_set=pa.array(vectors.image_ids, pa.string()))
    known = known.filter(pc.and_(is_there, pc.is_valid(known.column("class_id")))).sort_by("image_id").combine_chunks()
    ids = known.column("image_id").to_pylist()
    classes, groups = (np.unique(known.column(name).to_pylist(), return_inverse=True)[1] for name in ("class_id", "group_id"))
    fit = np.isin(known.column("split").to_pylist(), ["validation", *([] if model.class_ids else ["train"])])
    return weigh_likeness(vectors.select(ids).matrix, classes, groups, [texts.get(name, []) for name in ids], fit)


def _find_query(run: Run, vectors: Vectors, model: EmbeddingModel, asked: str, backbone: str) -> tuple[str | None, Floats]:
    """(image_id where it is one of ours, its vector)."""
    path = Path(asked).expanduser()
    if "://" not in asked and path.is_file():
        return None, vectors.aim(_encode_file(run, path, model, backbone))
    image_id = _find_by_url(run, asked) if "://" in asked else _find_by_digits(vectors, asked)
    if image_id not in vectors.place:
        what = f"picture {image_id[:16]} has no embedding: it was fetched later, or does not open"
        raise UsageError(Problem(asked[:200], what, "compute what is missing with: logoingest embed dataset.toml"))
    return image_id, vectors.matrix[[vectors.place[image_id]]]


def _encode_file(run: Run, path: Path, model: EmbeddingModel, backbone: str) -> Floats:
    if path.stat().st_size > _MOST_BYTES:
        raise UsageError(Problem(str(path), f"is larger than {_MOST_BYTES:,} bytes"))
    with open_encoder(run, backbone) as encoder:
        if encoder.model_hash != model.model_hash:
            what = f"the embeddings are of an earlier {model.name}"
            raise UsageError(Problem("embeddings", what, "compute them anew with: logoingest embed dataset.toml"))
        try:
            return encoder.encode([path.read_bytes()]).embeddings
        except (ValueError, OSError) as error:
            raise UsageError(Problem(str(path), f"is no whole picture ({error})")) from error


def _find_by_url(run: Run, url: str) -> str:
    downloads = read_downloads(run.workspace, ["url", "sha256"])
    found = pc.drop_null(downloads.filter(pc.equal(downloads.column("url"), url)).column("sha256")).to_pylist()
    if not found:
        raise UsageError(Problem(url[:200], "served no picture of this workspace", "explain --url says what became of it"))
    return str(found[0])


def _find_by_digits(vectors: Vectors, digits: str) -> str:
    if not _ID.fullmatch(digits):
        what = "is no image_id, no URL and no file"
        raise UsageError(Problem(digits[:80], what, "give at least six digits of the image_id, or a path"))
    found = [image_id for image_id in vectors.image_ids if image_id.startswith(digits.lower())]
    if not found:
        raise UsageError(
            Problem(digits, "no picture with an embedding is called so", "the column image_id of the release has them")
        )
    if len(found) > 1:
        named = ", ".join(found[:_MOST_NAMED])
        raise UsageError(Problem(digits, f"begins {len(found):,} pictures: {named}", "give more digits"))
    return found[0]


def describe_pictures(run: Run, image_ids: Sequence[str]) -> dict[str, SeenPicture]:
    """What every stage made of pictures, by image_id."""
    wanted = pa.array(image_ids, pa.string())
    samples, splits = (_pick(run, name, wanted, columns) for name, columns in _FACTS.items())
    images = _pick(run, "images", wanted, ["image_id", "group_id"])
    downloads = read_downloads(run.workspace, ["url", "sha256"])
    downloads = downloads.filter(pc.is_in(downloads.column("sha256"), value_set=wanted))
    urls: dict[str, list[str]] = {}
    for url, sha256 in zip(downloads.column("url").to_pylist(), downloads.column("sha256").to_pylist(), strict=True):
        urls.setdefault(sha256, []).append(url)
    rejected = collect_ledger(run.workspace).rejected
    rejected = rejected.filter(pc.is_in(rejected.column("url"), value_set=downloads.column("url").combine_chunks()))
    reasons = dict(zip(rejected.column("url").to_pylist(), rejected.column("reason").to_pylist(), strict=True))
    return {
        image_id: SeenPicture(
            image_id,
            samples[image_id]["class_ids"] if image_id in samples else [],
            splits[image_id]["split"] if image_id in splits else None,
            None if image_id in splits else next((reasons[url] for url in urls.get(image_id, ()) if url in reasons), None),
            images[image_id]["group_id"] if image_id in images else None,
            urls.get(image_id, []),
        )
        for image_id in image_ids
    }


_FACTS: Mapping[str, list[str]] = {"samples": ["image_id", "class_ids"], "splits": ["image_id", "split"]}


def _pick(run: Run, table: str, wanted: pa.Array, columns: list[str]) -> dict[str, dict[str, Any]]:
    if not run.workspace.has_table(table):
        return {}
    rows = run.workspace.read_table(table, columns)
    return {row["image_id"]: row for row in rows.filter(pc.is_in(rows.column("image_id"), value_set=wanted)).to_pylist()}


def render_similar(run: Run, similar: Similar) -> str:
    """One self-contained page: the pictures side by side, every stranger's word escaped."""
    from logoingest.report.likeness import render_likeness

    return render_likeness(run.workspace, run.config, similar)
