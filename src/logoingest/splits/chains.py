"""Groups that hang together by copies, as one group for the splits.

A group shows one thing, so a chain of copies is cut where its ends would show different ones (``images.alike.duplicates``). Divided between
train and test, the two sides of such a cut are a leak all the same: short chains are kept whole here.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MOST_CHAINED = 50
"""Pictures of a chain that is kept whole; one large lump would spoil every share, and is divided where it was cut."""


def join_chains(samples: pa.Table, copies: pa.Table) -> pa.Table:
    """The samples, groups of a short chain under the smallest of their names.

    Args:
        samples: ``image_id`` and ``group_id``, and what else there is.
        copies: ``CopyRow``: ``image_id`` and ``other_id`` of pictures that show the same; such as are no samples are passed over.
    """
    ids = samples.column("image_id").combine_chunks()
    ends = [pc.index_in(copies.column(name).combine_chunks(), value_set=ids) for name in ("image_id", "other_id")]
    both = pc.and_(pc.is_valid(ends[0]), pc.is_valid(ends[1]))
    first, second = (end.filter(both).to_numpy(zero_copy_only=False).astype(np.int64) for end in ends)
    names = samples.column("group_id").combine_chunks().dictionary_encode()
    group_of = names.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    apart = group_of[first] != group_of[second]
    if not apart.any():
        return samples
    count = len(names.dictionary)
    edges = (group_of[first[apart]], group_of[second[apart]])
    graph = coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(count, count))
    _, chain_of = connected_components(graph, directed=False)
    is_short = np.bincount(chain_of[group_of], minlength=count)[chain_of] <= MOST_CHAINED
    by_name = np.array(sorted(range(count), key=names.dictionary.to_pylist().__getitem__))
    _, at = np.unique(chain_of[by_name], return_index=True)
    heads = by_name[at][chain_of]
    leader = np.where(is_short, heads, np.arange(count))
    joined = names.dictionary.take(pa.array(leader[group_of]))
    return samples.set_column(samples.schema.get_field_index("group_id"), samples.schema.field("group_id"), joined)
