from __future__ import annotations

import csv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx
import pytest
from PIL import Image

from logoingest.config import load_config
from logoingest.demo.brands import BRANDS, iterate_spellings
from logoingest.demo.faults import KINDS, PAGELESS
from logoingest.demo.server import key_page
from logoingest.demo.site import CLUTTER_PICTURES, PICTURES_PER_CLASS, _plan_entries, _plan_pictures, build_demo
from logoingest.demo.workers import COLUMNS, FIXED_COLUMNS, VOTES_PER_URL, hire_workers


@pytest.fixture
def client(demo_proxy):
    """A client that knows only the proxy."""
    with httpx.Client(proxy=demo_proxy, trust_env=False, timeout=3) as client:
        yield client


def _list_urls(plan, kind):
    return [entry.url for entry in plan.entries if entry.kind == kind]


def _is_picture(response) -> bool:
    with Image.open(BytesIO(response.content)) as image:
        image.load()
        return min(image.size) > 32


# ---- the plan --------------------------------------------------------------------------------------------------------------


def test_counts_add_up(demo_plan):
    """Every URL is of one kind, every kind has as many as it says, no URL comes twice."""
    assert sum(demo_plan.counts.values()) == len(demo_plan.entries)
    assert {kind: demo_plan.counts[kind] for kind in KINDS} == {kind: facts.count for kind, facts in KINDS.items()}
    assert len({entry.url for entry in demo_plan.entries}) == len(demo_plan.entries)


def test_the_demo_is_as_large_as_promised(demo_plan):
    """At least 1,200 pictures of at least 24 brands, about 3 % clutter, 40 or more placeholders; no two pages are alike by chance."""
    pictures = _plan_pictures(PICTURES_PER_CLASS)
    branded = [picture for picture in pictures if picture.brands]
    assert len(branded) >= 1200
    assert len({brand for picture in branded for brand in picture.brands}) == len(BRANDS) >= 24
    assert 0.02 < CLUTTER_PICTURES / len(pictures) < 0.05
    assert demo_plan.counts["placeholder"] >= 40
    assert len({entry.brands for entry in demo_plan.entries if entry.kind == "placeholder"}) > 10
    assert len({demo_plan.pages[key_page(url)].body for url in _list_urls(demo_plan, "ok")}) == demo_plan.counts["ok"]


@pytest.mark.slow
def test_equal_seeds_give_equal_bytes(demo_plan, tmp_path):
    """A second build, elsewhere, is byte-identical: files and pages; kept pictures that are damaged are drawn again."""
    names = ["annotations.csv", "dataset.toml", "truth.csv", "label_maps/demo.toml", "pictures.zip"]
    (tmp_path / "pictures.zip").write_bytes((demo_plan.folder / "pictures.zip").read_bytes()[:-5000])
    again = build_demo(tmp_path, pictures_per_class=9)
    assert again.pages == demo_plan.pages
    assert build_demo(tmp_path, pictures_per_class=9).pages == demo_plan.pages
    assert again.entries == demo_plan.entries
    for name in names:
        assert (again.folder / name).read_bytes() == (demo_plan.folder / name).read_bytes()


def test_too_few_pictures_are_refused(tmp_path):
    """Faults need pictures of their own."""
    with pytest.raises(ValueError, match="at least 8"):
        build_demo(tmp_path, pictures_per_class=3)
    kinds = Counter(entry.kind for entry in _plan_entries(_plan_pictures(8), seed=7))
    assert {kind: kinds[kind] for kind in KINDS} == {kind: facts.count for kind, facts in KINDS.items()}


def test_the_config_is_valid(demo_plan):
    """dataset.toml is read as any user's, and the proxy is given from outside."""
    config = load_config(demo_plan.config_file, {"fetch.proxy": "http://127.0.0.1:9"}, environ={})
    assert config.resolve(config.sources[0].path).is_file()
    assert config.resolve(config.labels.class_map).is_file()


