"""Tables of known families: boxes in four columns, a column an annotator, MTurk's XML, Label Studio's tables, crowd-kit, Open Images."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from builders.sources import read_all
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.sources import guess_source

SHARES = "https://x.example/{}.jpg"


def list_boxes(got):
    return [(row["raw_label"], row["bbox"]) for row in got.kept]


@pytest.mark.parametrize(
    ("name", "keys", "boxes"),
    [
        ("roboflow.csv", {}, [("nike", [10, 20, 100, 50]), ("puma", [1, 2, 30, 40]), ("nike", None)]),
        ("mturk_like.csv", {}, [("nike", [10, 20, 100, 50]), ("puma", [1, 2, 30, 40])]),
        ("yolo_shares.csv", {}, [("nike", [50, 150, 100, 100]), ("puma", None)]),
        ("open_images.csv", {"url_prefix": SHARES}, [("/m/0cmf2", None), ("/m/02wbm", None)]),
    ],
)
def test_boxes_in_four_columns(cases, name, keys, boxes):
    """Corners, corner and size, centre and size; in pixels, or in shares of a picture whose size is given."""
    got = read_all(cases / "tabular", {"path": name, **keys})
    assert list_boxes(got) == boxes
    guess = guess_source(cases / "tabular" / name) if not keys else None
    assert guess is None or (len(guess.bbox_columns) == 4 and guess.rows == len(got.kept) + len(got.rejected))


def test_broken_boxes_are_refused(cases):
    """A box without area, and one of three numbers, are rejected rows with their URL and answer."""
    got = read_all(cases / "tabular", {"path": "roboflow.csv"})
    assert [(row["source_row"], row["url"], row["raw_label"], row["detail"]) for row in got.rejected] == [
        (3, "b_jpg.rf.2.jpg", "nike", "a box needs an area, not 0 × 30"),
        (5, "c_jpg.rf.3.jpg", "nike", "a box has numbers, not ''"),
    ]


def test_shares_without_the_pictures_size_are_kept(cases):
    """They wait, as [x, y, width, height], for the picture."""
    got = read_all(cases / "tabular", {"path": "open_images.csv", "url_prefix": SHARES})
    assert [row["url"] for row in got.kept] == ["https://x.example/0001eeaf4aed83f9.jpg", "https://x.example/000595fe6fee6369.jpg"]
    assert json.loads(got.kept[1]["attributes"]) == {"bbox_shares": [0, 0, 1, 1]}
    assert json.loads(got.kept[0]["attributes"])["bbox_shares"] == pytest.approx([0.022673031, 0.07103825, 0.941527469, 0.72950822])


def test_columns_of_other_names_are_named_by_the_config(read):
    """bbox_columns, bbox_format and bbox_unit decide; what cannot be told by names is asked for."""
    text = "url,label,a,b,c,d\nhttp://x.example/1.jpg,nike,10,20,110,70\n"
    columns = {"bbox_columns": ["a", "b", "c", "d"]}
    assert list_boxes(read(text, **columns, bbox_format="xyxy")) == [("nike", [10, 20, 100, 50])]
    assert list_boxes(read(text, **columns, bbox_format="xywh")) == [("nike", [10, 20, 110, 70])]
    assert list_boxes(read(text, **columns, bbox_format="cxcywh")) == [("nike", [-45, -15, 110, 70])]
    with pytest.raises(SourceError, match="box columns of unusual names; say bbox_format"):
        read(text, **columns)
    with pytest.raises(SourceError, match=r"has no column \"e\" \(bbox_columns\[3\]\)"):
        read(text, bbox_columns=["a", "b", "c", "e"])
    with pytest.raises(ValidationError, match="names four columns, not 3"):
        SourceConfig(path="x", bbox_columns=("a", "b", "c"))
    small = "url,label,x,y,w,h\nhttp://x.example/1.jpg,nike,0,0,1,1\n"
    assert list_boxes(read(small)) == [("nike", [0, 0, 1, 1])]
    assert list_boxes(read(small, bbox_unit="shares")) == [("nike", None)]


def test_a_denial_is_no_answer(cases):
    """Open Images' verified labels say by Confidence 0 that a class is not there."""
    got = read_all(cases / "tabular", {"path": "open_images_labels.csv", "url_prefix": SHARES})
    assert [row["raw_label"] for row in got.kept] == ["/m/0cmf2"]
    assert [row["detail"] for row in got.rejected] == ["says that the class is not in the picture (Confidence 0)"]


