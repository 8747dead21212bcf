"""Credentials on the wire: who demands them gets them, and the logs of everybody else show that they never came by."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections import defaultdict
from dataclasses import replace

import pytest

from builders.datasets import CLASSES, Dataset, serve_site
from logoingest import load_config, run
from logoingest.errors import ConfigError
from logoingest.fetch import Proxy, ShardJob, run_shards
from logoingest.schemas import Stage
from logoingest.workspace import Workspace, shard_name

SECRET = "s3cr3t-Value"
BASIC = "Basic YW5uOnMzY3IzdC1WYWx1ZQ=="  # ann:s3cr3t-Value
SECRETS = (SECRET, BASIC.partition(" ")[2])


def direct(host, port):
    return ["127.0.0.1"]


class Vault:
    """Pictures behind a header, a cookie or a password; ``heads`` are all requests as they came, by Host header."""

    def __init__(self, picture: bytes) -> None:
        self.picture = picture
        self.port = 0
        self.heads: dict[str, list[str]] = defaultdict(list)

    async def serve(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                host = re.search(r"(?mi)^host: *([^:\r\n]*)", head)[1]
                self.heads[host].append(head)
                status, *extra = self.judge(head.split(" ")[1], head)
                body = self.picture if status == "200 OK" and not extra else b""
                lines = [f"HTTP/1.1 {status}", *extra, f"Content-Length: {len(body)}", "", ""]
                writer.write("\r\n".join(lines).encode() + body)
                await writer.drain()
        writer.close()

    def judge(self, path, head):
        _, door, *rest = path.split("/", 2)
        if door == "to":
            return "302 Found", f"Location: {rest[0]}"
        if door == "set":  # a redirect that sets the cookie anew
            return "302 Found", "Set-Cookie: session=fresh; Path=/", "Location: /open"
        demanded = {"header": f"x-api-key: {SECRET}", "cookie": f"session={SECRET}", "basic": f"authorization: {BASIC}"}
        return ("200 OK",) if demanded.get(door, "") in head else ("401 Unauthorized",)

    def told(self, host) -> list[str]:
        """The requests to a host that held a secret."""
        return [head for head in self.heads[host] if any(secret in head for secret in SECRETS)]


@pytest.fixture
def vault(server_loop, picture):
    made = Vault(picture)
    made.port = server_loop.serve(made.serve)
    return made


@pytest.fixture
def write(tmp_path):
    def write(keys, name="vault.test", mode=0o600) -> str:
        file = tmp_path / "hosts.toml"
        file.write_text(
            f'[[host]]\nname = "{name}"\n{keys}\nheaders = {{ X-Api-Key = "{SECRET}" }}\n'
            f'cookies = {{ session = "{SECRET}" }}\nbasic = {{ user = "ann", password = "{SECRET}" }}\n'
        )
        file.chmod(mode)
        return str(file)

    return write


def test_a_host_that_demands_them_gets_header_cookie_and_password(vault, write, fetch, picture):
    """Without the file: 401. With it: the picture."""
    urls = [f"http://vault.test:{vault.port}/{door}" for door in ("header", "cookie", "basic")]
    assert [row["http_status"] for row in fetch(*urls, lookup=direct)] == [401] * 3
    assert not vault.told("vault.test")
    rows = fetch(*urls, lookup=direct, credentials=write(f"allow_http = true\nport = {vault.port}"))
    assert [row["bytes"] for row in rows] == [picture] * 3
    assert len(vault.told("vault.test")) == 3


def test_a_redirect_takes_nothing_along(vault, write, fetch):
    """To another host, to a subdomain, to the address itself: their requests hold no secret. Back home, they do again."""
    home = f"http://vault.test:{vault.port}"
    others = ("other.test", "sub.vault.test", "127.0.0.1")
    urls = [f"{home}/to/http://{host}:{vault.port}/open" for host in others]
    urls.append(f"{home}/to/http://other.test:{vault.port}/to/{home}/basic")
    rows = fetch(*urls, lookup=direct, credentials=write(f"allow_http = true\nport = {vault.port}"))
    assert [row["outcome"] for row in rows] == ["ok"] * 4
    for host in others:
        assert vault.heads[host]
        assert not vault.told(host)
        assert not any(re.search(r"(?mi)^(cookie|authorization|x-api-key):", head) for head in vault.heads[host])
    assert len(vault.told("vault.test")) == 5


def test_another_port_or_scheme_of_the_host_gets_nothing(vault, server_loop, start_tls_site, authority, write, fetch, picture):
    """https goes on to http, one port to another: another origin each time."""
    elsewhere = Vault(picture)
    elsewhere.port = server_loop.serve(elsewhere.serve)
    secure = start_tls_site(authority.ca.issue_cert("vault.test"))
    urls = [
        f"http://vault.test:{vault.port}/to/http://vault.test:{elsewhere.port}/open",
        f"https://vault.test:{secure.port}/redirect/http://vault.test:{elsewhere.port}/open",
    ]
    file = write(f"port = {secure.port}") + ".both"
    with open(write(f"port = {secure.port}")) as one, open(file, "w", opener=private) as both:
        both.write(one.read() + f'[[host]]\nname = "vault.test"\nport = {vault.port}\nallow_http = true\nbearer = "{SECRET}"\n')
    rows = fetch(*urls, lookup=direct, credentials=file, ca_file=authority.file)
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert len(vault.told("vault.test")) == 1
    (seen,) = next(headers for path, headers in secure.seen.items() if path.startswith("/redirect"))
    assert (seen["x-api-key"], seen["authorization"]) == (SECRET, BASIC)
    assert len(elsewhere.heads["vault.test"]) == 2
    assert not elsewhere.told("vault.test")


def private(path, flags):
    return os.open(path, flags, 0o600)


def test_plain_http_gets_nothing_unless_it_is_allowed(vault, write, fetch):
    """The same host and port, but no allow_http."""
    (row,) = fetch(f"http://vault.test:{vault.port}/basic", lookup=direct, credentials=write(f"port = {vault.port}"))
    assert row["http_status"] == 401
    assert not vault.told("vault.test")


def test_what_the_url_says_itself_and_what_the_host_sets_come_first(vault, write, fetch):
    """A password in the URL is for that URL; a cookie set on the way is newer than the file's."""
    file = write(f"allow_http = true\nport = {vault.port}")
    fetch(f"http://bob:x@vault.test:{vault.port}/basic", f"http://vault.test:{vault.port}/set", lookup=direct, credentials=file)
    heads = vault.heads["vault.test"]
    basic = next(head for head in heads if head.startswith("GET /basic"))
    assert "Basic Ym9iOng=\r\n" in basic
    assert BASIC not in basic
    cookies = [re.search(r"(?mi)^cookie: *(.*?)\r$", head)[1] for head in heads if not head.startswith("GET /basic")]
    assert cookies == [f"session={SECRET}", "session=fresh"]


