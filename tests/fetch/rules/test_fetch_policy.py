"""The decisions and the queue, without a network; laws by hypothesis."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logoingest.fetch import FetchSettings
from logoingest.fetch.http.wire import make_wire_url
from logoingest.fetch.rules.addresses import explain_refusal
from logoingest.fetch.rules.pace import Pace
from logoingest.fetch.rules.policy import (
    HEALING,
    FetchFault,
    admit_url,
    finish_verdict,
    follow_redirect,
    judge_hop,
    judge_range,
    judge_status,
    parse_retry_after,
    plan_retry,
)
from logoingest.fetch.rules.settings import parse_proxy
from logoingest.fetch.rules.targets import Target, UrlFault, join_target, parse_target
from logoingest.fetch.turns.schedule import Schedule
from logoingest.schemas import Reason

SETTINGS = FetchSettings()
unhurried = hypothesis_settings(deadline=None)  # other work on the machine is no failure
PIECES = st.sampled_from(
    [
        "http://",
        "https://",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        "%",
        "%2e",
        "%00",
        "..",
        "[",
        "]",
        "127.0.0.1",
        "0x7f.1",
        "a.test",
        "é",
        "。",
        " ",
        ";",
        "\n",
    ]
)
URLS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=5))).map("".join), st.text().map("http://{}".format))


@unhurried
@given(URLS)
def test_any_string_is_a_target_or_a_fault(text):
    """No string of a stranger raises; a target is clean ASCII with a host and no credentials; reading it again changes nothing."""
    target = parse_target(text)
    if isinstance(target, UrlFault):
        assert "\n" not in target.detail
        return
    assert target.url.isascii()
    assert target.url.isprintable()
    assert " " not in target.url
    assert "#" not in target.url
    assert target.scheme in {"http", "https"}
    assert target.host
    assert "@" not in target.url.partition("://")[2].partition("/")[0]
    assert parse_target(target.url) == target._replace(authorization=None)
    assert isinstance(admit_url(text, SETTINGS), Target | FetchFault)


@unhurried
@given(URLS)
def test_any_location_is_followed_or_refused(text):
    """Likewise for the Location header of a redirect."""
    base = parse_target("http://user:secret@a.test:81/b/c?d")
    assert isinstance(base, Target)
    found = join_target(base, text)
    if isinstance(found, Target) and found.authorization == base.authorization:
        assert found.origin == base.origin or "@" in text
    assert isinstance(follow_redirect(base, text, SETTINGS), Target | FetchFault)


@unhurried
@given(URLS)
def test_what_goes_on_the_wire_is_what_was_judged(text):
    """aiohttp connects to the host that was judged and writes the URL as it was read: no gap between check and use."""
    target = parse_target(text)
    if isinstance(target, Target):
        httpx.Request("GET", target.url, headers={"host": target.netloc})  # as the client does, for its cookies
        url = make_wire_url(target)
        assert url.raw_host == target.host
        assert url.port == target.port
        assert url.scheme == target.scheme
        assert url.raw_path_qs == target.path
        assert str(url) == target.url


@unhurried
@given(st.integers(0, 2**32 - 1))
def test_every_spelling_of_an_ipv4_address_is_the_same_address(value):
    """Decimal, hexadecimal, octal, and dotted mixtures."""
    address = IPv4Address(value)
    a, b, c, d = address.packed
    spellings = [
        str(value),
        hex(value),
        f"0{value:o}",
        str(address),
        f"{a}.{value & 0xFFFFFF}",
        f"{a:#x}.{b}.{value & 0xFFFF}",
        f"0{a:o}.{b:#x}.{c}.{d}",
    ]
    assert {parse_target(f"http://{spelling}/").address for spelling in spellings} == {address}


@unhurried
@given(st.integers(0, 2**32 - 1))
def test_an_embedded_ipv4_address_is_judged_like_itself(value):
    """Mapped, NAT64 and 6to4 forms are refused exactly when the address inside is."""
    plain = explain_refusal(IPv4Address(value))
    forms = [IPv6Address(0xFFFF << 32 | value), IPv6Address(0x64FF9B << 96 | value), IPv6Address(0x2002 << 112 | value << 80)]
    assert [explain_refusal(form) for form in forms] == [plain] * 3


@unhurried
@given(st.integers(0, 2**128 - 1))
def test_only_global_unicast_is_ever_open(value):
    """Outside 2000::/3 nothing is open but what stands for a public IPv4 address."""
    address = IPv6Address(value)
    if explain_refusal(address) is None and address not in __import__("ipaddress").IPv6Network("2000::/3"):
        from logoingest.fetch.rules.addresses import find_embedded

        assert find_embedded(address) is not None


@pytest.mark.parametrize(
    ("base", "location", "url"),
    [
        ("http://a.test/b/c", "d", "http://a.test/b/d"),
        ("http://a.test/b/c", "/d", "http://a.test/d"),
        ("http://a.test/b/c?x", "?y=1/2", "http://a.test/b/c?y=1/2"),
        ("http://a.test/b/c", "#f", "http://a.test/b/c"),
        ("https://a.test/b", "//c.test/d", "https://c.test/d"),
        ("http://a.test/b", "\\\\c.test\\d", "http://c.test/d"),
        ("http://a.test/b", "HTTPS://C.test:443/d e", "https://c.test/d%20e"),
        ("http://a.test/b", "../../../d", "http://a.test/d"),
        ("http://a.test/b", "/é", "http://a.test/%C3%A9"),
    ],
)
def test_locations_are_read_as_browsers_do(base, location, url):
    """Relative, scheme-relative, backslashes, dots, spaces."""
    target = parse_target(base)
    assert isinstance(target, Target)
    found = join_target(target, location)
    assert isinstance(found, Target)
    assert found.url == url


def test_a_url_without_scheme_but_with_slashes_is_https():
    """``//host/x`` as pages write it."""
    target = parse_target("//a.test/x")
    assert isinstance(target, Target)
    assert target.url == "https://a.test/x"


