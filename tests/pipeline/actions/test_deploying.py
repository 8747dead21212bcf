"""``init --prefect``: a project of several datasets, added to as text so that what a person wrote into it stays."""

from __future__ import annotations

import pytest
import yaml

from logoingest.cli.main import main
from logoingest.errors import UsageError
from logoingest.pipeline.actions.deploying import plan_deployments, write_deployments


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """A source file in a fresh working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("image_url,brand\nhttp://x.example/1.jpg,nike\nhttp://x.example/2.jpg,puma\n")
    return "rows.csv"


def test_two_datasets_share_a_project(rows, tmp_path, capsys):
    """Each gets its four deployments, with its config's path below the project; the flows and automations stand beside."""
    assert main(["init", "one", "--from", rows, "--prefect", "."]) == 0
    with (tmp_path / "flows.py").open("a") as flows:
        flows.write("# mine\n")
    assert main(["init", "sets/two", "--from", rows, "--prefect", "."]) == 0
    assert "ingest/two" in capsys.readouterr().out
    project = yaml.safe_load((tmp_path / "prefect.yaml").read_text())
    made = [(one["name"], one["entrypoint"], one["parameters"]["config_path"]) for one in project["deployments"]]
    assert made == [
        (name, f"flows.py:{flow}", config)
        for name, config in (("one", "one/dataset.toml"), ("two", "sets/two/dataset.toml"))
        for flow in ("ingest", "baseline", "sweep", "maintain")
    ]
    assert [bool(one["schedules"]) for one in project["deployments"]] == [True, False, False, False] * 2
    assert (tmp_path / "flows.py").read_text().endswith("sweep import sweep\n# mine\n")
    assert "heartbeat" in (tmp_path / "automations.yaml").read_text()
    assert str(tmp_path) not in (tmp_path / "prefect.yaml").read_text()


def test_without_a_folder_the_project_stands_beside_the_config(rows, tmp_path):
    """``--prefect`` alone."""
    assert main(["init", "one", "--from", rows, "--prefect"]) == 0
    project = yaml.safe_load((tmp_path / "one/prefect.yaml").read_text())
    assert {one["parameters"]["config_path"] for one in project["deployments"]} == {"dataset.toml"}
    assert (tmp_path / "one/flows.py").is_file()


def test_what_is_in_prefect_yaml_stays(tmp_path):
    """Comments and deployments that were there are kept letter by letter."""
    before = "name: ours  # a comment\ndeployments:\n  - name: other\n    entrypoint: x.py:y"
    (tmp_path / "prefect.yaml").write_text(before)
    write_deployments(plan_deployments(tmp_path, tmp_path / "a/dataset.toml", "a"))
    text = (tmp_path / "prefect.yaml").read_text()
    assert text.startswith(before + "\n")
    assert [one["name"] for one in yaml.safe_load(text)["deployments"]] == ["other", "a", "a", "a", "a"]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("name: x\ndeployments:\n- name: other\n", "cannot be added to"),  # not indented as ours are
        ("deployments: []\n", "cannot be added to"),
        ("name: x\ndeployments:\n  - name: other\nextra:\n  - 1\n", "cannot be added to"),
        ("name: x\n", "cannot be added to"),
        ("- 1\n", "no Prefect project"),
        ("name: [\n", "cannot be added to"),
        ("name: x\ndeployments:\n  - name: a\n", 'has deployments "a" already'),
    ],
)
def test_a_project_that_cannot_be_added_to_is_left_alone(before, said, tmp_path):
    """Nothing is written unless the file says what it said before, and the new deployments behind it."""
    (tmp_path / "prefect.yaml").write_text(before)
    with pytest.raises(UsageError, match=said):
        plan_deployments(tmp_path, tmp_path / "a/dataset.toml", "a")
    assert (tmp_path / "prefect.yaml").read_text() == before


def test_a_project_elsewhere_is_refused_before_anything_is_written(rows, tmp_path, capsys):
    """A worker goes into the project's folder: the config must lie below it."""
    assert main(["init", "one", "--from", rows, "--prefect", "elsewhere"]) == 2
    assert "does not lie in elsewhere" in capsys.readouterr().err
    assert not (tmp_path / "one").exists()
