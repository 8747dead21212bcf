"""The decisions about dead links: which endings may be healed by which fallback, in which order, and what an archive's answer means."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builders.laws import examples
from logoingest.config import FetchConfig
from logoingest.errors import ConfigError
from logoingest.fetch import FetchSettings
from logoingest.fetch.rules.archive import MAX_ANSWER_BYTES, make_copy_target, make_lookup, read_lookup
from logoingest.fetch.rules.fallbacks import (
    MAX_ALTERNATIVES,
    Ending,
    describe_tries,
    list_replacements,
    make_https,
    may_fall_back,
    merge_alternatives,
)
from logoingest.fetch.rules.policy import HOPELESS, LEFT_ALONE, FetchFault
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.fetch.turns.pursuit import NOWHERE
from logoingest.schemas import Reason

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = FetchSettings(fallbacks=("https", "alternative", "archive"))
GONE = Ending(Reason.HTTP_4XX, "HTTP 404", 404, "shop.example")
TRIED = [
    Reason.DNS,
    Reason.CONNECT,
    Reason.TLS,
    Reason.PROTOCOL,
    Reason.TIMEOUT_CONNECT,
    Reason.TIMEOUT_READ,
    Reason.TIMEOUT_TOTAL,
    Reason.HTTP_4XX,
    Reason.HTTP_5XX,
    Reason.REDIRECT_LOOP,
    Reason.REDIRECT_REFUSED,
    Reason.EMPTY,
    Reason.HOST_DOWN,
    Reason.NOT_IMAGE,
    Reason.TRUNCATED,
    Reason.DECODE_ERROR,
]
LEFT = [
    Reason.ROBOTS,
    Reason.OPTED_OUT,
    Reason.PRIVATE_ADDRESS,
    Reason.CANCELLED,
    Reason.PROXY,
    Reason.TOO_LARGE,
    Reason.BOMB,
]


def target(url: str) -> Target:
    found = parse_target(url)
    assert isinstance(found, Target)
    return found


def list_urls(url: str, ending: Ending = GONE, alternatives=(), settings: FetchSettings = ALL) -> list[tuple[str, str]]:
    """(label, URL or why there is none) of what would be tried."""
    found = list_replacements(target(url), ending, alternatives, settings, NOW)
    return [(item.label, item.target.detail if isinstance(item.target, FetchFault) else item.target.url) for item in found]


# -- what may be healed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["https", "alternative", "archive"])
def test_dead_links_fall_back_and_refusals_do_not(kind):
    """The table of docs/fetching.md, reason by reason."""
    fetched = {reason: may_fall_back(kind, Ending(reason, "", None)) for reason in (*TRIED, *LEFT, Reason.BAD_URL)}
    assert fetched == {**dict.fromkeys(TRIED, True), **dict.fromkeys(LEFT, False), Reason.BAD_URL: kind == "alternative"}


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_a_status_that_is_no_refusal_falls_back(status):
    """Gone, broken or busy: nobody said no."""
    reason = Reason.HTTP_4XX if status < 500 else Reason.HTTP_5XX
    assert may_fall_back("archive", Ending(reason, "", status))


@pytest.mark.parametrize("status", [401, 402, 403, 451, 511])
@pytest.mark.parametrize("kind", ["https", "alternative", "archive"])
def test_a_status_that_is_a_refusal_is_not_got_round(status, kind):
    """Whoever asks for leave, money or the law is left alone."""
    reason = Reason.HTTP_4XX if status < 500 else Reason.HTTP_5XX
    assert not may_fall_back(kind, Ending(reason, "", status))


def test_a_status_counts_only_where_it_is_the_reason():
    """A 401 on the way, and then no answer at all, is a dead host."""
    assert may_fall_back("archive", Ending(Reason.TIMEOUT_READ, "", 401))


# -- what is tried, and in which order -------------------------------------------------------------------------------


def test_the_order_is_the_configs():
    """Each fallback in its turn; nothing that config does not name."""
    others = ["http://a.example/1.jpg", "http://b.example/2.jpg"]
    look_up = "https://archive.org/wayback/available?url=shop.example/x.jpg&timestamp=20260301"
    for order in itertools.permutations(["https", "alternative", "archive"]):
        urls = {
            "https": [("https", "https://shop.example/x.jpg")],
            "alternative": [("alternative 1", others[0]), ("alternative 2", others[1])],
            "archive": [("archive", look_up)],
        }
        found = list_urls("http://shop.example/x.jpg", alternatives=others, settings=replace(ALL, fallbacks=order))
        assert found == [item for name in order for item in urls[name]]
    assert list_urls("http://shop.example/x.jpg", alternatives=others, settings=replace(ALL, fallbacks=())) == []


def test_https_is_tried_for_http_only():
    """Port 443 in place of 80; any other port as it is, and credentials with it."""
    only = replace(ALL, fallbacks=("https",))
    assert list_urls("https://shop.example/x.jpg", settings=only) == []
    assert list_urls("http://shop.example:80/x.jpg?a=1", settings=only) == [("https", "https://shop.example/x.jpg?a=1")]
    assert list_urls("http://shop.example:8080/x", settings=only) == [("https", "https://shop.example:8080/x")]
    found = make_https(target("http://me:secret@shop.example/x"), ALL)
    assert isinstance(found, Target)
    assert (found.port, found.scheme, found.url) == (443, "https", "https://shop.example/x")
    assert found.authorization == target("http://me:secret@shop.example/").authorization


def test_alternatives_are_judged_like_any_url():
    """What cannot or may not be requested is not, and says why; eight are tried at most."""
    others = ["http://169.254.169.254/latest", "file:///etc/passwd", *(f"http://a.example/{number}" for number in range(20))]
    found = list_urls("http://shop.example/x", alternatives=others, settings=replace(ALL, fallbacks=("alternative",)))
    assert [label for label, _ in found] == [f"alternative {number}" for number in range(1, MAX_ALTERNATIVES + 1)]
    assert found[0][1].startswith("a link-local address, ")
    assert found[1][1] == 'the scheme "file" is not http or https'
    assert found[-1][1] == "http://a.example/5"


def test_what_is_no_url_has_its_alternatives_only():
    """Nobody can be asked for it, and nobody said no."""
    ending = Ending(Reason.BAD_URL, "is empty", None)
    found = list_replacements(NOWHERE, ending, ["http://a.example/1"], ALL, NOW)
    assert [item.label for item in found] == ["alternative 1"]


@pytest.mark.parametrize(
    "ending",
    [
        Ending(Reason.HTTP_4XX, "HTTP 429", 429, "shop.example"),
        Ending(Reason.HTTP_5XX, "HTTP 503", 503, "shop.example"),
        Ending(LEFT_ALONE.reason, LEFT_ALONE.detail, None, "shop.example"),
        Ending(HOPELESS.reason, HOPELESS.detail, None, "shop.example"),
    ],
)
def test_a_host_that_is_busy_is_not_asked_in_another_way(ending):
    """Neither over https nor for an alternative; others may be."""
    others = ["http://shop.example/y.jpg", "http://b.example/2.jpg"]
    found = list_urls("http://shop.example/x.jpg", ending, others)
    assert [label for label, _ in found] == ["alternative 2", "archive"]


@given(
    st.lists(st.lists(st.sampled_from([f"http://{name}.example/" for name in "abcdefghijklmn"]), max_size=12), max_size=6),
    st.randoms(),
)
def test_alternatives_do_not_depend_on_the_order_of_the_rows(lists, chance):
    """Any order of the source rows gives the same list: bounded, without repetition and without the URL itself."""
    shuffled = list(lists)
    chance.shuffle(shuffled)
    merged = merge_alternatives(lists, "http://a.example/")
    assert merged == merge_alternatives(shuffled, "http://a.example/")
    assert len(merged) <= MAX_ALTERNATIVES
    assert len(set(merged)) == len(merged)
    assert "http://a.example/" not in merged
    if len(lists) == 1:
        assert merged == tuple(url for url in dict.fromkeys(lists[0]) if url != "http://a.example/")[:MAX_ALTERNATIVES]


@given(st.lists(st.text()))
def test_what_was_tried_is_told_in_one_bounded_line(notes):
    """However much was tried."""
    assert len(describe_tries(notes)) <= 600


# -- the archive -----------------------------------------------------------------------------------------------------


def test_the_look_up_names_the_url_whole():
    """Its query and escapes are part of one parameter; the scheme is not."""
    found = make_lookup(target("https://www.shop.example:8443/a b/é.jpg?x=1&y=a+b%26#part"), ALL, NOW)
    assert isinstance(found, Target)
    head, _, query = found.url.partition("?")
    assert head == "https://archive.org/wayback/available"
    assert parse_qs(query) == {"url": ["www.shop.example:8443/a%20b/%C3%A9.jpg?x=1&y=a+b%26"], "timestamp": ["20260301"]}


def test_the_copy_wanted_may_be_an_old_one():
    """``archive_date`` goes along as it is."""
    found = make_lookup(target("http://shop.example/x"), replace(ALL, archive_date="2016"), NOW)
    assert isinstance(found, Target)
    assert found.url.endswith("&timestamp=2016")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://me:secret@shop.example/x", "the URL holds credentials"),
        ("http://10.1.2.3/x", "the URL is one of a private network"),
        ("http://[fd00::1]/x", "the URL is one of a private network"),
        ("http://intranet/x", "the URL is one of a private network"),
        ("http://pictures.corp.internal/x", "the URL is one of a private network"),
        ("http://localhost/x", "the URL is one of a private network"),
        ("https://web.archive.org/web/2016/http://shop.example/x", "the URL is the archive's own"),
    ],
)
def test_the_archive_is_not_told_what_it_cannot_know(url, why):
    """Private URLs stay private."""
    found = make_lookup(target(url), ALL, NOW)
    assert isinstance(found, FetchFault)
    assert found.detail == f"not asked: {why}"


def test_the_copys_bytes_are_asked_for_where_config_says():
    """``id_``: as they were archived."""
    found = make_copy_target("20130919044612", target("http://shop.example/a.jpg?x=1"), ALL)
    assert isinstance(found, Target)
    assert found.url == "https://web.archive.org/web/20130919044612id_/http://shop.example/a.jpg?x=1"


def tell(**changes: object) -> bytes:
    """The answer that https://archive.org/help/wayback_api.php shows, changed."""
    closest = {
        "available": True,
        "url": "http://web.archive.org/web/20130919044612/http://example.com/",
        "timestamp": "20130919044612",
        "status": "200",
    }
    return json.dumps({"archived_snapshots": {"closest": closest | changes}}).encode()