def test_robots_txt_of_the_host_is_asked_for_with_them_and_nobody_elses(vault, write, fetch):
    """The wall that hides the pictures hides the rules, too; a robots.txt that redirects elsewhere takes nothing along."""
    file = write(f"allow_http = true\nport = {vault.port}")
    urls = [f"http://{host}:{vault.port}/open" for host in ("vault.test", "other.test")]
    fetch(*urls, lookup=direct, credentials=file, robots="obey")
    assert [head.split(" ")[1] for head in vault.told("vault.test")] == ["/robots.txt", "/open"]
    assert [head.split(" ")[1] for head in vault.heads["other.test"]] == ["/robots.txt", "/open"]
    assert not vault.told("other.test")


def test_a_proxy_never_sees_them(vault, server_loop, start_tls_site, authority, write, fetch):
    """Plain http that a proxy relays goes without; through a tunnel the host gets them and CONNECT holds none."""
    secure = start_tls_site(authority.ca.issue_cert("vault.test"))
    heard: list[bytes] = []

    async def relay(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head)
        if not head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", secure.port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    async def pipe(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                heard.append(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    proxy = Proxy(f"http://127.0.0.1:{server_loop.serve(relay)}")
    for url, ports in (
        (f"http://vault.test:{vault.port}/basic", f"allow_http = true\nport = {vault.port}"),
        (f"https://vault.test:{secure.port}/picture", f"port = {secure.port}"),
    ):
        fetch(url, http_proxy=proxy, https_proxy=proxy, ca_file=authority.file, credentials=write(ports))
    assert len(heard) > 2
    assert not any(secret.encode() in data for secret in SECRETS for data in heard)
    (seen,) = secure.seen["/picture"]
    assert (seen["x-api-key"], seen["authorization"], seen["cookie"]) == (SECRET, BASIC, f"session={SECRET}")


def test_no_log_line_and_no_row_holds_a_secret(vault, write, fetch, caplog):
    """With every logger at its most talkative, failures included."""
    caplog.set_level(logging.DEBUG)
    file = write(f"allow_http = true\nport = {vault.port}")
    home = f"http://vault.test:{vault.port}"
    rows = fetch(f"{home}/header", f"{home}/to/{home}/to/nowhere:", "http://vault.test:1/x", lookup=direct, credentials=file)
    assert rows[0]["outcome"] == "ok"
    for text in (str(rows), caplog.text):
        assert not any(secret in text for secret in SECRETS)


@pytest.mark.slow
def test_other_processes_read_the_file_themselves(vault, write, settings, tmp_path):
    """They are told its path; if it is open to others by then, that is the message."""
    told = replace(settings, processes=2, credentials=write(f"allow_http = true\nport = {vault.port}", name="127.0.0.1"))
    jobs = [
        ShardJob(str(tmp_path / "work"), shard_name(number), [f"http://127.0.0.1:{vault.port}/basic?{number}"])
        for number in range(2)
    ]
    assert [counts.ok for counts in run_shards(jobs, told, None)] == [1, 1]
    for number in range(2):
        assert SECRET.encode() not in (tmp_path / "work/downloads" / shard_name(number)).read_bytes()
    write("", mode=0o644)
    with pytest.raises(ConfigError, match="open to others"):
        run_shards(jobs, told, None)


def test_the_route_takes_them_from_the_config_and_keeps_none(tmp_path):
    """Wrong permissions end the run with exit code 2 before a request; a good file leaves no trace in the workspace."""
    with serve_site() as site:
        dataset = Dataset(tmp_path, site)
        for class_number, class_id in enumerate(CLASSES):
            dataset.add_picture(class_id, class_number)
        dataset.write()
        file = dataset.folder / "hosts.toml"
        file.write_text(f'[[host]]\nname = "127.0.0.1"\nbearer = "{SECRET}"\n')
        file.chmod(0o640)
        config = load_config(dataset.config, ["fetch.credentials=hosts.toml"], {})
        with pytest.raises(ConfigError, match="mode 640") as caught:
            run(config, until=Stage.FETCH)
        assert caught.value.exit_code == 2
        assert not site.requests
        file.chmod(0o600)
        run(config, until=Stage.RELEASE)
    kept = [path for path in Workspace(config.workspace_url).local_path("").rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)
