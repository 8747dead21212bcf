"""The gallery and a picture's page over HTTP: what is chosen, what is shown, what marking writes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from builders.web.served_pages import PICTURES, Pages, add_pictures, name_picture, open_pages, write_dataset
from logoingest.config import load_config
from logoingest.review.suggestions import make_label_id
from logoingest.schemas import PredictionRow
from logoingest.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_pictures(write_dataset(tmp_path), PICTURES, ["puma", "citroen", None, "puma"])
    return tmp_path


@pytest.fixture
def pages(folder: Path) -> Iterator[Pages]:
    (folder / "placeholders.txt").write_text("")
    with open_pages(load_config(folder / "dataset.toml", ["images.placeholders=placeholders.txt"])) as served:
        yield served


def list_shown(pages: Pages, query: str) -> list[int]:
    return [int(found, 16) - 1 for found in re.findall(r'<li data-id="(\w+)"', pages.get(f"/gallery?{query}").text)]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2, 3]), ("class_id=puma", [0, 3]), ("class_id=-", [2]), ("class_id=nothing", []), ("split=test", [1]), ("split=-", [2]),
        ("flag=blurry", [0]), ("host=pictures.test", [0, 1, 2, 3]), ("host=pictures", []), ("host=.*", []), ("worker=w1", [0, 2]), ("label=pmua", [2, 3]),
        ("label=pmua&class_id=puma", [3]), ("reason=tie", []), ("order=doubt", [3, 1, 0, 2]), ("start=3", [3]), ("start=99", [3]), ("start=-1", [0, 1, 2, 3]),
    ],
)  # fmt: skip
def test_pictures_are_chosen_by_what_is_said_of_them(pages, query, numbers):
    """Each choice narrows; what is not there is an empty page, not an error."""
    assert list_shown(pages, query) == numbers


def test_those_that_look_least_like_any_other_come_first(pages, folder):
    """By the distance that a model told; of others, and of pictures that are gone, nothing is known."""
    assert list_shown(pages, "order=strange") == []
    told = [(name_picture(0), 0.2), (name_picture(2), 0.9), (name_picture(1), None), (name_picture(9), 0.5)]
    facts = {"fold": None, "class_id": "puma", "class_index": 0, "probabilities": [1.0], "margin": 1.0}
    table = PredictionRow.table([{"image_id": image_id, "distance": distance, **facts} for image_id, distance in told])
    Workspace(load_config(folder / "dataset.toml").workspace_url).write_table("predictions", table)
    assert list_shown(pages, "order=strange") == [2, 0]
    assert list_shown(pages, "order=strange&class_id=puma") == [0]


def test_pictures_of_an_open_decision_are_chosen_by_its_key(pages):
    """Of all of its spellings; the card leads to them."""
    key = make_label_id("pmua")
    assert list_shown(pages, f"cluster={key}") == [2, 3]
    assert list_shown(pages, f"cluster={key}&class_id=puma") == [3]
    assert list_shown(pages, "cluster=nothing") == []
    assert f'href="/gallery?cluster={key}"' in pages.get(f"/queue/card?key={key}").text


def test_a_pictures_page_tells_what_every_table_says(pages):
    """Class, split, votes, boxes; links to what is behind it."""
    page = pages.get(f"/picture/{name_picture(0)}").text
    assert all(text in page for text in ("puma", "train", "blurry", '<rect x="8.0" y="16.0"', "http://pictures.test/0.jpg"))
    votes = pages.get(f"/picture/{name_picture(0)}/votes").text
    assert all(text in votes for text in ("w1", "puma", 'href="/row/1"'))


@pytest.mark.parametrize("change", ["none", "reversed", "fewer", "gone"])
def test_votes_stand_beside_their_own_decisions(pages, folder, change):
    """Also where the decisions are of older annotations, in another order or fewer of them, or are not there."""
    workspace = Workspace(load_config(folder / "dataset.toml").workspace_url)
    decisions = workspace.read_table("decisions")
    order = {"none": range(len(decisions)), "reversed": range(len(decisions))[::-1], "fewer": range(3, len(decisions)), "gone": []}[
        change
    ]
    workspace.write_table("decisions", decisions.take(pa.array(order, pa.int64())))
    votes = pages.get(f"/picture/{name_picture(0)}/votes").text
    assert "w1" in votes
    assert ("alias" in votes or "name" in votes) == (change in {"none", "reversed"})
    assert ("not decided" in votes) == (change in {"fewer", "gone"})


def test_deep_links_lead_to_the_picture_and_its_trail(pages):
    """By URL, by answer and by row; the trail is that of the command."""
    answer = pages.get("/url", params={"u": "http://pictures.test/1.jpg"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/picture/{name_picture(1)}")
    assert "annotations" in pages.get("/url", params={"u": "http://pictures.test/1.jpg", "trail": "1"}).text
    assert "pmua" in pages.get("/label", params={"raw": "pmua"}).text
    assert "http://pictures.test/2.jpg" in pages.get("/row/3").text
    assert pages.get("/row/999").status_code == 409


def test_marking_writes_rulings_that_are_taken_back_one_by_one(pages, folder):
    """By the person who made them."""
    ids = " ".join(name_picture(number) for number in (0, 3))
    assert pages.post("/gallery/mark", {"key": ids, "text": "Citroën"}).json()["is_done"]
    assert pages.post("/gallery/mark", {"key": name_picture(1), "text": "drop"}).json()["is_done"]
    groups = tomllib.loads((folder / "rulings.toml").read_text())["groups"]
    assert [(len(group["images"]), group["ruling"], group["by"]) for group in groups] == [
        (2, "class: citroen", "Ada"),
        (1, "drop", "Ada"),
    ]
    other = pages.enter()
    other.post("/name", {"text": "Bob"})
    assert not other.post("/gallery/undo", {}).json()["is_done"]
    assert pages.post("/gallery/undo", {}).json()["message"] == "taken back: drop for 1 picture"
    assert pages.post("/gallery/undo", {}).json()["is_done"]
    assert not pages.post("/gallery/undo", {}).json()["is_done"]
    assert not (folder / "rulings.toml").exists()


def test_placeholders_are_listed_by_their_hash(pages, folder):
    """Each once, with who marked it."""
    for _ in range(2):
        assert pages.post("/gallery/mark", {"key": name_picture(2), "text": "placeholder"}).json()["is_done"]
    [line] = (folder / "placeholders.txt").read_text().splitlines()
    assert line.startswith(f"{name_picture(2)}  # marked by Ada on ")
    assert pages.post("/gallery/undo", {}).json()["is_done"]
    assert (folder / "placeholders.txt").read_text() == ""


@pytest.mark.parametrize(
    ("key", "text"), [("f" * 64, "puma"), ("../../x", "puma"), ("", "puma"), ("1", "no such class"), ("1", "noise"), ("1", "")]
)
def test_what_cannot_be_marked_is_said_and_nothing_is_written(pages, folder, key, text):
    """Unknown pictures, unknown classes, nothing chosen."""
    answer = pages.post("/gallery/mark", {"key": name_picture(0) if key == "1" else key, "text": text})
    assert (answer.status_code, answer.json()["is_done"]) == (409, False)
    assert not (folder / "rulings.toml").exists()


def test_a_new_run_is_seen_without_a_restart(pages, folder):
    """The tables are read anew when they change."""
    assert list_shown(pages, "class_id=bmw") == []
    add_pictures(load_config(folder / "dataset.toml"), PICTURES, ["bmw", "citroen", None, "puma"])
    assert list_shown(pages, "class_id=bmw") == [0]


def test_a_workspace_without_pictures_has_an_empty_gallery(tmp_path):
    """Before the fetch."""
    with open_pages(write_dataset(tmp_path)) as pages:
        assert list_shown(pages, "") == []
        assert pages.get(f"/picture/{name_picture(0)}").status_code == 404
