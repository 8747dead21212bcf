from __future__ import annotations

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError


def test_several_images_per_hit(cases):
    """Pictures pair with answers by number; empty places are nothing; a lost URL and rejected work are accounted for."""
    got = read_all(cases, {"path": "several_images.csv"})
    assert [(row["url"][-5:], row["raw_label"], row["source_id"]) for row in got.kept] == [
        ("1.jpg", "nike", "A1"),
        ("2.jpg", "", "A1:2"),
        ("3.jpg", "puma", "A1:3"),
        ("4.jpg", "adidas", "A2"),
        ("7.jpg", "x", "A5"),
    ]
    assert got.reasons == [
        (3, "assignment_rejected"),
        (3, "assignment_rejected"),
        (4, "assignment_rejected"),
        (4, "assignment_rejected"),
        (5, "missing_url"),
        (6, "missing_url"),
    ]
    assert got.rejected[2]["detail"] == "typed nonsense"
    first, fourth = got.kept[0], got.kept[3]
    assert (first["status"], first["work_time_s"], first["submitted_at"].isoformat()) == (
        "approved",
        30.0,
        "2025-10-09T07:30:20+00:00",
    )
    assert (fourth["status"], fourth["work_time_s"], fourth["submitted_at"]) == ("submitted", None, None)


def test_task_answers(cases):
    """The JSON of Crowd HTML Elements: encoded once or twice, classifier, ticked options, text, boxes; broken JSON is refused."""
    got = read_all(cases, {"path": "task_answers.csv", "label_column": "brand"})
    assert [(row["source_id"], row["raw_label"]) for row in got.kept] == [
        ("A1", "adidas"),
        ("A2", "nike"),
        ("A3", '["adidas", "nike"]'),
        ("A4", "Café Noir "),
        ("A6", ""),
        ("A7", "a"),
        ("A7:2", "b"),
    ]
    assert got.kept[-1]["bbox"] == [1, 2, 3, 5]
    assert got.reasons == [(5, "invalid_row")]
    assert "Answer.taskAnswers: not valid JSON" in got.rejected[0]["detail"]


def test_the_label_of_task_answers_is_guessed(cases):
    """Of several task answers the one named like a label is taken; Answer.brand means the same."""
    guessed = read_all(cases, {"path": "task_answers.csv"})
    assert guessed == read_all(cases, {"path": "task_answers.csv", "label_column": "Answer.brand"})
    assert len(guessed.kept) == 7


def test_option_columns(cases):
    """A column per option is one answer: the ticked options."""
    got = read_all(cases, {"path": "options.csv"})
    assert [(row["source_id"], row["raw_label"]) for row in got.kept] == [
        ("A1", "adidas"),
        ("A2", '["adidas", "nike"]'),
        ("A3", ""),
    ]


HEAD = "HITId,AssignmentId,WorkerId,AssignmentStatus,"


@pytest.mark.parametrize(
    ("columns", "cells", "answers"),
    [
        ("Input.image_url_0,Input.image_url_1,Answer.a1,Answer.a2", "u1,u2,x,y", [("u1", "x"), ("u2", "y")]),
        ("Input.image_url1,Input.image_url2,Answer.brand", "u1,u2,x", [("u1", "x"), ("u2", "x")]),
        ("Input.image_url,Input.image_url2,Answer.brand,Answer.brand2", "u1,u2,x,y", [("u1", "x"), ("u2", "y")]),
        ("Input.image_url,Answer.brand1,Answer.brand2", "u1,x,y", [("u1", '["x", "y"]')]),
        ("Input.image_url,Answer.brand1,Answer.brand2", "u1,x,", [("u1", "x")]),
        ("Input.image_url1,Input.image_url2,Answer.brand2", "u1,u2,y", [("u1", ""), ("u2", "y")]),
        ("Input.image_url1,Input.image_url10,Answer.brand10,Answer.brand1", "u1,u10,y,x", [("u1", "x"), ("u10", "y")]),
        ("Input.image_url1,Answer.brand1.label", "u1,x", [("u1", "x")]),
    ],
)
def test_pairing(read, columns, cells, answers):
    """Pictures and answers pair by number, else in order; one answer counts for all pictures, one picture takes all answers."""
    cells = ",".join(f"http://x.example/{cell}" if cell.startswith("u") else cell for cell in cells.split(","))
    got = read(f"{HEAD}{columns},Approve,Reject\nH,A,W,Approved,{cells}\n")
    assert [(url.rpartition("/")[2], label) for url, label in got.answers] == answers


def test_what_cannot_pair_is_an_error(read):
    """Three pictures and two answers of other numbers are a fault of the config, said so."""
    with pytest.raises(SourceError, match="3 pictures a row and 2 answers that do not pair"):
        read(
            f"{HEAD}Input.image_url1,Input.image_url2,Input.image_url3,Answer.b7,Answer.b8,Approve,Reject\nH,A,W,Approved,http://x.example/1,,,a,b\n"
        )


def test_several_possible_labels_are_asked_for(read):
    """With two answers and no name that tells, the message lists them."""
    with pytest.raises(SourceError, match=r"none is plainly the label; name it: label_column = … of Answer.q, Answer.z"):
        read(f"{HEAD}Input.image_url,Answer.q,Answer.z,Approve,Reject\nH,A,W,Approved,http://x.example/1,a,b\n")


def test_boxes_in_another_column(read):
    """A box column beside the label column gives the label its boxes."""
    row = 'H,A,W,Approved,http://x.example/1,nike,"[{""left"":1,""top"":2,""width"":3,""height"":4}]"'
    got = read(
        f"{HEAD}Input.image_url,Answer.brand,Answer.boxes,Approve,Reject\n{row}\n", bbox_column="Answer.boxes", label_column="brand"
    )
    assert [(row["raw_label"], row["bbox"]) for row in got.kept] == [("nike", [1, 2, 3, 4])]
