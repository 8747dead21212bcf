"""Asking again, for real: a site whose pictures change, stay, vanish and stumble; and what is in the workspace afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.datasets import CLASSES, Dataset, draw_picture
from builders.serving import QuietHandler, serve_http
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.fetch import FetchSettings, ShardJob
from logoingest.fetch.executors.ray_shards import fetch_on_worker
from logoingest.images import inspect_image
from logoingest.pipeline import Refreshed, open_run, refresh
from logoingest.pipeline.actions.refreshing import MARKER
from logoingest.pipeline.downloading import is_on_host
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import Workspace, hash_file

DATE, LATER = "Thu, 09 Oct 2025 07:30:20 GMT", "Fri, 10 Oct 2025 07:30:20 GMT"
PAGE = b"<!doctype html><title>gone</title>"


@dataclass
class Page:
    """A picture; ``ask`` may answer 304, as servers do."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def judge(self, asked: dict[str, str]) -> int:
        tag, since = asked.get("if-none-match"), asked.get("if-modified-since")
        ours = self.headers.get("ETag")
        if tag is not None and ours is not None:
            return 304 if tag.removeprefix("W/") == ours.removeprefix("W/") else self.status
        return 304 if since is not None and since == self.headers.get("Last-Modified") else self.status


@dataclass
class Gallery:
    """A site with validators; ``pages`` may be changed while it serves, ``asked`` are all requests' headers by path."""

    address: str
    pages: dict[str, Page | tuple[int, str, bytes]] = field(default_factory=dict)
    asked: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    held: Callable[[str], None] = lambda path: None

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked[path].append(asked)
        self.held(path)
        page = self.pages.get(path, Page(404, "text/plain", b"gone"))
        page = page if isinstance(page, Page) else Page(*page)
        status = page.judge(asked)
        headers = {"Content-Type": page.content_type, **page.headers}
        return status, headers, b"" if status == 304 else page.body


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            status, headers, body = served.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serve_http(Handler) as address:
        served = Gallery(address)
        yield served


@pytest.fixture
def fill(tmp_path, gallery) -> Callable[..., Config]:
    """Serve pages (path → headers) as pictures, two votes each, and fetch them all."""

    def fill(pages: dict[str, dict[str, str]], *overrides: str) -> Config:
        dataset = Dataset(tmp_path, gallery)
        for number, (path, headers) in enumerate(pages.items()):
            class_id = list(CLASSES)[number % len(CLASSES)]
            dataset.add_picture(class_id, number, votes=2, path=path)
            gallery.pages[path] = Page(*gallery.pages[path], dict(headers))
        dataset.add_row("/missing.jpg", "Acme", "w1")
        dataset.write()
        config = load_config(dataset.config, ["fetch.robots=ignore", "fetch.max_attempts=2", *overrides], {})
        run(config, until=Stage.FETCH)
        failed = {path: row["detail"] for path, row in read_rows(config, gallery).items() if row["outcome"] != "ok"}
        assert failed == {"/missing.jpg": "HTTP 404"}
        for headers in gallery.asked.values():
            headers.clear()
        return config

    return fill


def read_rows(config: Config, gallery: Gallery) -> dict[str, dict]:
    """Path → row, of all shards; the law of the row count holds."""
    workspace = Workspace(config.workspace_url)
    planned = workspace.read_table("shards").to_pylist()
    rows = {}
    for shard in workspace.shard_names():
        table = workspace.read_shard(shard)
        assert table.schema.equals(DownloadRow.arrow_schema())
        assert table.column("url").to_pylist() == [row["url"] for row in planned if row["shard"] == shard]
        rows |= {row["url"].removeprefix(gallery.address): row for row in table.to_pylist()}
    assert len(rows) == len(planned)
    return rows


def ask_again(config: Config, *hosts: str) -> Refreshed:
    with open_run(config) as opened:
        return refresh(opened, hosts)


