"""The addresses a server answers to: everything else in Host or Origin is somebody else's page, or a rebound name."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from logoingest.errors import Problem, UsageError

LOOPBACK = "127.0.0.1"
_PLAIN_PORTS = {"http": 80, "https": 443}


class Entrance(NamedTuple):
    """What requests must name."""

    hosts: frozenset[str]
    """Values of Host that mean this server."""
    origins: frozenset[str]
    """Values of Origin of its own pages (RFC 6454)."""
    is_secure: bool
    """People reach it by https: cookies are for https alone."""

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies do not tell ports apart, so that the name does."""
        ports = sorted(host.rpartition(":")[2] for host in self.hosts)
        return "__Host-logoingest" if self.is_secure else f"logoingest-{ports[0]}"


def make_entrance(address: str, port: int, behind: str | None = None, *, has_tls: bool = False) -> Entrance:
    """The entrance of a server that is bound to an address.

    Args:
        address: an IP address, or a host name.
        port: of this server.
        behind: the address by which people reach it through a proxy (``https://review.example.org``); then no other counts.
        has_tls: the server speaks TLS itself.

    Raises:
        UsageError: ``behind`` is no such address.
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
    names = {address, LOOPBACK, "localhost", "::1"} if is_loopback(address) else {address}
    scheme = "https" if has_tls else "http"
    hosts = {f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names}
    if port == _PLAIN_PORTS[scheme]:
        hosts |= {host.rpartition(":")[0] for host in hosts}
    return Entrance(frozenset(hosts), frozenset(f"{scheme}://{host}" for host in hosts), has_tls)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
