"""The readers on real files; skipped where they are missing."""

from __future__ import annotations

import csv
from collections import Counter

from builders.sources import read_all
from logoingest.sources import guess_source


def test_flickrlogos27_batch(shared_data):
    """6,500 assignments: 6,335 kept, 165 rejected work, over 1,300 tasks; every answer as the file has it."""
    path = shared_data / "flickrlogos27/mturk_results.csv"
    got = read_all(shared_data, {"path": "flickrlogos27/mturk_results.csv"})
    assert (len(got.kept), Counter(row["reason"] for row in got.rejected)) == (6335, {"assignment_rejected": 165})
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["raw_label"] for row in got.kept] == [row["Answer.brand"] for row in rows if row["AssignmentStatus"] != "Rejected"]
    assert len({row["url"] for row in got.kept + got.rejected}) == 1299  # one of the dead URLs is in two of the 1,300 tasks
    assert all(row["submitted_at"] and row["worker_id"] and row["work_time_s"] for row in got.kept)


def test_bib_numbers_batch(shared_data):
    """A real batch with JSON boxes: one annotation per box, PDT times in UTC, 136 assignments rejected."""
    got = read_all(shared_data, {"path": "crowd/mturk_bibs_results.csv"})
    assert len(got.kept) + len(got.rejected) == 4507
    assert len({row["source_row"] for row in got.rejected}) == 136
    assert len({row["source_row"] for row in got.kept}) == 2096
    assert {row["reason"] for row in got.rejected} == {"assignment_rejected"}
    assert all(row["bbox"] and row["submitted_at"] for row in got.kept)
    assert got.kept[0]["submitted_at"].isoformat() == "2018-04-04T17:26:53+00:00"


def test_free_tags(shared_data):
    """JSON lists of tags: 1,000 answers, of 20 workers each on 50 items."""
    path = next((shared_data / "crowd/free_tags").glob("*.csv"))
    guess = guess_source(path)
    assert (guess.url_column, guess.label_column, guess.worker_column, guess.id_column) == (
        "image_url",
        "keywords_json",
        "worker",
        "assignment_id",
    )
    assert guess.rows == 1000


def test_brand_aliases(shared_data):
    """14,662 raw names in many scripts come back as they stand in the file."""
    path = shared_data / "brand_aliases/nsi_dev.csv"
    keys = {"url_column": "canonical", "label_column": "raw", "format": "tabular"}
    got = read_all(shared_data, {"path": "brand_aliases/nsi_dev.csv", **keys})
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["raw_label"] for row in got.kept] == [row["raw"] for row in csv.DictReader(file)]
    assert len(got.kept) == 14_662


def test_logos_in_the_wild_samples(shared_data):
    """15 raw VOC files: 42 boxes, ids of folder, picture and index."""
    got = read_all(shared_data, {"path": "litw/samples", "format": "voc", "url_prefix": "http://x.example/"})
    assert (len(got.kept), got.rejected) == (42, [])
    assert got.kept[0]["source_id"] == "0samples_img000001_0"
    assert got.kept[0]["url"] == "http://x.example/img000001.jpg"
    assert got.kept[0]["bbox"] == [504, 403, 54, 44]


def test_distractor_urls(shared_data):
    """4,207 URLs, one a line."""
    got = read_all(shared_data, {"path": "flickrlogos27/distractor_urls.txt"})
    assert (len(got.kept), len(got.rejected), {row["raw_label"] for row in got.kept}) == (4207, 0, {""})
