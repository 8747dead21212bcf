"""Servers in threads of the tests' own process, on loopback with ports of the system's choice: plain HTTP, and S3."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class QuietHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 without a log; answers leave at once, small as they are (RFC 896 would hold a body back until its head is acknowledged)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serve_http(handler: Callable[..., Any]) -> Iterator[str]:
    """The address of a server with this handler; it ends without waiting for the half second between two looks at its own end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 server; the test is skipped where the packages for it are missing."""
    pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


def make_bucket(environment: dict[str, str], name: str) -> str:
    """A new bucket's URL; what an earlier one of that name held is gone."""
    import boto3

    names = {"endpoint_url": "AWS_ENDPOINT_URL", "aws_access_key_id": "AWS_ACCESS_KEY_ID",
             "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY", "region_name": "AWS_DEFAULT_REGION"}  # fmt: skip
    bucket = boto3.resource("s3", **{key: environment[variable] for key, variable in names.items()}).Bucket(name)
    bucket.create()
    bucket.objects.all().delete()
    return f"s3://{name}"
