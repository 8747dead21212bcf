"""What a dataset needs beside its nightly run, as a Prefect flow: heal, ask again, prune, verify, push; no logic of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact

from logoingest import load_config
from logoingest.errors import GateError, Problem
from logoingest.pipeline import Run, open_run, prune, record_run, refresh, retry, verify
from logoingest.release import Violation
from logoingest.release.keeping.commands import push
from logoingest_flows.slots import hold_slot, name_key


@flow(name="maintain")
async def maintain(  # noqa: PLR0917  (a flow's parameters are its form in the UI)
    config_path: str,
    overrides: list[str] | None = None,
    retry_reasons: list[str] | None = None,
    ask_again: bool = False,
    remove_surplus: bool = False,
    check_laws: bool = True,
    push_to: str = "",
) -> list[str]:
    """Look after one dataset, in this order; what is healed or changed comes into the release with the next ``ingest``.

    Args:
        config_path: the dataset's config, relative to the deployment's working directory.
        overrides: as ``--set``.
        retry_reasons: fetch again what failed for these reasons, ``["timeout", "http_5xx"]``.
        ask_again: ask for everything that was fetched: is it changed, is it gone?
        remove_surplus: prune by the policy in ``[retention]``.
        check_laws: verify the release; a broken law fails the flow before anything is pushed.
        push_to: publish the release there: a folder, or ``s3://bucket/prefix``.

    Returns:
        What was done, a line each.
    """
    config = load_config(config_path, overrides or [])
    done: list[str] = []
    async with hold_slot(config):
        with open_run(config) as opened, record_run(opened, "maintain"):
            if retry_reasons:
                done.append(f"retry: {await asyncio.to_thread(retry, opened, retry_reasons)}")
            if ask_again:
                done.append(f"refresh: {await asyncio.to_thread(refresh, opened)}")
            if remove_surplus:
                done += [f"prune: {entry}" for entry in await asyncio.to_thread(prune, opened)]
            if check_laws:
                await _check_laws(opened)
                done.append("verify: sound")
        if push_to:
            done.append(f"push: {await asyncio.to_thread(push, config, push_to)}")
    for line in done:
        get_run_logger().info(line)
    return done


async def _check_laws(run: Run) -> None:
    broken: Sequence[Violation] = await asyncio.to_thread(verify, run)
    key = name_key(run.config, "violations")
    rows = [{"law": entry.law, "where": entry.where, "what": entry.what} for entry in broken]
    await acreate_table_artifact(rows, key=key, description=f"Broken laws of {run.config.dataset.name}")
    if broken:
        raise GateError([Problem(entry.where, f"{entry.law}: {entry.what}", "see docs/release.md") for entry in broken[:20]])