def test_redirects_are_bounded_and_circles_found():
    """The same request twice is a circle, with another cookie it is not; the sixth redirect is one too many."""
    seen = {("http://a.test/", "")}
    assert judge_hop(("http://a.test/", ""), seen, SETTINGS).reason is Reason.REDIRECT_LOOP
    assert judge_hop(("http://a.test/", "k=1"), seen, SETTINGS) is None
    many = {(f"http://a.test/{index}", "") for index in range(6)}
    assert judge_hop(("http://a.test/x", ""), many, SETTINGS).detail == "more than fetch.max_redirects = 5 redirects"


def test_every_status_has_a_meaning():
    """Any three digits: 2xx is a body, but for those that have none yet or never; nothing raises; what heals is a closed list."""
    verdicts = {status: judge_status(status) for status in range(100, 1000)}
    assert {status for status, verdict in verdicts.items() if verdict is None} == set(range(200, 300)) - {202, 204, 205}
    assert {status for status, verdict in verdicts.items() if verdict and verdict.can_heal} == HEALING | {202}


@pytest.mark.parametrize(
    ("content_range", "whole"),
    [
        ("bytes 0-99/100", True),
        ("Bytes  0-0/1 ", True),
        ("bytes 0-98/100", False),
        ("bytes 1-99/100", False),
        ("bytes 0-99/*", False),
        ("bytes */100", False),
        ("pages 0-99/100", False),
        ("", False),
        (None, False),
    ],
)
def test_a_206_counts_when_its_range_is_the_whole(content_range, whole):
    """RFC 9110 §14.4."""
    assert (judge_range(content_range) is None) == whole


def test_retry_after_is_read_as_seconds_or_date():
    """RFC 9110: both forms; nonsense says nothing; the past means now."""
    now = datetime(2025, 10, 9, 7, 30, 0, tzinfo=UTC)
    assert parse_retry_after("120", now) == 120
    assert parse_retry_after(" 0 ", now) == 0
    assert parse_retry_after("Thu, 09 Oct 2025 07:31:00 GMT", now) == 60
    assert parse_retry_after("Thu, 09 Oct 2025 07:00:00 GMT", now) == 0
    assert parse_retry_after("9" * 400, now) > 1e8
    for text in (None, "", "soon", "-5", "1.5", "Thu, 99 Oct 2025"):
        assert parse_retry_after(text, now) is None


@unhurried
@given(st.text())
def test_any_retry_after_is_harmless(text):
    """A stranger's header never raises and never is negative."""
    wait = parse_retry_after(text, datetime.now(UTC) + timedelta(days=1))
    assert wait is None or wait >= 0


