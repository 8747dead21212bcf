"""A release by whatever names it: a folder, a dataset and its versions, a place it was pushed to, object storage."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from logoingest import diff, export, load_config, open_release, pull, push, verify_release
from logoingest.cli.main import main
from logoingest.errors import GateError, UsageError
from logoingest.release.form.manifest import compute_fingerprint
from logoingest.release.keeping.versions import publish_release
from logoingest.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(ingredients, tmp_path_factory):
    """A dataset with its config and two versions, described as "old" and "new"."""
    root = tmp_path_factory.mktemp("dataset")
    (root / "results.csv").write_text("url,label\nhttp://a.test/1.jpg,no\n")
    (root / "map.toml").write_text("[classes.no]\n")
    (root / "dataset.toml").write_text(
        '[dataset]\nname = "logos"\nworkspace = "work"\n[[sources]]\npath = "results.csv"\n[labels]\nclass_map = "map.toml"\n'
    )
    work = Workspace(root / "work")
    for description in ("old", "new"):
        with work.staging_folder("release") as folder:
            folder.rmdir()
            dataset = ingredients.dataset.model_copy(update={"description": description})
            replace(ingredients, dataset=dataset).write(folder)
            publish_release(work, folder, 3)
    return root


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """A URL on object storage, and a cache of its own."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return f"s3://logos/{tmp_path.name}"


def upload(folder: Path, url: str) -> Workspace:
    place = Workspace(url)
    place.filesystem.put(f"{folder}/", place.path(""), recursive=True)
    return place


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("dataset.toml", "new"), ("dataset.toml@v2", "new"), ("dataset.toml@v1", "old"), ("work", "new"), ("work@v1", "old"),
        ("work/release", "new"), ("work/release@v1", "old"), ("work/releases/v1", "old"),
    ],
)  # fmt: skip
def test_a_dataset_and_its_versions(workspace, monkeypatch, name, description):
    """A config, a workspace or a release folder, each with a version behind it; absolute, relative, as a path, as a URL."""
    monkeypatch.chdir(workspace)
    for named in (name, str(workspace / name), Path(name), workspace / name):
        assert open_release(named).manifest["description"] == description
    if not name.startswith("dataset"):
        assert open_release(f"file://{workspace / name}").manifest["description"] == description


def test_a_config_and_an_opened_release(workspace):
    """The config itself, and a release that is open already."""
    release = open_release(load_config(workspace / "dataset.toml"))
    assert release.manifest["description"] == "new"
    assert open_release(release) is release
    assert verify_release(release, deep=False) == []


@pytest.mark.parametrize(
    "name", ["dataset.toml@v7", "work@v7", "absent.toml", "absent", "results.csv", "work/tables@v1", "what://x"]
)
def test_what_is_not_there_is_said(workspace, monkeypatch, name):
    """One message that names it, no traceback, and nothing is made."""
    monkeypatch.chdir(workspace)
    with pytest.raises(UsageError):
        open_release(name)
    assert not (workspace / "absent").exists()


def test_a_place_that_releases_were_pushed_to(workspace, tmp_path):
    """Its newest release is opened where it lies; one that was put in its place is refused."""
    for version in (1, 2):
        push(f"{workspace}/dataset.toml@v{version}", str(tmp_path / "published"))
    release = open_release(tmp_path / "published")
    assert release.manifest["description"] == "new"
    assert release.path.is_relative_to(tmp_path / "published")
    other = next(path for path in (tmp_path / "published/releases").iterdir() if path != release.path)
    shutil.copy(other / "manifest.json", release.path / "manifest.json")
    with pytest.raises(GateError, match="is not the release that was pushed"):
        open_release(tmp_path / "published")