WHOLE = {
    "/tag.jpg": {"ETag": '"v1"', "Last-Modified": DATE},
    "/weak.jpg": {"ETag": 'W/"v1"'},
    "/date.jpg": {"Last-Modified": DATE},
    "/plain.jpg": {},
    "/changed.jpg": {"ETag": '"v1"', "Last-Modified": DATE},
    "/gone.jpg": {"ETag": '"v1"'},
    "/page.jpg": {},
    "/trouble.jpg": {"Last-Modified": DATE},
    "/broken.jpg": {},
    "/noai.jpg": {"ETag": '"v1"'},
}
FINDINGS = {
    **dict.fromkeys(("/tag.jpg", "/weak.jpg", "/date.jpg", "/plain.jpg"), "unchanged"),
    "/changed.jpg": "changed",
    **dict.fromkeys(("/gone.jpg", "/page.jpg", "/noai.jpg"), "gone"),
    **dict.fromkeys(("/trouble.jpg", "/broken.jpg"), "failed"),
    "/missing.jpg": None,
}


def let_time_pass(gallery: Gallery) -> None:
    """What becomes of the pages of WHOLE."""
    gallery.pages["/changed.jpg"] = Page(200, "image/jpeg", draw_picture(77), {"ETag": '"v2"', "Last-Modified": LATER})
    gallery.pages["/gone.jpg"] = Page(410, "text/plain", b"gone")
    gallery.pages["/page.jpg"] = Page(200, "image/jpeg", PAGE)
    gallery.pages["/trouble.jpg"] = Page(500, "text/plain", b"")
    gallery.pages["/broken.jpg"] = Page(200, "image/jpeg", draw_picture(78)[:900])
    gallery.pages["/noai.jpg"].headers["X-Robots-Tag"] = "noai"
    gallery.pages["/missing.jpg"] = Page(200, "image/jpeg", draw_picture(79))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_every_picture_ends_as_what_became_of_it(fill, gallery, processes):
    """Changed ones are replaced, all others keep their bytes, what had failed is not asked for; one process or two."""
    config = fill(WHOLE, "fetch.shard_size=4")
    before = read_rows(config, gallery)
    let_time_pass(gallery)
    section = config.fetch.model_copy(update={"processes": processes})
    assert ask_again(config.model_copy(update={"fetch": section})) == Refreshed(asked=10, changed=1, unchanged=4, gone=3, failed=2)
    after = read_rows(config, gallery)
    assert {path: row["refreshed"] for path, row in after.items()} == FINDINGS
    assert after.pop("/missing.jpg") == before.pop("/missing.jpg")
    asked = ("refreshed", "checked_at", "detail")
    for path, row in after.items():
        assert row["checked_at"] > before[path]["fetched_at"]
        if path != "/changed.jpg":
            assert {**row, **dict.fromkeys(asked)} == {**before[path], **dict.fromkeys(asked)}
    changed = after["/changed.jpg"]
    assert changed["bytes"] == draw_picture(77)
    assert changed["previous_sha256"] == before["/changed.jpg"]["sha256"] != changed["sha256"]
    assert (changed["etag"], changed["last_modified"]) == ('"v2"', LATER)
    assert changed["fetched_at"] == changed["checked_at"]
    assert changed["hash"] != before["/changed.jpg"]["hash"]
    assert after["/gone.jpg"]["detail"] == "when asked again: HTTP 410"
    assert after["/noai.jpg"]["detail"] == "when asked again: X-Robots-Tag: noai"


