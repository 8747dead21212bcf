"""What the flows share: one slot a dataset, names of artifacts by dataset, our log lines among a run's own."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncIterator

from prefect import get_client
from prefect.concurrency.asyncio import concurrency

from logoingest.config import Config
from logoingest.imports.compiler import hold_compiler_back
from logoingest.imports.lean import let_threads_sleep, take_pages_as_needed

#: A slot of a worker that was killed is free again after so many seconds.
SLOT_LEASE_S = 60.0

# PREFECT_LOGGING_EXTRA_LOGGERS (prefect.yaml, serve.py) hands a library's lines on, but leaves its logger at WARNING
let_threads_sleep()
take_pages_as_needed()
hold_compiler_back()
logging.getLogger("logoingest").setLevel(logging.INFO)


@contextlib.asynccontextmanager
async def hold_slot(config: Config) -> AsyncIterator[None]:
    """The one slot of a dataset: whoever comes second waits, other datasets don't. Beneath it the workspace keeps its own lease."""
    name = f"logoingest-{name_key(config)}"
    async with get_client() as client:
        await client.upsert_global_concurrency_limit_by_name(name, limit=1)
    async with concurrency(name, lease_duration=SLOT_LEASE_S, strict=True, raise_on_lease_renewal_failure=False):
        yield


def name_key(config: Config, artifact: str = "") -> str:
    """A dataset's name as Prefect has keys: lower case, digits and dashes; with an artifact's behind it."""
    name = re.sub(r"[^a-z0-9]+", "-", config.dataset.name.lower()).strip("-") or "dataset"
    return f"{name}-{artifact}" if artifact else name
