"""robots.txt: what files say (cases as data, laws by hypothesis), how they are asked for, and that they are obeyed."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from builders.places import DATA
from logoingest.fetch import FetchSettings, fetch_urls
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.rules.robots import (
    ALLOW_ALL,
    MAX_ROBOTS_BYTES,
    MAX_WILDCARDS,
    RobotsCache,
    RobotsGroup,
    explain_unread,
    normalise_path,
    pack_rules,
    parse_robots,
    read_robots,
    unpack_rules,
)
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.schemas import Reason

unhurried = hypothesis_settings(deadline=None)  # other work on the machine is no failure
CASES = json.loads((DATA / "fetch/robots.json").read_text(encoding="utf-8"))
#: The cases of RFC 9309 §2.2 and §5, and what Google's parser is tested for (github.com/google/robotstxt), each told anew.
OTHERS = json.loads((DATA / "fetch/robots_of_others.json").read_text(encoding="utf-8"))
US = frozenset({"logoingest"})
SETTINGS = FetchSettings()


def compose(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def aim(path: str) -> Target:
    target = parse_target(f"http://h.test{path}")
    assert isinstance(target, Target)
    return target


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_files_are_read_as_the_rfc_has_it(case):
    """Each path is allowed or refused."""
    rules = parse_robots(case["file"].encode(), US)
    assert [path for path in case["allowed"] if rules.judge(aim(path)) is not None] == []
    assert [path for path in case["refused"] if rules.judge(aim(path)) is None] == []


@pytest.mark.parametrize("case", OTHERS, ids=[f"{index} {case['why']}" for index, case in enumerate(OTHERS)])
def test_files_are_read_as_others_read_them(case):
    """The RFC's own examples, and those of the parser most files are written for."""
    rules = parse_robots(case["file"].encode(), {case["agent"].lower()})
    assert [path for path in case["allowed"] if rules.judge(aim(path)) is not None] == []
    assert [path for path in case["refused"] if rules.judge(aim(path)) is None] == []


def test_a_refusal_names_the_line_and_the_group():
    """So that a person finds it in the file; a long rule is cut."""
    rules = parse_robots(b"User-agent: x\n\nUser-agent: *\nDisallow: /a\x1b[31m\nDisallow: /" + b"b" * 200, US)
    verdict = rules.judge(aim("/a%1B[31m/c"))
    assert verdict == FetchFault(Reason.ROBOTS, "robots.txt line 4: Disallow: /a%1B%5B31m (User-agent: *)")
    long = rules.judge(aim("/" + "b" * 300))
    assert long is not None
    assert len(long.detail) < 160


def test_the_crawl_delay_of_our_group_counts():
    """The longest one of the group; nonsense says nothing."""
    text = b"User-agent: *\nCrawl-delay: 7\n\nUser-agent: logoingest\nCrawl-delay: 2.5\nCrawl-delay: soon\nCrawl-delay: -1\nCrawl-delay: inf\n"
    assert parse_robots(text, US).crawl_delay_s == 2.5
    assert parse_robots(text, frozenset({"other"})).crawl_delay_s == 7
    assert parse_robots(b"User-agent: *\nDisallow:\n", US) is ALLOW_ALL


def test_a_user_agent_of_ones_own_has_a_name_of_its_own():
    """And the package's name still counts."""
    assert FetchSettings(user_agent="MyBot/2.0 (+https://h.test)").product_tokens == {"logoingest", "mybot"}
    assert FetchSettings().product_tokens == {"logoingest"}


def test_long_files_count_up_to_their_last_whole_line_within_the_bound():
    """A rule cut in two would forbid more than it says."""
    filler = (
        b"User-agent: *\nDisallow: /early\n" + b"#" * (MAX_ROBOTS_BYTES - 50) + b"\nDisallow: /late/and/long/enough/to/be/cut\n"
    )
    rules = parse_robots(filler, US)
    assert [rule.pattern for rule in rules.rules] == ["/early"]


def test_too_many_wildcards_are_taken_strictly():
    """What cannot be matched cheaply is refused by its beginning, never allowed by it."""
    lines = [f"Disallow: /a{index}*x" for index in range(MAX_WILDCARDS)] + ["Disallow: /last*x$", "Allow: /a0*y"]
    rules = parse_robots("\n".join(["User-agent: *", *lines]).encode(), US)
    assert rules.judge(aim("/last")) is not None
    assert rules.judge(aim("/a0")) is None
    assert rules.judge(aim("/a0xy")) is not None


