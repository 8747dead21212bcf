"""A column an option: check boxes that a form exports one a column; a row's ticks are one answer."""

from __future__ import annotations

import pytest

from logoingest.choices import read_choices
from logoingest.errors import SourceError
from logoingest.sources import guess_source

HEAD = "image_url,worker,"
MTURK = "HITId,AssignmentId,WorkerId,AssignmentStatus,Input.image_url,"


def list_said(got):
    return [read_choices(row["raw_label"]) or [row["raw_label"]] for row in got.kept]


def write_rows(head, start, cells):
    return "\n".join([head, *(f"{start.format(place)},{row}" for place, row in enumerate(cells))]) + "\n"


@pytest.mark.parametrize(
    "cells",
    [
        ["1,0,0", "0,1,1", "0,0,0"],
        ["true,false,false", "FALSE,TRUE,TRUE", "false,false,"],
        ["x,,", ",x,x", ",,"],
        ["✓,,", ",✓,✓", ",,"],
    ],
)
@pytest.mark.parametrize(
    "names",
    ["robin,blue tit,heron", "label_robin,label_blue tit,label_heron", "Answer.robin.on,Answer.blue tit.on,Answer.heron.on"],
)
def test_ticks_of_a_row_are_one_answer(read, names, cells):
    """However they are ticked, and whatever the form puts around the options' names."""
    got = read(write_rows(HEAD + names, "http://x.example/{}.jpg,w1", cells))
    assert list_said(got) == [["robin"], ["blue tit", "heron"], [""]]
    assert {row["worker_id"] for row in got.kept} == {"w1"}


def test_a_cell_that_is_neither_is_refused(read):
    """Its row is a rejected one that names the column; what the config names is checked against the header."""
    head = HEAD + "a,b,c"
    got = read(write_rows(head, "http://x.example/{}.jpg,w1", ["1,0,0", "0,perhaps,1"]), option_columns=["a", "b", "c"])
    assert list_said(got) == [["a"]]
    assert "column b" in got.rejected[0]["detail"]
    with pytest.raises(SourceError, match="d"):
        read(write_rows(head, "http://x.example/{}.jpg,w1", ["1,0,0"]), option_columns=["a", "d"])


@pytest.mark.parametrize("suffix", ["", ".on"])
def test_check_boxes_of_mturk_without_a_common_name(read, tmp_path, suffix):
    """``Answer.robin``, ``Answer.heron`` are options of one question; text beside them is none."""
    names = f"Answer.robin{suffix},Answer.heron{suffix},Answer.taskAnswers"
    rows = write_rows(
        MTURK + names, "H{0},A{0},w1,Submitted,http://x.example/{0}.jpg", ["true,false,", "true,true,", "false,false,"]
    )
    assert list_said(read(rows)) == [["robin"], ["robin", "heron"], [""]]
    assert guess_source(tmp_path / "rows.csv").label_column == "Answer"


@pytest.mark.parametrize(
    "rows",
    [
        "url,label,a,b,c\nhttp://x.example/1.jpg,robin,1,0,0\n",  # an answer is there
        "url,label,a,b\nhttp://x.example/1.jpg,robin,1,0\n",
        "url,label\nhttp://x.example/1.jpg,robin\n",
    ],
)
def test_flags_beside_an_answer_are_no_options(read, rows):
    """They stay what they are: other columns."""
    assert list_said(read(rows)) == [["robin"]]
