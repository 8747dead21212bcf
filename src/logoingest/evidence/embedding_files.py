"""Where a workspace keeps its embeddings: a folder a network, in it a file a shard of downloads, so that a broken-off run goes on.

<workspace>/embeddings/<16 hex digits of the network>/model.json            which network (``EmbeddingModel``)
<workspace>/embeddings/<16 hex digits of the network>/shard-00012.parquet   ``EmbeddingRow`` of the pictures that lie in that shard
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.schemas import EmbeddingRow
from logoingest.workspace import Workspace

FOLDER = "embeddings"
MODEL_FILE = "model.json"
_DIGITS = 16
_FOLDER_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class EmbeddingModel:
    """The network of a folder of embeddings."""

    name: str
    """As it was asked for: "baseline", a torchvision model, a file."""
    model_hash: str
    side_px: int
    width: int
    class_ids: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its folder in the workspace."""
        return name_folder(self.model_hash)


def name_folder(model_hash: str) -> str:
    """The folder of a network in the workspace."""
    return f"{FOLDER}/{model_hash[:_DIGITS]}"


def list_models(workspace: Workspace) -> list[EmbeddingModel]:
    """The networks whose embeddings are there, whole or begun, by name and hash."""
    if not workspace.exists(FOLDER):
        return []
    workspace.filesystem.invalidate_cache(workspace.path(FOLDER))
    names = [str(path).rstrip("/").rsplit("/", 1)[-1] for path in workspace.filesystem.ls(workspace.path(FOLDER), detail=False)]
    found = [_read_model(workspace, f"{FOLDER}/{name}/{MODEL_FILE}") for name in names if _FOLDER_NAME.fullmatch(name)]
    return sorted((model for model in found if model is not None), key=lambda model: (model.name, model.model_hash))


def _read_model(workspace: Workspace, name: str) -> EmbeddingModel | None:
    if not workspace.exists(name):
        return None
    try:
        facts = json.loads(workspace.read_bytes(name))
        return EmbeddingModel(
            str(facts["name"]),
            str(facts["model_hash"]),
            int(facts["side_px"]),
            int(facts["width"]),
            tuple(map(str, facts["class_ids"])),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(Problem(workspace.path(name), f"is damaged ({error})", "remove its folder and embed again")) from None


def write_model(workspace: Workspace, model: EmbeddingModel) -> None:
    """Say which network a folder's embeddings are of."""
    workspace.write_bytes(f"{model.folder}/{MODEL_FILE}", json.dumps(asdict(model), indent=1, ensure_ascii=False).encode())


def choose_model(workspace: Workspace, name: str = "") -> EmbeddingModel:
    """The network of that name; without a name the baseline, or the only one.

    Raises:
        UsageError: there is none.
    """
    models = list_models(workspace)
    for wanted in (name,) if name else ("baseline", *(model.name for model in models)):
        for model in models:
            if model.name == wanted:
                return model
    known = ", ".join(model.name for model in models)
    what = f"there are none of {name}" if name and known else "there are none yet"
    raise UsageError(
        Problem("embeddings", what, f"{f'there are those of {known}; ' if known else ''}run: logoingest embed dataset.toml")
    )


def read_embeddings(workspace: Workspace, model: EmbeddingModel) -> pa.Table:
    """The table ``embeddings`` of a network, all its files behind one another.

    Raises:
        WorkspaceError: a file is damaged.
    """
    parts = [part for shard in workspace.shard_names() if (part := read_part(workspace, model, shard)) is not None]
    return pa.concat_tables(parts) if parts else EmbeddingRow.empty_table()


def read_part(workspace: Workspace, model: EmbeddingModel, shard: str) -> pa.Table | None:
    """The embeddings of the pictures in one shard; None where they were not computed.

    Raises:
        WorkspaceError: the file is damaged.
    """
    name = f"{model.folder}/{shard}"
    if not workspace.exists(name):
        return None
    return workspace.read_parquet(name).cast(EmbeddingRow.arrow_schema())


def write_part(workspace: Workspace, model: EmbeddingModel, shard: str, image_ids: Sequence[str], table: pa.Table) -> None:
    """Write the embeddings of the pictures in one shard, in the order of ``image_ids``."""
    place = {image_id: row for row, image_id in enumerate(table.column("image_id").to_pylist())}
    workspace.write_parquet(f"{model.folder}/{shard}", table.take([place[image_id] for image_id in image_ids if image_id in place]))
