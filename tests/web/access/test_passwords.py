"""Others come in by name and password, over TLS: real connections on loopback, and what is refused before anything is bound."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.web.served_pages import write_dataset
from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.web.access import passwords
from logoingest.web.access.passwords import HashedPassword, read_passwords, set_password
from logoingest.web.serving import Serving, open_server

RIGHT = "correct horse battery"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return write_dataset(tmp_path_factory.mktemp("small"))


@pytest.fixture
def people(tmp_path: Path) -> Path:
    set_password(tmp_path / "people", "Ada", RIGHT)
    return tmp_path / "people"


def write_certificate(authority: trustme.CA, folder: Path) -> tuple[Path, Path]:
    made = authority.issue_cert("localhost")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    made.private_key_pem.write_to_path(folder / "key.pem")
    return folder / "cert.pem", folder / "key.pem"


@contextlib.contextmanager
def open_shared(config: Config, people: Path, authority: trustme.CA) -> Iterator[tuple[httpx.Client, str]]:
    """A server that others may reach, and a client that trusts its certificate."""
    said: list[str] = []
    tls = write_certificate(authority, people.parent)
    serving = Serving("x", password_file=people, tls=tls, address="0.0.0.0", names=["localhost"])
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with open_server(config, serving, said.append) as (server, bound), httpx.Client(verify=trust, timeout=20) as client:
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        try:
            yield client, said[0].removesuffix("/enter")
        finally:
            server.should_exit = True
            thread.join(10)


def enter(client: httpx.Client, base: str, name: str, password: str) -> httpx.Response:
    return client.post(f"{base}/enter", json={"name": name, "password": password}, headers={"origin": base})


def test_one_comes_in_by_password_over_tls(config, people, authority):
    """Strangers are led to the form; the cookie is for https alone; the name is the password's, and no link lets anybody in."""
    with open_shared(config, people, authority) as (client, base):
        assert base.startswith("https://localhost:")
        asked = client.get(f"{base}/queue")
        assert (asked.status_code, asked.headers["location"]) == (303, "/enter")
        assert 'type="password"' in client.get(f"{base}/enter?token=x").text
        assert enter(client, base, "Ada", "wrong horse battery").status_code == 403
        assert enter(client, base, "Bob", RIGHT).status_code == 403
        assert enter(client, base, "Ada", RIGHT).json()["is_done"]
        cookie = client.cookies.jar
        assert [one.name for one in cookie] == ["__Host-logoingest"]
        assert all(one.secure for one in cookie)
        page = client.get(f"{base}/run").text
        csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        renamed = client.post(f"{base}/name", json={"text": "Eve"}, headers={"origin": base, "x-csrf-token": csrf})
        assert renamed.status_code == 409
        with pytest.raises(httpx.HTTPError):
            httpx.get(base.replace("https", "http"), timeout=5)


def test_other_names_and_pages_are_refused(config, people, authority):
    """Host and Origin, as anywhere."""
    with open_shared(config, people, authority) as (client, base):
        assert client.get(f"{base}/enter", headers={"host": "evil.test"}).status_code == 421
        told = {"name": "Ada", "password": RIGHT}
        assert client.post(f"{base}/enter", json=told, headers={"origin": "https://evil.test"}).status_code == 403
        assert client.post(f"{base}/enter", data=told, headers={"origin": base}).status_code == 415


def test_guessing_is_slow(config, people, authority):
    """After five tries an address waits, with the right password too."""
    with open_shared(config, people, authority) as (client, base):
        found = [enter(client, base, "Ada", f"wrong {number}").status_code for number in range(5)]
        assert found == [403] * 5
        answer = enter(client, base, "Ada", RIGHT)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")


@pytest.mark.parametrize("lacking", ["password_file", "tls", "names"])
def test_what_others_could_reach_needs_all_of_it(config, people, authority, lacking):
    """Nothing is bound, and the message says what to give."""
    given_ = {"password_file": people, "tls": write_certificate(authority, people.parent), "names": ["localhost"]}
    given_[lacking] = () if lacking == "names" else None
    with (
        pytest.raises(UsageError, match="--name" if lacking == "names" else "--password-file"),
        open_server(config, Serving("x", address="0.0.0.0", **given_), print),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "names nobody"),
        ("Ada:secret\n", ":1"),
        ("Ada:scrypt$1$8$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA\n", ":1"),
        ("Ada:scrypt$99$8$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA\n", ":1"),
        ("\xff", "not UTF-8"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, content, fault):
    """Plain passwords, weak or ruinous parameters."""
    path = tmp_path / "people"
    path.write_bytes(content.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(UsageError, match=fault):
        read_passwords(path)


def test_a_file_that_others_may_read_is_refused(people):
    """It holds hashes."""
    people.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        read_passwords(people)


@pytest.mark.slow
def test_a_password_is_set_from_the_command_line(people):
    """A person has one; the others' stay; nobody else may read the file; weak ones are refused."""
    command = [sys.executable, "-m", "logoingest", "web", "none.toml", "--password-file", str(people), "--set-password"]
    done = subprocess.run([*command, "Bob"], input="another horse battery\n", text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "horse" not in people.read_text()
    assert people.stat().st_mode & 0o777 == 0o600
    kept = read_passwords(people)
    assert kept.check("Ada", RIGHT)
    assert kept.check("Bob", "another horse battery")
    assert not kept.check("Bob", RIGHT)
    weak = subprocess.run([*command, "Bob"], input="short\n", text=True, capture_output=True, check=False)
    assert (weak.returncode, "characters" in weak.stderr) == (2, True)


def test_a_key_that_fits_no_certificate_is_told(config, people, authority):
    """With both paths."""
    certificate, _ = write_certificate(authority, people.parent)
    with pytest.raises(UsageError, match="PEM"), open_server(config, Serving("x", tls=(certificate, certificate)), print):
        pass


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
@examples(5)
def test_a_hash_is_of_one_password(one, other):
    """Its own alone; in any way of writing the same characters."""
    kept = HashedPassword.make(one)
    assert kept.matches(one)
    assert kept.matches(other) == (passwords.prepare_password(one) == passwords.prepare_password(other))