@pytest.mark.slow
def test_object_storage_is_copied_once(workspace, bucket, tmp_path):
    """A pushed release, a workspace and a version on S3 open like local ones; what is in the cache is not fetched again."""
    push(workspace / "dataset.toml@v1", f"{bucket}/published")
    place = upload(workspace / "work", f"{bucket}/work")
    names = {"published": "old", "work": "new", "work/release": "new", "work@v1": "old", "work/release@v1": "old"}
    opened = {name: open_release(f"{bucket}/{name}") for name in names}
    assert {name: release.manifest["description"] for name, release in opened.items()} == names
    assert len(list((tmp_path / "cache/logoingest/releases").iterdir())) == 2
    assert verify_release(opened["work"], deep=False) == []
    place.filesystem.rm(place.path("release/data"), recursive=True)
    assert open_release(f"{bucket}/work").to_arrow("train").num_rows == 16
    with pytest.raises(GateError, match="is missing"):
        open_release(f"{bucket}/work", cache=tmp_path / "another")
    assert not any((tmp_path / "another").iterdir())
    with pytest.raises(UsageError, match="there is no release here"):
        open_release(f"{bucket}/nothing")


@pytest.mark.slow
def test_a_copy_is_what_its_fingerprint_says(workspace, bucket, tmp_path):
    """A release that claims another's fingerprint never takes its place in the cache; several openers end with one copy."""
    place = upload(workspace / "work/releases/v1", f"{bucket}/forged")
    manifest = json.loads((workspace / "work/releases/v1/manifest.json").read_bytes())
    claimed = open_release(workspace / "work").fingerprint
    place.write_bytes("manifest.json", json.dumps({**manifest, "fingerprint": claimed}).encode())
    with pytest.raises(GateError, match="its fingerprint is not that of what it says"):
        open_release(f"{bucket}/forged")
    outside = {**manifest, "files": {**manifest["files"], "../../out": manifest["files"]["README.md"]}}
    place.write_bytes("manifest.json", json.dumps({**outside, "fingerprint": compute_fingerprint(outside)}).encode())
    with pytest.raises(GateError, match="out"):
        open_release(f"{bucket}/forged")
    assert not (tmp_path / "cache/logoingest/releases").exists()
    upload(workspace / "work/release", f"{bucket}/sound")
    with ThreadPoolExecutor(3) as pool:
        paths = set(pool.map(lambda _: open_release(f"{bucket}/sound").path, range(3)))
    assert [path.name for path in paths] == [claimed]


@pytest.mark.slow
def test_the_command_line_reads_object_storage_and_leaves_nothing(workspace, bucket, tmp_path, capsys):
    """``export s3://…`` and ``diff`` take the same names, and keep no copy."""
    upload(workspace / "work", f"{bucket}/work")
    assert main(["export", f"{bucket}/work", "--format", "coco", "--out", str(tmp_path / "out")]) == 0
    assert main(["diff", f"{bucket}/work@v1", f"{bucket}/work", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["same"] == 24
    assert not (tmp_path / "cache").exists()


def test_verify_takes_an_earlier_version(workspace, capsys):
    """``verify dataset.toml@v1`` checks that release, and finds what is wrong with it; one that is not there is said."""
    assert main(["verify", str(workspace / "dataset.toml@v1"), "--quick"]) == 0
    assert "every law holds" in capsys.readouterr().out
    stray = workspace / "work/releases/v1/stray.txt"
    stray.write_text("x")
    assert main(["verify", str(workspace / "dataset.toml@v1"), "--quick"]) == 3
    stray.unlink()
    assert main(["verify", str(workspace / "dataset.toml@v9"), "--quick"]) == 2


def test_export_push_pull_and_diff_as_functions(workspace, tmp_path):
    """What the command line does can be called, by the same names."""
    assert export(workspace / "dataset.toml@v1", "coco", tmp_path / "coco").pictures == {"train": 16, "validation": 4, "test": 4}
    pushed = push(open_release(workspace / "work"), str(tmp_path / "published"))
    pulled = pull(str(tmp_path / "published"), tmp_path / "pulled")
    assert pulled.fingerprint == pushed.fingerprint
    assert diff(workspace / "dataset.toml@v1", pulled).is_empty
