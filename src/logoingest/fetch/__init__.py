"""From URLs to bytes: politely, within bounds, to public addresses only; one row of ``downloads`` for every URL.

``policy`` decides, ``client`` speaks HTTP, ``fetcher`` gives every URL its turn, ``shard`` writes, ``lanes`` spreads shards over
processes, each a ``lane``, ``ray_shards`` over machines.
"""

from __future__ import annotations

from logoingest.fetch.fetcher import Fetcher, Inspect, fetch_urls
from logoingest.fetch.lane import FetchProgress
from logoingest.fetch.lanes import run_shards
from logoingest.fetch.plan import PLAN_SCHEMA, plan_shards
from logoingest.fetch.pursuit import OnOutcome
from logoingest.fetch.ray_shards import run_shards_on_ray
from logoingest.fetch.settings import FetchSettings, Proxy
from logoingest.fetch.shard import ShardCounts, ShardJob, choose_retries, run_shard

__all__ = [
    "PLAN_SCHEMA",
    "FetchProgress",
    "FetchSettings",
    "Fetcher",
    "Inspect",
    "OnOutcome",
    "Proxy",
    "ShardCounts",
    "ShardJob",
    "choose_retries",
    "fetch_urls",
    "plan_shards",
    "run_shard",
    "run_shards",
    "run_shards_on_ray",
]