@unhurried
@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_file_is_harmless(data, path):
    """No file of a stranger raises, whatever is asked; what it says fits one line."""
    target = parse_target(f"http://h.test/{path}")
    for text in (data, b"User-agent: *\nDisallow: /" + data):
        rules = parse_robots(text, US)
        if isinstance(target, Target):
            verdict = rules.judge(target)
            assert verdict is None or (verdict.detail.isprintable() and verdict.reason is Reason.ROBOTS)


@unhurried
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n#*$"), max_size=20))
def test_a_path_is_refused_by_a_rule_that_is_the_path(path):
    """In whatever spelling the rule has it: as written, or as it goes on the wire."""
    target = parse_target(f"http://h.test/{path.strip()}")
    if not isinstance(target, Target):
        return
    wire = target.url[len("http://h.test") :]
    assert parse_robots(f"User-agent: *\nDisallow: {wire}".encode(), US).judge(target) is not None
    assert normalise_path(normalise_path(wire)) == normalise_path(wire)
    assert not set("*$") & set(normalise_path(wire))


def test_statuses_mean_what_the_rfc_says():
    """4xx: no rules; 5xx and 429: nothing for now; a gateway that found nobody: that; redirects are followed where we go at all."""

    def read(status, location=None, body=b""):
        return read_robots(aim("/robots.txt"), status, location, body, SETTINGS)

    assert read(200, body=b"User-agent: *\nDisallow: /a").judge(aim("/a")) is not None
    for status in (204, 400, 401, 403, 404, 410, 451):
        assert read(status) is ALLOW_ALL
    for status in (429, 500, 503, 599):
        found = read(status)
        assert (found.reason, found.can_heal) == (Reason.ROBOTS, True)
    assert (read(502).reason, read(502).can_heal) == (Reason.HTTP_5XX, True)
    assert read(301, "https://other.test/robots.txt").url == "https://other.test/robots.txt"
    assert read(301, "http://10.0.0.1/robots.txt") is ALLOW_ALL
    assert read(302) is ALLOW_ALL


def test_a_host_that_cannot_be_asked_fails_its_urls_for_that_reason():
    """A dead name is a dead name; only where a host answers, or another one was to answer, it is a matter of robots.txt."""
    dead = FetchFault(Reason.DNS, "there is no such host name")
    assert explain_unread(dead, asked=True) == dead._replace(detail="there is no such host name, when asked for robots.txt")
    assert explain_unread(dead, asked=False).reason is Reason.ROBOTS


def test_the_cache_forgets_by_age():
    """Rules, refusals and files that say nothing alike."""
    cache = RobotsCache()
    trouble = FetchFault(Reason.ROBOTS, "later", can_heal=True)
    answers = [ALLOW_ALL, trouble, parse_robots(b"User-agent: *\nDisallow: /a", US)]
    for index, answer in enumerate(answers):
        cache.put(("http", f"h{index}.test", 80), answer, 100.0)
    assert [cache.get(("http", f"h{index}.test", 80), 99.0) for index in range(3)] == answers
    assert [cache.get(("http", f"h{index}.test", 80), 100.0) for index in range(3)] == [None] * 3
    assert (cache._rule_count, cache._byte_count, cache._ready, cache._packed) == (0, 0, {}, {})


@pytest.mark.slow
def test_the_cache_packs_what_was_not_asked_for_of_late(monkeypatch):
    """A thousand files of a hundred rules: few are ready, none is lost, each says what it said."""
    monkeypatch.setattr(RobotsCache, "MAX_RULES", 1000)
    cache = RobotsCache()
    files = [
        parse_robots(
            b"User-agent: *\nCrawl-delay: 2\n" + b"".join(b"Disallow: /%d/%d*x$\n" % (index, rule) for rule in range(100)), US
        )
        for index in range(1000)
    ]
    for index, rules in enumerate(files):
        cache.put(("http", f"h{index}.test", 80), rules, 100.0)
    assert len(cache._ready) < 10
    assert [cache.get(("http", f"h{index}.test", 80), 0.0) for index in range(1000)] == files
    assert len(cache._ready) < 10


def test_the_cache_forgets_what_was_not_asked_for_at_all_when_it_is_full(monkeypatch):
    """Bytes are bounded; what is used stays."""
    monkeypatch.setattr(RobotsCache, "MAX_BYTES", 2000)
    cache = RobotsCache()
    for index in range(50):
        cache.put(("http", f"h{index}.test", 80), ALLOW_ALL, 100.0)
        cache.get(("http", "h0.test", 80), 0.0)
    assert len(cache._packed) == 10
    assert cache.get(("http", "h0.test", 80), 0.0) is ALLOW_ALL


@unhurried
@given(st.binary(max_size=200))
def test_packing_changes_nothing(data):
    """Whatever the file."""
    rules = parse_robots(b"User-agent: *\nDisallow: /" + data, US)
    assert unpack_rules(pack_rules(rules)) == rules


