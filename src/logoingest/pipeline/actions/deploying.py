"""``init --prefect``: a Prefect project over the packaged flows, and a dataset's deployments in it; no path of this machine in either."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from logoingest.errors import Problem, UsageError
from logoingest.files.whole import replace_file
from logoingest.named_files import explain_unreadable

_FLOWS = {
    "ingest": "The whole route, every night.",
    "baseline": "Train and judge the baseline, on demand.",
    "sweep": "Run the sweep, or go on with it, on demand.",
    "maintain": "Retry, refresh, prune, verify, push, on demand.",
}
_MODULE = '"""The flows of logoingest, as prefect.yaml names them; yours may stand beside them."""\n\n' + "".join(
    f"from logoingest_flows.{name} import {name}\n" for name in sorted(_FLOWS)
)
_HEAD = """\
# Made by `logoingest init --prefect`; run again for another dataset with the same folder, it adds that one's deployments.
#   prefect work-pool create logoingest --type process
#   prefect deploy --all
#   prefect automation create --from-file automations.yaml
#   LOGOINGEST_HOME=THIS_FOLDER prefect worker start --pool logoingest    # on each machine that shall work
name: logoingest
prefect-version: 3.8.8

deployments:
"""
_DEPLOYMENT = """\
  - name: {name}
    description: {description}
    entrypoint: flows.py:{flow}
    parameters:
      config_path: {config}
    schedules: {schedules}
    pull:
      - logoingest_flows.places.enter_home: {{}} # into LOGOINGEST_HOME of the worker
    work_pool:
      name: logoingest
      job_variables:
        env:
          PREFECT_LOGGING_EXTRA_LOGGERS: logoingest # our log lines among the run's own
          PREFECT_FLOWS_HEARTBEAT_FREQUENCY: "30" # automations.yaml: who is silent has crashed
"""
#: What tells of runs whose worker was killed, and what somebody should hear of.
_AUTOMATIONS = ("automations.yaml", "alerts.yaml")
_NIGHTLY = '[{cron: "0 3 * * *", timezone: UTC}]'


class Deployments(NamedTuple):
    """What ``init --prefect`` wrote."""

    project: Path
    """prefect.yaml."""
    flows: Path
    """The module that its entrypoints name."""
    deployed: list[str]
    """``ingest/mydata`` and so on."""


class PlannedDeployments(NamedTuple):
    """What is to be written, and where."""

    made: Deployments
    text: str
    """prefect.yaml."""


def plan_deployments(folder: Path, config: Path, name: str) -> PlannedDeployments:
    """A dataset's deployments, added to those that ``folder/prefect.yaml`` has; nothing is written.

    Args:
        folder: of the Prefect project; what ``LOGOINGEST_HOME`` will name.
        config: the dataset.toml, in that folder or below it.
        name: of the dataset, and of its deployments.

    Raises:
        UsageError: the config lies elsewhere, prefect.yaml cannot be added to, or deploys a dataset of that name already.
    """
    project = folder / "prefect.yaml"
    inside = os.path.relpath(config, folder).replace(os.sep, "/")
    if inside.startswith("../"):
        raise UsageError(Problem(str(config), f"does not lie in {folder}", "name a folder above it with --prefect"))
    before = _read_project(project)
    text = before + "".join(_render_deployment(flow, inside, name) for flow in _FLOWS)
    _check_project(project, before, text, name)
    return PlannedDeployments(Deployments(project, folder / "flows.py", [f"{flow}/{name}" for flow in _FLOWS]), text)


def write_deployments(planned: PlannedDeployments) -> Deployments:
    """Write ``prefect.yaml``; the module of flows and the automations where there are none."""
    made = planned.made
    made.project.parent.mkdir(parents=True, exist_ok=True)
    beside = {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _AUTOMATIONS}
    for name, text in {made.flows.name: _MODULE, **beside}.items():
        file = made.flows.with_name(name)
        if not file.exists():
            file.write_text(text, encoding="utf-8")
    with replace_file(made.project) as temporary:
        temporary.write_text(planned.text, encoding="utf-8")
    return made


def _read_project(project: Path) -> str:
    try:
        text = project.read_text(encoding="utf-8") if project.exists() else _HEAD
    except (OSError, ValueError) as error:
        raise UsageError(explain_unreadable(project, error, "it is Prefect's prefect.yaml")) from None
    return text if text.endswith("\n") else text + "\n"


def _render_deployment(flow: str, config: str, name: str) -> str:
    return _DEPLOYMENT.format(
        name=json.dumps(name),
        description=_FLOWS[flow],
        flow=flow,
        config=json.dumps(config, ensure_ascii=False),
        schedules=_NIGHTLY if flow == "ingest" else "[]",
    )


def _check_project(project: Path, before: str, text: str, name: str) -> None:
    """The deployments came behind those that were there, and nothing else changed."""
    try:
        was, now = _parse(before), _parse(text)
    except yaml.YAMLError as error:
        raise UsageError(Problem(str(project), f"cannot be added to ({error})", "name another folder with --prefect")) from None
    known = was.get("deployments") or []
    if any(isinstance(one, Mapping) and one.get("name") == name for one in known):
        raise UsageError(Problem(str(project), f'has deployments "{name}" already', "call the dataset's folder otherwise"))
    if {**now, "deployments": known} != {**was, "deployments": known} or now["deployments"][: len(known)] != known:
        hint = "deployments must stand last in it, as a list indented by two spaces; or name another folder with --prefect"
        raise UsageError(Problem(str(project), "cannot be added to", hint))


def _parse(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)
    if not isinstance(found, dict) or not isinstance(found.get("deployments") or [], list):
        raise yaml.YAMLError("it is no Prefect project with a list of deployments")
    return found
