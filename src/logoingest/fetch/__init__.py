"""From URLs to bytes: politely, within bounds, to public addresses only; one row of ``downloads`` for every URL.

    rules/      pure decisions: what may be asked, of whom, how often, what an answer means      jobs  what is handed out
    http/       one request and its answer                 turns/      hosts take turns, retries wait, dead links go on to fallbacks
    shards/     one shard and its file                     executors/  lanes on this machine, Ray tasks on many

Names are loaded when they are first
used: whoever only hands shards out needs no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.fetch.executors.processes import run_shards
    from logoingest.fetch.executors.ray_shards import run_shards_on_ray
    from logoingest.fetch.jobs import FetchProgress, Inspect, ShardCounts, ShardJob
    from logoingest.fetch.rules.fallbacks import merge_alternatives
    from logoingest.fetch.rules.integrity import find_hash_fault, write_expected
    from logoingest.fetch.rules.settings import FetchSettings, Proxy
    from logoingest.fetch.shards.plan import PLAN_SCHEMA, plan_shards
    from logoingest.fetch.shards.shard import choose_retries, run_job, run_shard
    from logoingest.fetch.turns.fetcher import Fetcher, fetch_urls
    from logoingest.fetch.turns.pursuit import OnOutcome

_HOMES = {
    "rules.fallbacks": ("merge_alternatives",),
    "turns.fetcher": ("Fetcher", "fetch_urls"),
    "rules.integrity": ("find_hash_fault", "write_expected"),
    "jobs": ("FetchProgress", "Inspect", "ShardCounts", "ShardJob"),
    "executors.processes": ("run_shards",),
    "shards.plan": ("PLAN_SCHEMA", "plan_shards"),
    "turns.pursuit": ("OnOutcome",),
    "executors.ray_shards": ("run_shards_on_ray",),
    "rules.settings": ("FetchSettings", "Proxy"),
    "shards.shard": ("choose_retries", "run_job", "run_shard"),
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
