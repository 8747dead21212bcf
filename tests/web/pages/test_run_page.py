"""The run's page over a real fetch on loopback: begun, followed, stopped in the middle, begun again, retried by reason."""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builders.reviews import MAP
from builders.serving import QuietHandler, serve_http
from builders.web.served_pages import Pages, open_pages
from builders.workspaces import draw_noise
from logoingest.config import load_config

pytestmark = pytest.mark.slow  # every run is a process of its own
COUNT = 24
PATIENCE_S = 60.0
CONFIG = """
[dataset]
name = "fetched"
workspace = "work"
[[sources]]
path = "answers.csv"
url_column = "url"
label_column = "brand"
[labels]
class_map = "map.toml"
[fetch]
allowed_networks = ["127.0.0.0/8"]
robots = "ignore"
processes = 1
per_host = 1
shard_size = 4
max_attempts = 1
[train]
enabled = false
"""


class SlowSite(QuietHandler):
    """Pictures that take their time; a path with ``broken`` is out of order until it is mended."""

    is_mended = False
    pause_s = 0.2

    def do_GET(self) -> None:
        time.sleep(self.pause_s)
        is_out = "broken" in self.path and not type(self).is_mended
        body = b"" if is_out else draw_noise(int(self.path.strip("/").split(".")[0].split("-")[0]))
        self.send_response(503 if is_out else 200)
        self.send_header("content-type", "image/jpeg")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    SlowSite.is_mended = False
    with serve_http(SlowSite) as site:
        with (tmp_path / "answers.csv").open("w", newline="") as file:
            rows = [(f"{site}/{number}{'-broken' if number % 8 == 0 else ''}.jpg", "puma") for number in range(COUNT)]
            csv.writer(file).writerows([("url", "brand"), *rows])
        (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
        (tmp_path / "dataset.toml").write_text(CONFIG)
        yield tmp_path


def wait(pages: Pages, is_there: Callable[[str], bool]) -> str:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        text = pages.get("/run/state").text
        if is_there(text):
            return text
        threading.Event().wait(0.2)
    raise AssertionError(text)


def is_over(text: str) -> bool:
    return "ended with exit code" in text and "Nobody is working" in text


def test_a_run_is_begun_stopped_and_retried_from_the_page(folder):
    """What was fetched before the stop is kept; the reasons of what failed are named, and one of them is tried again."""
    with open_pages(load_config(folder / "dataset.toml"), has_review=False) as pages:
        assert "Nobody is working" in pages.get("/run").text
        assert pages.post("/run/start", {"text": ""}).json()["is_done"]
        wait(pages, lambda text: "started here is working" in text and " 0 of " not in text and "0 of 0" not in text)
        assert "in use" in pages.post("/run/start", {"text": ""}).json()["message"]
        assert pages.post("/run/stop", {"text": ""}).json()["is_done"]
        stopped = wait(pages, is_over)
        assert "exit code 130" in stopped
        assert "Nobody is working" in stopped
        fetched = len(list((folder / "work/downloads").glob("*.parquet")))
        assert fetched < COUNT // 4
        assert pages.post("/run/start", {"text": ""}).json()["is_done"]
        ended = wait(pages, is_over)
        assert f"{COUNT} of {COUNT} URLs" in ended
        assert f"{COUNT - 3} fetched" in ended
        assert "http_5xx" in ended
        SlowSite.is_mended = True
        assert pages.post("/run/start", {"text": "http_5xx"}).json()["is_done"]
        assert f"{COUNT} fetched" in wait(pages, is_over)
        assert pages.post("/run/stop", {"text": ""}).status_code == 409
        assert "annotations" in pages.get("/run/stages").text


def test_a_run_that_is_stopped_at_once_ends_as_any_that_is_stopped(folder):
    """Before its interpreter has begun, too: by what shells tell of a signal."""
    with open_pages(load_config(folder / "dataset.toml"), has_review=False) as pages:
        assert pages.post("/run/start", {"text": ""}).json()["is_done"]
        assert pages.post("/run/stop", {"text": ""}).json()["is_done"]
        stopped = wait(pages, is_over)
        assert "exit code 130" in stopped
        assert "Traceback" not in stopped


def test_a_run_that_a_terminal_began_is_followed_and_left_alone(folder):
    """It is named by its process; the page can neither stop it nor begin another beside it."""
    command = [sys.executable, "-m", "logoingest", "run", str(folder / "dataset.toml"), "--quiet"]
    with open_pages(load_config(folder / "dataset.toml"), has_review=False) as pages:
        other = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert f"process {other.pid}" in wait(pages, lambda text: "Nobody" not in text)
            assert pages.post("/run/start", {"text": ""}).status_code == 409
            assert pages.post("/run/stop", {"text": ""}).status_code == 409
            assert other.poll() is None
        finally:
            other.terminate()
            other.wait(60)
        assert "Nobody is working" in wait(pages, lambda text: "Nobody" in text)
