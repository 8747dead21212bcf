"""Which URL belongs to which shard: append-only, deterministic, hosts interleaved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.workspace import SHARD_PATTERN, shard_name

PLAN_SCHEMA = pa.schema([pa.field("url", pa.string(), nullable=False), pa.field("shard", pa.string(), nullable=False)])


def plan_shards(urls: Iterable[str], planned: pa.Table | None, shard_size: int) -> pa.Table:
    """Add URLs to the plan.

    URLs that are planned keep their shard and their place, even when they are not among ``urls`` any more; new distinct ones
    go, in the order of their sha256, into new shards. That order is the same on every machine and for every order of ``urls``,
    and it spreads every host's URLs over all the new shards.

    Args:
        urls: URLs of the dataset, in any order, repeated or not.
        planned: the plan so far (columns url, shard), or None.
        shard_size: URLs per shard; the last new shard may be smaller.

    Returns:
        The plan: columns ``url`` and ``shard`` (file name), sorted by shard; within a shard the order the shard is fetched and
        written in.
    """
    given = urls if isinstance(urls, pa.Array | pa.ChunkedArray) else pa.array(list(urls), pa.string())
    distinct = pc.drop_null(pc.unique(given.cast(pa.string())))
    before = PLAN_SCHEMA.empty_table() if planned is None else planned.select(PLAN_SCHEMA.names).cast(PLAN_SCHEMA)
    new = distinct.filter(pc.invert(pc.is_in(distinct, value_set=pc.unique(before.column("url").combine_chunks()))))
    new = new.take(_order_by_hash(new))
    first = _next_index(before)
    names = pa.array([shard_name(first + index) for index in range(-(-len(new) // shard_size))], pa.string())
    shards = names.take(pa.array(np.arange(len(new)) // shard_size, pa.int64()))
    return pa.concat_tables([before, pa.Table.from_arrays([new, shards], schema=PLAN_SCHEMA)])


def _order_by_hash(urls: pa.Array) -> pa.Array:
    digests = [hashlib.sha256(url.encode()).digest() for url in urls.to_pylist()]
    return pc.sort_indices(pa.array(digests, pa.binary(32)))


def _next_index(planned: pa.Table) -> int:
    names = pc.unique(planned.column("shard")).to_pylist()
    matches = (SHARD_PATTERN.match(name) for name in names)
    return max((int(match[1]) + 1 for match in matches if match), default=0)
