"""What single hosts are to be told beside the usual: headers, cookies and passwords, from a file that only its owner can read.

    [[host]]
    name = "img.example.com"            # this host alone; ".example.com" or "*.example.com": every name below it, not itself
    headers = { X-Api-Key = "…" }
    cookies = { session = "…" }
    basic = { user = "…", password = "…" }     # or: bearer = "…"

Reading and judging only. Who holds ``Credentials`` holds secrets: nothing here shows a value in a message or a repr, and they are
not pickled: other processes are told the path and read the file themselves.
"""

from __future__ import annotations

import base64
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from logoingest.errors import ConfigError, Problem, suggest_name
from logoingest.fetch.rules.targets import DEFAULT_PORTS, Target, UrlFault, parse_target

#: A longer file is not such a file.
MAX_FILE_BYTES = 1_000_000
_KEYS = ("name", "port", "scheme", "allow_http", "headers", "cookies", "basic", "bearer")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_COOKIE_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]*")  # RFC 6265 §4.1.1, and what browsers let pass beside: all but the semicolon
_BEARER = re.compile(r"[\x21-\x7e]+")
_ODD_NAME = re.compile(r"[\x00-\x20!-,/;<=>?@\\^`{-\x7f]")  # no host that people name has any of these
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

#: Headers that are not a host's to demand: they belong to the connection, to the message's length, or to another key.
_REFUSED_HEADERS = {
    **dict.fromkeys(
        ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"), "belongs to the connection"
    ),
    **dict.fromkeys(("host", "expect"), "is set by the request itself"),
    **dict.fromkeys(("accept-encoding", "range"), "would change what comes back beyond what can be read"),
    "user-agent": "is fetch.user_agent in dataset.toml",
    "cookie": "is the key cookies of a host",
}
_REFUSED_PREFIXES = {"proxy-": "is for proxies", "if-": "asks a condition", "content-": "describes a body, of which there is none"}


class HostGrant(NamedTuple):
    """What one host, or all below one name, is told."""

    name: str
    """Lower-case ASCII; the host itself, or, with ``below``, the end of the names it holds for, without the leading dot."""
    below: bool
    ports: Mapping[str, int]
    """Scheme → the one port it holds for."""
    headers: Mapping[str, str]
    """By lower-case name; Authorization among them."""
    cookies: Mapping[str, str]

    def __repr__(self) -> str:
        return f"HostGrant({'.' if self.below else ''}{self.name})"

    def covers(self, target: Target) -> bool:
        """Whether a request goes to the host and origin it is for."""
        if self.ports.get(target.scheme) != target.port:
            return False
        return target.host.endswith(f".{self.name}") and target.address is None if self.below else target.host == self.name


class Credentials:
    """The grants of a file; the nearest name decides, and only that one's are sent."""

    def __init__(self, grants: Iterable[HostGrant] = ()) -> None:
        self._grants = sorted(grants, key=lambda grant: (grant.below, -len(grant.name)))

    def __repr__(self) -> str:
        return f"Credentials({self._grants})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled; hand the file's path on")

    def find_grant(self, target: Target) -> HostGrant | None:
        """What to add to a request; None where nothing is."""
        return next((grant for grant in self._grants if grant.covers(target)), None) if self._grants else None


def add_cookies(header: str, cookies: Mapping[str, str]) -> str:
    """A Cookie header with further cookies; one that is there already keeps its value, which the host itself has just set."""
    there = {pair.partition("=")[0].strip() for pair in header.split(";")}
    added = [f"{name}={value}" for name, value in cookies.items() if name not in there]
    return "; ".join([header, *added] if header else added)


