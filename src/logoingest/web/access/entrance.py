"""The addresses a server answers to: everything else in Host or Origin is somebody else's page, or a rebound name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from logoingest.errors import Problem, UsageError

LOOPBACK = "127.0.0.1"
_PLAIN_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class Entrance(NamedTuple):
    """What requests must name."""

    hosts: frozenset[str]
    """Values of Host that mean this server."""
    origins: frozenset[str]
    """Values of Origin of its own pages (RFC 6454)."""
    is_secure: bool
    """People reach it by https: cookies are for https alone."""
    is_local: bool = False
    """Its names mean this machine, so that nothing may be said about them for other servers of it."""

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies do not tell ports apart, so that the name does."""
        ports = sorted(host.rpartition(":")[2] for host in self.hosts)
        return "__Host-logoingest" if self.is_secure else f"logoingest-{ports[0]}"


def make_entrance(
    address: str, port: int, behind: str | None = None, *, has_tls: bool = False, names: Sequence[str] = ()
) -> Entrance:
    """The entrance of a server that is bound to an address.

    Args:
        address: an IP address, or a host name.
        port: of this server.
        behind: the address by which people reach it through a proxy (``https://review.example.org``); then no other counts.
        has_tls: the server speaks TLS itself.
        names: host names by which people reach it besides.

    Raises:
        UsageError: ``behind`` is no such address, a name is none, or the server is bound to all addresses and has no name.
    """
    if behind is not None:
        parts = urlsplit(behind)
        if (
            parts.scheme not in _PLAIN_PORTS
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
        ):
            raise UsageError(Problem(f"--behind {behind}", "is no address of a proxy", "write https://review.example.org"))
        return Entrance(
            frozenset({parts.netloc.lower()}), frozenset({f"{parts.scheme}://{parts.netloc.lower()}"}), parts.scheme == "https"
        )
    if wrong := [name for name in names if not _HOST.fullmatch(name)]:
        raise UsageError(Problem(f"--name {wrong[0]}", "is no host name", "write review.example.org"))
    if _is_any(address) and not names:
        raise UsageError(Problem(f"--address {address}", "is no name that people can write", "say it: --name review.example.org"))
    is_local = is_loopback(address)
    own = {LOOPBACK, "localhost", "::1"} if is_local else set()
    known = {name.lower() for name in names} | own | (set() if _is_any(address) else {address.lower()})
    scheme = "https" if has_tls else "http"
    hosts = {f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in known}
    if port == _PLAIN_PORTS[scheme]:
        hosts |= {host.rpartition(":")[0] for host in hosts}
    return Entrance(frozenset(hosts), frozenset(f"{scheme}://{host}" for host in hosts), has_tls, is_local)


def _is_any(address: str) -> bool:
    """Whether the address stands for all addresses of the machine."""
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return not address


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