# -- against a real server ---------------------------------------------------------------------------------------------


@pytest.fixture
def obey(site, fetch):
    """Sets the site's robots.txt (a body, or a function of the request) and fetches."""

    def run(text, *paths: str, **changes):
        answer = text if callable(text) else lambda request, rest: compose("200 OK", text.encode(), "Content-Type: text/plain")
        setattr(site, "on_robots.txt", answer)
        return fetch(*(f"{site.url}{path}" for path in paths), **{"robots": "obey", **changes})

    return run


def test_robots_txt_is_on_by_default():
    """For everybody who does not say otherwise."""
    assert SETTINGS.robots == "obey"


def test_forbidden_urls_are_not_asked_for_and_the_file_only_once(site, obey):
    """However many URLs wait for it; a forbidden one is no request."""
    paths = [f"/picture?{index}" for index in range(30)] + [f"/echo/private/{index}" for index in range(30)]
    rows = obey("User-agent: *\nDisallow: /echo/private", *paths)
    assert {row["outcome"] for row in rows[:30]} == {"ok"}
    assert {(row["reason"], row["attempts"]) for row in rows[30:]} == {("robots", 0)}
    assert rows[30]["detail"] == "robots.txt line 2: Disallow: /echo/private (User-agent: *)"
    assert site.hits["/robots.txt"] == 1
    assert not any("private" in path for path in site.hits)


def test_it_can_be_switched_off(site, obey):
    """Then it is not even asked for."""
    rows = obey("User-agent: *\nDisallow: /", "/picture", robots="ignore")
    assert rows[0]["outcome"] == "ok"
    assert "/robots.txt" not in site.hits


def test_every_origin_has_its_own(site, fetch):
    """Asked for under the name the URLs have, and not before the file is there does anything else go to that origin."""
    names = [f"h{index}.test" for index in range(5)]
    seen: list[tuple[str, str]] = []

    def answer(request, rest):
        return compose("200 OK", f"User-agent: *\nDisallow: /echo/{request.headers['host'].partition('.')[0]}".encode())

    setattr(site, "on_robots.txt", answer)
    read = site._read

    async def note(reader):
        request = await read(reader)
        seen.append((request.headers["host"], request.path))
        return request

    site._read = note
    urls = [f"http://{name}:{site.port}/echo/h{index}" for name in names for index in range(5)]
    rows = fetch(*urls, robots="obey", lookup=lambda host, port: ["127.0.0.1"])
    refused = [row["url"] for row in rows if row["reason"] == "robots"]
    assert refused == [f"http://h{index}.test:{site.port}/echo/h{index}" for index in range(5)]
    for name in names:
        own = [path for host, path in seen if host == f"{name}:{site.port}"]
        assert own[0] == "/robots.txt"
        assert own.count("/robots.txt") == 1


def test_where_a_redirect_leads_is_judged_too(site, fetch):
    """By the rules of the host it leads to."""
    setattr(site, "on_robots.txt", lambda request, rest: compose("200 OK", b"User-agent: *\nDisallow: /picture"))
    (row,) = fetch(
        f"{site.url}/redirect/http://cdn.test:{site.port}/picture", robots="obey", lookup=lambda host, port: ["127.0.0.1"]
    )
    assert (row["reason"], row["http_status"]) == ("robots", 302)
    assert "/picture" not in site.hits


def test_its_own_redirects_are_followed_five_times(site, obey):
    """Then it counts as not there (RFC 9309)."""

    def lead(request, rest):
        step = int(rest or 0)
        return compose("302 Found", b"", f"Location: /robots.txt/{step + 1}") if step < last else rules

    rules = compose("200 OK", b"User-agent: *\nDisallow: /")
    last = 5
    assert obey(lead, "/picture")[0]["reason"] == "robots"
    last = 6
    assert obey(lead, "/picture")[0]["outcome"] == "ok"
    assert site.hits["/robots.txt/6"] == 0


@pytest.mark.parametrize(
    ("headers", "asked"),
    [(["Location: /robots.txt"], 1), (["Location: ?"], 2), (["Location: /robots.txt", "Set-Cookie: a=1; Path=/"], 2)],
)
def test_its_redirects_in_a_circle_are_not_followed_round_and_round(site, obey, headers, asked):
    """What leads to itself is asked for once, with a new cookie once more, and then counts as not there."""
    (row,) = obey(lambda request, rest: compose("302 Found", b"", *headers), "/picture")
    assert row["outcome"] == "ok"
    assert sum(count for path, count in site.hits.items() if path.startswith("/robots.txt")) <= asked