COPY_OF = "http://web.archive.org/web/20130919044612/"


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("http://example.com/", COPY_OF + "http://example.com/"),
        ("https://example.com", COPY_OF + "http://example.com:80/"),
        ("http://www.example.com/", COPY_OF + "https://example.com/"),
        ("http://example.com/A%20b.jpg", COPY_OF + "http://EXAMPLE.com/a b.jpg"),
        ("http://example.com/p?b=2&a=1", COPY_OF + "http://example.com/p?a=1&b=2"),
        ("http://example.com/p", "http://web.archive.org/web/20130919044612id_/example.com/p"),
    ],
)
def test_a_copy_of_the_url_is_found(asked, url):
    """Spellings that the archive files as one are one."""
    assert read_lookup(tell(url=url), target(asked)) == "20130919044612"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b'{"archived_snapshots": {}}', "it has no copy"),
        (tell(available=False), "it has no copy"),
        (tell(available="true"), "it has no copy"),
        (tell(status="404"), "its copy is one of an error (status 404)"),
        (tell(status="302"), "its copy is one of an error (status 302)"),
        (tell(status="\x1b[31m"), "its copy is one of an error (status unknown)"),
        (tell(status=None), "its copy is one of an error (status unknown)"),
        (tell(url=COPY_OF + "http://example.com/other"), "its copy is of another URL"),
        (tell(url=COPY_OF + "http://example.com/?id=2"), "its copy is of another URL"),
        (tell(url="http://169.254.169.254/latest/meta-data"), "its copy is of another URL"),
        (tell(url=COPY_OF), "its copy is of another URL"),
        (tell(timestamp="20130919044612/../../x"), "its look-up gave no answer of the kind its API describes"),
        (tell(timestamp=20130919044612), "its look-up gave no answer of the kind its API describes"),
        (b"<!doctype html><title>busy</title>", "its look-up gave no answer of the kind its API describes"),
        (b"[" * 60_000, "its look-up gave no answer of the kind its API describes"),
        (b'"\xff"', "its look-up gave no answer of the kind its API describes"),
        (b"[]", "its look-up gave no answer of the kind its API describes"),
        (b"", "its look-up gave no answer of the kind its API describes"),
        (b'{"archived_snapshots": {}}' + b" " * MAX_ANSWER_BYTES, "its look-up gave no answer of the kind its API describes"),
    ],
)
def test_any_other_answer_is_no_copy(answer, detail):
    """None, one of an error, one of another URL, or no answer at all: each says what it is."""
    found = read_lookup(answer, target("http://example.com/"))
    assert isinstance(found, FetchFault)
    assert found.detail == detail


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["closest", "url", "timestamp", "status", "available"]), inner),
)


