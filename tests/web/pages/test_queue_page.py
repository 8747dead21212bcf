"""The queue over HTTP: what it shows, what a decision would change, deciding, taking back, writing."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.reviews import MAP
from builders.web.served_pages import ANSWERS, PICTURES, Pages, add_pictures, name_picture, open_pages, write_dataset
from logoingest.config import load_config
from logoingest.review.suggestions import make_label_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_pictures(write_dataset(tmp_path), PICTURES, ["puma", "citroen", "puma", "puma"])
    return tmp_path


@pytest.fixture
def pages(folder: Path) -> Iterator[Pages]:
    with open_pages(load_config(folder / "dataset.toml")) as served:
        yield served


def list_keys(pages: Pages, query: str = "") -> list[str]:
    return re.findall(r'data-key="(\w+)"', pages.get(f"/queue/lines?{query}").text)


def test_the_queue_lists_what_settles_most_rows_first_and_filters(pages):
    """Clusters and pictures of two minds are one list."""
    counts = [int(text) for text in re.findall(r'class="rows">(\d+)<', pages.get("/queue").text)]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == len(list_keys(pages)) == 6
    assert list_keys(pages, "text=asd") == [make_label_id("asdf")]
    assert list_keys(pages, "worker=w4") == [make_label_id("asdf")]
    assert len(list_keys(pages, "kind=pictures")) == 1
    assert len(list_keys(pages, "kind=copies")) == 1
    assert list_keys(pages, "class_id=puma") != []
    assert make_label_id("pmua") in list_keys(pages, "split=train")
    assert make_label_id("asdf") not in list_keys(pages, "split=train")
    assert list_keys(pages, "split=nowhere") == []
    assert list_keys(pages, "reason=warning") == [make_label_id("asdf")]


def test_a_card_shows_spellings_pictures_candidates_and_evidence(pages):
    """Text of strangers is isolated and escaped."""
    card = pages.get(f"/queue/card?key={make_label_id('pmua')}").text
    assert all(text in card for text in ("pmua", "PMUA", "puam", "Puma", f"/view/{name_picture(2)}/", 'data-text="1"'))
    assert 'dir="auto"' in card


def test_a_decision_shows_what_it_would_change_before_it_is_taken(pages, folder):
    """Rows, entries, other answers; nothing is written or kept."""
    shown = pages.post("/queue/preview", {"key": make_label_id("fanta"), "text": "new: Fanta"}).text
    assert "2 rows of 2 URLs" in shown
    assert "class &#34;Fanta&#34;" in shown or 'class "Fanta"' in html.unescape(shown)
    assert (folder / "map.toml").read_text() == MAP
    assert not (folder / "work/review").exists()


def test_a_decision_is_previewed_over_a_map_of_the_package(folder):
    """What it would write is shown as over a map of one's own."""
    config = load_config(folder / "dataset.toml", ["labels.class_map=logoingest:litw"])
    with open_pages(config) as pages:
        shown = html.unescape(pages.post("/queue/preview", {"key": make_label_id("asdf"), "text": "new: Asdf"}).text)
    assert 'class "Asdf"' in shown
    assert "there is no such file" not in shown


def test_other_answers_that_would_come_out_otherwise_are_told(tmp_path):
    """What a class would draw to it beside its own spellings; where nothing is, that is said."""
    config = write_dataset(tmp_path, [*ANSWERS, ("the fanta zero drink", "w1"), ("fanta, puma", "w2")])
    with open_pages(config) as pages:
        told = {"key": make_label_id("fanta"), "text": "new: Fanta"}
        assert "Looking which other answers" in pages.post("/queue/preview", told).text
        effects = hear_effects(pages, told)
        assert "would come out otherwise" in effects
        assert "fanta, puma" in effects
        told = {"key": make_label_id("asdf"), "text": "new: Asdf"}
        assert "No other answer" in hear_effects(pages, told)


