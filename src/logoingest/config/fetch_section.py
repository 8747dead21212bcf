"""``[fetch]``: how fast, how long, through whom and as whom URLs are fetched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from logoingest.config.toml_table import Section


class FetchConfig(Section):
    """How URLs are fetched."""

    concurrency: Annotated[int, Field(ge=1, le=4096)] = 64
    """Requests in flight, over all hosts and processes."""
    per_host: Annotated[int, Field(ge=1, le=256)] = 8
    """Requests in flight towards one host (a proxy is not a host)."""
    rate: NonNegativeFloat = 0.0
    """Requests begun per second, over all hosts and processes; 0 sets no limit."""
    per_host_rate: NonNegativeFloat = 0.0
    """Requests begun per second towards one host; 0 sets no limit."""
    per_host_burst: PositiveInt = 8
    """With per_host_rate: how many requests may come at once after a rest."""
    robots: Literal["obey", "ignore"] = "obey"
    """Whether robots.txt is asked for, once per host, and obeyed (RFC 9309)."""
    max_crawl_delay_s: NonNegativeFloat = 10.0
    """A longer Crawl-delay in robots.txt counts as this; 0 ignores it."""
    opt_out_headers: tuple[str, ...] = ("noai", "noimageai", "noindex", "noimageindex", "tdm-reservation")
    """X-Robots-Tag directives that mean no; "tdm-reservation" is the header of that name. [] ignores them."""
    breaker_failures: NonNegativeInt = 8
    """After so many requests in a row without an answer a host counts as down; 0: never."""
    breaker_pause_s: PositiveFloat = 60.0
    """A host that is down is tried again at the end of a shard, once in so many seconds."""
    processes: NonNegativeInt = 0
    """Worker processes; 0 means one per CPU core."""
    connect_timeout_s: PositiveFloat = 10.0
    """Until the connection (TLS included) stands."""
    read_timeout_s: PositiveFloat = 15.0
    """Longest silence while reading."""
    total_timeout_s: PositiveFloat = 60.0
    """Deadline of one attempt, redirects and body included: a slow drip ends here."""
    max_bytes: PositiveInt = 30_000_000
    """Largest body, after content decoding; more is cut off and refused."""
    max_redirects: NonNegativeInt = 5
    """Redirects followed per attempt."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Requests per URL; only what can heal is tried again."""
    backoff_s: NonNegativeFloat = 0.5
    """First wait before a retry; doubles each time, with full jitter."""
    max_backoff_s: PositiveFloat = 30.0
    """Longest wait, a server's Retry-After included; a longer Retry-After fails the URL."""
    proxy: str | None = None
    """http(s)://[user:password@]host:port; its own address is trusted. Unset: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY are honoured."""
    trust_env: bool = True
    """Whether HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE of the environment count."""
    ca_bundle: str | None = None
    """PEM file of certificate authorities to trust instead of the default ones (relative to this file)."""
    credentials: str | None = None
    """TOML file of headers, cookies and passwords for single hosts (relative to this file); only its owner may read it (chmod 600)."""
    user_agent: str = ""
    """Left empty: "logoingest/<version> (+contact)"."""
    accept: str = ""
    """The Accept header; left empty: AVIF, WebP, PNG, JPEG, any picture, anything, in this order."""
    headers: dict[str, str] = {}
    """Further headers for every host, e.g. {Referer = "https://example.com/"}. Secrets belong to one host: credentials."""
    contact: str = ""
    """Mail address or page named in the User-Agent, so that a host can ask you to stop."""
    allowed_networks: tuple[str, ...] = ()
    """CIDR networks that may be fetched from although they are private, e.g. "10.1.0.0/16"."""
    fallbacks: tuple[Literal["https", "alternative", "archive"], ...] = ()
    """What is tried, in this order, when a URL is dead: its https form, the source row's other URLs, the Internet Archive."""
    archive_url: str = "https://archive.org/wayback/available"
    """The archive's look-up (Wayback availability API): asked whether it has a copy, and of when."""
    archive_content_url: str = "https://web.archive.org/web"
    """Where its copies lie: <archive_content_url>/<timestamp>id_/<URL> are the bytes as they were archived."""
    archive_date: Annotated[str, Field(pattern=r"^([0-9]{4,14})?$")] = ""
    """The copy nearest to this day is wanted, YYYYMMDD or any beginning of YYYYMMDDhhmmss; left empty: the newest."""
    archive_delay_s: NonNegativeFloat = 2.0
    """Least time between two requests to the archive: it serves everybody, and shuts out who asks for more than it likes."""
    shard_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """URLs per shard: the unit of work, of resume and of distribution."""
    executor: Literal["local", "ray"] = "local"
    """Where shards are fetched: processes of this machine, or tasks of a Ray cluster (extra "ray"; see docs/scale.md)."""
    ray_address: str = ""
    """host:port of the cluster's head. Left empty: what RAY_ADDRESS says, else a cluster of this machine alone."""