def test_conditions_are_what_the_server_gave(fill, gallery):
    """Tag and date as they came; without either a plain request; no more requests than needed, none for what had failed."""
    config = fill(WHOLE)
    let_time_pass(gallery)
    ask_again(config)
    conditions = {
        path: [{name: value for name, value in headers.items() if name.startswith("if-")} for headers in requests]
        for path, requests in gallery.asked.items()
    }
    both = {"if-none-match": '"v1"', "if-modified-since": DATE}
    assert conditions == {
        "/tag.jpg": [both],
        "/weak.jpg": [{"if-none-match": 'W/"v1"'}],
        "/date.jpg": [{"if-modified-since": DATE}],
        "/plain.jpg": [{}],
        "/changed.jpg": [both],
        "/gone.jpg": [{"if-none-match": '"v1"'}],
        "/page.jpg": [{}],
        "/trouble.jpg": [{"if-modified-since": DATE}] * 2,
        "/broken.jpg": [{}],
        "/noai.jpg": [{"if-none-match": '"v1"'}],
        "/missing.jpg": [],
    }


def test_a_second_look_starts_from_the_first(fill, gallery):
    """A changed picture is known by its new tag; what was gone and is back is unchanged, and its detail is empty again."""
    config = fill({"/a.jpg": {"ETag": '"v1"'}, "/b.jpg": {"ETag": '"v1"'}})
    old = gallery.pages["/b.jpg"]
    gallery.pages["/a.jpg"] = Page(200, "image/jpeg", draw_picture(50), {"ETag": '"v2"'})
    gallery.pages["/b.jpg"] = Page(404, "text/plain", b"")
    assert ask_again(config) == (2, 1, 0, 1, 0)
    first = read_rows(config, gallery)
    gallery.pages["/b.jpg"] = old
    assert ask_again(config) == (2, 0, 2, 0, 0)
    assert gallery.asked["/a.jpg"][-1]["if-none-match"] == '"v2"'
    second = read_rows(config, gallery)
    assert second["/a.jpg"]["previous_sha256"] == first["/a.jpg"]["previous_sha256"] is not None
    assert second["/b.jpg"]["detail"] is None
    assert second["/b.jpg"]["bytes"] == old.body


def test_same_bytes_with_another_tag_are_unchanged(fill, gallery):
    """Many servers make tags of times: the bytes decide, and the new tag is kept."""
    config = fill({"/a.jpg": {"ETag": '"v1"'}})
    gallery.pages["/a.jpg"].headers["ETag"] = '"v2"'
    assert ask_again(config).unchanged == 1
    assert read_rows(config, gallery)["/a.jpg"]["etag"] == '"v2"'


class Stubborn(Page):
    """Says 304 whatever it is asked."""

    def judge(self, asked: dict[str, str]) -> int:
        return 304


class Confused(Page):
    """Says 304 to any condition, with its own new tag."""

    def judge(self, asked: dict[str, str]) -> int:
        return 304 if "if-none-match" in asked else 200


def test_a_304_nobody_asked_for_is_a_fault(fill, gallery):
    """To a plain request it is no hit: the row keeps its bytes and says what is wrong."""
    config = fill({"/a.jpg": {}})
    gallery.pages["/a.jpg"] = Stubborn(200, "image/jpeg", b"")
    assert ask_again(config).failed == 1
    row = read_rows(config, gallery)["/a.jpg"]
    assert row["detail"] == "when asked again: HTTP 304 is no answer to a plain GET"
    assert row["bytes"] == draw_picture(0)


def test_a_304_about_another_tag_is_not_believed(fill, gallery):
    """The picture itself is asked for, without conditions."""
    config = fill({"/a.jpg": {"ETag": '"v1"'}})
    gallery.pages["/a.jpg"] = Confused(200, "image/jpeg", draw_picture(51), {"ETag": '"v2"'})
    assert ask_again(config).changed == 1
    assert ["if-none-match" in headers for headers in gallery.asked["/a.jpg"]] == [True, False]
    assert read_rows(config, gallery)["/a.jpg"]["bytes"] == draw_picture(51)


