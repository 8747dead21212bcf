"""Pairs of partitions searched as tasks of a Ray cluster, one core each; each reads its two partitions itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from logoingest.images.partitions.joining import PartitionPair, Touched, search_pair
from logoingest.ray_cluster import join_cluster, map_on_cluster


def search_on_ray(pairs: Sequence[PartitionPair], address: str = "") -> Iterator[Touched]:
    """Search the pairs, in no order.

    Args:
        pairs: their workspace must be reachable, under the same name, from every machine.
        address: of the cluster's head, ``host:port``; "" is what RAY_ADDRESS says, else a cluster of this machine alone.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
        LogoingestError: the cluster is gone, or a shard is damaged.
    """
    with join_cluster("fetch", address):
        yield from map_on_cluster(search_pair, pairs, "a search for near pictures")
