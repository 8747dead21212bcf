"""A Ray cluster, for whoever has tasks: joined by its address or started on this machine alone, asked with a deadline, and left.

node.py      one machine of a cluster, as a process that ends with its parent
alone.py     a cluster of this machine alone, with a token of its own; nothing of it stays
joining.py   be part of a cluster for a while; why that was not possible
asking.py    Ray's answers within a deadline: machines, cores
mapping.py   many calls of one function, their answers as they come
"""

from __future__ import annotations

from logoingest.ray_cluster.asking import ask, count_resource, list_machines
from logoingest.ray_cluster.joining import DEADLINE_S, join_cluster
from logoingest.ray_cluster.mapping import map_on_cluster

__all__ = ["DEADLINE_S", "ask", "count_resource", "join_cluster", "list_machines", "map_on_cluster"]
