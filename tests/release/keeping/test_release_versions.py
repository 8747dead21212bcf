"""Earlier releases: kept under their numbers, found again after any kill, without a trace in the release's own bytes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.errors import UsageError, WorkspaceError
from logoingest.release import open_release, verify_release
from logoingest.release.keeping.versions import list_versions, locate_versions, name_version, publish_release
from logoingest.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "work")


@pytest.fixture
def publish(ingredients, workspace):
    """``publish("a")`` publishes the release that is described as "a"."""

    def make(description: str, keep: int = 3):
        with workspace.staging_folder("release") as folder:
            folder.rmdir()
            dataset = ingredients.dataset.model_copy(update={"description": description})
            replace(ingredients, dataset=dataset).write(folder)
            return publish_release(workspace, folder, keep)

    return make


def describe(workspace: Workspace, name: str) -> str:
    return open_release(workspace.local_path(name)).manifest["description"]


def test_what_is_replaced_is_kept(publish, workspace):
    """release/ is the newest; the ones before lie under their numbers, whole; each knows its parent."""
    made = [publish(name) for name in "abc"]
    assert [entry.version for entry in made] == [1, 2, 3]
    assert [entry.parent for entry in made] == [None, made[0].fingerprint, made[1].fingerprint]
    assert list_versions(workspace) == made
    assert [describe(workspace, name) for name in ("releases/v1", "releases/v2", "release")] == ["a", "b", "c"]
    assert [name_version(workspace, number) for number in (1, 2, 3)] == ["releases/v1", "releases/v2", "release"]
    assert all(verify_release(workspace.local_path(name), deep=False) == [] for name in ("releases/v1", "release"))
    assert made[0].splits == {"train": 16, "validation": 4, "test": 4}


def test_the_same_again_is_no_version(publish, workspace):
    """Unchanged content makes no number; going back to earlier content does."""
    publish("a")
    assert publish("a").version == 1
    assert not workspace.exists("releases/v1")
    publish("b")
    assert publish("a").version == 3
    assert describe(workspace, "releases/v2") == "b"


def test_only_the_last_few_are_kept(publish, workspace):
    """keep_versions bounds what is kept; the list remembers all."""
    for name in "abcde":
        publish(name, keep=2)
    kept = [entry.folder for entry in locate_versions(workspace)]
    assert kept == [None, None, "releases/v3", "releases/v4", "release"]
    with pytest.raises(UsageError, match=r"v1.*there are: v3, v4, v5"):
        name_version(workspace, 1)
    publish("f", keep=0)
    assert [entry.folder for entry in locate_versions(workspace)] == [None] * 5 + ["release"]


def test_kept_without_a_copy(publish, workspace):
    """A kept version is the replaced files themselves."""
    publish("a")
    before = workspace.local_path("release/data/test-00000-of-00001.parquet").stat().st_ino
    publish("b")
    kept = workspace.local_path("releases/v1/data/test-00000-of-00001.parquet").stat()
    assert (kept.st_ino, kept.st_nlink) == (before, 1)


def test_a_file_system_without_hard_links(publish, workspace, monkeypatch):
    """Files are copied where they cannot be linked."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    publish("a")
    monkeypatch.setattr("os.link", refuse)
    publish("b")
    assert describe(workspace, "releases/v1") == "a"


@pytest.mark.parametrize("moment", ["before the new one", "between the renames", "before the list"])
def test_a_kill_loses_no_version(publish, workspace, moment):
    """Killed at any moment of publishing, the next run keeps every version once, under its number."""
    publish("a")
    publish("b")
    root = workspace.local_path("")
    old_list = (root / "releases/versions.json").read_bytes()
    shutil.copytree(root / "release", root / "b")
    publish("c")
    if moment == "before the list":
        (root / "releases/versions.json").write_bytes(old_list)
        assert publish("d").version == 4
        assert describe(workspace, "releases/v3") == "c"
    else:
        shutil.rmtree(root / "release")
        (root / "releases/versions.json").write_bytes(old_list)
        if moment == "before the new one":
            (root / "b").rename(root / "release")
        assert publish("d").version == 3
    assert [describe(workspace, f"releases/v{number}") for number in (1, 2)] == ["a", "b"]
    assert describe(workspace, "release") == "d"


def test_a_release_from_before_there_were_versions(publish, workspace, ingredients):
    """A release that no list knows becomes v1."""
    ingredients.write(workspace.local_path("release"))
    assert publish("b").version == 2
    assert describe(workspace, "releases/v1") == ""


def test_a_lost_list_is_made_again(publish, workspace):
    """Without the list the kept versions keep their numbers; a damaged one says what to do."""
    for name in "abc":
        publish(name)
    before = list_versions(workspace)
    workspace.remove("releases/versions.json")
    assert list_versions(workspace) == before[:2]
    assert publish("d").version == 4
    assert [entry.fingerprint for entry in list_versions(workspace)][:3] == [entry.fingerprint for entry in before]
    workspace.write_bytes("releases/versions.json", b"[")
    with pytest.raises(WorkspaceError, match="remove it"):
        list_versions(workspace)


def test_a_damaged_release_is_not_kept_as_a_version(publish, workspace):
    """What no reader can open is replaced, not kept under a sound version's number."""
    publish("a")
    workspace.local_path("release/manifest.json").write_bytes(b"{")
    assert publish("b").version == 2
    assert not workspace.exists("releases/v1")


@pytest.mark.slow
def test_an_alias_change_through_the_whole_route(make_dataset, capsys):
    """An alias moved to another class: a second version; diff names exactly the pictures it gave another class, none moved."""
    dataset = make_dataset(pictures=6)
    for seed in (701, 702, 703):
        path = dataset.add_picture("acme", seed, votes=0)
        for worker in ("w0", "w1", "w2"):
            dataset.add_row(path, "Zenit", worker)
    class_map = dataset.folder / "map.toml"
    text = class_map.read_text()
    class_map.write_text(text.replace('aliases = ["акме"]', 'aliases = ["акме", "zenit"]'))
    dataset.write()
    run(load_config(dataset.config, {}, {}))
    class_map.write_text(text.replace('name = "Dune"', 'name = "Dune"\naliases = ["zenit"]'))
    run(load_config(dataset.config, {}, {}))
    assert main(["release", "diff", f"{dataset.config}@v1", str(dataset.config), "--json"]) == 0
    diff = json.loads(capsys.readouterr().out)
    released = open_release(dataset.release).to_arrow(columns=["split", "image_id", "url"]).to_pylist()
    expected = [row["image_id"] for row in released if any(f"/{seed}.jpg" in row["url"] for seed in (701, 702, 703))]
    assert len(expected) == 3
    assert [entry["image_id"] for entry in diff["relabelled"]] == sorted(expected)
    assert {(*entry["before"], *entry["after"]) for entry in diff["relabelled"]} == {("acme", "dune")}
    assert (diff["added"], diff["removed"], diff["moved"], diff["classes_added"]) == ([], [], [], [])
    assert diff["same"] == len(released) - 3
    assert sum(entry["after"] - entry["before"] for entry in diff["counts"] if entry["class_id"] == "dune") == 3
    assert main(["versions", str(dataset.config)]) == 0
    assert "not kept" not in capsys.readouterr().out
    assert main(["diff", f"{dataset.config}@v7", str(dataset.config)]) == 2
    assert "there are: v1, v2" in capsys.readouterr().err
    assert main(["verify", str(dataset.folder / "work/releases/v1"), "--quick"]) == 0
    assert "keep_versions" not in (dataset.release / "manifest.json").read_text()