def test_aliases_are_unambiguous():
    """No spelling belongs to two brands, however it is cased."""
    owners: dict[str, set[str]] = {}
    for class_id, _, spelling in iterate_spellings():
        owners.setdefault(spelling.casefold(), set()).add(class_id)
    for brand in BRANDS:
        owners.setdefault(brand.name.casefold(), set()).add(brand.class_id)
    assert all(len(classes) == 1 for classes in owners.values())


# ---- the batch file --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(demo_plan):
    """The batch file, read back."""
    content = (demo_plan.folder / "annotations.csv").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n")
    return list(csv.DictReader(content.decode().splitlines(keepends=True)))


def test_the_batch_file_has_the_form_of_mturk(rows, demo_plan):
    """27 fixed columns, input, answer; Approve and Reject are named and left out of every row; five votes of different workers a URL."""
    assert {(row["Approve"], row["Reject"]) for row in rows} == {(None, None)}
    assert tuple(rows[0]) == tuple(COLUMNS)
    assert len(FIXED_COLUMNS) == 27
    assert len(rows) == VOTES_PER_URL * (len(demo_plan.entries) + 1)
    hits = Counter((row["HITId"], row["WorkerId"]) for row in rows)
    assert max(hits.values()) == 1
    assert len({row["AssignmentId"] for row in rows}) == len(rows)
    assert {row["WorkerId"] for row in rows} == {worker.worker_id for worker in hire_workers(demo_plan.seed)}
    assert 0.01 < sum(row["AssignmentStatus"] == "Rejected" for row in rows) / len(rows) < 0.1


def test_answers_are_messy_and_mostly_right(rows, demo_plan):
    """Many spellings, several scripts, empty and two-brand answers; yet most honest answers name the brand as declared."""
    answers = Counter(row["Answer.brand"] for row in rows)
    assert len(answers) > 500
    assert answers[""] > 0
    assert any(" / " in answer for answer in answers)
    for script in ("а", "ブ", "é", "ł"):
        assert any(script in answer for answer in answers)
    truth = {entry.url: entry.brands for entry in demo_plan.entries if entry.kind == "ok" and len(entry.brands) == 1}
    spellings = {(class_id, text.casefold()) for class_id, _, text in iterate_spellings()}
    spellings |= {(brand.class_id, brand.name.casefold()) for brand in BRANDS}
    asked = [row for row in rows if row["Input.image_url"] in truth]
    plain = sum((truth[row["Input.image_url"]][0], row["Answer.brand"].casefold()) in spellings for row in asked)
    assert 0.35 < plain / len(asked) < 0.75


def test_truth_is_kept_apart_for_scoring(demo_plan):
    """truth.csv has a row a URL, and no input names a class."""
    with (demo_plan.folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
        truth = list(csv.DictReader(lines))
    assert {row["url"] for row in truth} == {entry.url for entry in demo_plan.entries}
    assert not any(brand.class_id in entry.url for brand in BRANDS for entry in demo_plan.entries)


# ---- the site --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ok", "chunked", "wrong_type", "odd_path", "copy_exact", "copy_recoded", "copy_halved"])
def test_pictures_arrive(demo_plan, client, kind):
    """Plain deliveries give a whole picture at the first request."""
    for url in _list_urls(demo_plan, kind)[:6]:
        response = client.get(url)
        assert response.status_code == 200
        assert _is_picture(response)
        assert ("content-length" in response.headers) == (kind != "chunked")
        assert (response.headers["content-type"] == "text/plain") == (kind == "wrong_type")


@pytest.mark.parametrize(
    ("kind", "status", "after"), [("flaky_500", 500, None), ("busy_now", 503, "0"), ("busy_one_second", 503, "1")]
)
def test_what_heals_heals(demo_plan, client, kind, status, after):
    """The first request fails as named, the second brings the picture."""
    for url in _list_urls(demo_plan, kind):
        first = client.get(url)
        assert (first.status_code, first.headers.get("retry-after")) == (status, after)
        assert _is_picture(client.get(url))


def test_redirects_lead_over_two_hosts_to_the_picture(demo_plan, client):
    """Three redirects, one of them relative."""
    response = client.get(_list_urls(demo_plan, "redirect_chain")[0], follow_redirects=True)
    assert len(response.history) == 3
    assert len({step.url.host for step in [*response.history, response]}) == 2
    assert any(step.headers["location"].startswith("/") for step in response.history)
    assert _is_picture(response)


def test_redirect_loops_have_no_end(demo_plan, client):
    """The two pages point at each other."""
    with pytest.raises(httpx.TooManyRedirects):
        client.get(_list_urls(demo_plan, "redirect_loop")[0], follow_redirects=True)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("gone_404", 404), ("gone_410", 410), ("always_500", 500), ("unresolvable", 502), ("empty", 200), ("html", 200)],
)
def test_failures_say_what_they_are(demo_plan, client, kind, status):
    """Every URL of the kind answers with its status, twice."""
    for url in _list_urls(demo_plan, kind) * 2:
        response = client.get(url)
        assert response.status_code == status
        assert (kind == "empty") == (not response.content)


