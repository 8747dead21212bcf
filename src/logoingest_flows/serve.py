"""Serve the flows on one machine, without a work pool or worker; SIGTERM and Ctrl-C stop what runs, and then itself.

    python -m logoingest_flows.serve mydata/dataset.toml --cron "0 3 * * *"

Workers (``prefect worker start``) are for several machines; see docs/prefect.md. The deployments are called ingest/served, baseline/served
and so on, so that they are none of those that ``prefect deploy`` makes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

# before Prefect reads them: our log lines among a run's own, and a sign of life that automations.yaml listens for
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "logoingest")
os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")

from prefect.runner import Runner
from prefect.types.entrypoint import EntrypointType

from logoingest_flows.baseline import baseline
from logoingest_flows.ingest import ingest
from logoingest_flows.maintain import maintain
from logoingest_flows.sweep import sweep

NAME = "served"


class StoppableRunner(Runner):
    """A runner that a signal stops: Prefect's own handler calls ``stop`` in the running loop, where it is never awaited."""

    async def start(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """As ``Runner.start``; Ctrl-C counts as SIGTERM."""
        signal.signal(signal.SIGINT, self.handle_sigterm)
        await super().start(run_once, webserver)

    def handle_sigterm(self, *_args: Any, **_kwargs: Any) -> None:
        """Cancel what runs, and end; a second signal changes nothing."""
        loop = asyncio.get_running_loop()
        if not self.stopping:
            self.stopping = True
            loop.call_soon_threadsafe(lambda: setattr(self, "_ending", loop.create_task(self.astop())))


async def serve(configs: Sequence[str], cron: str, limit: int) -> None:
    """Serve the flows of some datasets until told to stop."""
    runner = StoppableRunner(name=NAME, limit=limit, pause_on_shutdown=True)
    for number, config in enumerate(configs, 1):
        name, parameters = (NAME if number == 1 else f"{NAME}-{number}"), {"config_path": config}
        for flow, when in ((ingest, cron), (baseline, None), (sweep, None), (maintain, None)):
            by_name = EntrypointType.MODULE_PATH  # wherever the package lies
            made = await flow.ato_deployment(name=name, cron=when, parameters=parameters, entrypoint_type=by_name)
            await runner.aadd_deployment(made)
    await runner.start()


def main() -> None:
    """Serve ``ingest`` on a schedule, ``baseline``, ``sweep`` and ``maintain`` on demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="+", help="dataset.toml, of one dataset or several")
    parser.add_argument("--cron", default="0 3 * * *", help='when to ingest (default: "0 3 * * *")')
    parser.add_argument("--limit", type=int, default=1, help="flow runs at once")
    options = parser.parse_args()
    asyncio.run(serve(options.config, options.cron, options.limit))


if __name__ == "__main__":
    main()
