"""Releases pushed to a folder and to a real S3 server on loopback: whole or not at all, verified, resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from logoingest.cli.main import main
from logoingest.errors import GateError
from logoingest.release import open_release, verify_release
from logoingest.release.form.manifest import ReleaseFile
from logoingest.release.keeping.publishing import POINTER_NAME, _is_same, pull_release, push_release, read_pointer
from logoingest.release.keeping.versions import locate_versions, publish_release
from logoingest.workspace import Workspace, hash_file

#: Pushes a release and kills itself, as kill -9 does, after some files.
PUSH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from logoingest.release.keeping.publishing import push_release
def progress(done, total):
    if done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
push_release(Path(sys.argv[1]), sys.argv[2], progress)
"""


@pytest.fixture(params=["folder", "s3"])
def target(request, tmp_path, monkeypatch):
    """A place to push to."""
    if request.param == "folder":
        return str(tmp_path / "published")
    for name, value in request.getfixturevalue("server").items():
        monkeypatch.setenv(name, value)
    return f"s3://logos/{tmp_path.name}"


@pytest.fixture(scope="module")
def releases(ingredients, tmp_path_factory):
    """An older and a newer release, of about a dozen files each."""
    root = tmp_path_factory.mktemp("releases")
    for name in ("old", "new"):
        dataset = ingredients.dataset.model_copy(update={"description": name})
        settings = ingredients.settings.model_copy(update={"max_file_bytes": 12_000, "rows_per_group": 4})
        replace(ingredients, dataset=dataset, settings=settings).write(root / name)
    return root


def read_everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_round_trip(releases, target, tmp_path):
    """What is pulled is what was pushed, byte for byte, and sound; pushed again nothing is sent."""
    summary = push_release(releases / "old", target)
    assert (summary.previous, summary.there) == (None, 0)
    assert summary.sent == len(read_everything(releases / "old"))
    pulled = pull_release(target, tmp_path / "pulled")
    assert read_everything(pulled) == read_everything(releases / "old")
    assert verify_release(pulled, deep=False) == []
    again = push_release(releases / "old", target)
    assert (again.sent, again.there, again.previous) == (0, summary.sent, summary.fingerprint)


@pytest.mark.slow
def test_a_newer_release_takes_the_pointer_and_leaves_the_older(releases, target, tmp_path):
    """The pointer leads to the newer one; who reads the older one still can."""
    older = push_release(releases / "old", target)
    newer = push_release(releases / "new", target)
    assert newer.previous == older.fingerprint != newer.fingerprint
    assert open_release(pull_release(target, tmp_path / "pulled")).manifest["description"] == "new"
    place = Workspace(target)
    assert place.read_bytes(f"{older.path}/manifest.json") == (releases / "old/manifest.json").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_push_killed_on_the_way_leaves_the_old_release(releases, target, tmp_path, share):
    """kill -9 after half the files, and after all but the pointer: readers get the old one, the next push goes on."""
    old = push_release(releases / "old", target)
    files = len(read_everything(releases / "new"))
    stop = max(1, round(share * files))
    command = [sys.executable, "-c", PUSH_AND_DIE, str(releases / "new"), target, str(stop)]
    died = subprocess.run(command, env=os.environ, check=False)
    assert died.returncode == -signal.SIGKILL
    assert read_pointer(Workspace(target)).fingerprint == old.fingerprint
    assert read_everything(pull_release(target, tmp_path / "pulled")) == read_everything(releases / "old")
    resumed = push_release(releases / "new", target)
    assert (resumed.there, resumed.sent) == (stop, files - stop)
    assert read_everything(pull_release(target, tmp_path / "after")) == read_everything(releases / "new")


