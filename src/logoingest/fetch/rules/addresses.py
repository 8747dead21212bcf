"""Which network addresses may be connected to: only globally routable unicast ones, unless config names a network.

Pure: no look-ups, no sockets. An address is judged by an explicit table, not by ``ipaddress.is_global``, whose meaning has
changed between Python releases. IPv6 forms that carry an IPv4 address (mapped, compatible, 6to4, NAT64, ISATAP) are judged by
the address they carry.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), RFC 4291 (mapped, compatible),
RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), RFC 6052 and RFC 8215 (NAT64).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_REFUSED_V4: Sequence[tuple[IPv4Network, str]] = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared (carrier NAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),  # holds the metadata service 169.254.169.254
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),  # holds a metadata service at 192.0.0.192
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("168.63.129.16/32", "metadata"),  # a cloud's host agent on a public-looking address
    )
)
_REFUSED_V6: Sequence[tuple[IPv6Network, str]] = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("100::/64", "discard"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("64:ff9b:1::/48", "private NAT64"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "private"),  # holds the metadata service fd00:ec2::254
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)


def explain_refusal(address: Address, allowed: Iterable[Network] = ()) -> str | None:
    """The kind of address ("loopback", "private" …) when it must not be connected to, None when it may be.

    Args:
        address: the very address a socket would connect to.
        allowed: networks that may be fetched from although they are not public.
    """
    inner = find_embedded(address)
    judged = address if inner is None else inner
    if any(one in network for network in allowed for one in {address, judged} if one.version == network.version):
        return None
    if isinstance(judged, IPv4Address):
        return next((kind for network, kind in _REFUSED_V4 if judged in network), None)
    kind = next((kind for network, kind in _REFUSED_V6 if judged in network), None)
    return kind or (None if judged in _GLOBAL_UNICAST_V6 else "reserved")


def find_embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address an IPv6 one stands for or tunnels to; None when there is none."""
    if isinstance(address, IPv4Address):
        return None
    value = int(address)
    low = IPv4Address(value & 0xFFFFFFFF)
    if address in _MAPPED or address in _TRANSLATED or address in _NAT64:
        return low
    if address in _COMPATIBLE and value > 1:
        return low
    if address in _SIX_TO_FOUR:
        return IPv4Address(value >> 80 & 0xFFFFFFFF)
    if value >> 32 & 0xFFFFFFFF in _ISATAP:
        return low
    return None


def parse_socket_address(text: str) -> Address:
    """The address of a ``sockaddr``; an IPv6 scope (``%eth0``) is dropped."""
    return ip_address(text.partition("%")[0])
