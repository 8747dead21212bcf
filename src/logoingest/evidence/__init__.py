"""What a network sees in the pictures: where they lie, what is near to what, which labels look wrong. Vectors in, tables out; no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.evidence.embedding_files import EmbeddingModel, choose_model, list_models, read_embeddings
    from logoingest.evidence.similar import Neighbour, SeenPicture, Similar
    from logoingest.evidence.vectors import (
        Nearest,
        Vectors,
        centre_vectors,
        find_nearest,
        read_vectors,
        scale_vectors,
        tabulate_embeddings,
    )

_HOMES = {
    "embedding_files": ("EmbeddingModel", "choose_model", "list_models", "read_embeddings"),
    "similar": ("Neighbour", "SeenPicture", "Similar"),
    "vectors": ("Nearest", "Vectors", "centre_vectors", "find_nearest", "read_vectors", "scale_vectors", "tabulate_embeddings"),
}

__all__ = [
    "EmbeddingModel",
    "Nearest",
    "Neighbour",
    "SeenPicture",
    "Similar",
    "Vectors",
    "centre_vectors",
    "choose_model",
    "find_nearest",
    "list_models",
    "read_embeddings",
    "read_vectors",
    "scale_vectors",
    "tabulate_embeddings",
]

__getattr__ = load_lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