def test_ids_need_a_prefix(cases, read):
    """A column of ids is no column of URLs: the message names it and what to set; file names are read as they are."""
    with pytest.raises(
        SourceError, match=r'its column "ImageID" seems to hold ids; say where the pictures lie, with \{\} for the id'
    ):
        read_all(cases / "tabular", {"path": "open_images.csv"})
    assert read("task,worker,label\n17,w,cat\n", url_prefix=SHARES).answers == [("https://x.example/17.jpg", "cat")]
    got = read_all(cases / "tabular", {"path": "crowdkit_ids.csv", "url_prefix": "https://x.example/"})
    assert [(row["url"], row["worker_id"], row["raw_label"]) for row in got.kept[:2]] == [
        ("https://x.example/img_000.jpg", "w0", "cat"),
        ("https://x.example/img_000.jpg", "w1", "cat"),
    ]


def test_crowd_kit(cases):
    """task, worker, label: URLs under task, a vote a row."""
    guess = guess_source(cases / "tabular/crowdkit.csv")
    assert (guess.url_column, guess.worker_column, guess.label_column) == ("task", "worker", "label")
    got = read_all(cases / "tabular", {"path": "crowdkit.csv"})
    assert [row["worker_id"] for row in got.kept] == ["w0", "w1", "w2"] * 4


def test_a_column_an_annotator(cases, read):
    """Each filled cell is that person's answer; a row without any is an empty answer; ids go along."""
    assert guess_source(cases / "tabular/wide.csv").annotator_columns == ("annotator_1", "annotator_2", "annotator_3")
    got = read_all(cases / "tabular", {"path": "wide.csv"})
    assert [(row["source_row"], row["worker_id"], row["raw_label"]) for row in got.kept] == [
        (1, "annotator_1", "nike"),
        (1, "annotator_2", "nike"),
        (1, "annotator_3", "puma"),
        (2, "annotator_1", "puma"),
        (2, "annotator_3", "puma"),
    ]
    text = 'id,url,anna,ben\n7,http://x.example/1.jpg,nike,"[""puma"", ""nike""]"\n8,http://x.example/2.jpg,,\n'
    named = read(text, annotator_columns=["anna", "ben"], id_column="id")
    assert [(row["source_id"], row["worker_id"], row["raw_label"]) for row in named.kept] == [
        ("7", "anna", "nike"),
        ("7:2", "ben", '["puma", "nike"]'),
        ("8", None, ""),
    ]
    with pytest.raises(SourceError, match=r'has no column "bne" .annotator_columns\[1\].; did you mean "ben"'):
        read(text, annotator_columns=["anna", "bne"])


@pytest.mark.parametrize(
    "header",
    [
        "url,label,annotator_1_time,annotator_2_time",
        "url,label,worker",
        "url,label,worker_id_1,worker_id_2",
        "url,label_1,worker_1,worker_2,label_2",
    ],
)
def test_other_columns_are_no_annotators(read, header):
    """A single worker column, times and ids of several workers are no answers."""
    cells = ",".join(["x"] * (header.count(",") - 1))
    assert read(f"{header}\nhttp://x.example/1.jpg,nike,{cells.replace('x,', '', 1)}\n").answers == [
        ("http://x.example/1.jpg", "nike")
    ]


def test_what_mturks_api_answers(cases):
    """The XML in the cell is read; the worker, the status, the time, the seconds between acceptance and submission as well."""
    got = read_all(cases / "tabular", {"path": "boto3.csv"})
    assert [(row["raw_label"], row["worker_id"], row["source_id"], str(row["submitted_at"])) for row in got.kept] == [
        ("nike", "W1", "A1", "2021-03-02 04:48:54+00:00"),
        ("Nike", "W2", "A2", "2021-03-02 04:48:54+00:00"),
    ]
    form = read_all(cases / "tabular", {"path": "crowd_form.csv"})
    assert [(row["raw_label"], row["status"], row["work_time_s"]) for row in form.kept] == [('["nike", "puma"]', "approved", 54)]
    assert [(row["raw_label"], row["reason"]) for row in form.rejected] == [
        ('["nike", "adidas"]', "assignment_rejected"),
        ("<QuestionFormAnswers><Answer>", "invalid_row"),
        ('<QuestionFormAnswers><!DOCTYPE x [<!ENTITY a "b">]></QuestionFormAnswers>', "invalid_row"),
    ]
    comments = read_all(cases / "tabular", {"path": "crowd_form.csv", "label_column": "Answer.comment"})
    assert [row["raw_label"] for row in comments.kept] == ["ok"]


