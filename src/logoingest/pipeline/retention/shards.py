"""Rows and bytes taken out of download shards that are there, each shard written anew whole."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.evidence.embedding_files import list_models
from logoingest.pipeline.downloading import SHARD_PLAN, forget_shards
from logoingest.pipeline.session import Run
from logoingest.schemas import DownloadRow
from logoingest.workspace import name_begun

#: The columns that decide which rows go.
FACTS = ("url", "outcome", "image_reason", "sha256", "pixel_hash", "byte_count", "fetched_at", "checked_at")

#: FACTS of a shard's rows → which of them are meant (boolean).
Choose = Callable[[pa.Table], pa.ChunkedArray]


class Chosen(NamedTuple):
    """Rows of one file below ``downloads/``."""

    file: str
    facts: pa.Table
    """FACTS of the rows that are meant."""

    @property
    def byte_count(self) -> int:
        """Bytes of their bodies."""
        return pc.sum(self.facts.column("byte_count")).as_py() or 0


def choose_rows(run: Run, choose: Choose) -> list[Chosen]:
    """The rows that ``choose`` means, of every shard and of those that were begun; files without any are left out.

    Raises:
        WorkspaceError: a shard is damaged.
    """
    workspace = run.workspace
    files = [*workspace.shard_names(), *(name_begun(shard) for shard in workspace.begun_shards())]
    found = []
    for file in files:
        facts = DownloadRow.complete(workspace.read_parquet(f"downloads/{file}", list(FACTS)), list(FACTS))
        chosen = facts.filter(choose(facts))
        if chosen.num_rows:
            found.append(Chosen(file, chosen))
    return found


def remove_rows(run: Run, chosen: Collection[Chosen]) -> None:
    """Take these rows out of their files and out of the plan, and the embeddings of their shards with them.

    Killed at any moment, it can be done again; until then the fetch takes a shard that has lost rows for an unfinished one.
    """
    workspace = run.workspace
    forget_shards(run, [entry.file for entry in chosen])
    for entry in chosen:
        rows = workspace.read_parquet(f"downloads/{entry.file}")
        gone = entry.facts.column("url").combine_chunks()
        left = rows.filter(pc.invert(pc.is_in(rows.column("url"), value_set=gone)))
        _remove_embeddings(run, entry.file)
        if left.num_rows:
            workspace.write_shard(entry.file, left)
        else:
            workspace.remove(f"downloads/{entry.file}")
    if chosen and workspace.has_table(SHARD_PLAN):
        planned = workspace.read_table(SHARD_PLAN)
        gone = pa.chunked_array([entry.facts.column("url").combine_chunks() for entry in chosen], pa.string())
        workspace.write_table(SHARD_PLAN, planned.filter(pc.invert(pc.is_in(planned.column("url"), value_set=gone))))


def remove_bytes(run: Run, chosen: Collection[Chosen]) -> None:
    """Take the bytes of these rows away, and their length with them; what else is known of them stays."""
    forget_shards(run, [entry.file for entry in chosen])
    for entry in chosen:
        rows = run.workspace.read_parquet(f"downloads/{entry.file}")
        is_meant = pc.is_in(rows.column("url"), value_set=entry.facts.column("url").combine_chunks())
        for name in ("bytes", "byte_count"):
            place = rows.schema.get_field_index(name)
            field = rows.schema.field(place)
            rows = rows.set_column(place, field, pc.if_else(is_meant, pa.scalar(None, field.type), rows.column(name)))
        run.workspace.write_shard(entry.file, rows)


def _remove_embeddings(run: Run, file: str) -> None:
    for model in list_models(run.workspace):
        run.workspace.remove(f"{model.folder}/{file}")