def hear_effects(pages, told):
    """As the page does: asked again while they are looked for."""
    while (answer := pages.post("/queue/effects", told)).status_code == 202:
        pass
    return html.unescape(answer.text)


def test_deciding_undoing_and_writing(pages, folder):
    """Written is what the sheet would write; who and when stands beside it."""
    assert pages.decide(make_label_id("fanta"), "n Fanta")["is_done"]
    assert pages.decide(make_label_id("asdf"), "d")["is_done"]
    assert pages.post("/queue/undo", {}).json()["message"].startswith("taken back")
    assert make_label_id("asdf") in list_keys(pages)
    written = pages.post("/queue/write", {}).text
    assert "Written" in written
    made = tomllib.loads((folder / "map.toml").read_text())["classes"]["Fanta"]
    assert made["by"] == "Ada"
    assert list((folder / "work/review").glob("*.json")) == []


def test_a_spelling_is_split_off_and_asked_about_by_itself(pages):
    """With a line of its own."""
    before = len(list_keys(pages))
    assert pages.decide(make_label_id("pmua"), "x 2")["is_done"]
    assert len(list_keys(pages)) == before + 1


def test_pictures_of_two_minds_are_ruled_on_in_the_same_queue(pages, folder):
    """Into the file of rulings."""
    [key] = list_keys(pages, "kind=pictures")
    assert "two minds" in pages.get(f"/queue/card?key={key}").text
    assert pages.decide(key, "2") == {"message": "class: citroen", "is_done": True}
    assert list_keys(pages, "kind=pictures") == []
    pages.post("/queue/write", {})
    [path] = folder.glob("*rulings*.toml")
    assert tomllib.loads(path.read_text())["groups"][0]["ruling"] == "class: citroen"


@pytest.mark.parametrize(
    ("key", "text"), [("asdf", "keep"), ("asdf", "no such class"), ("asdf", "9"), ("nobody", "drop"), ("asdf", "x" * 600)]
)
def test_what_cannot_be_meant_changes_nothing_and_says_why(pages, key, text):
    """The words of the terminal and the sheet."""
    answer = pages.decide(make_label_id(key), text)
    assert not answer["is_done"]
    assert answer["message"]


def test_two_people_see_each_others_decisions_and_the_first_written_stands(pages, folder):
    """Nothing is overwritten: the later one is told what the map says by now."""
    other = pages.enter()
    other.post("/name", {"text": "Bob"})
    key = make_label_id("asdf")
    other.decide(key, "drop")
    card = pages.get(f"/queue/card?key={key}").text
    assert "Bob" in card
    assert "drop" in card
    pages.decide(key, "new: Asdf")
    assert "Written" in pages.post("/queue/write", {}).text
    while "Gathering" in other.get("/queue").text:
        pass
    assert key not in list_keys(other)
    assert "Asdf" in tomllib.loads((folder / "map.toml").read_text())["classes"]
    lines = other.get("/queue/lines").text
    assert "Too late: you decided" in lines
    assert "“drop”" in lines
    assert "Asdf (alias" in lines or "Asdf (name" in lines
    assert "Too late" not in pages.get("/queue/lines").text


@pytest.mark.parametrize("text", ["ignore", "new: Asdf", "class: puma"])
def test_a_decision_that_another_wrote_alike_is_not_told_to_be_late(pages, text):
    """Both said the same; a class that both made, too."""
    other = pages.enter()
    other.post("/name", {"text": "Bob"})
    for one in (other, pages):
        one.decide(make_label_id("asdf"), text)
    assert "Written" in pages.post("/queue/write", {}).text
    while "Gathering" in other.get("/queue").text:
        pass
    lines = other.get("/queue/lines").text
    assert " 0 decided" in lines or ">0 decided" in lines
    assert "Too late" not in lines


def test_two_tabs_of_one_person_are_one_session(pages):
    """What the one decides the other has not to decide again."""
    other = pages.enter()
    pages.decide(make_label_id("asdf"), "drop")
    assert make_label_id("asdf") not in list_keys(other)
    assert (
        "decided already" in other.decide(make_label_id("asdf"), "ignore")["message"]
        or not other.decide(make_label_id("asdf"), "ignore")["is_done"]
    )


