"""How the files of ``downloads/`` are called: shards, and the rows of one that was not finished."""

from __future__ import annotations

import re

SHARD_PATTERN = re.compile(r"^shard-(\d{5,})\.parquet$")
BEGUN_PATTERN = re.compile(r"^(shard-\d{5,})\.begun$")


def shard_name(index: int) -> str:
    """The file name of a shard by its number."""
    return f"shard-{index:05d}.parquet"


def name_begun(shard: str) -> str:
    """The name under which the rows of an unfinished shard are kept. No ``.parquet``: nobody's pattern takes it for a shard."""
    return f"{shard.removesuffix('.parquet')}.begun"
