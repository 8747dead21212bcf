"""TLS sessions taken up again: fewer handshakes, and not one certificate less that is looked at."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl

import pytest

from logoingest.fetch.http import resumption
from logoingest.fetch.http.client import Client, Failure
from logoingest.fetch.rules.settings import make_ssl_context
from logoingest.fetch.rules.targets import parse_target

PRE_SHARED_KEY = 41
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"


@pytest.fixture
def ask(settings, authority):
    """Asks for pictures one after the other, each on a connection of its own, and gives ``ok`` or what was wrong for each."""

    def run(*urls: str) -> list[str]:
        async def work() -> list[str]:
            from dataclasses import replace

            trusting = replace(settings, ca_file=authority.file)
            async with Client(trusting, lambda _host, _port: ["127.0.0.1"]) as client:
                replies = []
                for url in urls:
                    replies.append(await client.exchange(parse_target(url), is_last=True))
                    await asyncio.sleep(0.02)  # for the connection to end
                return [reply.verdict.detail if isinstance(reply, Failure) else "ok" for reply in replies]

        return asyncio.run(work())

    return run


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_from_the_third_connection_on_a_session_is_taken_up_again(start_tls_site, authority, ask, version):
    """The first is remembered by name alone, the second one's session is kept."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"), version)
    assert ask(*[f"https://shop.test:{site.port}/picture"] * 6) == ["ok"] * 6
    assert (site.connections, site.resumed) == (6, 4)


def test_no_session_stands_for_another_name(start_tls_site, authority, ask):
    """The same server under a name that its certificate does not bear is refused as ever, before and after."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    own, other = f"https://shop.test:{site.port}/picture", f"https://other.test:{site.port}/picture"
    told = ask(other, own, own, own, other, other, other, own)
    assert [text == "ok" for text in told] == [False, True, True, True, False, False, False, True]
    assert "Hostname mismatch" in told[4]
    assert site.resumed == 2


def test_a_session_does_not_hide_a_bad_certificate(start_tls_site, authority, ask):
    """Who stands behind the name now, with an expired certificate, does not know the session: the certificate is looked at."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    site, expired = (start_tls_site(authority.ca.issue_cert("shop.test", not_after=until)) for until in (None, past))
    told = ask(*[f"https://shop.test:{site.port}/picture"] * 4, *[f"https://shop.test:{expired.port}/picture"] * 3)
    assert told[:4] == ["ok"] * 4
    assert all("certificate has expired" in text for text in told[4:])
    assert (site.resumed, expired.resumed) == (2, 0)


def test_an_old_session_is_not_offered(start_tls_site, authority, ask, monkeypatch):
    """A certificate is looked at again from time to time."""
    monkeypatch.setattr(resumption, "MAX_AGE_S", 0.0)
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    assert ask(*[f"https://shop.test:{site.port}/picture"] * 5) == ["ok"] * 5
    assert site.resumed == 0


@pytest.mark.parametrize(("answer", "told"), [(HANDSHAKE_FAILURE, "ok"), (b"", "the server hung up before it answered")])
def test_a_host_that_breaks_off_over_a_session_is_offered_one_once(server_loop, start_tls_site, authority, ask, answer, told):
    """Told so by an alert, the same picture is asked for again without; after a silent end the next attempt is without."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    offers = []

    async def stand_before(reader, writer):
        hello = await reader.read(4096)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", site.port)
        if PRE_SHARED_KEY in list_extensions(hello):
            offers.append(hello)
            writer.write(answer)
            await reader.read(1) if answer else None
        else:
            far_writer.write(hello)
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
        writer.close()
        far_writer.close()

    port = server_loop.serve(stand_before)
    assert ask(*[f"https://shop.test:{port}/picture"] * 6) == ["ok", "ok", told, "ok", "ok", "ok"]
    assert len(offers) == 1


def test_what_is_verified_is_what_the_library_verifies_by_default(authority):
    """Certificates, names, versions and flags."""
    ours, usual = make_ssl_context(authority.file, resumption.ResumingContext), ssl.create_default_context(cafile=authority.file)
    for name in ("verify_mode", "check_hostname", "verify_flags", "options", "minimum_version", "maximum_version"):
        assert getattr(ours, name) == getattr(usual, name)
    assert ours.get_ca_certs() == usual.get_ca_certs()


def list_extensions(hello: bytes) -> list[int]:
    """The extensions of a ClientHello (RFC 8446 §4.1.2) that comes in one record."""
    place = 5 + 4 + 2 + 32
    for size in (1, 2, 1):  # session, ciphers, compression
        place += size + int.from_bytes(hello[place : place + size], "big")
    place += 2
    found = []
    while place < len(hello):
        found.append(int.from_bytes(hello[place : place + 2], "big"))
        place += 4 + int.from_bytes(hello[place + 2 : place + 4], "big")
    return found


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes in goes out, to the end."""
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
