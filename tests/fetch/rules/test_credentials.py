"""A file of credentials: who may read it, what may stand in it, and for which request it speaks."""

from __future__ import annotations

import os
import pickle
import string
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.config import FetchConfig
from logoingest.errors import ConfigError
from logoingest.fetch import FetchSettings
from logoingest.fetch.rules.credentials import add_cookies, parse_credentials, read_credentials
from logoingest.fetch.rules.targets import parse_target

SECRET = "s3cr3t-Value"
WHOLE = f"""
[[host]]
name = "img.example.com"
headers = {{ X-Api-Key = "{SECRET}" }}
cookies = {{ session = "{SECRET}", lang = "de, en" }}
basic = {{ user = "ann", password = "{SECRET}:ä" }}

[[host]]
name = ".example.org"
bearer = "{SECRET}"
"""


def parse(text):
    return parse_credentials(tomllib.loads(text), "hosts.toml")


def grant(credentials, url):
    return credentials.find_grant(parse_target(url))


def faults(text) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert SECRET not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes = WHOLE, mode: int = 0o600):
        file = tmp_path / "hosts.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        file.chmod(mode)
        return file

    return write


def test_a_host_gets_what_is_written_for_it(write):
    """Headers, cookies and Basic in UTF-8 (RFC 7617) for the one; a bearer token for all names below the other."""
    credentials = read_credentials(write())
    found = grant(credentials, "https://img.example.com/a.jpg")
    assert found.headers == {"x-api-key": SECRET, "authorization": "Basic YW5uOnMzY3IzdC1WYWx1ZTrDpA=="}
    assert found.cookies == {"session": SECRET, "lang": "de, en"}
    assert grant(credentials, "https://a.b.example.org/x").headers == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "url",
    [
        "http://img.example.com/a.jpg",
        "https://img.example.com:8443/a.jpg",
        "https://example.com/a.jpg",
        "https://x.img.example.com/a.jpg",
        "https://img.example.com.evil.test/a.jpg",
        "https://img.example.com@evil.test/a.jpg",
        "https://evilimg.example.com/a.jpg",
        "https://img.example.com./a.jpg",
        "https://example.org/x",
        "https://badexample.org/x",
        "https://example.org.evil.test/x",
        "https://10.0.0.1/x",
    ],
)
def test_nobody_else_gets_anything(url):
    """Not plain http, another port, a parent, a neighbour that ends alike, or a name that begins alike."""
    assert grant(parse(WHOLE), url) is None


@pytest.mark.parametrize(
    ("keys", "url", "is_covered"),
    [
        ('name = "IMG.Example.com"', "https://img.EXAMPLE.com/x", True),
        ('name = "bücher.example"', "https://xn--bcher-kva.example/x", True),
        ('name = "10.1.2.3"', "https://0x0a010203/x", True),
        ('name = "::1"\nport = 8443', "https://[0:0::1]:8443/x", True),
        ('name = "*.example.com"', "https://a.example.com/x", True),
        ('name = "*.example.com"', "https://example.com/x", False),
        ('name = "a.test"\nport = 8443', "https://a.test:8443/x", True),
        ('name = "a.test"\nport = 8443', "https://a.test/x", False),
        ('name = "a.test"\nallow_http = true', "http://a.test/x", True),
        ('name = "a.test"\nallow_http = true', "https://a.test/x", True),
        ('name = "a.test"\nallow_http = true', "https://a.test:80/x", False),
        ('name = "a.test"\nallow_http = true\nscheme = "http"', "https://a.test/x", False),
        ('name = "a.test"\nallow_http = true\nport = 8080', "http://a.test:8080/x", True),
        ('name = "a.test"\nallow_http = true\nscheme = "https"', "http://a.test/x", False),
    ],
)
def test_names_schemes_and_ports(keys, url, is_covered):
    """Names are compared as URLs are read; https and its port unless http is allowed in so many words."""
    assert (grant(parse(f'[[host]]\n{keys}\nbearer = "x"'), url) is not None) is is_covered


def test_the_nearest_name_decides_alone():
    """The host itself before a domain, a longer domain before a shorter; nothing is mixed."""
    entries = [("*.example.com", "far"), (".b.example.com", "near"), ("a.b.example.com", "own")]
    credentials = parse("".join(f'[[host]]\nname = "{name}"\nheaders = {{ x-{text} = "{text}" }}\n' for name, text in entries))
    for host, text in (("a.b.example.com", "own"), ("c.b.example.com", "near"), ("b.example.com", "far")):
        assert grant(credentials, f"https://{host}/").headers == {f"x-{text}": text}


