"""What the client needs to know, checked once: ``FetchConfig`` and the environment → ``FetchSettings``."""

from __future__ import annotations

import base64
import re
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from logoingest.config import FetchConfig
from logoingest.errors import ConfigError, Problem
from logoingest.fetch.rules.addresses import Network
from logoingest.fetch.rules.credentials import parse_common_headers, read_credentials
from logoingest.fetch.rules.targets import Target, UrlFault, parse_target
from logoingest.files.local import LocalRoot
from logoingest.version import __version__

ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.9,*/*;q=0.5"
#: The product token hosts know us by, unless ``fetch.user_agent`` says otherwise.
PRODUCT = "logoingest"
_DEFAULT = FetchConfig()


class Proxy(NamedTuple):
    """A forward proxy; ``url`` holds no credentials."""

    url: str
    user: str | None = None
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"

    @property
    def authorization(self) -> str | None:
        """Value of the Proxy-Authorization header (RFC 7617, UTF-8); None without a user."""
        if self.user is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """Everything the client goes by; plain values, so that it travels to other processes. Units are in the names."""

    concurrency: int = _DEFAULT.concurrency
    per_host: int = _DEFAULT.per_host
    processes: int = _DEFAULT.processes
    connect_timeout_s: float = _DEFAULT.connect_timeout_s
    read_timeout_s: float = _DEFAULT.read_timeout_s
    total_timeout_s: float = _DEFAULT.total_timeout_s
    max_bytes: int = _DEFAULT.max_bytes
    max_redirects: int = _DEFAULT.max_redirects
    max_attempts: int = _DEFAULT.max_attempts
    backoff_s: float = _DEFAULT.backoff_s
    max_backoff_s: float = _DEFAULT.max_backoff_s
    rate: float = _DEFAULT.rate
    per_host_rate: float = _DEFAULT.per_host_rate
    per_host_burst: int = _DEFAULT.per_host_burst
    robots: str = _DEFAULT.robots
    max_crawl_delay_s: float = _DEFAULT.max_crawl_delay_s
    opt_out_headers: tuple[str, ...] = _DEFAULT.opt_out_headers
    breaker_failures: int = _DEFAULT.breaker_failures
    breaker_pause_s: float = _DEFAULT.breaker_pause_s
    http_proxy: Proxy | None = None
    https_proxy: Proxy | None = None
    no_proxy: str = ""
    """Hosts fetched from directly although there is a proxy, as NO_PROXY writes them: names, suffixes, networks, ``*``."""
    ca_file: str | None = None
    """PEM file that replaces the default certificate authorities."""
    credentials: str | None = None
    """File of credentials, which whoever fetches reads for himself: what is in it does not travel."""
    user_agent: str = PRODUCT
    accept: str = ACCEPT
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers for every host, by lower-case name."""
    allowed_networks: tuple[Network, ...] = ()
    local_roots: tuple[LocalRoot, ...] = ()
    """Folders of this machine whose files may be read."""
    min_free_bytes: int = 0
    """What stays free on the disk that shards are written to."""
    fallbacks: tuple[str, ...] = _DEFAULT.fallbacks
    archive_url: str = _DEFAULT.archive_url
    archive_content_url: str = _DEFAULT.archive_content_url
    archive_date: str = _DEFAULT.archive_date
    archive_delay_s: float = _DEFAULT.archive_delay_s
    shares: int = 1
    """Processes that share the limits: what a host asks of all of them together is kept by each."""

    @classmethod
    def from_config(cls, config: FetchConfig, base_dir: Path, environ: Mapping[str, str]) -> FetchSettings:
        """Check and complete the config's ``[fetch]`` section.

        Args:
            config: the section.
            base_dir: what relative paths in it are relative to.
            environ: where proxies and SSL_CERT_FILE are looked up, if ``trust_env`` says so.

        Raises:
            ConfigError: a proxy, network, CA file, credentials file or header value is wrong; all faults at once.
        """
        problems: list[Problem] = []
        trusted = environ if config.trust_env else {}
        http_proxy, https_proxy, no_proxy = _choose_proxies(config, trusted, problems)
        settings = cls(
            **config.model_dump(include=_TAKEN_OVER),
            http_proxy=http_proxy,
            https_proxy=https_proxy,
            no_proxy=no_proxy,
            ca_file=_choose_ca_file(config, base_dir, trusted, problems),
            credentials=_find_credentials(config, base_dir, problems),
            opt_out_headers=tuple(name.strip().lower() for name in config.opt_out_headers),
            user_agent=_compose_user_agent(config, problems),
            accept=config.accept or ACCEPT,
            headers=_check_headers(config, problems),
            allowed_networks=_parse_networks(config.allowed_networks, problems),
        )
        _check_fallbacks(config, problems)
        if problems:
            raise ConfigError(problems)
        return settings

    def choose_proxy(self, target: Target) -> Proxy | None:
        """The proxy for a target; None means a direct connection."""
        proxy = self.https_proxy if target.scheme == "https" else self.http_proxy
        return None if proxy is not None and self.no_proxy and _is_bypassed(target, self.no_proxy) else proxy

    @property
    def product_tokens(self) -> frozenset[str]:
        """What a host calls us by, in lower case: this package's name, and that of the User-Agent if it is another."""
        match = re.match(r"[A-Za-z_-]+", self.user_agent)
        return frozenset({PRODUCT, match[0].lower()} if match else {PRODUCT})

    @property
    def names_contact(self) -> bool:
        """Whether the User-Agent says whom to turn to: a mail address or a page."""
        return "@" in self.user_agent or "://" in self.user_agent

    def divide(self, shares: int) -> list[FetchSettings]:
        """One each for so many processes; their limits never sum to more than these, and none has a limit below 1.

        Fewer than ``shares`` come back when a limit is smaller than that. Rates are divided evenly; a burst is at least one
        request per process.
        """
        shares = max(1, min(shares, self.concurrency, self.per_host))
        return [
            replace(
                self,
                concurrency=(self.concurrency + index) // shares,
                per_host=(self.per_host + index) // shares,
                processes=1,
                rate=self.rate / shares,
                per_host_rate=self.per_host_rate / shares,
                per_host_burst=max(1, (self.per_host_burst + index) // shares),
                shares=self.shares * shares,
            )
            for index in range(shares)
        ]


_COMPOSED = frozenset({"accept", "allowed_networks", "credentials", "headers", "opt_out_headers", "user_agent"})
#: What is taken over from the config as it stands there; what is composed of it is checked or completed first.
_TAKEN_OVER = {field.name for field in fields(FetchSettings)} & FetchConfig.model_fields.keys() - _COMPOSED


def make_ssl_context(ca_file: str | None, kind: type[ssl.SSLContext] = ssl.SSLContext) -> ssl.SSLContext:
    """Verifies certificates and host names as ``ssl.create_default_context`` does, against ``ca_file`` or certifi's authorities."""
    if ca_file is None:
        import certifi  # comes with httpx

        ca_file = certifi.where()
    context = kind(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])  # a host that speaks HTTP/2 only says so in the handshake
    return context


def parse_proxy(text: str) -> Proxy | None:
    """A proxy from ``[http[s]://][user:password@]host:port``; None when it is none."""
    if "://" not in text:
        text = f"http://{text}"
    target = parse_target(text)
    if isinstance(target, UrlFault) or target.url.partition("://")[2].partition("/")[2]:
        return None
    userinfo = text.partition("://")[2].partition("/")[0].rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    return Proxy(target.url.rstrip("/"), unquote(user) if userinfo else None, unquote(password))


def _choose_proxies(
    config: FetchConfig, environ: Mapping[str, str], problems: list[Problem]
) -> tuple[Proxy | None, Proxy | None, str]:
    if config.proxy:
        proxy = _require_proxy(config.proxy, "fetch.proxy", problems)
        return proxy, proxy, ""
    found = []
    for variable in ("http_proxy", "https_proxy"):
        names = [variable, variable.upper(), "all_proxy", "ALL_PROXY"]
        if "REQUEST_METHOD" in environ and variable == "http_proxy":
            names.remove("HTTP_PROXY")  # under CGI the variable is a header of whoever calls (CVE-2016-1000110)
        name = next((name for name in names if environ.get(name)), None)
        found.append(_require_proxy(environ[name], name, problems) if name else None)
    return found[0], found[1], environ.get("no_proxy") or environ.get("NO_PROXY") or ""


def _require_proxy(text: str, where: str, problems: list[Problem]) -> Proxy | None:
    proxy = parse_proxy(text.strip())
    if proxy is None:  # the text is not shown: it may hold a password
        hint = "write http://[user:password@]host:port; SOCKS is not supported"
        if not where.startswith("fetch."):
            hint += "; fetch.trust_env = false does without the environment's proxies"
        if all(problem.where != where for problem in problems):  # ALL_PROXY stands for two
            problems.append(Problem(where, "is no proxy URL", hint))
    return proxy


def _choose_ca_file(config: FetchConfig, base_dir: Path, environ: Mapping[str, str], problems: list[Problem]) -> str | None:
    where, text = ("fetch.ca_bundle", config.ca_bundle) if config.ca_bundle else ("SSL_CERT_FILE", environ.get("SSL_CERT_FILE"))
    if not text:
        return None
    path = str((base_dir / Path(text).expanduser()).absolute())
    try:
        make_ssl_context(path)
    except FileNotFoundError:
        problems.append(Problem(where, f"there is no file {text}"))
    except (OSError, ssl.SSLError):
        problems.append(Problem(where, f"{text} holds no certificates that can be read", "a PEM file is needed"))
    return path


def _find_credentials(config: FetchConfig, base_dir: Path, problems: list[Problem]) -> str | None:
    """The file's path; read once here, so that its faults are known before anything is fetched, and forgotten again."""
    if not config.credentials:
        return None
    path = (base_dir / Path(config.credentials).expanduser()).absolute()
    try:
        read_credentials(path)
    except ConfigError as error:
        problems += error.problems
    return str(path)


def _compose_user_agent(config: FetchConfig, problems: list[Problem]) -> str:
    for name, text in (("fetch.user_agent", config.user_agent), ("fetch.contact", config.contact)):
        if not (text.isascii() and text.isprintable()):
            problems.append(Problem(name, "may hold printable ASCII only, since it is sent as a header"))
    contact = f" (+{config.contact})" if config.contact else ""
    return config.user_agent or f"{PRODUCT}/{__version__}{contact}"


def _check_headers(config: FetchConfig, problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    if not (config.accept.isascii() and config.accept.isprintable()):
        problems.append(Problem("fetch.accept", "may hold printable ASCII only, since it is sent as a header"))
    headers, faults = parse_common_headers(config.headers, "fetch.headers")
    problems += faults
    return tuple(headers.items())


def _parse_networks(texts: Sequence[str], problems: list[Problem]) -> tuple[Network, ...]:
    networks: list[Network] = []
    for index, text in enumerate(texts):
        try:
            networks.append(ip_network(text))
        except ValueError as error:
            problems.append(Problem(f"fetch.allowed_networks[{index}]", str(error), 'for example "10.1.0.0/16"'))
    return tuple(networks)


def _check_fallbacks(config: FetchConfig, problems: list[Problem]) -> None:
    if len(set(config.fallbacks)) < len(config.fallbacks):
        problems.append(Problem("fetch.fallbacks", "names a fallback twice", "each is tried once, in the order given"))
    for name in ("archive_url", "archive_content_url"):
        found = parse_target(getattr(config, name))
        if isinstance(found, UrlFault):
            problems.append(Problem(f"fetch.{name}", found.detail, "the default is the Internet Archive's"))
        elif found.authorization is not None:
            problems.append(Problem(f"fetch.{name}", "holds credentials, which would stand in tables", "leave them out"))


def _is_bypassed(target: Target, no_proxy: str) -> bool:
    return any(_matches_entry(target, entry.strip().lower()) for entry in no_proxy.split(","))


def _matches_entry(target: Target, entry: str) -> bool:
    """An entry of NO_PROXY: ``*``, a name (with all names below it), an address or a network; names may carry a port."""
    if entry in ("", "*"):
        return entry == "*"
    if target.address is not None:
        try:
            network = ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass
        else:
            return target.address.version == network.version and target.address in network
    name, _, port = entry.partition(":")
    name = name.removeprefix("*").removeprefix(".")
    host = target.host.removesuffix(".")
    return (host == name or host.endswith(f".{name}")) and port in ("", str(target.port))
