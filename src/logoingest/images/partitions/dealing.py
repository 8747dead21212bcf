"""Partitions of a set of pictures: whole shards, and so, like these, by the hash of the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logoingest.images.alike.signatures import Bytes, stack_signatures
from logoingest.workspace import Workspace

Indices = NDArray[np.int64]


class ShardRows(NamedTuple):
    """Some pictures of a shard."""

    shard: str
    places: Indices
    """Rows of the shard."""
    rows: Indices
    """Which pictures these are: their rows in the table that was dealt out."""


class Partition(NamedTuple):
    """Where the signatures of some pictures lie: little enough to be sent to whoever looks through them."""

    workspace_url: str
    parts: Sequence[ShardRows]

    @property
    def rows(self) -> Indices:
        """The pictures, in the order of ``read``."""
        return np.concatenate([np.empty(0, np.int64), *(part.rows for part in self.parts)])

    def read(self) -> Bytes:
        """The signatures, n x 1,024.

        Raises:
            WorkspaceError: a shard is damaged, or not there.
            ValueError: a signature is missing, or has another size.
        """
        workspace, stacked = Workspace(self.workspace_url), []
        for part in self.parts:
            column = workspace.read_shard(part.shard, ["signature"]).column("signature")
            stacked.append(stack_signatures(column.take(pa.array(part.places, pa.int64()))))
        return np.concatenate(stacked) if stacked else stack_signatures([])


def deal_pictures(pictures: pa.Table, rows: Indices, count: int, workspace_url: str) -> list[Partition]:
    """At most ``count`` partitions, none empty, of some rows of the pictures (columns shard and shard_row).

    A shard is in one partition, and partitions are about equally large where shards are.
    """
    names = pictures.column("shard").combine_chunks().dictionary_encode()
    numbers, places = names.indices.to_numpy()[rows], pictures.column("shard_row").to_numpy()[rows]
    order = np.argsort(numbers, kind="stable")
    borders = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    shards = sorted(
        (ShardRows(names.dictionary[int(numbers[here[0]])].as_py(), places[here].astype(np.int64), rows[here]))
        for here in (np.split(order, borders[1:]) if len(order) else [])
    )
    dealt = np.array_split(np.arange(len(shards)), count)
    return [Partition(workspace_url, [shards[at] for at in some.tolist()]) for some in dealt if len(some)]
