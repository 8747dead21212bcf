"""Files as forms, surveys and annotation services write them: which column is which, and who was sure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from builders.sources import read_all
from logoingest.config import SourceConfig
from logoingest.sources import guess_source, read_annotations
from logoingest.sources.cells.columns import CERTAINTY_WORDS, complete_url, split_words

FORMS = Path(__file__).resolve().parents[2] / "data" / "sources" / "forms"
BIRDS = {"robin", "robins", "robbin", "blackbird", "black bird", "magpie", "magpies", "wren", "1", "2", "3", "4"}


@pytest.mark.parametrize("case", json.loads((FORMS / "cases.json").read_text("utf-8")), ids=lambda case: case["file"])
def test_columns_of_forms_are_found(case):
    """Picture, answer, who answered and what "other" was; every answer is then a bird or its code."""
    guess = guess_source(FORMS / case["file"])
    found = (guess.url_column, guess.label_column, guess.worker_column, guess.other_column)
    assert found == (case["url"], case["label"], case["worker"], case["other"])
    assert {label.casefold() for label, _ in guess.labels} <= BIRDS


@pytest.mark.parametrize("name", ["qualtrics.csv", "google_forms.csv", "excel_merged.csv", "toloka_other.tsv", "mturk_codes.csv"])
def test_a_column_of_how_sure_people_were_is_told(name):
    """It is never the answer, and init says that it is not used."""
    assert any("how sure people were" in note for note in guess_source(FORMS / name).notes)


@pytest.mark.parametrize("word", sorted(CERTAINTY_WORDS))
def test_a_word_of_certainty_is_found_in_a_name(word):
    """As it stands in the list, whatever its script."""
    assert word in split_words(f"{word}_1")


@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ({"unsure": ["Guess"]}, ["guess"]),
        ({"unsure_below": 50}, ["40 %", "0"]),
        ({"unsure": ["guess"], "unsure_below": 40.5}, ["guess", "40 %", "0"]),
    ],
)
def test_guesses_do_not_vote_where_the_config_says_so(tmp_path, keys, refused):
    """They are refused as unsure; an empty cell says nothing."""
    said = ["sure", "guess", "40 %", "80", "", "0"]
    rows = "".join(f"http://x.example/1.jpg,robin,w{place},{cell}\n" for place, cell in enumerate(said))
    (tmp_path / "a.csv").write_text("image_url,label,worker,how sure\n" + rows, "utf-8")
    source = SourceConfig.model_validate({"path": "a.csv", "certainty_column": "how sure", **keys})
    kept, rejected = read_annotations([source], tmp_path)
    assert kept.num_rows == len(said) - len(refused)
    assert rejected.column("reason").to_pylist() == ["unsure"] * len(refused)
    assert [detail.split(" in ")[0].removeprefix("says ") for detail in rejected.column("detail").to_pylist()] == refused


@pytest.mark.parametrize("keys", [{"certainty_column": "sure"}, {"unsure": ["guess"]}, {"unsure_below": 3}])
def test_a_column_of_certainty_and_what_is_unsure_go_together(keys):
    """One without the other decides nothing, and is refused."""
    with pytest.raises(ValidationError, match="certainty_column goes with"):
        SourceConfig.model_validate({"path": "a.csv", **keys})


def test_a_loop_of_questions_is_a_column_a_picture():
    """Qualtrics' loop asks about a picture a column: its URL stands in the question below the header, and the response is the person."""
    guess = guess_source(FORMS / "qualtrics_loop.csv")
    assert guess.picture_columns == tuple(f"{number}_Q1" for number in range(1, 9))
    got = read_all(FORMS, {"path": "qualtrics_loop.csv", "id_column": guess.id_column})
    assert len(got.kept) == 24
    assert {row["worker_id"] for row in got.kept} == {"R_0", "R_1", "R_2"}
    assert got.answers[1] == ("https://birds.example/img/001.jpg", "Blackbird")


@pytest.mark.parametrize(
    ("cell", "url"),
    [
        ("IMG_1.jpg (https://dl.example/a/b.jpg)", "https://dl.example/a/b.jpg"),
        ("![robin](https://x.example/1.jpg)", "https://x.example/1.jpg"),
        ("https://x.example/1_(2).jpg", "https://x.example/1_(2).jpg"),
        ("https://x.example/File_(https).jpg", "https://x.example/File_(https).jpg"),
    ],
)
def test_a_link_in_brackets_is_the_url(cell, url):
    """As Airtable writes attachments; brackets within a URL are its own."""
    assert complete_url(cell, "") == url


def test_nobody_is_not_one_person():
    """Where a form writes "anonymous" for everybody, each answer is somebody's own, and all of them vote."""
    kept, _ = read_annotations([SourceConfig(path="microsoft_forms.csv", worker_column="Email")], FORMS)
    assert set(kept.column("worker_id").to_pylist()) == {None}