def read_credentials(path: str | os.PathLike[str]) -> Credentials:
    """Read a file of credentials, if nobody but its owner can.

    Raises:
        ConfigError: it is missing, another's, open to others (any of the mode bits 077), or anything in it is wrong; all faults
            at once, and no value in any of them.
    """
    file = Path(path)
    text = _read_private(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # its message may quote the file
        place = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        where = f"{file.name}: {place[1]}" if place else file.name
        raise ConfigError(Problem(where, "is not valid TOML")) from None
    return parse_credentials(data, file.name)


def parse_credentials(data: Mapping[str, Any], where: str) -> Credentials:
    """Judge what a file of credentials says.

    Args:
        data: the TOML as a dictionary.
        where: the file's name, for messages.

    Raises:
        ConfigError: anything in it is wrong; all faults at once, and no value in any of them.
    """
    faults = _Faults(where)
    faults.refuse_unknown("", data, ("host",))
    entries = data.get("host", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.add("host", "is not a list of tables", "begin each host with a line [[host]]")
        entries = []
    elif not entries:
        faults.add("", "names no host", 'begin with [[host]] and name = "img.example.com"')
    grants = [_parse_entry(entry, f"host[{index}]", faults) for index, entry in enumerate(entries)]
    _refuse_twins(grants, faults)
    if faults.problems:
        raise ConfigError(faults.problems)
    return Credentials(grant for grant in grants if grant is not None)


def parse_common_headers(table: Mapping[str, str], where: str) -> tuple[dict[str, str], list[Problem]]:
    """Headers that every host is sent, by lower-case name, and what is wrong with them; no value in any problem."""
    faults = _Faults("")
    headers = _parse_headers(table, where, faults)
    if "authorization" in headers:
        faults.add(f"{where}.authorization", "would be told to every host", "fetch.credentials is for single hosts")
    if "accept" in headers:
        faults.add(f"{where}.accept", "is fetch.accept")
    return headers, faults.problems


def _read_private(file: Path) -> str:
    def open_at_once(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe of that name must not keep us waiting

    try:
        with open(file, "rb", opener=open_at_once) as opened:
            _require_private(file, os.fstat(opened.fileno()))  # of what was opened, whatever has taken its name since
            data = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(Problem(str(file), "there is no such file", "fetch.credentials names it")) from None
    except OSError as error:
        raise ConfigError(Problem(str(file), f"cannot be read ({error.strerror})")) from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(Problem(str(file), f"is longer than {MAX_FILE_BYTES:,} bytes"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(Problem(str(file), "is not UTF-8")) from None


def _require_private(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(Problem(str(file), "is not a plain file"))
    if os.name != "posix":
        return
    problems = []
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        problems.append(Problem(str(file), f"is open to others (mode {mode:03o})", f"chmod 600 {file.name}"))
    if status.st_uid != os.geteuid():
        problems.append(Problem(str(file), "belongs to another user", "whoever runs logoingest must own it"))
    if problems:
        raise ConfigError(problems)


class _Faults:
    """Collects problems; what it is given never holds a value of the file."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    def add(self, key: str, what: str, hint: str = "") -> None:
        self.problems.append(Problem(": ".join(part for part in (self._where, key) if part), what, hint))

    def refuse_unknown(self, key: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
        for name in table:
            if name not in known:
                shown = _show_name(name)
                hint = suggest_name(shown, known, f"known here: {', '.join(known)}")
                self.add(f"{key}.{shown}" if key else shown, "unknown key", hint)


def _show_name(name: str) -> str:
    """A key of the file for a message: it may be anything, even a secret that slipped to the wrong side."""
    return name if len(name) <= 40 and _TOKEN.fullmatch(name) else "…"


def _parse_entry(entry: Mapping[str, Any], key: str, faults: _Faults) -> HostGrant | None:
    before = len(faults.problems)
    faults.refuse_unknown(key, entry, _KEYS)
    name, below = _parse_name(entry.get("name"), f"{key}.name", faults)
    ports = _parse_ports(entry, key, faults)
    headers = _parse_headers(entry.get("headers", {}), f"{key}.headers", faults)
    cookies = _parse_pairs(entry.get("cookies", {}), f"{key}.cookies", _COOKIE_VALUE, faults)
    authorization = _parse_authorization(entry, key, faults)
    if authorization is not None:
        if "authorization" in headers:
            faults.add(key, "has basic or bearer, and Authorization among its headers", "one of them is enough")
        headers["authorization"] = authorization
    if not (headers or cookies) and len(faults.problems) == before:
        faults.add(key, "says nothing that could be sent", "give headers, cookies, basic or bearer")
    return HostGrant(name, below, ports, headers, cookies) if len(faults.problems) == before else None


def _parse_name(name: Any, key: str, faults: _Faults) -> tuple[str, bool]:
    if not isinstance(name, str):
        faults.add(key, "is missing" if name is None else "is not text", 'for example name = "img.example.com"')
        return "", False
    below = name.startswith((".", "*."))
    text = name.removeprefix("*").removeprefix(".") if below else name
    if ":" in text and not text.startswith("["):
        text = f"[{text}]"
    target = parse_target(f"https://{text}/")
    if isinstance(target, UrlFault) or target.url.count("/") != 3 or target.port != 443 or _ODD_NAME.search(text):
        faults.add(key, "is no host name", "the name alone, without scheme, port or path: img.example.com")
        return "", False
    if below and (target.address is not None or "." not in target.host):
        faults.add(key, "names too much", "a leading dot needs a domain behind it, at least example.com")
    return target.host, below


def _parse_ports(entry: Mapping[str, Any], key: str, faults: _Faults) -> Mapping[str, int]:
    """The schemes it holds for, each with its port: https unless plain http is allowed in so many words."""
    scheme, allow_http, port = entry.get("scheme"), entry.get("allow_http", False), entry.get("port")
    if not isinstance(allow_http, bool):
        faults.add(f"{key}.allow_http", "is not true or false")
    if scheme not in (None, "http", "https"):
        faults.add(f"{key}.scheme", 'is not "https" or "http"')
    if scheme == "http" and allow_http is not True:
        faults.add(f"{key}.scheme", "is http, which everybody on the way can read", "if that is meant, say allow_http = true")
    if port is not None and not (isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536):
        faults.add(f"{key}.port", "is no number from 1 to 65535")
        port = None
    schemes = [scheme] if scheme in ("http", "https") else ["https", "http"] if allow_http is True else ["https"]
    return {name: port or DEFAULT_PORTS[name] for name in schemes}


def _parse_headers(table: Any, key: str, faults: _Faults) -> dict[str, str]:
    pairs = _parse_pairs(table, key, _PRINTABLE, faults)
    headers: dict[str, str] = {}
    for name, value in pairs.items():
        lower = name.lower()
        prefix = next((prefix for prefix in _REFUSED_PREFIXES if lower.startswith(prefix)), "")
        why = _REFUSED_HEADERS.get(lower) or _REFUSED_PREFIXES.get(prefix)
        if why is not None:
            faults.add(f"{key}.{_show_name(name)}", f"{why}: it is not sent from here")
        elif lower in headers:
            faults.add(f"{key}.{_show_name(name)}", "is there twice: upper and lower case are one")
        headers[lower] = value
    return headers


def _parse_pairs(table: Any, key: str, allowed: re.Pattern[str], faults: _Faults) -> dict[str, str]:
    """Names that are tokens, with values that cannot end their line."""
    if not isinstance(table, dict):
        faults.add(key, "is not a table of names and values", 'for example { name = "value" }')
        return {}
    for name, value in table.items():
        shown = f"{key}.{_show_name(name)}"
        if not _TOKEN.fullmatch(name):
            faults.add(shown, "has a name that may not stand in a request", "a token, as RFC 9110 §5.6.2 calls it")
        if not isinstance(value, str):
            faults.add(shown, "is not text", "put it in quotes")
        elif not value or not allowed.fullmatch(value) or value != value.strip():
            faults.add(shown, "is empty or holds what may not stand in a request", "printable ASCII, no blanks at its ends")
    return dict(table)


def _parse_authorization(entry: Mapping[str, Any], key: str, faults: _Faults) -> str | None:
    if "basic" in entry and "bearer" in entry:
        faults.add(key, "has both basic and bearer", "a request has one Authorization")
    if "basic" in entry:
        return _parse_basic(entry["basic"], f"{key}.basic", faults)
    bearer = entry.get("bearer")
    if bearer is None:
        return None
    if not isinstance(bearer, str) or not _BEARER.fullmatch(bearer):
        faults.add(f"{key}.bearer", "is not text of printable ASCII without blanks")
        return None
    return f"Bearer {bearer}"


def _parse_basic(table: Any, key: str, faults: _Faults) -> str | None:
    """Value of the Authorization header (RFC 7617, UTF-8)."""
    if not isinstance(table, dict):
        faults.add(key, "is not a table", 'for example { user = "…", password = "…" }')
        return None
    faults.refuse_unknown(key, table, ("user", "password"))
    checks: Mapping[str, Callable[[str], bool]] = {"user": lambda text: ":" not in text, "password": lambda _: True}
    for name, is_fine in checks.items():
        text = table.get(name)
        if not isinstance(text, str):
            faults.add(f"{key}.{name}", "is missing" if text is None else "is not text")
        elif _CONTROL.search(text) or not is_fine(text):
            faults.add(f"{key}.{name}", "holds a control character" if _CONTROL.search(text) else "holds a colon")
    if not all(isinstance(table.get(name), str) for name in checks):
        return None
    return "Basic " + base64.b64encode(f"{table['user']}:{table['password']}".encode()).decode("ascii")


def _refuse_twins(grants: Sequence[HostGrant | None], faults: _Faults) -> None:
    seen: dict[tuple[str, bool, str, int], int] = {}
    for index, grant in enumerate(grants):
        for scheme, port in () if grant is None else grant.ports.items():
            assert grant is not None
            first = seen.setdefault((grant.name, grant.below, scheme, port), index)
            if first != index:
                faults.add(f"host[{index}]", f"is for the same as host[{first}] ({scheme}, port {port})", "join the two")
