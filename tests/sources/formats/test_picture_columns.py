"""Forms' tables with a column a picture: each row is a person, the URL stands in the column's name or in its question."""

from __future__ import annotations

import pytest

from logoingest.errors import SourceError
from logoingest.sources import guess_source

URLS = [f"http://x.example/{number}.jpg" for number in (1, 2)]
ROWS = "W1,nike,\nW2,puma,asics\n"
SAID = [("W1", URLS[0], "nike"), ("W2", URLS[0], "puma"), ("W2", URLS[1], "asics")]


def tell(got):
    return [(row["worker_id"], row["url"], row["raw_label"]) for row in got.kept]


@pytest.mark.parametrize(
    "header",
    [
        f"Username,Which brand? [{URLS[0]}],Which brand? [{URLS[1]}]\n",
        f"Worker,{URLS[0]},{URLS[1]}\n",
        f"Respondent ID,What do you see?,\n,{URLS[0]},{URLS[1]}\n",
        "Respondent,Q1,Q2\nWho,"
        + ",".join(f'"What is it? <img src=""{url}?a=1&amp;b=2"">"' for url in URLS)
        + '\n"{""ImportId"":""a""}","{""ImportId"":""b""}","{""ImportId"":""c""}"\n',
    ],
    ids=["Google Forms", "URLs alone", "SurveyMonkey", "Qualtrics"],
)
def test_each_cell_is_an_answer_about_its_columns_picture(read, tmp_path, header):
    """What a form exports is read as rows of worker, picture, answer; a cell that says nothing is none."""
    (tmp_path / "form.csv").write_text(header + ROWS)
    guess = guess_source(tmp_path / "form.csv")
    assert len(guess.picture_columns) == 2
    got = read(header + ROWS, worker_column=guess.worker_column, picture_columns=guess.picture_columns)
    assert [(who, url.partition("?")[0], said) for who, url, said in tell(got)] == SAID
    assert all(url.endswith(("jpg", "a=1&b=2")) for url, _ in got.answers)


def test_urls_that_name_all_columns_are_a_header_and_no_list(read):
    """A line of URLs above lines without any is no list of URLs."""
    got = read(f"{URLS[0]},{URLS[1]}\nnike,puma\nnike,\n")
    assert got.answers == [(URLS[0], "nike"), (URLS[1], "puma"), (URLS[0], "nike")]


@pytest.mark.parametrize("name", ["IMG {}.jpg", "Which brand? (IMG {}.jpg)", "Brand: IMG {}.jpg", "Brand [IMG {}.jpg]"])
def test_a_files_name_is_completed(read, name):
    """Columns that are called by files are pictures' as well; url_prefix says where they lie."""
    got = read(f"worker,{name.format(1)},{name.format(2)}\n" + ROWS, url_prefix="http://x.example/a/{}")
    assert got.answers[:2] == [("http://x.example/a/IMG 1.jpg", "nike"), ("http://x.example/a/IMG 1.jpg", "puma")]


def test_a_row_is_a_person_by_its_id(read):
    """Where nothing names who answered, the response's id does; its answers are numbered."""
    got = read(f"ResponseId,{URLS[0]},{URLS[1]}\nR1,nike,puma\n", id_column="ResponseId")
    assert [(row["worker_id"], row["source_id"]) for row in got.kept] == [("R1", "R1"), ("R1", "R1:2")]


def test_a_row_that_says_nothing_is_refused(read):
    """A person who answered nothing is told, and lost in silence nowhere."""
    got = read(f"worker,{URLS[0]},{URLS[1]}\nW1,,\nW2,nike,\n")
    assert got.reasons == [(1, "invalid_row")]
    assert got.rejected[0]["detail"] == "says nothing of any picture"


def test_several_questions_about_a_picture_are_asked_for(read):
    """How sure somebody was is no answer; of two other questions about one picture a person says which counts."""
    sure = read(f"worker,Brand? [{URLS[0]}],How sure? [{URLS[0]}],Brand? [{URLS[1]}],How sure? [{URLS[1]}]\nW1,nike,4,puma,2\n")
    assert sure.answers == [(URLS[0], "nike"), (URLS[1], "puma")]
    two = f"worker,Brand? [{URLS[0]}],Colour? [{URLS[0]}]\nW1,nike,red\n"
    with pytest.raises(SourceError, match=r"asks more than once about a picture: .*; name the columns that count"):
        read(two)
    assert read(two, picture_columns=[f"Colour? [{URLS[0]}]"]).answers == [(URLS[0], "red")]


def test_a_column_that_names_no_picture_is_told(read):
    """A named column without a URL or a file's name in it is an error, and no picture of that name."""
    with pytest.raises(SourceError, match=r'a column "note" that names no picture'):
        read("worker,note\nW1,nike\n", picture_columns=["note"])


@pytest.mark.parametrize(
    "text",
    [
        f"{URLS[0]},http://x.example/thumb/1.jpg,nike\n{URLS[1]},http://x.example/thumb/2.jpg,puma\n",
        f"see http://form.example/a,image_url,label\nx,{URLS[0]},nike\n",
    ],
)
def test_a_table_whose_cells_hold_pictures_is_none_of_these(read, text):
    """URLs in the rows are the pictures, whatever the first line holds."""
    got = read(text, format="tabular")
    assert got.answers[0] == (URLS[0], "nike")
