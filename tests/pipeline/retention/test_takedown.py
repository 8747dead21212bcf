"""Takedown: nothing of a picture is left in the workspace and where its releases were pushed, and it never comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.datasets import CLASSES, Dataset, draw_picture
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.errors import UsageError, WorkspaceError
from logoingest.pipeline import Run, Takedown, explain_url, open_run, summarise_status, take_down, verify
from logoingest.pipeline.retention.tombstones import read_tombstones
from logoingest.release import open_release
from logoingest.release.keeping.commands import push


def find_mentions(folder: Path, url: str, body: bytes) -> list[str]:
    """Files that hold the URL or the picture's bytes, in Parquet columns of any kind or as they lie on the disk."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        cells = b""
        if path.suffix in {".parquet", ".begun"}:
            table = pq.ParquetFile(path).read()
            cells = b"\n".join(_flatten(table.to_pylist()))
        if url.encode() in data + cells or body in data + cells:
            found.append(str(path.relative_to(folder)))
    return found


def _flatten(value) -> list[bytes]:
    if isinstance(value, dict):
        return [part for item in value.values() for part in _flatten(item)]
    if isinstance(value, list):
        return [part for item in value for part in _flatten(item)]
    return [value] if isinstance(value, bytes) else [str(value).encode()]


@pytest.fixture
def dataset(tmp_path: Path, site) -> Dataset:
    made = Dataset(tmp_path, site)
    for class_id in CLASSES:
        for seed in range(6):
            made.add_picture(class_id, seed + 10 * list(CLASSES).index(class_id))
    made.write()
    run(load_config(made.config))
    return made


def grow(dataset: Dataset, seed: int) -> None:
    """One more picture, and with it another version of the release."""
    dataset.add_picture("dune", seed)
    dataset.write()
    run(load_config(dataset.config))


@pytest.mark.slow
def test_nothing_of_a_url_is_left_in_three_releases_and_where_they_were_pushed(dataset: Dataset, tmp_path: Path):
    """URL and bytes are in no file of the workspace and the target; the laws hold; the other pictures stay in their splits."""
    target, path = tmp_path / "public", "/acme/3.jpg"
    url, body = dataset.site.url(path), dataset.site.pages[path][2]
    push(dataset.release, str(target))
    for seed in (100, 101):
        grow(dataset, seed)
        push(dataset.release, str(target))
    before = {row["image_id"]: row["split"] for row in pq.read_table(tmp_path / "work/tables/splits.parquet").to_pylist()}
    mentioned = find_mentions(tmp_path / "work", url, body)
    assert {"releases/v1/data", "release/data"} <= {str(Path(name).parent) for name in mentioned}
    assert len(find_mentions(target, url, body)) >= 3
    requests = sum(dataset.site.requests.values())

    with open_run(load_config(dataset.config)) as opened:
        taken = take_down(opened, Takedown(urls=[url], why="asked by its author"), [str(target)])

    assert (taken.urls, taken.pictures, taken.bytes) == (1, 1, len(body))
    assert len(taken.releases) == 3 + 3, "the release of before is a kept version by now"
    assert find_mentions(tmp_path / "work", url, body) == []
    assert find_mentions(target, url, body) == []
    assert sum(dataset.site.requests.values()) == requests
    opened = Run(load_config(dataset.config))
    assert verify(opened) == []
    assert open_release(str(target)).fingerprint == open_release(dataset.release).fingerprint
    after = {row["image_id"]: row["split"] for row in pq.read_table(tmp_path / "work/tables/splits.parquet").to_pylist()}
    assert after == {image_id: split for image_id, split in before.items() if image_id in after}
    assert len(after) == len(before) - 1
    law = summarise_status(opened).law
    assert law.annotations == law.voted + law.rejected
    rejected = pq.read_table(tmp_path / "work/release/rejected.parquet").to_pylist()
    assert [(row["reason"], row["url"]) for row in rejected] == [("taken_down", None)] * 3


@pytest.mark.slow
def test_what_was_taken_down_is_not_asked_for_again(dataset: Dataset, tmp_path: Path):
    """Neither a run nor a refresh nor another spelling of the URL brings it back."""
    path = "/bolt/12.jpg"
    with open_run(load_config(dataset.config)) as opened:
        take_down(opened, Takedown(urls=[dataset.site.url(path) + "#logo"]))
    dataset.add_row(dataset.site.url(path).replace("http:", "HTTP:"), "Bolt", "w9")
    dataset.write()
    asked = dataset.site.requests[path]
    run(load_config(dataset.config))
    assert main(["fetch", "--refresh", "--quiet", str(dataset.config)]) == 0
    assert dataset.site.requests[path] == asked
    assert find_mentions(tmp_path / "work", path, dataset.site.pages[path][2]) == []
    with pytest.raises(UsageError, match="was taken down on"):
        explain_url(Run(load_config(dataset.config)), dataset.site.url(path))


@pytest.mark.slow
def test_the_same_picture_under_another_url_is_refused_without_its_bytes(dataset: Dataset, tmp_path: Path):
    """It may be fetched from elsewhere before anybody knows what it is; its bytes are not kept."""
    body = dataset.site.pages["/acme/3.jpg"][2]
    with open_run(load_config(dataset.config)) as opened:
        take_down(opened, Takedown(urls=[dataset.site.url("/acme/3.jpg")]))
    dataset.site.pages["/copy.jpg"] = (200, "image/jpeg", body)
    dataset.add_row("/copy.jpg", "Acme", "w1")
    dataset.write()
    run(load_config(dataset.config))
    assert find_mentions(tmp_path / "work", "no such url", body) == []
    rejected = pq.read_table(tmp_path / "work/tables/images_rejected.parquet").to_pylist()
    assert [row["reason"] for row in rejected] == ["taken_down"]