def test_a_file_others_can_read_or_write_is_refused(write):
    """Any bit for group or others; the message says what to do and nothing of the content."""
    for mode in (0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777):
        with pytest.raises(ConfigError, match=rf"hosts.toml: is open to others \(mode {mode:o}\); chmod 600 hosts.toml") as caught:
            read_credentials(write(mode=mode))
        assert SECRET not in str(caught.value)
    for mode in (0o600, 0o400):
        read_credentials(write(mode=mode))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_refused(write):
    """However closed it is."""
    file = write()
    os.chown(file, 65534, -1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        read_credentials(file)


def test_what_is_no_such_file_is_explained(write, tmp_path):
    """Missing, a folder, a pipe (which nobody waits for), too long, not UTF-8, no TOML."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for path, words in (("none", "no such file"), ("pipe", "plain file"), ("folder", "cannot be read")):
        with pytest.raises(ConfigError, match=words):
            read_credentials(tmp_path / path)
    for content, words in ((b"#" * 1_000_001, "longer than"), (b"\xff\xfe", "not UTF-8")):
        with pytest.raises(ConfigError, match=words):
            read_credentials(write(content))
    for content in (f'[[host]]\nname = "a"\nbearer = {SECRET}', f'[[host]]\nbearer = "{SECRET}\n"', f"[[{SECRET}"):
        with pytest.raises(ConfigError, match=r"hosts.toml.*is not valid TOML") as caught:
            read_credentials(write(content))
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_symbolic_link_is_judged_by_what_it_leads_to(write, tmp_path):
    """As secrets are mounted."""
    link = tmp_path / "link.toml"
    link.symlink_to(write(mode=0o644))
    with pytest.raises(ConfigError, match="open to others"):
        read_credentials(link)
    write(mode=0o600)
    assert grant(read_credentials(link), "https://img.example.com/")


def test_all_faults_are_told_at_once():
    """Unknown keys with the nearest known one; every wrong entry by its number."""
    told = faults(
        f"""
        hosts = []
        [[host]]
        nane = "a.test"
        bearer = "{SECRET}"
        [[host]]
        name = "https://a.test/x"
        basic = {{ user = "a:b", passwort = "{SECRET}" }}
        [[host]]
        name = "b.test"
        scheme = "http"
        port = 0
        headers = {{ Host = "{SECRET}", "bad name" = "{SECRET}", X-A = "a\\nX-B: {SECRET}" }}
        """
    )
    assert told == [
        'hosts.toml: hosts: unknown key; did you mean "host"?',
        'hosts.toml: host[0].nane: unknown key; did you mean "name"?',
        'hosts.toml: host[0].name: is missing; for example name = "img.example.com"',
        "hosts.toml: host[1].name: is no host name; the name alone, without scheme, port or path: img.example.com",
        'hosts.toml: host[1].basic.passwort: unknown key; did you mean "password"?',
        "hosts.toml: host[1].basic.user: holds a colon",
        "hosts.toml: host[1].basic.password: is missing",
        "hosts.toml: host[2].scheme: is http, which everybody on the way can read; if that is meant, say allow_http = true",
        "hosts.toml: host[2].port: is no number from 1 to 65535",
        "hosts.toml: host[2].headers.…: has a name that may not stand in a request; a token, as RFC 9110 §5.6.2 calls it",
        "hosts.toml: host[2].headers.X-A: is empty or holds what may not stand in a request; printable ASCII, no blanks at its ends",
        "hosts.toml: host[2].headers.Host: is set by the request itself: it is not sent from here",
    ]


HEADERS = ["Host", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Upgrade", "Proxy-Authorization"]
HEADERS += ["PROXY-anything", "Cookie", "User-Agent", "Accept-Encoding", "Range", "If-None-Match", "Content-Type", "Expect"]


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_not_a_hosts_to_demand_are_refused(name):
    """Whatever their case."""
    (told,) = faults(f'[[host]]\nname = "a.test"\nheaders = {{ {name} = "{SECRET}" }}')
    assert told.startswith(f"hosts.toml: host[0].headers.{name}: ")
    assert told.endswith(": it is not sent from here")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("", "says nothing that could be sent"),
        (f'basic = {{ user = "a", password = "{SECRET}" }}\nbearer = "{SECRET}"', "has both basic and bearer"),
        (f'bearer = "{SECRET}"\nheaders = {{ authorization = "{SECRET}" }}', "Authorization among its headers"),
        (f'headers = {{ X-A = "{SECRET}", x-a = "{SECRET}" }}', "is there twice"),
        (f'bearer = "{SECRET} {SECRET}"', "without blanks"),
        ("bearer = 5", "host[0].bearer"),
        (f'cookies = {{ a = "{SECRET};b" }}', "host[0].cookies.a"),
        (f'cookies = {{ "a;{SECRET}" = "b" }}', "host[0].cookies.…"),
        (f'basic = "{SECRET}"', "host[0].basic: is not a table"),
        (f'basic = {{ user = "a", password = "{SECRET}\\u0000" }}', "holds a control character"),
        (f'headers = ["{SECRET}"]', "host[0].headers: is not a table"),
        (f'bearer = "{SECRET}"\nallow_http = "yes"', "allow_http: is not true or false"),
        (f'bearer = "{SECRET}"\nscheme = "ftp"', 'scheme: is not "https" or "http"'),
        (f'bearer = "{SECRET}"\nport = true', "port: is no number"),
    ],
)
def test_one_fault_one_message(keys, words):
    """Where, what, and no value."""
    (told,) = faults(f'[[host]]\nname = "a.test"\n{keys}')
    assert words in told


@pytest.mark.parametrize(
    "name", ["", "*", ".", "*.com", ".com", "a b", "a/b", "a.test:80", "u@a.test", "*.10.0.0.1", "..a.test", "a?b"]
)
def test_names_that_are_none_or_too_wide_are_refused(name):
    """A whole top-level domain, an address's "subdomains", anything with a port or path."""
    assert faults(f"[[host]]\nname = '{name}'\nbearer = 'x'")[0].startswith("hosts.toml: host[0].name: ")


def test_two_entries_for_the_same_are_refused():
    """Which one counts should not depend on their order; another port is another."""
    entry = '[[host]]\nname = "{}"\nbearer = "x"\n{}\n'
    assert faults(entry.format("a.test", "") + entry.format("A.test", "allow_http = true")) == [
        "hosts.toml: host[1]: is for the same as host[0] (https, port 443); join the two"
    ]
    parse(entry.format("a.test", "") + entry.format("a.test", "port = 8443") + entry.format("*.a.test", ""))


def test_no_host_at_all_is_a_fault():
    """An empty file, or one whose hosts are no list of tables."""
    assert faults("") == ['hosts.toml: names no host; begin with [[host]] and name = "img.example.com"']
    assert "is not a list of tables" in faults("host = 5")[0]
    assert "is not a list of tables" in faults('[host]\nname = "a.test"')[0]


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_accepted_ends_no_line(name, value, other):
    """Header injection: no control character, no line end, and no cookie that begins another, gets through."""
    table = {"name": "a.test", "headers": {name: value}, "cookies": {name: other}}
    try:
        found = parse_credentials({"host": [table]}, "f").find_grant(parse_target("https://a.test/"))
    except ConfigError:
        return
    assert found is not None
    for text in (*found.headers, *found.cookies):
        assert set(text) <= set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
    for text in (*found.headers.values(), *found.cookies.values()):
        assert text.isascii()
        assert text.isprintable()
        assert text == text.strip() != ""
    assert ";" not in "".join(found.cookies.values())


TABLE_KEYS = st.sampled_from(["name", "headers", "basic", "user", "x"])
JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TABLE_KEYS, inner, max_size=3),
    max_leaves=5,
)
ENTRY_KEYS = st.sampled_from(["name", "port", "scheme", "headers", "cookies", "basic", "bearer"])


