"""Pictures as vectors of length 1, and which lie nearest: exact up to 200,000, by an index above. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logoingest.errors import Problem, UsageError
from logoingest.schemas import EmbeddingRow

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

#: Up to so many vectors every one is compared with every query.
EXACT_LIMIT = 200_000
#: Queries that are answered exactly among more than that, all together.
_FEW_QUERIES = 100
#: Fewer pictures are not seen from their middle.
_LEAST_CENTRED = 50
#: Products that are held at once, in numbers.
_BLOCK = 20_000_000
#: Of an index: cells for n vectors are 4·sqrt(n), of which so many are looked into.
_PROBES = 32


class Nearest(NamedTuple):
    """Of q queries the k nearest pictures each, nearest first; fewer than k are filled up with row -1 and similarity -1."""

    rows: Rows
    similarity: Floats
    """Cosine, -1 to 1, and what was added to it."""


@dataclass(frozen=True)
class Vectors:
    """Pictures of one network."""

    image_ids: tuple[str, ...]
    matrix: Floats
    """(pictures, width), each row of length 1; one of nothing but zeros stays so."""
    model_hash: str
    centre: Floats | None = None
    """(width,) what the rows were moved by; None where they were not."""

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def place(self) -> dict[str, int]:
        """image_id → row."""
        return {image_id: row for row, image_id in enumerate(self.image_ids)}

    def select(self, image_ids: Sequence[str]) -> Vectors:
        """Some of the pictures, in the order given; those that are not there are left out."""
        kept = [image_id for image_id in image_ids if image_id in self.place]
        return replace(self, image_ids=tuple(kept), matrix=self.matrix[[self.place[image_id] for image_id in kept]])

    def aim(self, raw: npt.NDArray[np.floating]) -> Floats:
        """What the same network says of other pictures, as queries among these.

        Raises:
            UsageError: a number is not finite, or the network is another (another width).
        """
        scaled = scale_vectors(raw)
        check_width(self, scaled)
        return scaled if self.centre is None else scale_vectors(scaled - self.centre)


def scale_vectors(raw: npt.NDArray[np.floating]) -> Floats:
    """Rows brought to length 1.

    Raises:
        UsageError: a number is not finite.
    """
    matrix = np.array(raw, np.float32, ndmin=2)
    if not np.isfinite(matrix).all():
        raise UsageError(
            Problem("embeddings", "hold numbers that are not finite", "the network is damaged: train or export it again")
        )
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0), np.float32)


def centre_vectors(vectors: Vectors) -> Vectors:
    """The pictures seen from their middle: what all have in common makes no two of them alike. Of a few nothing is known, and they stay."""
    if len(vectors) < _LEAST_CENTRED:
        return vectors
    centre = vectors.matrix.mean(axis=0)
    return replace(vectors, matrix=scale_vectors(vectors.matrix - centre), centre=centre)


def read_vectors(table: pa.Table) -> Vectors:
    """The table ``embeddings`` (``EmbeddingRow``) as vectors, each picture once, sorted by image_id.

    Raises:
        UsageError: it holds pictures of several networks or widths, or none.
    """
    if not table.num_rows:
        raise UsageError(Problem("embeddings", "there are none", "compute them with: logoingest embed dataset.toml"))
    table = table.select(EmbeddingRow.arrow_schema().names).sort_by("image_id").combine_chunks()
    lists = table.column("embedding").combine_chunks()
    widths = np.diff(np.asarray(lists.offsets))
    models = table.column("model_hash").unique().to_pylist()
    if len(models) > 1 or len(set(widths.tolist())) > 1:
        what = f"are of {len(models)} networks and {len(set(widths.tolist()))} widths"
        raise UsageError(Problem("embeddings", what, "keep one network's: its column model_hash tells them apart"))
    ids = table.column("image_id").to_pylist()
    first = np.array([row for row, image_id in enumerate(ids) if row == 0 or ids[row - 1] != image_id], np.int64)
    matrix = np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(ids), -1)
    return Vectors(tuple(ids[row] for row in first.tolist()), scale_vectors(matrix[first]), str(models[0]))


def tabulate_embeddings(image_ids: Sequence[str], matrix: Floats, model_hash: str) -> pa.Table:
    """Vectors of one network as the table ``embeddings`` (``EmbeddingRow``)."""
    offsets = np.arange(len(image_ids) + 1, dtype=np.int32) * (matrix.shape[1] if len(image_ids) else 0)
    columns = [
        pa.array(image_ids, pa.string()),
        pa.repeat(pa.scalar(model_hash), len(image_ids)),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.reshape(-1), pa.float32())),
    ]
    return pa.Table.from_arrays(columns, schema=EmbeddingRow.arrow_schema())


def find_nearest(vectors: Vectors, queries: Floats, count: int, beside: Floats | None = None) -> Nearest:
    """The nearest pictures by cosine; of equally near ones the smaller image_id.

    Args:
        vectors: among which to look.
        queries: (q, width), of length 1.
        count: how many for each.
        beside: (q, pictures) what is added to the cosines; then each is compared with each.

    Raises:
        UsageError: the queries are another network's (another width), or there are so many vectors that the extra ``search`` is needed.
    """
    check_width(vectors, queries)
    if beside is None and len(vectors) > EXACT_LIMIT and len(queries) > _FEW_QUERIES:
        return _search_index(vectors, queries, count)
    return _search_exactly(vectors, queries, count, beside)


def check_width(vectors: Vectors, queries: npt.NDArray[np.floating]) -> None:
    """See to it that queries can be compared.

    Raises:
        UsageError: they are another network's (another width).
    """
    if queries.ndim != 2 or queries.shape[1] != vectors.matrix.shape[1]:
        what = f"the query has {queries.shape[-1]} numbers, the pictures have {vectors.matrix.shape[1]}"
        raise UsageError(Problem("embeddings", what, "ask with the network that the pictures were embedded with"))


def _search_exactly(vectors: Vectors, queries: Floats, count: int, beside: Floats | None) -> Nearest:
    rows = np.full((len(queries), count), -1, np.int64)
    similarity = np.full((len(queries), count), -1, np.float32)
    taken = min(count, len(vectors))
    step = max(1, _BLOCK // max(len(vectors), 1))
    for start in range(0, len(queries), step):
        products = queries[start : start + step] @ vectors.matrix.T
        products = np.round(products if beside is None else products + beside[start : start + step], 6)
        part = (
            np.argpartition(-products, taken - 1, axis=1)[:, :taken]
            if taken < len(vectors)
            else np.broadcast_to(np.arange(len(vectors)), products.shape)
        )
        found = np.take_along_axis(products, part, axis=1)
        order = np.lexsort((part, -found), axis=1)
        rows[start : start + step, :taken] = np.take_along_axis(part, order, axis=1)
        similarity[start : start + step, :taken] = np.take_along_axis(found, order, axis=1)
    return Nearest(rows, similarity)


def _search_index(vectors: Vectors, queries: Floats, count: int) -> Nearest:
    """Faiss: cells around centres, eight bits a number."""
    try:
        import faiss
    except ImportError as error:
        what = f"{len(queries):,} queries among {len(vectors):,} vectors are too many to compare each with each"
        raise UsageError(Problem("embeddings", what, 'pip install "logoingest[search]" (faiss-cpu)')) from error
    width = vectors.matrix.shape[1]
    cells = int(4 * np.sqrt(len(vectors)))
    index: Any = faiss.index_factory(width, f"IVF{cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = 0
    index.train(vectors.matrix[np.random.default_rng(0).permutation(len(vectors))[: 40 * cells]])
    index.add(vectors.matrix)
    index.nprobe = _PROBES
    similarity, rows = index.search(np.ascontiguousarray(queries), count)
    return Nearest(np.asarray(rows, np.int64), np.asarray(np.where(rows < 0, -1, similarity), np.float32))
