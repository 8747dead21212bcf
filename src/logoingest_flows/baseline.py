"""The baseline fine-tune and the report as a Prefect flow of their own, so that they can be scheduled apart from fetching."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact

from logoingest import load_config
from logoingest.pipeline import check_extras, check_gates, open_run, record_run, run_stage
from logoingest.schemas import Stage
from logoingest_flows.slots import hold_slot, name_key

_STAGES = (Stage.TRAIN, Stage.REPORT)


@flow(name="baseline")
async def baseline(config_path: str, overrides: list[str] | None = None) -> dict[str, Any]:
    """Train the baseline on the release of one dataset.toml, judge it, and write the report again.

    Returns:
        The verdict: passed, checks.
    """
    config = load_config(config_path, overrides or [])
    async with hold_slot(config):
        with open_run(config) as opened, record_run(opened, "baseline"):
            check_extras(opened, _STAGES)
            check_gates(opened, [Stage.RELEASE])
            for stage in _STAGES:
                await asyncio.to_thread(run_stage, opened, stage)
            verdict: dict[str, Any] = json.loads(opened.workspace.read_bytes("baseline/verdict.json"))
            columns = ("name", "passed", "figure", "comparison", "threshold")
            rows = [{name: check[name] for name in columns} for check in verdict["checks"]]
            await acreate_table_artifact(
                rows, key=name_key(config, "verdict"), description=f"Sanity checks of {config.dataset.name}"
            )
            check_gates(opened, _STAGES)
    return verdict
