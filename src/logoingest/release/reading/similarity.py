"""What in a release looks like a picture: by a workspace's embeddings, or by a network that is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.evidence.embedding_files import choose_model, list_models, read_embeddings
from logoingest.evidence.similar import Neighbour, SeenPicture, Similar
from logoingest.evidence.vectors import Floats, Vectors, centre_vectors, find_nearest, read_vectors, scale_vectors
from logoingest.release.reading.random_access import PictureReader
from logoingest.workspace import Workspace

_BATCH = 64
_LEAST_DIGITS = 6
#: Columns that tell what a picture is.
FACTS = ("split", "image_id", "class_ids", "group_id", "urls")


class SeenByNetwork(Protocol):
    """What a network says of n pictures."""

    @property
    def embeddings(self) -> Floats:
        """(n, width)."""


class PictureEncoder(Protocol):
    """A network: ``logoingest.training.loop.encoders.load_baseline_encoder(folder)``, or anything of this form."""

    @property
    def model_hash(self) -> str:
        """Equal ones say the same of every picture."""

    def encode(self, files: Sequence[bytes], /) -> SeenByNetwork:
        """What it says of encoded pictures; ValueError where one is no picture."""


def encode_release(image_ids: Sequence[str], files: Sequence[Path], encoder: PictureEncoder) -> Vectors:
    """Every picture of some data files as the network sees it; a batch is in memory at once.

    Raises:
        GateError: a file is damaged.
    """
    reader = PictureReader(files)
    starts = range(0, len(image_ids), _BATCH)
    try:
        parts = [
            encoder.encode([reader.read(row) for row in range(start, min(start + _BATCH, len(image_ids)))]).embeddings
            for start in starts
        ]
    finally:
        reader.close()
    order = np.argsort(np.array(image_ids))
    matrix = scale_vectors(np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)
    return centre_vectors(Vectors(tuple(image_ids[row] for row in order.tolist()), matrix[order], encoder.model_hash))


def read_workspace_vectors(workspace: Workspace, encoder: PictureEncoder | None) -> tuple[str, Vectors]:
    """(the network's name, what a workspace keeps of it): of the encoder where one is given, else of the baseline or the only one.

    Raises:
        UsageError: there are none.
    """
    model = choose_model(workspace)
    if encoder is not None:
        known = [one for one in list_models(workspace) if one.model_hash == encoder.model_hash]
        if not known:
            what = "the workspace has none of this network"
            raise UsageError(Problem("embeddings", what, "leave workspace out, or: logoingest embed dataset.toml --backbone"))
        model = known[0]
    return model.name, centre_vectors(read_vectors(read_embeddings(workspace, model)))


def find_in_release(
    facts: pa.Table, seen: tuple[str, Vectors], image: str | bytes | Path, count: int, encoder: PictureEncoder | None
) -> Similar:
    """The pictures of a release that look most like one; see ``Release.similar``."""
    name, vectors = seen
    vectors = vectors.select(facts.column("image_id").to_pylist())
    image_id = _find_picture(vectors, image) if isinstance(image, str) else None
    query = vectors.matrix[[vectors.place[image_id]]] if image_id else vectors.aim(_encode(image, encoder))
    found = find_nearest(vectors, query, count + (image_id is not None))
    pairs = [
        (vectors.image_ids[row], round(float(similarity), 4))
        for row, similarity in zip(found.rows[0].tolist(), found.similarity[0].tolist(), strict=True)
        if row >= 0 and vectors.image_ids[row] != image_id
    ][:count]
    told = _describe(facts, [*([image_id] if image_id else []), *(one for one, _ in pairs)])
    asked = image_id or (str(image) if isinstance(image, Path) else "a picture")
    return Similar(asked, name, told.get(image_id or ""), [Neighbour(similarity, told[one]) for one, similarity in pairs])


def _find_picture(vectors: Vectors, digits: str) -> str:
    found = [one for one in vectors.image_ids if len(digits) >= _LEAST_DIGITS and one.startswith(digits.lower())]
    if len(found) != 1:
        what = f"is the beginning of {len(found):,} image_ids with an embedding"
        raise UsageError(Problem(digits[:80], what, "give six digits or more of one; a file is given as Path or bytes"))
    return found[0]


def _encode(image: str | bytes | Path, encoder: PictureEncoder | None) -> Floats:
    if encoder is None:
        what = "a picture that is given as a file needs a network"
        raise UsageError(Problem("encoder", what, "give load_baseline_encoder(folder), the one the embeddings are of"))
    try:
        return encoder.encode([image if isinstance(image, bytes) else Path(image).read_bytes()]).embeddings
    except (ValueError, OSError) as error:
        where = "image" if isinstance(image, bytes) else str(image)
        raise UsageError(Problem(where, f"is no whole picture ({error})")) from error


def _describe(facts: pa.Table, image_ids: Sequence[str]) -> dict[str, SeenPicture]:
    rows: list[dict[str, Any]] = facts.filter(
        pc.is_in(facts.column("image_id"), value_set=pa.array(image_ids, pa.string()))
    ).to_pylist()
    return {
        row["image_id"]: SeenPicture(row["image_id"], row["class_ids"], row["split"], None, row["group_id"], row["urls"])
        for row in rows
    }
