"""Dockerfile, compose.yaml and the systemd units: what they name is there, nobody is root, no secret lies in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from builders.places import ROOT
from logoingest.cli.main import build_parser

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS = sorted((ROOT / "deploy").glob("*.service"))


def list_steps(word: str) -> list[str]:
    return [rest for step, rest in STEPS if step == word]


def test_the_image_is_made_of_what_is_there():
    """Every copied path, every extra; exact tags; the context is closed but for what is copied."""
    copied = [path for rest in list_steps("COPY") if not rest.startswith("--from") for path in rest.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    packed = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {path.split("/")[0] for path in packed} <= allowed
    assert "\n*\n" in (ROOT / ".dockerignore").read_text()
    (extras,) = (rest.partition("=")[2].split(",") for rest in list_steps("ARG"))
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    images = [rest.split()[0] for rest in list_steps("FROM")]
    assert all(re.fullmatch(r"python:3\.11-slim-\w+", image) for image in images)


def test_nobody_is_root_and_no_secret_is_in_a_layer():
    """The last stage runs as a number, programs are started without a shell, pip leaves no cache."""
    last = max(place for place, (step, _) in enumerate(STEPS) if step == "FROM")
    assert [rest for step, rest in STEPS[last:] if step == "USER"] == ["10001:10001"]
    assert not list_steps("ADD")
    assert not re.search(r"(?i)password|secret|token|api_key", DOCKERFILE)
    assert all("--no-cache-dir" in rest for rest in list_steps("RUN") if "pip install" in rest)
    (entry,), (health,) = list_steps("ENTRYPOINT"), list_steps("HEALTHCHECK")
    assert entry == '["logoingest"]'
    assert "logoingest" in PROJECT["scripts"]
    assert 'CMD ["logoingest", "--version"]' in health


def test_the_services_start_one_after_the_other_and_say_how_they_are():
    """Each has a health check or ends; passwords come from the environment; nothing is open to the network."""
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "server", "deploy", "worker"}
    for name, service in services.items():
        assert name == "deploy" or service["healthcheck"]["test"][0] == "CMD"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert set(service.get("depends_on", ())) <= set(services)
        for key, value in service["environment"].items():
            assert "PASSWORD" not in key or value.startswith("${")
        if name != "postgres":
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            assert ":latest" not in service["image"]
    assert re.search(r":\$\{POSTGRES_PASSWORD:\?[^}]*\}@", services["server"]["environment"]["PREFECT_API_DATABASE_CONNECTION_URL"])


@pytest.mark.parametrize(
    "words",
    [
        ["server", "start", "--host", "--port"],
        ["worker", "start", "--pool", "--with-healthcheck"],
        ["work-pool", "create", "--type", "--overwrite"],
        ["deploy", "--all"],
    ],
)
def test_prefect_knows_the_commands_that_compose_gives(words):
    """Each of its words, and no other."""
    prefect = pytest.importorskip("prefect.cli", reason="the extra prefect")
    commands = {"server": "server", "worker": "worker", "work-pool": "work_pool", "deploy": "deploy"}
    source = (ROOT.__class__(prefect.__file__).parent / commands[words[0]]).with_suffix(".py")
    folder = source.with_suffix("")
    text = "".join(file.read_text() for file in ([source] if source.exists() else sorted(folder.glob("*.py"))))
    given = str([service.get("command") for service in COMPOSE["services"].values()])
    for word in words:
        assert word in given or word.removeprefix("--") in given
        assert word in text or word.removeprefix("--").replace("-", "_") in text, word


def test_silent_runs_have_crashed_under_compose_too():
    """The automation is made where none has its name: made again at each start, it would act as often."""
    [automation] = yaml.safe_load((ROOT / "automations.yaml").read_text())["automations"]
    asked, made = re.search(
        r"automation inspect '(.+)' > /dev/null \|\| prefect automation create --from-file (\S+)",
        COMPOSE["services"]["deploy"]["command"][0],
    ).groups()
    assert (asked, made) == (automation["name"], "automations.yaml")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_names_what_is_there(unit, tmp_path):
    """Its program and arguments are ours; it is no root, writes in one folder, and systemd has nothing against it."""
    text = unit.read_text()
    keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert keys["User"] == "logoingest"
    assert keys["NoNewPrivileges"] == "yes"
    program, *words = keys["ExecStart"].split()
    if program.endswith("/logoingest"):
        assert build_parser().parse_args(words).command.__name__ == "_command_run"
    else:
        assert words[:2] == ["-m", "logoingest_flows.serve"]
        assert (ROOT / "src/logoingest_flows/serve.py").exists()
        assert '"--cron"' in (ROOT / "src/logoingest_flows/serve.py").read_text()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    (tmp_path / unit.name).write_text(text.replace(program, "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_timer_starts_the_unit_of_its_name():
    """Once a night, also after a night that was slept through."""
    text = (ROOT / "deploy/logoingest.timer").read_text()
    assert (ROOT / "deploy/logoingest.service").exists()
    assert "Persistent=yes" in text
    if shutil.which("systemd-analyze"):
        when = re.search("OnCalendar=(.*)", text)[1]
        assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode == 0
