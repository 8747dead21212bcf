"""From URLs to bytes: politely, within bounds, to public addresses only; one row of ``downloads`` for every URL.

``policy`` decides, ``client`` speaks HTTP, ``fetcher`` gives every URL its turn, ``detours`` looks elsewhere for dead ones,
``shard`` writes, ``lanes`` spreads shards over processes, each a ``lane``, ``ray_shards`` over machines. Names are loaded when they
are first used: whoever only hands shards out needs no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.lazy_names import load_lazily

if TYPE_CHECKING:
    from logoingest.fetch.fallbacks import merge_alternatives
    from logoingest.fetch.fetcher import Fetcher, fetch_urls
    from logoingest.fetch.integrity import find_hash_fault, write_expected
    from logoingest.fetch.jobs import FetchProgress, Inspect, ShardCounts, ShardJob
    from logoingest.fetch.lanes import run_shards
    from logoingest.fetch.plan import PLAN_SCHEMA, plan_shards
    from logoingest.fetch.pursuit import OnOutcome
    from logoingest.fetch.ray_shards import run_shards_on_ray
    from logoingest.fetch.settings import FetchSettings, Proxy
    from logoingest.fetch.shard import choose_retries, run_job, run_shard

_HOMES = {
    "fallbacks": ("merge_alternatives",),
    "fetcher": ("Fetcher", "fetch_urls"),
    "integrity": ("find_hash_fault", "write_expected"),
    "jobs": ("FetchProgress", "Inspect", "ShardCounts", "ShardJob"),
    "lanes": ("run_shards",),
    "plan": ("PLAN_SCHEMA", "plan_shards"),
    "pursuit": ("OnOutcome",),
    "ray_shards": ("run_shards_on_ray",),
    "settings": ("FetchSettings", "Proxy"),
    "shard": ("choose_retries", "run_job", "run_shard"),
}

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
    "find_hash_fault",
    "merge_alternatives",
    "plan_shards",
    "run_job",
    "run_shard",
    "run_shards",
    "run_shards_on_ray",
    "write_expected",
]

__getattr__ = load_lazily(__name__, _HOMES)
