"""One submission is one vote, however often it was downloaded; a row that repeats it is rejected with that reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA
from builders.sources import read_all
from logoingest.sources import guess_source

FOLDER = DATA / "sources/repeats"
KEYS = {"format": "tabular", "url_column": "url", "label_column": "label"}


def read_rows(folder: Path, *files: list[tuple], **keys):
    """Read files of (url, label, id …) as so many sources."""
    sources = []
    for number, rows in enumerate(files):
        header = ["url", "label", *keys.get("header", ["id"])]
        text = "\n".join(",".join(map(str, row)) for row in [header, *rows])
        (folder / f"{number}.csv").write_text(text + "\n", encoding="utf-8")
        sources.append({"path": f"{number}.csv", **KEYS, **{key: value for key, value in keys.items() if key != "header"}})
    return read_all(folder, *sources)


def count(read):
    """Reasons and how often."""
    return Counter(row["reason"] for row in read.rejected)


def test_a_repeated_id_votes_once():
    """Three rows of one id are one answer; init proposes the id column although it repeats."""
    assert guess_source(FOLDER / "dup_noworker.csv").id_column == "annotation_id"
    got = read_all(FOLDER, {"path": "dup_noworker.csv", "id_column": "annotation_id"})
    assert [row["source_id"] for row in got.kept] == ["A1", "A2", "A3", "A4"]
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (2, "repeated_row", "the same again: id A1"),
        (3, "repeated_row", "the same again: id A1"),
    ]


def test_tasks_exported_twice_are_tasks_exported_once():
    """The same annotations, ids included, are kept; every other row is accounted for."""
    once, twice = (read_all(FOLDER, {"path": f"ls_{name}.json"}) for name in ("once", "twice"))
    assert [row["annotation_id"] for row in twice.kept] == [row["annotation_id"] for row in once.kept]
    assert count(twice) == {"repeated_row": len(once.kept)}


def test_the_later_state_of_a_submission_counts(tmp_path):
    """A batch downloaded before and after review: the verdict counts, in whichever order the files come."""
    header = "HITId,AssignmentId,WorkerId,AssignmentStatus,Input.image_url,Answer.brand,Approve,Reject\n"
    rows = "".join(f"H{n},A{n},W,{{}},http://x.example/{n}.jpg,nike\n" for n in range(3))
    (tmp_path / "before.csv").write_text(header + rows.format("Submitted", "Submitted", "Submitted"))
    (tmp_path / "after.csv").write_text(header + rows.format("Approved", "Rejected", "Submitted"))
    for order in (["before.csv", "after.csv"], ["after.csv", "before.csv"]):
        got = read_all(tmp_path, *({"path": path} for path in order))
        assert {row["source_id"]: row["status"] for row in got.kept} == {"A0": "approved", "A2": "submitted"}
        assert count(got) == {"repeated_row": 3, "assignment_rejected": 1}


def test_a_corrected_answer_replaces_the_first(tmp_path):
    """Of rows with one id and different answers the last counts; another worker, another URL or no id is another answer."""
    got = read_rows(
        tmp_path, [("http://x/1", "nike", "a"), ("http://x/1", "puma", "a"), ("http://x/2", "puma", "a")], id_column="id"
    )
    assert got.answers == [("http://x/1", "puma"), ("http://x/2", "puma")]
    workers = [("http://x/1", "nike", "a", "w1"), ("http://x/1", "nike", "a", "w2"), ("http://x/1", "nike", "", "w2")]
    got = read_rows(tmp_path, workers, id_column="id", worker_column="worker", header=["id", "worker"])
    assert len(got.kept) == 3


def test_boxes_of_one_annotation_are_its_parts(tmp_path):
    """Rows of one id with different boxes all count; the same box again does not."""
    rows = [("http://x/1", "nike", "a", f'"{box}"') for box in ("1,1,9,9", "2,2,9,9", "1,1,9,9")]
    got = read_rows(tmp_path, rows, id_column="id", bbox_column="box", header=["id", "box"])
    assert [row["bbox"][0] for row in got.kept] == [1, 2]
    assert got.reasons == [(3, "repeated_row")]


def test_overlapping_downloads_without_ids(tmp_path):
    """What two files say alike about the URLs they share is said once; where they disagree they are different people's."""
    early = [(f"http://x/{n}", "nike" if n % 2 else "puma") for n in range(6)]
    late = [(f"http://x/{n}", "nike" if n % 2 else "puma") for n in range(3, 9)]
    got = read_rows(tmp_path, early, late, header=[])
    assert [url for url, _ in got.answers] == [f"http://x/{n}" for n in range(9)]
    assert count(got) == {"repeated_row": 3}
    other = [(url, "adidas" if url.endswith("4") else label) for url, label in early]
    assert len(read_rows(tmp_path, early, other, header=[]).kept) == 12


