"""Files of this machine as outcomes of the fetch: read within their folder, or failed with a reason."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from logoingest.fetch import fetch_urls
from logoingest.fetch.rules.fallbacks import Ending, list_replacements
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.local_reading import read_local_file
from logoingest.fetch.turns.pursuit import NOWHERE
from logoingest.files.local import name_root, write_file_url
from logoingest.schemas import Reason


@pytest.fixture
def photos(tmp_path):
    """A folder of files, links and worse, beside a secret."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "a.jpg").write_bytes(b"picture a")
    (folder / "sub/b.jpg").write_bytes(b"picture b")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "large.jpg").write_bytes(b"x" * 101)
    (folder / "inner.jpg").symlink_to("sub/b.jpg")
    (folder / "folder.jpg").symlink_to("sub")
    (folder / "out.jpg").symlink_to("../secret.jpg")
    (folder / "away").symlink_to(tmp_path)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "self").symlink_to(".")
    os.mkfifo(folder / "pipe.jpg")
    return folder


@pytest.fixture
def settings(photos):
    return FetchSettings(local_roots=(name_root("photos", photos.parent),), max_bytes=100, breaker_failures=0)


CASES = {
    "a.jpg": b"picture a",
    "sub/b.jpg": b"picture b",
    "inner.jpg": b"picture b",
    "self/a.jpg": b"picture a",
    "empty.jpg": Reason.EMPTY,
    "large.jpg": Reason.TOO_LARGE,
    "none.jpg": Reason.FILE_MISSING,
    "a.jpg/x.jpg": Reason.FILE_MISSING,
    f"{'x' * 300}.jpg": Reason.FILE_MISSING,
    "out.jpg": Reason.FILE_REFUSED,
    "away/secret.jpg": Reason.FILE_REFUSED,
    "pipe.jpg": Reason.FILE_REFUSED,
    "sub": Reason.FILE_REFUSED,
    "folder.jpg": Reason.FILE_REFUSED,
    "loop.jpg": Reason.FILE_REFUSED,
    "self": Reason.FILE_REFUSED,
}


def test_every_file_ends_in_its_outcome(photos, settings):
    """Bytes, or a reason; a row each, in the order given, beside URLs of the web; nothing of the secret."""
    root = settings.local_roots[0]
    urls = [write_file_url(name, root) for name in CASES]
    table = asyncio.run(fetch_urls([*urls, "ftp://x.example/a.jpg"], settings, None)).to_pylist()
    assert [row["url"] for row in table] == [*urls, "ftp://x.example/a.jpg"]
    for row, (name, expected) in zip(table, CASES.items(), strict=False):
        if isinstance(expected, bytes):
            assert (row["outcome"], row["bytes"], row["sha256"]) == ("ok", expected, hashlib.sha256(expected).hexdigest()), name
            assert (row["attempts"], row["http_status"], row["final_url"]) == (1, None, None)
        else:
            assert (row["outcome"], row["reason"], row["bytes"]) == ("failed", expected.value, None), (name, row["detail"])
            assert str(photos.parent) not in row["detail"]
    assert table[-1]["reason"] == "bad_url"


def test_without_a_folder_files_are_no_urls(photos, settings):
    """As ever: file: is not http or https; and with one, other folders are not."""
    root = settings.local_roots[0]
    urls = [write_file_url("a.jpg", root), f"file://{photos}/a.jpg", "file:///etc/passwd"]
    plain = asyncio.run(fetch_urls(urls, replace(settings, local_roots=()), None)).to_pylist()
    assert [row["reason"] for row in plain] == ["bad_url"] * 3
    asked = asyncio.run(fetch_urls(urls, settings, None)).to_pylist()
    assert [row["reason"] for row in asked] == [None, "bad_url", "bad_url"]


def test_a_file_is_looked_at_as_a_body_is(photos, settings):
    """What inspection tells, stands in the row; one that raises makes it a decode_error."""
    url = write_file_url("a.jpg", settings.local_roots[0])
    seen = asyncio.run(fetch_urls([url], settings, lambda body: {"width": len(body)})).to_pylist()[0]
    assert seen["width"] == len(b"picture a")

    def fail(_):
        raise ZeroDivisionError

    assert asyncio.run(fetch_urls([url], settings, fail)).to_pylist()[0]["image_reason"] == "decode_error"


def test_many_files_and_a_stop(photos, settings):
    """Five hundred are read; a stop leaves what is not read as cancelled rows."""
    for number in range(500):
        (photos / f"{number}.jpg").write_bytes(b"%d" % number)
    urls = [write_file_url(f"{number}.jpg", settings.local_roots[0]) for number in range(500)]
    table = asyncio.run(fetch_urls(urls, settings, None)).to_pylist()
    assert [row["bytes"] for row in table] == [b"%d" % number for number in range(500)]

    async def stop_early():
        stop = asyncio.Event()
        return await fetch_urls(urls, settings, None, on_outcome=lambda _: stop.set(), stop=stop)

    outcomes = {row["reason"] for row in asyncio.run(stop_early()).to_pylist()}
    assert outcomes == {None, "cancelled"}


def test_an_unreadable_file(photos, settings):
    """Permission is ours to give."""
    if os.geteuid() == 0:
        pytest.skip("nobody refuses root")
    (photos / "a.jpg").chmod(0)
    found = read_local_file(write_file_url("a.jpg", settings.local_roots[0]), settings)
    assert not isinstance(found, bytes) and found.reason is Reason.FILE_REFUSED


@pytest.mark.parametrize("reason", [Reason.FILE_MISSING, Reason.NOT_IMAGE])
def test_only_the_rows_other_urls_stand_in_for_a_file(settings, reason):
    """No archive is told what our files are called, and none is asked for by https."""
    settings = replace(settings, fallbacks=("https", "alternative", "archive"))
    found = list_replacements(NOWHERE, Ending(reason, "", None), ["http://a.example/1.jpg"], settings, datetime.now(UTC))
    assert [item.label for item in found] == ["alternative 1"]
    refused = list_replacements(
        NOWHERE, Ending(Reason.FILE_REFUSED, "", None), ["http://a.example/1.jpg"], settings, datetime.now(UTC)
    )
    assert not refused
