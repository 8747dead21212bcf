"""Prefect for real: server, work pool, deploy, worker; a triggered and a scheduled run complete, and the release is the CLI's."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import pytest
import yaml

from builders.places import ROOT
from logoingest import load_config, run
from logoingest.pipeline.actions.deploying import plan_deployments, write_deployments


def hash_folder(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()
    }


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_every_key_of_prefect_yaml_is_known_to_prefect(tmp_path):
    """An unknown deployment key is ignored in silence by prefect deploy: it is caught here."""
    from prefect.cli.deploy._models import DeploymentConfig

    document = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    assert [deployment["name"] for deployment in document["deployments"]] == ["ingest", "baseline", "sweep", "maintain"]
    written = yaml.safe_load(plan_deployments(tmp_path, tmp_path / "set/dataset.toml", "set").text)["deployments"]
    assert [deployment["entrypoint"] for deployment in written] == [f"flows.py:{one['name']}" for one in document["deployments"]]
    for deployment in written:
        DeploymentConfig.model_validate(deployment)
    for deployment in document["deployments"]:
        assert set(deployment) <= set(DeploymentConfig.model_fields)
        DeploymentConfig.model_validate(deployment)
        assert (ROOT / deployment["entrypoint"].split(":")[0]).is_file()
    assert document["deployments"][0]["schedules"][0]["cron"]


class PrefectServer:
    """A server of its own on loopback, with its own home and database, and the processes around it."""

    def __init__(self, folder: Path) -> None:
        port = find_port()
        self.api = f"http://127.0.0.1:{port}/api"
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        self.environ = {
            **os.environ,
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
            "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "1",  # not a hundred of every schedule ahead
            "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "1",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "60",
            "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "DO_NOT_TRACK": "1",
        }
        self.start("server", "start", "--host", "127.0.0.1", "--port", str(port))

    def lead_to(self, config: Path) -> None:
        """What is started from now on finds this dataset."""
        self.environ |= {"LOGOINGEST_CONFIG": str(config), "LOGOINGEST_HOME": str(config.parent)}

    def start(self, *arguments: str) -> subprocess.Popen:
        """A process of its own group, with the default SIGINT, so that it can be stopped whole."""
        log = (self.folder / f"{arguments[0]}.log").open("wb")
        command = [sys.executable, "-m", "prefect", *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, restore_signals=True
        )
        self.processes.append(process)
        return process

    def start_serving(self, *arguments: str) -> subprocess.Popen:
        """``flows/serve.py`` of the project, as a process of its own group."""
        with (self.folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "flows/serve.py"), *arguments], cwd=ROOT, env=self.environ, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def request(self, method: str, path: str, json: dict | None = None):
        """What the server answers; as Prefect's own clients do, a busy one (503) is asked again."""
        answers = []

        def ask() -> None:
            answers.append(httpx.request(method, f"{self.api}/{path}", json=json, timeout=60))
            assert answers[-1].is_success, f"{method} {path}: {answers[-1].status_code} {answers[-1].text}"

        _wait_until(ask)
        return answers[-1].json() if answers[-1].content else None

    def ask(self, path: str, **filters) -> list[dict]:
        """What the server lists."""
        return self.request("POST", f"{path}/filter", filters)

    def find_deployment(self, name: str) -> dict:
        """A deployment by ``flow/deployment``, waited for."""
        return self.request("GET", f"deployments/name/{name}")

    def trigger(self, name: str) -> str:
        """What ``prefect deployment run`` asks the server for; the run's id."""
        once = {"idempotency_key": str(uuid.uuid4())}  # however often it is asked
        path = f"deployments/{self.find_deployment(name)['id']}/create_flow_run"
        return self.request("POST", path, {"state": {"type": "SCHEDULED"}, **once})["id"]

    def switch_schedule(self, name: str, active: bool) -> None:
        """Resume or pause a deployment's only schedule."""
        deployment = self.find_deployment(name)
        (schedule,) = deployment["schedules"]
        self.request("PATCH", f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": active})

    def call(self, *arguments: str, folder: Path = ROOT) -> str:
        command = [sys.executable, "-m", "prefect", *arguments]
        done = subprocess.run(command, cwd=folder, env=self.environ, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def deploy(self, prefect_file: Path, schedules: list[dict]) -> None:
        """``prefect deploy --all`` of the project's own prefect.yaml, with other schedules for ingest."""
        document = yaml.safe_load((ROOT / "prefect.yaml").read_text())
        document["deployments"][0]["schedules"] = schedules
        prefect_file.write_text(yaml.safe_dump(document))
        self.call("deploy", "--all", "--prefect-file", str(prefect_file))

    def wait_until_healthy(self) -> None:
        for _ in range(240):
            try:
                if httpx.get(f"{self.api}/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.25)
        raise AssertionError((self.folder / "server.log").read_text())

    def list_runs(self) -> list[dict]:
        return self.ask("flow_runs", sort="START_TIME_DESC")

    def wait_for(self, wanted, state: str = "COMPLETED") -> dict:
        deadline = time.monotonic() + 300
        refused = {"FAILED", "CRASHED"} - {state}
        while time.monotonic() < deadline:
            for found in self.list_runs():
                if wanted(found):
                    assert found["state_type"] not in refused, self._read_output()
                    if found["state_type"] == state:
                        return found
            time.sleep(0.5)
        raise AssertionError(self._read_output())

    def _read_output(self) -> str:
        return "\n".join(log.read_text()[-4000:] for log in sorted(self.folder.glob("*.log")) if log.name != "server.log")

    def stop(self, but: int = 0) -> None:
        """End what was started, but for the first ``but``."""
        for process in reversed(self.processes[but:]):
            with contextlib.suppress(ProcessLookupError):  # a test has ended it
                os.killpg(process.pid, signal.SIGINT)
        for process in reversed(self.processes[but:]):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        del self.processes[but:]


@pytest.fixture(scope="module")
def started_server(tmp_path_factory):
    """One server for all tests."""
    server = PrefectServer(tmp_path_factory.mktemp("prefect"))
    try:
        server.wait_until_healthy()
        yield server
    finally:
        server.stop()


@pytest.fixture
def prefect_server(started_server, make_dataset):
    """The server, and a small dataset that what a test starts finds."""
    started_server.dataset = make_dataset()
    started_server.lead_to(started_server.dataset.config)
    yield started_server
    started_server.stop(but=1)


@pytest.mark.deploy
@pytest.mark.timeout(900)
def test_a_triggered_and_a_scheduled_run_complete(prefect_server, tmp_path):
    """From nothing to both kinds of run, with the artifacts; the release equals the command line's byte for byte."""
    server = prefect_server
    server.call("work-pool", "create", "logoingest", "--type", "process")
    server.start("worker", "start", "--pool", "logoingest")
    server.deploy(tmp_path / "paused.yaml", [{"interval": 10, "active": False}])
    _check_written_project(server)
    server.switch_schedule("ingest/ingest", active=True)
    _wait_until(lambda: _check(any(found["auto_scheduled"] and found["start_time"] for found in server.list_runs())))
    server.switch_schedule("ingest/ingest", active=False)
    server.wait_for(lambda found: found["auto_scheduled"])
    config = load_config(server.dataset.config, {"dataset.workspace": str(tmp_path / "by_cli")}, {})
    run(config)
    assert hash_folder(tmp_path / "by_cli/release") == hash_folder(server.dataset.release)
    keys = {artifact["key"] for artifact in server.ask("artifacts")}
    assert {f"small-{name}" for name in ("funnel", "rejections", "summary", "changes", "fetch-progress")} <= keys
    assert any(line["name"] == "logoingest" and "release" in line["message"] for line in server.ask("logs", sort="TIMESTAMP_ASC"))
    _wait_until(lambda: _check("logoingest.nothing-new" in _list_events(server)))
    assert "fetch shard 00001/00004" in {task["name"] for task in server.ask("task_runs")}


def _list_events(server: PrefectServer) -> set[str]:
    """Our events that the server knows."""
    return {event["event"] for event in server.ask("events", filter={"event": {"prefix": ["logoingest."]}})["events"]}


def _check_written_project(server: PrefectServer) -> None:
    """What ``init --prefect`` writes deploys and runs, wherever it lies: the worker says where, the deployment holds no path."""
    project = server.dataset.config.parent
    write_deployments(plan_deployments(project, server.dataset.config, "written"))
    server.call("deploy", "--all", folder=project)
    made = server.find_deployment("ingest/written")
    assert made["entrypoint"] == "flows.py:ingest"
    assert str(project) not in str(made)
    server.call("deployment", "run", "ingest/written")
    server.wait_for(lambda found: found["deployment_id"] == made["id"] and not found["auto_scheduled"])


@pytest.mark.deploy
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_served_stops_cleanly_and_what_is_killed_does_not_stand_in_the_way(prefect_server):
    """SIGTERM in mid-run cancels the run and ends the process; of a killed one the automation says that it crashed; the next completes."""
    server, site = prefect_server, prefect_server.dataset.site
    server.call("automation", "create", "--from-file", str(ROOT / "automations.yaml"))
    site.delay_s = 2.0
    serving = server.start_serving(str(server.dataset.config))
    first = _begin(server)
    os.kill(serving.pid, signal.SIGTERM)
    assert serving.wait(60) == 0
    output = (server.folder / "serve.log").read_text()
    assert "never awaited" not in output
    assert server.wait_for(lambda found: found["id"] == first, "CANCELLED")
    serving = server.start_serving(str(server.dataset.config))
    second = _begin(server)
    os.killpg(serving.pid, signal.SIGKILL)
    serving.wait(20)
    site.delay_s = 0.0
    server.start_serving(str(server.dataset.config))
    third = server.trigger("ingest/served")
    server.wait_for(lambda found: found["id"] == third)
    server.wait_for(lambda found: found["id"] == second, "CRASHED")


def _begin(server: PrefectServer) -> str:
    """The id of a run of ``ingest/served`` that fetches."""
    asked = sum(server.dataset.site.requests.values())
    begun = server.trigger("ingest/served")
    _wait_until(lambda: _check(sum(server.dataset.site.requests.values()) > asked))
    assert [found["state_type"] for found in server.list_runs() if found["id"] == begun] == ["RUNNING"]
    return begun


def _check(holds: bool) -> None:
    assert holds


def _wait_until(does, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            does()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