@pytest.mark.slow
def test_what_lies_there_wrongly_is_sent_anew(releases, target, tmp_path):
    """A file of the right length but other bytes at the target is noticed and replaced."""
    summary = push_release(releases / "old", target)
    place = Workspace(target)
    name = f"{summary.path}/README.md"
    place.write_bytes(name, b"x" * len(place.read_bytes(name)))
    with pytest.raises(GateError, match="not what the manifest says"):
        pull_release(target, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
    assert push_release(releases / "old", target).sent == 1
    pull_release(target, tmp_path / "pulled")


def test_large_files_go_in_parts(target, tmp_path, monkeypatch):
    """An object sent in parts, whose ETag is no MD5, is read back to be verified."""
    if not target.startswith("s3://"):
        pytest.skip("only object stores know parts")
    s3fs = pytest.importorskip("s3fs")
    put = s3fs.S3FileSystem._put_file

    async def put_in_parts(self, lpath, rpath, **_):
        await put(self, lpath, rpath, chunksize=5 << 20)

    monkeypatch.setattr(s3fs.S3FileSystem, "_put_file", put_in_parts)
    source = tmp_path / "large.bin"
    source.write_bytes(os.urandom(11 << 20))
    place = Workspace(target)
    place.filesystem.put_file(str(source), place.path("large.bin"))
    assert "-" in place.filesystem.info(place.path("large.bin"))["ETag"]
    found, facts = hash_file(source), place.filesystem.info(place.path("large.bin"))
    assert _is_same(place, facts, source, ReleaseFile(sha256=found.sha256, bytes=found.size))
    assert not _is_same(place, facts, source, ReleaseFile(sha256="0" * 64, bytes=found.size))


def test_a_broken_release_is_not_pushed(releases, tmp_path):
    """A release that breaks a law never leaves the house."""
    copied = Path(shutil.copytree(releases / "old", tmp_path / "broken"))
    (copied / "README.md").write_text("edited")
    with pytest.raises(GateError, match="nothing was pushed"):
        push_release(copied, str(tmp_path / "published"))
    assert not (tmp_path / "published").exists()


def test_a_manifest_from_elsewhere_names_no_path_outside(releases, tmp_path):
    """A pulled manifest with ../ in it writes nothing outside its folder."""
    push_release(releases / "old", str(tmp_path / "published"))
    place = Workspace(tmp_path / "published")
    pointer = read_pointer(place)
    path = place.local_path(f"{pointer.path}/manifest.json")
    manifest = json.loads(path.read_bytes())
    manifest["files"]["../../../evil.txt"] = manifest["files"]["README.md"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(GateError, match="no release of logoingest"):
        pull_release(str(tmp_path / "published"), tmp_path / "deep/er/pulled")
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": 2}', b'{"format":1,"fingerprint":"x","path":"../.."}'])
def test_a_damaged_pointer(tmp_path, content):
    """A pointer that cannot be understood is a gate error that names it."""
    (tmp_path / POINTER_NAME).write_bytes(content)
    with pytest.raises(GateError, match=r"latest\.json"):
        pull_release(str(tmp_path), tmp_path / "pulled")


@pytest.mark.slow
def test_targets_that_cannot_be(releases, server, tmp_path, monkeypatch, capsys):
    """Unknown protocols, buckets, servers and credentials: one message, exit 2."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    old = str(releases / "old")
    for target in ("nonsense://x/y", "s3://no-such-bucket-here/x"):
        assert main(["push", old, target]) == 2
        assert target in capsys.readouterr().err
    assert main(["pull", str(tmp_path / "empty"), str(tmp_path / "pulled")]) == 2
    assert "no release was pushed here" in capsys.readouterr().err
    assert main(["push", str(tmp_path), str(tmp_path / "published")]) == 2
    assert "there is no release here" in capsys.readouterr().err
    for name in server:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server["AWS_ENDPOINT_URL"])
    assert main(["push", old, "s3://logos/x"]) == 2
    assert "credentials" in capsys.readouterr().err


def test_push_and_pull_commands(releases, tmp_path, capsys):
    """Both spellings; what was done in words and as JSON."""
    target = str(tmp_path / "published")
    assert main(["release", "push", str(releases / "old"), target]) == 0
    assert "all verified" in capsys.readouterr().out
    assert main(["push", str(releases / "new"), target, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["sent"] > 5
    assert main(["release", "pull", target, str(tmp_path / "pulled")]) == 0
    assert "train 16" in capsys.readouterr().out
    assert main(["pull", target, str(tmp_path / "pulled")]) == 2


@pytest.mark.slow
def test_versions_on_object_storage(releases, server, monkeypatch, tmp_path):
    """A workspace on S3 keeps its earlier releases too, copied by the store, manifest and all."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    workspace = Workspace("s3://logos/versions")
    for number, name in enumerate(("old", "new", "old"), 1):
        made = publish_release(workspace, Path(shutil.copytree(releases / name, tmp_path / str(number))), keep=1)
        assert made.version == number
    assert [entry.folder for entry in locate_versions(workspace)] == [None, "releases/v2", "release"]
    with workspace.local_copy("releases/v2") as folder:
        assert read_everything(folder) == read_everything(releases / "new")


def test_a_file_longer_than_its_manifest_says_is_not_taken(releases, tmp_path):
    """A place whose file goes on and on fills no disk: what the manifest says is all that is read."""
    push_release(releases / "old", str(tmp_path / "there"))
    (file,) = (tmp_path / "there").glob("releases/*/rejected.parquet")
    os.truncate(file, 1 << 33)
    with pytest.raises(GateError, match="is longer than"):
        pull_release(str(tmp_path / "there"), tmp_path / "back")
    assert not (tmp_path / "back").exists()