def test_equal_rows_of_one_file_without_ids_are_votes(tmp_path):
    """Where nobody says who answered, three equal rows are three people's; in two downloads of them they are still three."""
    rows = [("http://x/1", "nike")] * 3 + [("http://x/2", "puma")]
    assert len(read_rows(tmp_path, rows, header=[]).kept) == 4
    got = read_rows(tmp_path, rows[:2], rows, header=[])
    assert (len(got.kept), count(got)) == (4, {"repeated_row": 2})


@pytest.mark.slow
@examples(60)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from(["nike", "puma"]), st.sampled_from(["1", "2", "3", ""])), max_size=6
        ),
        min_size=1,
        max_size=3,
    )
)
def test_no_id_votes_twice_and_nothing_disappears(tmp_path_factory, files):
    """Whatever repeats: every row is kept or rejected, a submission is kept once, and reading what was kept keeps it all."""
    rows = [[(f"http://x/{url}", label, number) for url, label, number in file] or [("http://x/z", "z", "9")] for file in files]
    folder = tmp_path_factory.mktemp("repeats")
    got = read_rows(folder, *rows, id_column="id")
    assert len(got.ids) == sum(map(len, rows))
    named = [(row["url"], row["source_id"]) for row in got.kept if row["source_id"]]
    assert len(set(named)) == len(named)
    assert {(url, number) for file in rows for url, _, number in file if number} == set(named)
    again = [(row["url"], row["raw_label"], row["source_id"] or "") for row in got.kept]
    assert read_rows(folder, again, id_column="id").rejected == []


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("annotation_id,url,label", ["A,{0},x", "A,{0},x", "B,{1},y"], "annotation_id"),
        ("id,url,label,worker", ["1,{0},x,w", "1,{0},x,w", "2,{1},y,v"], "id"),
        ("id,url,label,worker", ["1,{0},x,w", "1,{0},y,v", "2,{1},y,v"], None),
        ("task_id,url,label", ["1,{0},x", "1,{0},x", "1,{0},x"], None),
    ],
    ids=["repeated rows", "with workers", "an id of tasks", "one task alone"],
)
def test_an_id_column_that_repeats_is_proposed_where_whole_rows_repeat(tmp_path, header, rows, expected):
    """An id that comes with different answers is a task's or a picture's, no answer's."""
    urls = ["http://x.example/1.jpg", "http://x.example/2.jpg"]
    (tmp_path / "rows.csv").write_text("\n".join([header, *(row.format(*urls) for row in rows)]))
    assert guess_source(tmp_path / "rows.csv").id_column == expected


def test_json_export_with_edited_annotations(tmp_path):
    """An annotation that stands in two exports with different answers counts as it was said last."""

    def task(label, at):
        result = [{"type": "choices", "from_name": "brand", "value": {"choices": [label]}}]
        return [{"id": 1, "data": {"image": "http://x.example/1"}, "annotations": [{"id": 7, "created_at": at, "result": result}]}]

    (tmp_path / "new.json").write_text(json.dumps(task("puma", "2021-03-10T00:00:00Z")))
    (tmp_path / "old.json").write_text(json.dumps(task("nike", "2021-03-09T00:00:00Z")))
    got = read_all(tmp_path, {"path": "new.json"}, {"path": "old.json"})
    assert [label for _, label in got.answers] == ["puma"]
    assert got.rejected[0]["detail"] == "another row with this id and a later state counts: id 1-7"