def test_a_killed_server_loses_nothing(folder):
    """Every decision is in the journal when it is answered; undo reaches behind the restart."""
    config = load_config(folder / "dataset.toml")
    with open_pages(config) as first:
        first.decide(make_label_id("asdf"), "drop")
    with open_pages(config) as second:
        assert make_label_id("asdf") not in list_keys(second)
        second.post("/queue/undo", {})
        assert make_label_id("asdf") in list_keys(second)


def test_read_only_pages_show_everything_and_change_nothing(folder):
    """Not even the journal."""
    with open_pages(load_config(folder / "dataset.toml"), is_read_only=True) as pages:
        assert "read-only" in pages.get("/queue").text
        for path, told in (
            ("decide", {"key": make_label_id("asdf"), "text": "drop"}),
            ("undo", {}),
            ("write", {}),
            ("accept", {"text": "0.5"}),
        ):
            answer = pages.post(f"/queue/{path}", told)
            assert (answer.status_code, answer.json()["is_done"]) == (409, False)
    assert (folder / "map.toml").read_text() == MAP
    assert not (folder / "work/review").exists()


def test_classes_are_found_in_any_script(tmp_path):
    """By id, name or alias."""
    names = 'aliases = ["Ситроен", "シトロエン", "سيتروين"]'
    config = write_dataset(tmp_path, class_map=MAP.replace('aliases.de = ["Zitrön"]', names))
    with open_pages(config) as pages:
        for text in ("citr", "CITROËN", "ситр", "シトロ", "سيترو"):
            found = [one["class_id"] for one in pages.get("/queue/search", params={"text": text}).json()]
            assert found[0] == "citroen", text


def test_before_the_labels_stage_ran_the_page_says_what_to_do(tmp_path):
    """As the command would."""
    config = write_dataset(tmp_path, ANSWERS[:2])
    (tmp_path / "work/manifest.json").unlink()
    with open_pages(config) as pages:
        answer = pages.get("/queue")
    assert answer.status_code == 503
    assert "run CONFIG --until normalise" in answer.text


def test_copies_are_ruled_on_like_everything_else(pages, folder):
    """The same or not: in the session first, with undo, then in the file of rulings."""
    [key] = list_keys(pages, "kind=copies")
    card = pages.get(f"/queue/card?key={key}").text
    assert "do they show the same?" in card
    assert 'data-text="not same"' in card
    pages.decide(key, "not same")
    assert list_keys(pages, "kind=copies") == []
    pages.post("/queue/undo", {})
    assert list_keys(pages, "kind=copies") == [key]
    pages.decide(key, "not same")
    assert "1 rulings on pictures" in pages.post("/queue/write", {}).text
    [ruling] = tomllib.loads((folder / "rulings.toml").read_text())["groups"]
    assert (ruling["ruling"], ruling["images"]) == ("not same", [name_picture(2), name_picture(3)])


def test_what_was_written_is_taken_back_into_the_session(pages, folder):
    """Also after a restart; each person their own."""
    pages.decide(make_label_id("asdf"), "drop")
    pages.post("/queue/write", {})
    assert (folder / "map.toml").read_text() != MAP
    with open_pages(load_config(folder / "dataset.toml")) as later:
        assert "1 decision" in later.get("/written").text
        other = later.enter()
        other.post("/name", {"text": "Bob"})
        assert not other.post("/written/undo", {"text": "00000001.json"}).json()["is_done"]
        assert "1 decision" in later.post("/written/undo", {"text": "queue"}).json()["message"]
        assert (folder / "map.toml").read_text() == MAP
        while "Gathering" in later.get("/queue").text:
            pass
        assert make_label_id("asdf") not in list_keys(later)
        assert later.post("/queue/undo", {}).json()["is_done"]
        assert make_label_id("asdf") in list_keys(later)