@unhurried
@given(st.integers(1, 20), st.floats(0, 10), st.floats(0.1, 60), st.integers(0, 2**32))
def test_waits_grow_with_full_jitter_within_their_bound(attempts, backoff, most, seed):
    """Between 0 and backoff·2^(n-1), never above max_backoff_s; none after the last attempt."""
    settings = FetchSettings(max_attempts=20, backoff_s=backoff, max_backoff_s=most)
    wait = plan_retry(FetchFault(Reason.CONNECT, "", can_heal=True), attempts, settings, random.Random(seed))
    if attempts >= 20:
        assert wait is None
    else:
        assert 0 <= wait <= min(most, backoff * 2 ** (attempts - 1))


def test_only_what_can_heal_is_tried_again():
    """And a pause that is too long is not waited for, but told."""
    rng = random.Random(0)
    assert plan_retry(FetchFault(Reason.HTTP_4XX, "HTTP 404"), 1, SETTINGS, rng) is None
    slow = FetchFault(Reason.HTTP_4XX, "HTTP 429", can_heal=True, retry_after_s=31)
    assert plan_retry(slow, 1, SETTINGS, rng) is None
    assert "longer than fetch.max_backoff_s" in finish_verdict(slow, SETTINGS).detail
    assert plan_retry(slow._replace(retry_after_s=20), 1, SETTINGS, rng) == 20


@unhurried
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60),
    st.integers(1, 4),
    st.integers(0, 2**32),
)
def test_the_schedule_loses_nothing_and_holds_its_limit(pushes, per_host, seed):
    """Whatever the order of pushes, delays, takes and releases: every item comes out once, no host is over its limit."""
    schedule: Schedule[int] = Schedule(Pace(per_host))
    rng = random.Random(seed)
    for index, (host, delayed) in enumerate(pushes):
        if delayed:
            schedule.push_later(rng.random() * 10, host, index)
        else:
            schedule.push(host, index, first=rng.random() < 0.3)
    out, active, now = [], [], 0.0
    while len(out) < len(pushes) or active:
        turn = schedule.take(now)
        if turn is not None:
            out.append(turn[1])
            active.append(turn[0])
            assert active.count(turn[0]) <= per_host
        elif active:
            schedule.release(active.pop(rng.randrange(len(active))))
        else:
            now = schedule.next_due()
    assert sorted(out) == list(range(len(pushes)))
    assert schedule.take(1e9) is None
    assert not schedule._hosts


def test_hosts_take_turns():
    """A long list for one host does not come before the others."""
    schedule: Schedule[str] = Schedule(Pace(10))
    for index in range(5):
        schedule.push("big", f"big{index}")
    schedule.push("small", "small0")
    order = [schedule.take(0.0)[1] for _ in range(6)]
    assert order[:3] == ["big0", "small0", "big1"]


def test_what_is_due_again_goes_before_what_was_never_asked_for():
    """In the order it fell due; else no shard with a fault in it is finished before all others are begun."""
    schedule: Schedule[str] = Schedule(Pace(10))
    for index in range(3):
        schedule.push("a", f"new{index}")
    schedule.push_later(2.0, "a", "again2")
    schedule.push_later(1.0, "a", "again1")
    assert schedule.take(0.0) == ("a", "new0")
    assert [schedule.take(3.0)[1] for _ in range(4)] == ["again1", "again2", "new1", "new2"]


def test_removed_items_never_come_out():
    """Queued and delayed ones alike; the rest goes on."""
    schedule: Schedule[int] = Schedule(Pace(1))
    for index in range(6):
        schedule.push("ab"[index % 2], index)
    schedule.push_later(5.0, "c", 6)
    schedule.push_later(6.0, "c", 7)
    assert sorted(schedule.remove(lambda item: item % 2 == 0)) == [0, 2, 4, 6]
    out = []
    while (turn := schedule.take(10.0)) is not None:
        out.append(turn[1])
        schedule.release(turn[0])
    assert sorted(out) == [1, 3, 5, 7]


@unhurried
@given(st.integers(1, 100), st.integers(1, 50), st.integers(1, 64))
def test_divided_limits_never_sum_to_more(concurrency, per_host, shares):
    """Each part is at least one; together they are exactly the whole."""
    parts = FetchSettings(concurrency=concurrency, per_host=per_host).divide(shares)
    assert 1 <= len(parts) <= shares
    assert sum(part.concurrency for part in parts) == concurrency
    assert sum(part.per_host for part in parts) == per_host
    assert min(min(part.concurrency, part.per_host) for part in parts) >= 1


@unhurried
@given(st.text())
def test_any_proxy_text_is_a_proxy_or_none(text):
    """Nothing raises."""
    proxy = parse_proxy(text)
    assert proxy is None or proxy.url.startswith(("http://", "https://"))