def test_conditions_go_to_the_address_that_gave_the_tag(fill, gallery, tmp_path):
    """A redirect is asked plainly, as is the place it leads to once that is another one."""
    gallery.pages["/there.jpg"] = Page(200, "image/jpeg", draw_picture(60), {"ETag": '"v1"'})
    config = fill({"/a.jpg": {}})
    with (tmp_path / "answers.csv").open("a", encoding="utf-8") as file:
        file.write(f"{gallery.url('/here.jpg')},Acme,w1\r\n")
    gallery.pages["/here.jpg"] = Page(302, "text/plain", b"", {"Location": "/there.jpg"})
    run(config, until=Stage.FETCH)
    assert ask_again(config).unchanged == 2
    assert "if-none-match" not in gallery.asked["/here.jpg"][-1]
    assert gallery.asked["/there.jpg"][-1]["if-none-match"] == '"v1"'
    gallery.pages["/elsewhere.jpg"] = Page(200, "image/jpeg", draw_picture(61), {"ETag": '"v1"'})  # another, with an equal tag
    gallery.pages["/here.jpg"].headers["Location"] = "/elsewhere.jpg"
    assert ask_again(config).changed == 1
    row = read_rows(config, gallery)["/here.jpg"]
    assert (row["bytes"], row["final_url"]) == (draw_picture(61), gallery.url("/elsewhere.jpg"))


def test_a_placeholder_does_not_take_a_pictures_place(fill, gallery):
    """Listed, or found by an earlier run: the host says with it that the picture is gone, and what we have is kept."""
    config = fill({"/a.jpg": {}, "/b.jpg": {}})
    listed, found = draw_picture(91), draw_picture(92)
    gallery.pages["/a.jpg"], gallery.pages["/b.jpg"] = (Page(200, "image/jpeg", body) for body in (listed, found))
    images = config.images.model_copy(update={"placeholder_sha256": (hashlib.sha256(listed).hexdigest().upper(),)})
    table = pa.table({"image_id": [hashlib.sha256(found).hexdigest()], "decided": ["found"]})
    Workspace(config.workspace_url).write_table("placeholders", table)
    assert ask_again(config.model_copy(update={"images": images})).gone == 2
    rows = read_rows(config, gallery)
    assert [rows[path]["bytes"] for path in ("/a.jpg", "/b.jpg")] == [draw_picture(0), draw_picture(1)]
    assert rows["/a.jpg"]["detail"] == "when asked again: a placeholder stands in its place"


def test_a_task_on_another_machine_does_the_same(fill, gallery):
    """What Ray is handed is the job alone: the worker finds what is known in the shard itself."""
    config = fill({"/a.jpg": {"ETag": '"v1"'}, "/b.jpg": {}})
    gallery.pages["/b.jpg"] = Page(200, "image/jpeg", draw_picture(50))
    workspace = Workspace(config.workspace_url)
    (shard,) = workspace.shard_names()
    urls = workspace.read_shard(shard, ["url"]).column("url").to_pylist()
    job = ShardJob(config.workspace_url, shard, urls, [gallery.url("/a.jpg"), gallery.url("/b.jpg")], refresh=True)
    counts = fetch_on_worker(job, FetchSettings.from_config(config.fetch, config.base_dir, {}), inspect_image)
    assert (counts.urls, counts.ok, counts.failed, counts.fetched) == (3, 2, 1, 2)
    assert counts.record == hash_file(workspace.local_path(f"downloads/{shard}"))
    rows = read_rows(config, gallery)
    assert {path: row["refreshed"] for path, row in rows.items()} == {
        "/a.jpg": "unchanged",
        "/b.jpg": "changed",
        "/missing.jpg": None,
    }
    assert counts.byte_count == sum(row["byte_count"] or 0 for row in rows.values())


def test_one_host_only(fill, gallery):
    """Others are left as they are."""
    config = fill({"/a.jpg": {}, "/b.jpg": {}})
    assert ask_again(config, "example.org").asked == 0
    assert ask_again(config, "127.0.0.1").asked == 2


