from __future__ import annotations

import json

import pytest

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.sources import guess_source, read_annotations
from logoingest.sources.cells.columns import guess_roles
from logoingest.sources.files.opening import guess_encoding

KEYS = ("format", "encoding", "delimiter", "url_column", "label_column", "worker_column", "bbox_column", "id_column")


def read_as_guessed(path):
    guess = guess_source(path)
    keys = {key: getattr(guess, key) for key in KEYS}
    kept, rejected = read_annotations([SourceConfig(path=path.name, **keys)], path.parent)
    assert kept.num_rows + rejected.num_rows == guess.rows > 0
    assert guess.notes
    return guess


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "several_images.csv",
            {"format": "mturk", "url_column": "Input.image_url", "label_column": "Answer.brand", "id_column": "AssignmentId"},
        ),
        ("task_answers.csv", {"format": "mturk", "label_column": "Answer.brand", "worker_column": "WorkerId"}),
        ("options.csv", {"format": "mturk", "label_column": "Answer.brand"}),
        ("urls.txt", {"format": "urls", "url_column": None, "delimiter": " "}),
        ("label_studio.json", {"format": "label_studio", "url_column": "image"}),
        ("voc", {"format": "voc"}),
        ("voc/kraft/img000011.xml", {"format": "voc"}),
    ],
)
def test_case_files_are_known(cases, name, expected):
    """Every kind of file is known by its content, and reading it as guessed works."""
    guess = read_as_guessed(cases / name)
    assert {key: getattr(guess, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "url,label\nhttp://x.example/1,a\n",
            {"format": "tabular", "url_column": "url", "label_column": "label", "delimiter": None},
        ),
        (
            "id;image;brand;annotator\n1;http://x.example/1.jpg;é;w\n",
            {"delimiter": ";", "id_column": "id", "worker_column": "annotator", "label_column": "brand"},
        ),
        (
            "page_url\timage_url\tname\thttp\nhttp://y.example/\thttp://x.example/1.jpg\tx\t1\n",
            {"url_column": "image_url", "label_column": "name", "delimiter": "\t"},
        ),
        ("a,b\nfoo,http://x.example/1.jpg\n", {"url_column": "b", "label_column": "a"}),
        ('photo,bbox,tag\nhttp://x.example/1.jpg,"[1,2,3,4]",x\n', {"bbox_column": "bbox", "label_column": "tag"}),
        (
            '{"img": "http://x.example/1.jpg", "choice": 3}\n{"img": "http://x.example/2.jpg"}\n',
            {"format": "tabular", "url_column": "img", "label_column": "choice"},
        ),
        (
            json.dumps([{"image": "http://x.example/1.jpg", "choice": "a", "annotator": 1, "id": 5}]),
            {"format": "tabular", "worker_column": "annotator", "id_column": "id"},
        ),
        ("http://x.example/5,adidas\nhttp://x.example/6,nike\n", {"format": "urls", "delimiter": ","}),
        ("https://x.example/5.jpg\n", {"format": "urls"}),
    ],
)
def test_columns_are_guessed(tmp_path, text, expected):
    """Names and content together tell the columns."""
    (tmp_path / "rows").write_text(text, encoding="utf-8")
    guess = read_as_guessed(tmp_path / "rows")
    assert {key: getattr(guess, key) for key in expected} == expected


def test_labels_are_counted(tmp_path):
    """The most frequent raw labels come first, ties in order of the text."""
    (tmp_path / "rows.csv").write_text(
        "url,label\n" + "".join(f"http://x.example/{n}.jpg,{label}\n" for n, label in enumerate("bacab"))
    )
    guess = guess_source(tmp_path / "rows.csv")
    assert guess.labels == (("a", 2), ("b", 2), ("c", 1))
    assert guess.distinct_labels == 3


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("cp1252", "Citroën façade"),
        ("shift_jis", "アディダスのロゴ"),
        ("gb18030", "可口可乐标志"),
        ("cp1251", "Адидас логотип"),
        ("utf-16", "Citroën"),
        ("utf-8-sig", "Citroën"),
    ],
)
def test_encoding_is_proposed(tmp_path, encoding, label):
    """A file in another encoding is read with a proposal and a note; UTF-8 needs none."""
    (tmp_path / "rows.csv").write_bytes(f"url,label\nhttp://x.example/1.jpg,{label}\n".encode(encoding))
    guess = read_as_guessed(tmp_path / "rows.csv")
    assert guess.encoding == ("utf-8" if encoding == "utf-8-sig" else encoding)
    assert guess.labels == ((label, 1),)
    assert any("not UTF-8" in note for note in guess.notes) == (encoding != "utf-8-sig")


def test_a_late_accent_is_found(tmp_path):
    """An encoding that shows only after the first bytes is found all the same."""
    rows = "".join(f"http://x.example/{number}.jpg,plain\n" for number in range(5000))
    (tmp_path / "rows.csv").write_bytes(f"url,label\n{rows}http://x.example/x.jpg,Citroën\n".encode("cp1252"))
    assert read_as_guessed(tmp_path / "rows.csv").encoding == "cp1252"
    assert guess_encoding(b"\x81 \x8d \x8f") == "latin-1"


@pytest.mark.parametrize("text", ["name,brand\nx,y\n", "", "url,label\n", "a\x00b"])
def test_what_cannot_be_guessed_is_an_error(tmp_path, text):
    """Nothing is made up for a file without image URLs."""
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(SourceError):
        guess_source(tmp_path / "rows.csv")


def test_roles_need_evidence():
    """A name alone makes no box column, a repeated value no id, a link elsewhere no label."""
    roles = guess_roles(
        {"url": ["http://x.example/1"] * 2, "bbox": ["no", "box"], "record_id": ["1", "1"], "label_url": ["http://y.example/"] * 2}
    )
    assert roles == ("url", None, None, None, None)


def test_who_it_is_is_not_what_was_said():
    """A person's name is no answer where the taxon's is beside it; a person's answer is one, and an empty column none."""
    urls = {"image_url": ["https://x.example/1.jpg", "https://x.example/2.jpg"]}
    people = {"user_id": ["7", "8"], "user_name": ["Ann", "Bo"]}
    assert guess_roles({**urls, **people, "common_name": ["Robin", "Wren"]}).label == "common_name"
    assert guess_roles({**urls, **people, "user_answer": ["Robin", "Wren"]}).label == "user_answer"
    assert guess_roles({**urls, "Q1_TEXT": ["", ""], "Q1": ["Robin", "Wren"]}).label == "Q1"
