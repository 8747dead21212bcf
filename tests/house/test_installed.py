"""What is built: the wheel, made from the sdist, in an environment of its own without the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from builders.places import ROOT

pytest.importorskip("hatchling", reason="builds the wheel")


def call(*command: str | Path, folder: Path) -> str:
    """Run a program outside the source tree; what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOGOINGEST"))}
    done = subprocess.run([*map(str, command)], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the unpacked sdist: what the sdist lacks, the wheel lacks."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, folder=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=unpacked)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The bin folder of an environment with the wheel in it, that sees the packages of this one."""
    pytest.importorskip("pip", reason="installs the wheel")
    folder = tmp_path_factory.mktemp("installed") / "env"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel)
    call(sys.executable, "-m", "pip", "--python", python, *install, folder=folder)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    seen = [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}]
    (site / "others.pth").write_text("\n".join(seen) + "\n")
    return folder / "bin"


def list_files(folder: Path) -> set[str]:
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder.parent).as_posix() for file in files}


@pytest.mark.slow
def test_the_wheel_holds_the_packages_and_the_maps_and_nothing_else(wheel):
    """Code, py.typed, templates, the maps with their licence: file by file what the source tree has."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    maps = {f"logoingest/{name}" for name in list_files(ROOT / "label_maps")}
    examples = {f"logoingest/{name}" for name in list_files(ROOT / "examples")}
    assert names == list_files(ROOT / "src/logoingest") | list_files(ROOT / "src/logoingest_flows") | maps | examples
    assert {"logoingest/py.typed", "logoingest/label_maps/litw.LICENSE.txt"} <= names


@pytest.mark.slow
def test_an_installed_package_has_what_a_clone_has(installed, tmp_path):
    """The command, a map by name, and a dataset made and planned with it; nothing comes from the source tree."""
    command = installed / "logoingest"
    assert "usage: logoingest" in call(command, "--help", folder=tmp_path)
    (tmp_path / "rows.csv").write_text("image_url,brand\nhttp://x.example/1.jpg,bosch\nhttp://x.example/2.jpg,audi\n")
    call(command, "init", "set", "--from", "rows.csv", "--prefect", ".", folder=tmp_path)
    assert (tmp_path / "automations.yaml").is_file()
    call(command, "run", "set/dataset.toml", "--until", "normalise", "--set", "labels.class_map=logoingest:litw", folder=tmp_path)
    told = call(
        installed / "python", "-c",
        "import logoingest, sys\n"
        "from logoingest import ClassMap\n"
        "import logoingest.report.environment, logoingest.named_maps as maps\n"
        "print(logoingest.__file__, maps.place_map('logoingest:litw', None), *sys.path, sep='\\n')",
        folder=tmp_path,
    ).splitlines()  # fmt: skip
    assert all(line.startswith(str(installed.parent)) for line in told[:2])
    assert not any(line.startswith(str(ROOT / "src")) for line in told)
    call(command, "example", "logos_in_the_wild", "wild", folder=tmp_path)
    assert (tmp_path / "wild/dataset.toml").read_bytes() == (ROOT / "examples/logos_in_the_wild/dataset.toml").read_bytes()


@pytest.mark.slow
def test_the_flows_of_an_installed_package_are_those_that_a_project_names(installed, tmp_path):
    """The module that ``init --prefect`` writes imports four flows from the wheel."""
    pytest.importorskip("prefect")
    (tmp_path / "rows.csv").write_text("image_url,brand\nhttp://x.example/1.jpg,bosch\nhttp://x.example/2.jpg,audi\n")
    call(installed / "logoingest", "init", "set", "--from", "rows.csv", "--prefect", folder=tmp_path)
    said = "import flows, logoingest_flows\nprint(flows.ingest.name, flows.baseline.name, flows.sweep.name, flows.maintain.name)\n"
    told = call(installed / "python", "-c", said + "print(logoingest_flows.__file__)", folder=tmp_path / "set").splitlines()
    assert told[0] == "ingest baseline sweep maintain"
    assert told[1].startswith(str(installed.parent))