@given(st.lists(st.dictionaries(ENTRY_KEYS, JSON_LIKE, max_size=4), max_size=3))
def test_anything_toml_can_say_is_taken_or_explained(entries):
    """Never another exception."""
    try:
        parse_credentials({"host": entries}, "f")
    except ConfigError as error:
        assert error.problems


def test_a_cookie_the_host_has_set_stays():
    """What it sets while it redirects is newer than the file."""
    assert add_cookies("", {"a": "1", "b": "2"}) == "a=1; b=2"
    assert add_cookies("a=9", {"a": "1", "b": "2"}) == "a=9; b=2"


def test_nothing_shows_or_carries_a_secret(write):
    """Not the repr of anything, not a pickle: other processes are told the path."""
    file = write()
    credentials = read_credentials(file)
    assert SECRET not in f"{credentials!r}{credentials}{grant(credentials, 'https://img.example.com/')!r}"
    assert "img.example.com" in repr(credentials)
    with pytest.raises(TypeError, match="hand the file's path on"):
        pickle.dumps(credentials)
    settings = FetchSettings.from_config(FetchConfig(credentials="hosts.toml"), file.parent, {})
    for made in (settings, *settings.divide(2)):
        assert made.credentials == str(file)
        assert SECRET.encode() not in pickle.dumps(made)
        assert SECRET not in repr(made)


def test_a_faulty_file_is_told_with_the_other_faults_of_the_config(write):
    """Before anything is fetched."""
    file = write(mode=0o644)
    with pytest.raises(ConfigError) as caught:
        FetchSettings.from_config(FetchConfig(credentials=file.name, allowed_networks=("all",)), file.parent, {})
    told = str(caught.value)
    assert "open to others" in told
    assert "allowed_networks[0]" in told
