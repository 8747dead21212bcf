"""What a night brought, as Prefect artifacts, each under its dataset's name."""

from __future__ import annotations

import asyncio

from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact, acreate_table_artifact
from prefect.events import emit_event

from logoingest.pipeline import Run, Status, read_history
from logoingest.release.keeping.commands import diff
from logoingest.release.keeping.comparison import ReleaseDiff
from logoingest.release.keeping.versions import locate_versions
from logoingest_flows.slots import name_key

#: By how much the share of failed URLs may rise from one run to the next, unannounced.
MORE_FAILED = 0.05


async def publish_status(run: Run, status: Status) -> None:
    """The funnel and the refusals as tables, the law as a line, and where the results are."""
    name = status.dataset
    await acreate_table_artifact(
        [{"stage": str(step.stage), "in": step.rows_in, "kept": step.kept, "rejected": step.rejected} for step in status.funnel],
        key=name_key(run.config, "funnel"),
        description=f"Rows of {name} by stage",
    )
    refusals = [
        {"stage": str(step.stage), "reason": reason, "rows": count}
        for step in status.funnel
        for reason, count in step.reasons.items()
    ]
    await acreate_table_artifact(
        refusals, key=name_key(run.config, "rejections"), description=f"Rejected rows of {name} by stage and reason"
    )
    law = status.law
    places = [f"{what}: `{run.workspace.path(file)}`" for what, file in (("Release", "release"), ("Report", "report.html"))]
    await acreate_markdown_artifact(
        f"# {name}\n\n{law.annotations:,} source rows = {law.voted:,} voted + {law.rejected:,} rejected"
        f" + {law.pending:,} pending\n\n" + "\n\n".join(places) + "\n",
        key=name_key(run.config, "summary"),
        description="The conservation law and where the results are",
    )
    if not run.workspace.is_local and run.workspace.exists("report.html"):  # a browser follows no link to a worker's disk
        link = f"{run.workspace.url}/report.html"
        await acreate_link_artifact(link, link_text="report.html", key=name_key(run.config, "report"))


async def publish_changes(run: Run, before: str | None) -> None:
    """What the release holds that the one before had not, where there is another since ``before`` (its fingerprint)."""
    versions = await asyncio.to_thread(locate_versions, run.workspace)
    if not versions or versions[-1].fingerprint == before:
        text = "Nothing new: the release is that of the run before."
    elif len(versions) < 2 or versions[-2].folder is None or not run.workspace.is_local:
        text = f"Version {versions[-1].version}; the release before it is not at hand to be compared."
    else:
        older, newer = (str(run.workspace.local_path(str(entry.folder))) for entry in versions[-2:])
        text = _describe(await asyncio.to_thread(diff, older, newer))
    key = name_key(run.config, "changes")
    await acreate_markdown_artifact(f"# {run.config.dataset.name}\n\n{text}\n", key=key, description="Since the run before")


def emit_alerts(run: Run) -> None:
    """Tell whoever listens (alerts.yaml) that a night brought nothing new, or that more URLs failed than in the one before."""
    *_, before, now = [
        None,
        None,
        *(entry for entry in read_history(run.workspace) if entry.what == "ingest" and entry.release is not None),
    ]
    if before is None or now is None:
        return
    resource = {
        "prefect.resource.id": f"logoingest.dataset.{name_key(run.config)}",
        "prefect.resource.name": run.config.dataset.name,
    }
    if now.release == before.release:
        emit_event("logoingest.nothing-new", resource, payload={"release": now.release})
    if now.failed_share > before.failed_share + MORE_FAILED:
        shares = {"before": f"{before.failed_share:.1%}", "failed_share": f"{now.failed_share:.1%}"}
        emit_event("logoingest.more-failed", resource, payload=shares)


def _describe(found: ReleaseDiff) -> str:
    figures = {
        "same": found.same,
        "added": len(found.added),
        "removed": len(found.removed),
        "of another class": len(found.relabelled),
        "in another split": len(found.moved),
        "classes added": len(found.classes_added),
        "classes removed": len(found.classes_removed),
    }
    lines = "\n".join(f"| {name} | {count:,} |" for name, count in figures.items())
    return f"| pictures | |\n|---|---|\n{lines}\n\n`{found.before[:16]}` → `{found.after[:16]}`"
