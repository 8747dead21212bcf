"""Hashes that the source gives: other bytes are a hash_mismatch, whoever serves them and whenever it was said."""

from __future__ import annotations

import asyncio
import csv
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from builders.datasets import Dataset, draw_picture
from logoingest import load_config, run
from logoingest.pipeline import Run, explain_url, fetch_shard, open_run, pending_shards, retry
from logoingest.pipeline.actions.refreshing import refresh
from logoingest.schemas import Stage


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


@pytest.fixture
def dataset(site, tmp_path) -> Dataset:
    """Three pictures, named by two people each."""
    made = Dataset(tmp_path, site)
    for number in range(3):
        made.add_picture("acme", number, votes=2, path=f"/{number}.jpg")
    made.write()
    return made


def expect(made: Dataset, hashes: dict[str, list[str]], column: str = "sha256_column") -> Path:
    """The source again, with hashes of some pictures, row by row; without any when there is no column."""
    left = {path: list(given) for path, given in hashes.items()}
    with (made.folder / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image_url", "brand", "worker", "hash", "other"])
        writer.writeheader()
        for row in made.rows:
            path = row["image_url"].removeprefix(made.site.address)
            given = left.get(path, [])
            writer.writerow({**row, "hash": given.pop(0) if given else "", "other": made.site.url("/mirror.jpg")})
    config = made.config.read_text(encoding="utf-8")
    lines = [line for line in config.splitlines() if '_column = "hash"' not in line and "alternative" not in line]
    told = [f'{column} = "hash"', 'alternative_url_columns = ["other"]'] if column else []
    at = lines.index('worker_column = "worker"')
    made.config.write_text("\n".join([*lines[: at + 1], *told, *lines[at + 1 :]]), encoding="utf-8")
    return made.config


def fetch(config: Path, *overrides: str):
    settled = load_config(config, overrides, {})
    run(settled, until=Stage.IMAGES)
    return Run(settled)


def count_pictures(site) -> Counter[str]:
    return Counter({path: count for path, count in site.requests.items() if path != "/robots.txt"})


def outcomes(made: Run, site) -> dict[str, str | None]:
    (shard,) = made.workspace.shard_names()
    rows = made.workspace.read_shard(shard, ["url", "reason"]).to_pylist()
    return {row["url"].removeprefix(site.address): row["reason"] for row in rows}


WRONG = {"/0.jpg": None, "/1.jpg": "hash_mismatch", "/2.jpg": None}


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_other_bytes_are_turned_away(dataset, site, algorithm):
    """Right ones are kept, wrong ones named with both hashes, rows that expect nothing are as ever; every row is accounted for."""
    hashes = {"/0.jpg": [digest(draw_picture(0), algorithm)] * 2, "/1.jpg": [digest(b"other", algorithm).upper()]}
    made = fetch(expect(dataset, hashes, f"{algorithm}_column"))
    assert outcomes(made, site) == WRONG
    rejected = made.workspace.read_table("images_rejected").to_pylist()
    assert [(row["stage"], row["reason"]) for row in rejected] == [("fetch", "hash_mismatch")] * 2
    assert rejected[0]["detail"].startswith(f"the source expects {algorithm} {digest(b'other', algorithm)[:16]}…, these ")
    row = explain_url(made, site.url("/0.jpg")).downloads.to_pylist()[0]
    assert row["expected"] == f"{algorithm}:{digest(draw_picture(0), algorithm)}"


def test_rows_that_contradict_each_other_are_named(dataset, site, caplog):
    """No bytes can be right; a warning names the URL."""
    made = fetch(expect(dataset, {"/1.jpg": [digest(draw_picture(1)), digest(b"other")]}))
    assert outcomes(made, site) == WRONG
    assert "its source rows expect different hashes" in made.workspace.read_table("images_rejected").to_pylist()[0]["detail"]
    assert (
        f"1 URLs are given different hashes by different rows, so that no bytes can be right: {site.url('/1.jpg')}" in caplog.text
    )


def test_a_fallback_must_have_the_hash_too(dataset, site):
    """An alternative that serves the right bytes heals the URL; one that serves others does not."""
    site.pages["/mirror.jpg"] = (200, "image/jpeg", draw_picture(9))
    wanted = {"/1.jpg": [digest(draw_picture(9))], "/2.jpg": [digest(b"other")]}
    made = fetch(expect(dataset, wanted), 'fetch.fallbacks=["alternative"]')
    assert outcomes(made, site) == {"/0.jpg": None, "/1.jpg": None, "/2.jpg": "hash_mismatch"}
    healed = explain_url(made, site.url("/1.jpg")).downloads.to_pylist()[0]
    assert (healed["fallback"], healed["first_reason"]) == ("alternative", "hash_mismatch")
    assert "fallbacks: alternative 1: the source expects" in explain_url(made, site.url("/2.jpg")).downloads["detail"][0].as_py()


def test_retry_heals_when_the_right_bytes_come_back(dataset, site):
    """retry --reason hash_mismatch asks for those alone."""
    config = expect(dataset, {"/1.jpg": [digest(draw_picture(7))]})
    fetch(config)
    site.pages["/1.jpg"] = (200, "image/jpeg", draw_picture(7))
    with open_run(load_config(config, (), {})) as held:
        assert retry(held, ["hash_mismatch"]) == (1, 1, 0)


def test_refresh_keeps_the_right_bytes(dataset, site):
    """Where other bytes come now, the picture that was expected is gone from there; ours stays."""
    config = expect(dataset, {"/1.jpg": [digest(draw_picture(1))]})
    fetch(config)
    site.pages["/1.jpg"] = (200, "image/jpeg", draw_picture(7))
    with open_run(load_config(config, (), {})) as held:
        assert refresh(held) == (3, 0, 2, 1, 0)
        assert outcomes(held, site) == dict.fromkeys(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_hashes_that_are_named_later(dataset, site, algorithm):
    """What is there and right stays without a request; what is not, or was turned away by a hash that is mended, is fetched again."""
    fetch(expect(dataset, {}, ""))
    asked = count_pictures(site)
    right = {f"/{number}.jpg": [digest(draw_picture(number), algorithm)] for number in range(3)}
    made = fetch(expect(dataset, right | {"/1.jpg": [digest(b"other", algorithm)]}, f"{algorithm}_column"))
    assert outcomes(made, site) == WRONG
    assert count_pictures(site) - asked == {"/1.jpg": 1}
    mended = fetch(expect(dataset, right, f"{algorithm}_column"))
    assert outcomes(mended, site) == dict.fromkeys(WRONG)
    assert count_pictures(site) - asked == {"/1.jpg": 2}
    fetch(dataset.config, "images.min_side_px=2")
    assert count_pictures(site) - asked == {"/1.jpg": 2}


def test_a_task_runner_asks_for_them_too(dataset, site):
    """pending_shards names a shard that holds bytes which must be other ones by now; fetch_shard fetches those alone."""
    fetch(expect(dataset, {}, ""))
    asked = count_pictures(site)
    config = load_config(expect(dataset, {"/1.jpg": [digest(b"other")]}), (), {})
    run(config, until=Stage.ANNOTATIONS)
    with open_run(config) as held:
        (shard,) = pending_shards(held)
        counts = asyncio.run(fetch_shard(held, shard))
        assert (counts.fetched, counts.failed, counts.reasons) == (1, 1, {"hash_mismatch": 1})
        assert pending_shards(held) == []
    assert count_pictures(site) - asked == {"/1.jpg": 1}
