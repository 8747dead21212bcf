"""A source a night: a pattern's files in the order of their days, appended; a later file's answer counts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from logoingest import load_config, run
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.pipeline import Run, run_stage
from logoingest.sources import read_annotations
from logoingest.sources.dated_files import find_day

HEAD = "image_url,brand,worker\n"


def write(folder: Path, name: str, *rows: str) -> None:
    (folder / "nightly").mkdir(exist_ok=True)
    (folder / "nightly" / name).write_text(HEAD + "".join(f"{row}\n" for row in rows))


def read(folder: Path, **keys):
    return read_annotations([SourceConfig(path="nightly/*.csv", **keys)], folder)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("n/answers-2026-11-30.csv", "2026-11-30"), ("20261130_part2.csv.gz", "2026-11-30"), ("a_2026_01_02.tsv", "2026-01-02"),
        ("99-2026-13-01-20260203.csv", "2026-02-03"), ("120261130.csv", None), ("2026-11-30/answers.csv", None), ("a.csv", None),
        ("2026-1130.csv", None),
    ],
)  # fmt: skip
def test_the_day_stands_in_the_files_name(name, day):
    """In one of three spellings, a day that is; not in a longer number, nor in a folder's name."""
    assert find_day(name) == (day and dt.date.fromisoformat(day))


def test_a_night_is_appended_and_what_was_there_keeps_its_ids(tmp_path):
    """By day, whatever the names; rows say which file they are from."""
    write(tmp_path, "b-2026-11-01.csv", "http://x.example/1.jpg,acme,w1")
    write(tmp_path, "a-2026-11-02.csv", "http://x.example/2.jpg,bolt,w1")
    before = read(tmp_path).kept
    write(tmp_path, "0-2026-11-03.csv", "http://x.example/3.jpg,bolt,w2")
    after = read(tmp_path).kept
    assert after.slice(0, 2).column("annotation_id").equals(before.column("annotation_id"))
    assert after.column("source_file").to_pylist() == [
        f"nightly/{name}" for name in ("b-2026-11-01.csv", "a-2026-11-02.csv", "0-2026-11-03.csv")
    ]
    assert [moment.date().day for moment in after.column("submitted_at").to_pylist()] == [1, 2, 3]
    assert read(tmp_path, last_day=dt.date(2026, 11, 2)).kept.equals(before)


def test_a_pattern_that_matches_nothing_says_so(tmp_path):
    """Of that name, or of a day that is early enough."""
    with pytest.raises(SourceError, match="matches no file; "):
        read(tmp_path)
    write(tmp_path, "2026-11-01.csv", "http://x.example/1.jpg,acme,w1")
    with pytest.raises(SourceError, match="matches no file of 2026-10-31 or before"):
        read(tmp_path, last_day=dt.date(2026, 10, 31))


def test_files_that_overlap_count_once(tmp_path):
    """Each night the whole list again: no answer is doubled for having been downloaded twice."""
    rows = [f"http://x.example/{number}.jpg,acme," for number in range(5)]
    write(tmp_path, "2026-11-01.csv", *rows[:3])
    write(tmp_path, "2026-11-02.csv", *rows)
    found = read(tmp_path)
    assert found.kept.num_rows == 5
    assert found.rejected.column("reason").to_pylist() == ["repeated_row"] * 3


@pytest.mark.slow
def test_what_a_later_file_says_counts(make_dataset):
    """A worker who corrects an answer: the later night's, in the route's own samples; only the file that is new is asked for."""
    dataset = make_dataset(pictures=2)
    url = dataset.site.url("/acme/0.jpg")
    folder = dataset.folder
    text = dataset.write().read_text(encoding="utf-8").replace('"answers.csv"', '"nightly/*.csv"')
    dataset.config.write_text(text, encoding="utf-8")
    kept = [
        f"{row['image_url']},{row['brand']},{row['worker']}" for row in dataset.rows if row["image_url"] and row["image_url"] != url
    ]
    write(folder, "2026-11-01.csv", *kept, *(f"{url},Bolt,w{number}" for number in range(3)))
    config = load_config(dataset.config, {"fetch.max_attempts": 1})
    run(config, until="samples")
    assert find_class(config, url) == "bolt"
    asked = dict(dataset.site.requests)
    write(folder, "2026-11-02.csv", *(f"{url},Acme,w{number}" for number in range(3)))
    opened = Run(config)
    for stage in ("annotations", "labels", "fetch", "images", "samples"):
        run_stage(opened, stage)
    assert find_class(config, url) == "acme"
    assert dict(dataset.site.requests) == asked


def find_class(config, url: str) -> str:
    workspace = Run(config).workspace
    images = {row["image_id"]: row["urls"] for row in workspace.read_table("images").to_pylist()}
    (found,) = [row["class_id"] for row in workspace.read_table("samples").to_pylist() if url in images[row["image_id"]]]
    return found