@pytest.mark.slow
def test_a_picture_by_its_id_goes_with_every_url_that_gave_it(dataset: Dataset, tmp_path: Path):
    """A picture under two URLs is gone under both; with its copies, so are pictures of its group."""
    body = dataset.site.pages["/citron/23.jpg"][2]
    dataset.site.pages["/again.jpg"] = (200, "image/jpeg", body)
    dataset.add_row("/again.jpg", "Citron", "w1")
    dataset.write()
    run(load_config(dataset.config))
    (image_id,) = {
        row["image_id"]
        for row in pq.read_table(tmp_path / "work/tables/images.parquet").to_pylist()
        if dataset.site.url("/again.jpg") in row["urls"]
    }
    with open_run(load_config(dataset.config)) as opened:
        taken = take_down(opened, Takedown(image_ids=[image_id]))
    assert (taken.urls, taken.pictures) == (2, 1)
    assert find_mentions(tmp_path / "work", "/again.jpg", body) == find_mentions(tmp_path / "work", "/citron/23.jpg", body) == []


def test_a_host_goes_with_its_subdomains(dataset: Dataset, tmp_path: Path):
    """What comes from it later is refused unasked."""
    with open_run(load_config(dataset.config)) as opened:
        taken = take_down(opened, Takedown(hosts=["Photos.Example"]))
    assert taken == (0, 0, 0, [], False, ["Photos.Example"])
    dataset.add_row("http://a.photos.example/x.jpg", "Acme", "w1")
    dataset.add_row("http://otherphotos.example/x.jpg", "Acme", "w1")
    dataset.write()
    run(load_config(dataset.config), until="annotations")
    rejected = pq.read_table(tmp_path / "work/tables/annotations_rejected.parquet").to_pylist()
    assert [row["reason"] for row in rejected] == ["taken_down"]


def test_a_dry_run_changes_nothing(dataset: Dataset, capsys):
    """It says what would go."""
    before = {path: path.stat().st_mtime_ns for path in (dataset.folder / "work").rglob("*") if path.is_file()}
    url = dataset.site.url("/acme/3.jpg")
    assert main(["takedown", str(dataset.config), "--url", url, "--dry-run", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 1
    after = {path: path.stat().st_mtime_ns for path in (dataset.folder / "work").rglob("*") if path.is_file()}
    assert after == before


def test_what_matches_nothing_is_told(dataset: Dataset, capsys):
    """As it was given, whether a URL, a host or a picture; what matches is not among them, whatever it is called by."""
    url, misspelled = dataset.site.url("/acme/3.jpg"), dataset.site.url("/acme/3.jpgx")
    named = ["--url", url, "--url", misspelled, "--host", "127.0.0.1", "--host", "nowhere.test", "--image", "0" * 64]
    assert main(["takedown", str(dataset.config), *named, "--dry-run", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["unmatched"] == [misspelled, "nowhere.test", "0" * 64]
    assert main(["takedown", str(dataset.config), "--url", misspelled, "--dry-run", "--quiet"]) == 0
    assert f"nothing here goes by {misspelled}: look at its spelling; it would be on the list" in capsys.readouterr().out


@pytest.mark.slow
def test_a_takedown_that_was_killed_is_finished_by_the_next(dataset: Dataset, tmp_path: Path):
    """Its list is written first; ``--again`` does the rest."""
    url, body = dataset.site.url("/dune/31.jpg"), dataset.site.pages["/dune/31.jpg"][2]
    with open_run(load_config(dataset.config)) as opened, pytest.raises(KeyboardInterrupt):
        opened.progress = _stop
        _take_down_until_rows_go(opened, url)
    assert main(["takedown", str(dataset.config), "--again", "--quiet"]) == 0
    assert find_mentions(tmp_path / "work", url, body) == []


def _stop(*_facts) -> None:
    raise KeyboardInterrupt


def _take_down_until_rows_go(opened: Run, url: str) -> None:
    original = opened.workspace.write_shard

    def stop(name: str, table) -> None:
        original(name, table)
        raise KeyboardInterrupt

    opened.workspace.write_shard = stop  # type: ignore[method-assign]
    take_down(opened, Takedown(urls=[url]))


@pytest.mark.parametrize("named", [Takedown(image_ids=["12ab"]), Takedown(hosts=["http://x/y"])])
def test_what_cannot_be_meant_is_refused(dataset: Dataset, named: Takedown):
    """Before anything is changed."""
    with open_run(load_config(dataset.config)) as opened, pytest.raises(UsageError):
        take_down(opened, named)
    assert not read_tombstones(opened.workspace)


def test_a_damaged_list_stops_every_run(dataset: Dataset):
    """What must not come back could, otherwise."""
    (dataset.folder / "work/takedowns.json").write_text("{")
    with pytest.raises(WorkspaceError, match=r"takedowns\.json"):
        run(load_config(dataset.config))


@pytest.mark.slow
def test_a_picture_that_is_not_here_is_named_beforehand(dataset: Dataset, tmp_path: Path):
    """The list may be kept ahead of the data: by the hash of bytes that are not there yet."""
    import hashlib

    body = draw_picture(77)
    with open_run(load_config(dataset.config)) as opened:
        take_down(opened, Takedown(image_ids=[hashlib.sha256(body).hexdigest()]))
    dataset.add_picture("dune", 77)
    dataset.write()
    run(load_config(dataset.config))
    assert find_mentions(tmp_path / "work", "no such url", body) == []