def test_fallbacks_say_nothing_about_the_url_itself(fill, gallery):
    """A refresh asks nobody else: a copy elsewhere would hide that the picture is gone."""
    config = fill({"/a.jpg": {}})
    del gallery.pages["/a.jpg"]
    section = config.fetch.model_copy(update={"fallbacks": ("https",)})
    assert ask_again(config.model_copy(update={"fetch": section})).gone == 1
    assert read_rows(config, gallery)["/a.jpg"]["detail"] == "when asked again: HTTP 404"  # and nothing of https


def test_a_shard_of_an_earlier_version_is_refreshed(fill, gallery):
    """It has no columns for what is found: they are null when it is read, and there afterwards."""
    config = fill({"/a.jpg": {"ETag": '"v1"'}, "/b.jpg": {}})
    workspace = Workspace(config.workspace_url)
    (name,) = workspace.shard_names()
    path = workspace.local_path(f"downloads/{name}")
    pq.write_table(pq.read_table(path).drop_columns(["refreshed", "checked_at", "previous_sha256", "fallback"]), path)
    assert workspace.read_shard(name, ["url", "refreshed"]).column("refreshed").to_pylist() == [None] * 3
    assert read_rows(config, gallery)["/a.jpg"]["checked_at"] is None
    gallery.pages["/b.jpg"] = Page(200, "image/jpeg", draw_picture(50))
    assert ask_again(config) == (2, 1, 1, 0, 0)
    assert pq.read_schema(path).names == DownloadRow.arrow_schema().names
    run(config, until=Stage.IMAGES)


