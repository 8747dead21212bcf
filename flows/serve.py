"""Serve the flows on one machine, without a work pool or worker; stops cleanly on SIGTERM.

    python flows/serve.py mydata/dataset.toml --cron "0 3 * * *"

Workers (``prefect worker start``) are for several machines; see the README.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

from prefect import serve

from baseline import baseline
from ingest import ingest
from sweep import sweep

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


def main() -> None:
    """Serve ``ingest`` on a schedule, ``baseline`` and ``sweep`` on demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="dataset.toml")
    parser.add_argument("--cron", default="0 3 * * *", help='when to ingest (default: "0 3 * * *")')
    parser.add_argument("--limit", type=int, default=1, help="flow runs at once")
    options = parser.parse_args()
    parameters = {"config_path": options.config}
    deployments = (
        ingest.to_deployment(name="ingest", cron=options.cron, parameters=parameters, concurrency_limit=1),
        baseline.to_deployment(name="baseline", parameters=parameters, concurrency_limit=1),
        sweep.to_deployment(name="sweep", parameters=parameters, concurrency_limit=1),
    )
    serve(*cast("tuple[RunnerDeployment, ...]", deployments), limit=options.limit)


if __name__ == "__main__":
    main()
