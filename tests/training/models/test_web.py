"""Weights through a proxy: the one that [fetch] names is asked, and one message says what to do when it refuses."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from logoingest.config import FetchConfig, TrainConfig
from logoingest.errors import ConfigError
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.training.models.network import build_learner
from logoingest.training.models.web import download_file, reach_web, write_environment

BODY = b"weights" * 1000
NAME = f"net-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"


class Proxy(BaseHTTPRequestHandler):
    """Refuses to connect to any host, and answers plain requests itself."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_CONNECT(self):
        self.asked.append((self.path, self.headers.get("proxy-authorization")))
        self.send_error(403, "Forbidden by policy")

    def do_GET(self):
        self.asked.append((self.path, self.headers.get("proxy-authorization")))
        self.send_response(200)
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args):
        pass


@pytest.fixture
def proxy():
    server = HTTPServer(("127.0.0.1", 0), Proxy)
    Proxy.asked.clear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def through(proxy, tmp_path, environ=None):
    return reach_web(FetchSettings.from_config(FetchConfig(proxy=f"http://us:secret@{proxy}"), tmp_path, environ or {}))


@pytest.mark.parametrize("model", ["squeezenet1_1", "timm/test_efficientnet"])
def test_a_proxy_that_refuses_is_named_with_the_host_and_the_two_ways_out(model, proxy, tmp_path, monkeypatch):
    """One message, without the password; the proxy was asked with it."""
    if model.startswith("timm/"):
        pytest.importorskip("timm")
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    config = TrainConfig(model=model, weights="imagenet", image_side_px=32)
    with through(proxy, tmp_path), pytest.raises(ConfigError) as caught:
        build_learner(config, 3, tmp_path)
    said = str(caught.value)
    host = "huggingface.co" if model.startswith("timm/") else "download.pytorch.org"
    assert f"needs a download from {host} through the proxy http://{proxy}, which failed" in said
    assert "set train.weights to a local file" in said
    assert 'or to "none"' in said
    assert "fetch.proxy" in said
    assert "secret" not in said
    if not model.startswith("timm/"):
        assert Proxy.asked == [(f"{host}:443", "Basic dXM6c2VjcmV0")]


def test_a_file_comes_whole_and_checked_or_not_at_all(proxy, tmp_path):
    """By the hash in its name, through the proxy."""
    with through(proxy, tmp_path):
        download_file(f"http://weights.test/{NAME}", tmp_path / "kept" / NAME, "it", "none")
        assert (tmp_path / "kept" / NAME).read_bytes() == BODY
        with pytest.raises(ConfigError, match="something in between changed it"):
            download_file("http://weights.test/net-0badf00d.pth", tmp_path / "kept" / "other.pth", "it", "none")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [NAME]
    assert Proxy.asked[0][0] == f"http://weights.test/{NAME}"


@pytest.mark.parametrize(
    ("section", "environ"),
    [
        ({"proxy": "http://us:se%40cret@127.0.0.1:1"}, {"NO_PROXY": "*"}),
        ({}, {"HTTPS_PROXY": "http://127.0.0.1:2", "no_proxy": "inside.example"}),
        ({"trust_env": False}, {"ALL_PROXY": "http://127.0.0.1:3"}),
    ],
)
def test_another_process_finds_the_same_way_by_its_environment(section, environ, tmp_path):
    """Whatever that said before."""
    settings = FetchSettings.from_config(FetchConfig(**section), tmp_path, environ)
    told = FetchSettings.from_config(FetchConfig(), tmp_path, environ | write_environment(settings))
    assert (told.http_proxy, told.https_proxy, told.no_proxy) == (settings.http_proxy, settings.https_proxy, settings.no_proxy)