def test_the_question_is_asked_for_where_several_may_be_meant(read):
    """Two questions whose names say nothing."""
    questions = "".join(f"<Answer><QuestionIdentifier>{q}</QuestionIdentifier><FreeText>{q}!</FreeText></Answer>" for q in "ab")
    text = f"url,Answer\nhttp://x.example/1.jpg,<QuestionFormAnswers>{questions}</QuestionFormAnswers>\n"
    with pytest.raises(SourceError, match=r'label_column = "Answer.a" or "Answer.b"'):
        read(text)
    assert read(text, label_column="Answer.b").answers == [("http://x.example/1.jpg", "b!")]


@pytest.mark.parametrize("name", ["ls_min_choice.json", "ls_min_rect.json", "ls_csv.csv"])
def test_label_studios_tables(cases, name):
    """JSON-MIN and CSV: annotators, ids, times and seconds without a word in the config; no mail address gets into a table."""
    got = read_all(cases / "tabular", {"path": name, "url_prefix": "https://ls.x.example"})
    first = got.kept[0]
    assert (first["work_time_s"], str(first["submitted_at"])) == (17, "2021-03-09 21:52:49.513742+00:00")
    assert first["worker_id"] and first["source_id"] and "@" not in json.dumps(got.kept, default=str)
    if name == "ls_min_choice.json":
        assert [row["raw_label"] for row in got.kept][:3] == ['["Cat", "Dog"]', '["Cat", "Dog"]', "Cat"]
    else:
        assert list_boxes(got)[:2] == [("Car", [80, 120, 240, 240]), ("Bus", [8, 12, 24, 24])]
        assert first["url"] == "https://ls.x.example/data/upload/1/0.jpg"


def test_status_and_times_can_be_named(read):
    """A rejected answer is refused wherever its verdict stands; columns of other content are left alone."""
    text = "url,label,ok,when,took\nhttp://x.example/1.jpg,a,Accepted,2020-01-02 03:04:05,7\nhttp://x.example/2.jpg,b,Rejected,,\n"
    got = read(text, status_column="ok", time_column="when", work_time_column="took")
    assert [(row["status"], row["submitted_at"].hour, row["work_time_s"]) for row in got.kept] == [("approved", 3, 7)]
    assert got.reasons == [(2, "assignment_rejected")]
    plain = read("url,label,status,created_at\nhttp://x.example/1.jpg,a,rejected by me,yesterday\n")
    assert [(row["status"], row["submitted_at"]) for row in plain.kept] == [("submitted", None)]


@pytest.mark.parametrize(("name", "told"), [("tabular/roboflow.csv", True), ("voc", True), ("tabular/mturk_like.csv", False)])
def test_mere_file_names_are_pointed_out(cases, name, told):
    """Whoever starts with them learns at once where to say where they lie."""
    notes = guess_source(cases / name).notes
    assert any("set url_prefix to where they can be fetched, or local_root" in note for note in notes) == told


@pytest.mark.parametrize(
    "names", ["annotator1,annotator2", "Rater A,Rater B", "label_worker_1,label_worker_2", "annotator_1_label,annotator_2_label"]
)
def test_families_of_annotators(read, names):
    """Numbers and letters, with a word for answers before or behind."""
    got = read(f"url,{names}\nhttp://x.example/1.jpg,nike,puma\n")
    assert [(row["worker_id"], row["raw_label"]) for row in got.kept] == list(zip(names.split(","), ["nike", "puma"], strict=True))


def test_urls_that_are_not_fetched_are_pointed_out(cases):
    """A manifest's s3:// is nobody's web address."""
    assert any("Only http and https are fetched" in note for note in guess_source(cases / "ground_truth/classes.manifest").notes)
    assert not any("Only http" in note for note in guess_source(cases / "tabular/mturk_like.csv").notes)