def test_broken_bodies_break(demo_plan, client):
    """A body cut short, a reset and a drip each fail in the way they are named after."""
    for url in _list_urls(demo_plan, "cut_short"):
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(url)
    for url in _list_urls(demo_plan, "reset"):
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            client.get(url)
    with client.stream("GET", _list_urls(demo_plan, "slow_drip")[0]) as response:
        assert int(response.headers["content-length"]) > 50 * len(next(response.iter_raw()))


def test_slow_pages_come_in_the_end(demo_plan, client):
    """The slow ones need a second, all at once no longer."""
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(client.get, _list_urls(demo_plan, "slow")))
    assert all(_is_picture(response) for response in responses)
    assert all(response.elapsed.total_seconds() >= 1 for response in responses)


def test_what_is_no_picture_is_none(demo_plan, client):
    """Cut JPEGs, pages, drawings: Pillow refuses them; the bomb says 400 megapixels, the tiny one 4 × 4."""
    for kind in ("cut_jpeg", "html", "svg"):
        for url in _list_urls(demo_plan, kind):
            with (
                pytest.raises(OSError, match=r"truncated|cannot identify|broken"),
                Image.open(BytesIO(client.get(url).content)) as image,
            ):
                image.load()
    bomb = client.get(_list_urls(demo_plan, "bomb")[0]).content
    assert len(bomb) < 100_000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(BytesIO(bomb))
    for url in _list_urls(demo_plan, "tiny"):
        assert Image.open(BytesIO(client.get(url).content)).size == (4, 4)


def test_placeholders_are_one_picture(demo_plan, client):
    """All of them are byte for byte the same."""
    assert len({client.get(url).content for url in _list_urls(demo_plan, "placeholder")}) == 1


def test_dangerous_urls_have_no_page(demo_plan):
    """Nothing stands at private addresses, files and malformed URLs: a client must refuse them by itself."""
    for entry in demo_plan.entries:
        if entry.kind in PAGELESS - {"malformed_url"}:
            assert key_page(entry.url) not in demo_plan.pages


def test_the_proxy_speaks_http_as_caches_expect(demo_plan, client):
    """HEAD has no body, an ETag saves the body, other methods are refused, an unknown page is 404."""
    url = _list_urls(demo_plan, "ok")[0]
    whole = client.get(url)
    head = client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    assert client.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert client.post(url).status_code == 405
    assert client.get(url + ".old").status_code == 404


def test_the_proxy_survives_what_is_no_http(demo_proxy, demo_plan, client):
    """Garbage closes its own connection and nothing else."""
    import socket

    port = int(demo_proxy.rpartition(":")[2])
    for garbage in (b"\r\n\r\n", b"\x00\xff\x16\x03\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"x" * 70_000):
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            try:
                connection.sendall(garbage)
                assert connection.recv(10) == b""
            except ConnectionError:
                pass
    assert client.get(_list_urls(demo_plan, "ok")[0]).status_code == 200
