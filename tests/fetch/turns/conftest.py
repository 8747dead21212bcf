"""An archive, a port that nobody listens on, and a fetch with fallbacks."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from builders.archive import Archive, at_home
from logoingest.fetch import fetch_urls


@pytest.fixture
def archive(server_loop) -> Archive:
    made = Archive()
    made.port = server_loop.serve(made.serve)
    return made


@pytest.fixture
def dead_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]  # bound, never listening: connections are refused


@pytest.fixture
def fetch_all(settings):
    """Fetches URLs with fallbacks; returns the rows as dictionaries."""

    def run(*urls: str, alternatives=None, inspect=None, lookup=at_home, **changes):
        wanted = replace(settings, archive_delay_s=0.0, **changes)
        return asyncio.run(fetch_urls(urls, wanted, inspect, lookup=lookup, alternatives=alternatives)).to_pylist()

    return run


@pytest.fixture
def dead_url(site) -> str:
    return f"http://shop.test:{site.port}/status/404"