def test_a_server_in_trouble_is_asked_again_and_forbids_everything_if_it_stays_so(site, obey):
    """The attempts of one URL for all of them; afterwards the trouble is known for a while."""
    rows = obey(lambda request, rest: compose("503 Later"), *(f"/picture?{index}" for index in range(40)))
    assert {(row["reason"], row["detail"]) for row in rows} == {
        ("robots", "robots.txt cannot be read for now (HTTP 503), so all is forbidden")
    }
    assert site.hits == {"/robots.txt": 3}


def test_a_server_that_recovers_is_served(site, obey):
    """The second attempt finds the rules."""

    def recover(request, rest):
        return compose("500 Oops") if request.count == 1 else compose("200 OK", b"User-agent: *\nDisallow: /echo")

    rows = obey(recover, "/picture", "/echo/x")
    assert [row["reason"] for row in rows] == [None, "robots"]
    assert site.hits["/robots.txt"] == 2


def test_a_file_that_breaks_off_forbids_everything(site, obey):
    """What it would have said is not known."""
    rows = obey(
        lambda request, rest: compose("200 OK", b"User-agent: *", length=1000), "/picture", max_attempts=1, read_timeout_s=0.3
    )
    assert rows[0]["reason"] == "robots"
    assert rows[0]["detail"].startswith("robots.txt cannot be read for now (t")


def test_an_endless_file_is_read_up_to_the_bound(site, obey):
    """And its beginning counts."""

    def flood(request, rest):
        async def send(send, writer):
            await send(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /echo\n")
            while True:
                await send(b"# and so on\n" * 5000)

        async def give():
            return send

        return give()

    rows = obey(flood, "/picture", "/echo/x", total_timeout_s=30)
    assert [row["reason"] for row in rows] == [None, "robots"]


def test_a_dead_host_is_asked_for_its_rules_and_nothing_more(settings):
    """A thousand URLs of a name nobody knows cost one look-up and end as dns."""
    calls: list[str] = []

    def look_up(host, port):
        calls.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    urls = [f"http://gone.test/{index}" for index in range(1000)]
    table = asyncio.run(fetch_urls(urls, replace(settings, robots="obey"), None, lookup=look_up))
    assert calls == ["gone.test"]
    assert set(table.column("reason").to_pylist()) == {"dns"}
    assert set(table.column("detail").to_pylist()) == {"there is no such host name, when asked for robots.txt"}


def test_a_host_that_refuses_connections_ends_as_such(settings):
    """Its attempts and one probe at the end, for all URLs together."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        urls = [f"http://127.0.0.1:{taken.getsockname()[1]}/{index}" for index in range(500)]
        table = asyncio.run(fetch_urls(urls, replace(settings, robots="obey"), None))
    assert set(table.column("reason").to_pylist()) == {"connect"}
    assert set(table.column("attempts").to_pylist()) == {0}


def test_a_crawl_delay_is_kept_up_to_its_cap(site, obey):
    """Requests of the host begin that far apart, though there are eight slots; zero switches it off."""
    text = "User-agent: *\nCrawl-delay: 1000"
    paths = [f"/picture?{index}" for index in range(3)]
    assert {row["outcome"] for row in obey(text, *paths, max_crawl_delay_s=1)} == {"ok"}
    starts = sorted(time for path in paths for time in site.times[path])
    assert starts[-1] - starts[0] >= 1  # two, by the client's clock
    assert {row["outcome"] for row in obey(text, *(f"{path}&again" for path in paths), max_crawl_delay_s=0)} == {"ok"}


def test_stopping_while_robots_txt_is_awaited_ends_at_once(site, settings):
    """The URLs that wait are cancelled like all others."""

    async def run():
        stop = asyncio.Event()

        def hang(request, rest):
            server_loop.call_soon_threadsafe(stop.set)
            return site.on_silent(request, "x")

        server_loop = asyncio.get_running_loop()
        setattr(site, "on_robots.txt", hang)
        urls = [f"{site.url}/picture?{index}" for index in range(5)]
        patient = replace(settings, robots="obey", read_timeout_s=60, total_timeout_s=60)
        table = await asyncio.wait_for(fetch_urls(urls, patient, None, None, stop), 30)
        return table, [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    table, left = asyncio.run(run())
    assert table.column("reason").to_pylist() == ["cancelled"] * 5
    assert left == []


def test_rules_are_values():
    """They can be compared, and hashed by what they say."""
    assert parse_robots(b"User-agent: *\nDisallow: /a", US) == parse_robots(b"User-agent: *\r\nDisallow: /a", US)
    assert isinstance(ALLOW_ALL, RobotsGroup)