@examples(50)
@given(_JSON.map(lambda value: json.dumps({"archived_snapshots": value}).encode()) | st.binary())
def test_no_answer_is_too_strange_to_read(body):
    """Whatever a server makes up: a timestamp of 14 digits, or a verdict."""
    found = read_lookup(body, target("http://example.com/"))
    assert isinstance(found, FetchFault) or (len(found) == 14 and found.isdigit())


# -- config ----------------------------------------------------------------------------------------------------------


def test_config_is_checked_and_travels():
    """Defaults: none, and the Internet Archive's addresses; faults are told together."""
    assert FetchSettings.from_config(FetchConfig(), Path(), {}).fallbacks == ()
    config = FetchConfig(fallbacks=("archive", "https"), archive_date="2016", archive_delay_s=0.5)
    settings = FetchSettings.from_config(config, Path(), {})
    assert (settings.fallbacks, settings.archive_date, settings.archive_delay_s) == (("archive", "https"), "2016", 0.5)
    assert settings.archive_url == FetchSettings().archive_url == FetchConfig().archive_url
    assert settings.archive_content_url == FetchSettings().archive_content_url == FetchConfig().archive_content_url
    wrong = FetchConfig(fallbacks=("https", "https"), archive_url="archive.org", archive_content_url="https://me:pw@x.example/")
    with pytest.raises(ConfigError) as caught:
        FetchSettings.from_config(wrong, Path(), {})
    assert [problem.where for problem in caught.value.problems] == [
        "fetch.fallbacks",
        "fetch.archive_url",
        "fetch.archive_content_url",
    ]
    for bad in ({"fallbacks": ("google",)}, {"archive_date": "yesterday"}, {"archive_date": "2016&x=1"}):
        with pytest.raises(ValidationError):
            FetchConfig(**bad)