@pytest.mark.slow
def test_later_stages_run_again_only_as_far_as_pictures_changed(fill, gallery):
    """Nothing changed: the images stage reads the shards again, makes the same table, and the rest stays as it is."""
    config = fill({f"/{number}.jpg": {"ETag": f'"{number}"'} for number in range(8)})
    run(config, until=Stage.RELEASE)
    workspace = Workspace(config.workspace_url)
    release = hash_file(workspace.local_path("release/manifest.json"))
    assert ask_again(config).unchanged == 8
    ran = [outcome.stage for outcome in run(config, until=Stage.RELEASE) if outcome.ran]
    assert ran == [Stage.FETCH, Stage.IMAGES]
    assert hash_file(workspace.local_path("release/manifest.json")) == release
    gallery.pages["/3.jpg"] = Page(200, "image/jpeg", draw_picture(55), {"ETag": '"new"'})
    assert ask_again(config).changed == 1
    ran = [outcome.stage for outcome in run(config, until=Stage.RELEASE) if outcome.ran]
    assert ran == [Stage.FETCH, Stage.IMAGES, Stage.SAMPLES, Stage.SPLITS, Stage.RELEASE]
    assert hash_file(workspace.local_path("release/manifest.json")) != release


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_refresh_is_gone_on_with(fill, gallery, capsys):
    """Shards that were done are not asked for again, their findings count; the next refresh after that asks for all."""
    config = fill({f"/{number}.jpg": {} for number in range(12)}, "fetch.shard_size=4")
    workspace = Workspace(config.workspace_url)
    shards = [
        {url.removeprefix(gallery.address) for url in workspace.read_shard(name, ["url"]).column("url").to_pylist()}
        for name in workspace.shard_names()
    ]
    first = shards[0] - {"/missing.jpg"}
    gallery.pages[min(first)] = Page(404, "text/plain", b"")
    free = threading.Event()
    gallery.held = lambda path: None if path in first else (free.wait(120), None)[1]
    file = workspace.local_path(f"downloads/{workspace.shard_names()[0]}")
    there = file.stat().st_ino
    arguments = ["fetch", str(config.base_dir / "dataset.toml"), "--refresh", "--set", "fetch.robots=ignore"]
    process = subprocess.Popen([sys.executable, "-m", "logoingest", *arguments], start_new_session=True)
    try:
        wait_for(lambda: file.stat().st_ino != there)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        free.set()
    assert workspace.exists(MARKER)
    assert {row["refreshed"] for path, row in read_rows(config, gallery).items() if path not in first} == {None}
    gallery.asked.clear()
    assert main([*arguments, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"asked": 12, "changed": 0, "unchanged": 11, "gone": 1, "failed": 0}
    assert f"asked so far {len(first)}, left {12 - len(first)}" in shown.err
    assert {path for path, requests in gallery.asked.items() if requests} == set.union(*shards) - first - {"/missing.jpg"}
    assert not workspace.exists(MARKER)
    assert ask_again(config).asked == 12


def test_a_marker_that_cannot_be_meant_is_replaced(fill, gallery):
    """Cut short, about other hosts, or from the future, as a clock that jumped back leaves it: a new refresh begins."""
    config = fill({"/a.jpg": {}})
    workspace = Workspace(config.workspace_url)
    seen: list[dict] = []
    gallery.held = lambda path: seen.append(json.loads(workspace.read_bytes(MARKER)))
    began_at = dt.datetime.now(dt.UTC)
    for content in (
        b"{",
        b"[]",
        b'{"began_at": "x", "hosts": []}',
        b'{"began_at": "2020-01-01", "hosts": []}',
        b'{"began_at": "2020-01-01T00:00:00+00:00", "hosts": ["h.test"]}',
        b'{"began_at": "2999-01-01T00:00:00+00:00", "hosts": []}',
    ):
        workspace.write_bytes(MARKER, content)
        assert ask_again(config).asked == 1
        assert not workspace.exists(MARKER)
    assert len(seen) == 6
    for marker in seen:
        assert marker["hosts"] == []
        assert began_at <= dt.datetime.fromisoformat(marker["began_at"]) <= dt.datetime.now(dt.UTC)


def test_the_command_says_what_it_found(fill, gallery, capsys):
    """Counts, what became of the rest, and what to do next; exit code 0."""
    config = fill(WHOLE)
    let_time_pass(gallery)
    arguments = ["fetch", str(config.base_dir / "dataset.toml"), "--refresh", "--quiet", "--set", "fetch.robots=ignore"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "asked again for 10 URLs: 1 changed, 4 unchanged, 3 gone, 2 failed",
        "what is gone or failed is kept as it was; its row says why (downloads: refreshed, detail)",
    ]


def test_what_cannot_be_meant_is_explained(make_dataset, capsys):
    """A refresh before the first fetch, and --host without --refresh: exit code 2."""
    dataset = make_dataset(pictures=1)
    config = load_config(dataset.config, [], {})
    with pytest.raises(UsageError, match="nothing was fetched yet"):
        ask_again(config)
    assert main(["fetch", str(dataset.config), "--host", "h.test"]) == 2
    assert "--host goes with --refresh" in capsys.readouterr().err
    assert not Path(config.workspace_url, MARKER).exists()


@pytest.mark.parametrize(
    ("url", "host", "is_there"),
    [
        ("https://img.example.org/a.jpg", "example.org", True),
        ("https://img.example.org/a.jpg", "IMG.example.org", True),
        ("https://example.org.test/a.jpg", "example.org", False),
        ("https://myexample.org/a.jpg", "example.org", False),
        ("https://BÜCHER.example/a.jpg", "xn--bcher-kva.example", True),
        ("https://xn--bcher-kva.example/a.jpg", "bücher.example", True),
        ("https:\\\\example.org\\a.jpg", "example.org", True),
        ("//example.org/a.jpg", "example.org", True),
        ("http://0x7f.1/a.jpg", "127.0.0.1", True),
        ("https://other.test\\@example.org/a.jpg", "example.org", False),
        ("https://[::1", "::1", False),
        ("no URL", "example.org", False),
    ],
)
def test_a_host_is_read_as_it_is_fetched_from(url, host, is_there):
    """--host of retry and refresh: in whatever spelling, subdomains included."""
    assert is_on_host(url, host) == is_there
