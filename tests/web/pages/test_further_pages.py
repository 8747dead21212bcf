"""Pairs, suspects, classes and the run over HTTP."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.reviews import MAP
from builders.web.served_pages import PICTURES, Pages, add_pictures, name_picture, open_pages, write_dataset
from logoingest.cli.main import main
from logoingest.config import load_config
from logoingest.pipeline import open_run
from logoingest.schemas import CopyRow
from logoingest.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = write_dataset(tmp_path)
    add_pictures(config, PICTURES, ["puma", "citroen", None, "puma"])
    row = {
        "image_id": name_picture(0),
        "other_id": name_picture(3),
        "kind": "turned",
        "transformation": "turned by 90°",
        "overlap": 0.9,
        "residual": 0.01,
    }
    Workspace(config.workspace_url).write_table("copies", CopyRow.table([row]))
    return tmp_path


@pytest.fixture
def pages(folder: Path) -> Iterator[Pages]:
    with open_pages(load_config(folder / "dataset.toml")) as served:
        yield served


def test_pairs_show_copies_with_the_evidence_and_what_waits_for_a_ruling(pages):
    """Of one kind, if that is asked for."""
    page = pages.get("/pairs").text
    assert "turned by 90°" in page
    assert "two minds" in page
    assert "0 pairs" in pages.get("/pairs?kind=cropped").text
    pair = pages.get(f"/pair/{name_picture(3)}/{name_picture(0)}").text
    assert "turned by 90°" in pair
    assert "two minds" in pages.get(f"/pair/{name_picture(0)}/{name_picture(1)}").text
    assert pages.get(f"/pair/{name_picture(0)}/..%2fx").status_code == 404


def test_suspects_are_none_where_no_model_was_asked(pages):
    """And the page says so."""
    assert "Nothing is open here" in pages.get("/suspects").text


def test_classes_are_listed_with_counts_and_edited_with_lint_at_once(pages, folder):
    """An edit is written with who and when; one that is not sound writes nothing."""
    page = pages.get("/classes?text=zitr").text
    assert "Citroën" in page
    assert "Puma" not in page
    assert pages.post("/classes/edit", {"key": "puma", "text": "alias: the big cat"}).json()["is_done"]
    assert {"text": "the big cat", "by": "Ada"}.items() <= tomllib.loads((folder / "map.toml").read_text())["classes"]["puma"][
        "aliases"
    ][-1].items()
    before = (folder / "map.toml").read_bytes()
    for key, text in (
        ("puma", "alias: Zitrön"),
        ("puma", "not: nobody"),
        ("puma", "merge: puma"),
        ("nobody", "alias: x"),
        ("puma", "alias:"),
        ("puma", "delete: x"),
    ):
        answer = pages.post("/classes/edit", {"key": key, "text": text})
        assert (answer.status_code, answer.json()["is_done"]) == (409, False), text
    assert (folder / "map.toml").read_bytes() == before
    answer = pages.post("/classes/edit", {"key": "bmw", "text": "alias: bm"}).json()
    assert any("warning" in line for line in answer["findings"])


def test_the_run_is_followed_without_a_lease(pages, folder):
    """Who works is said, a second run is refused, reasons are checked."""
    assert "Nobody is working" in pages.get("/run/state").text
    assert "annotations" in pages.get("/run/stages").text
    with open_run(load_config(folder / "dataset.toml")):
        assert "is working" in pages.get("/run/state").text
        assert "in use by process" in pages.post("/run/start", {"text": ""}).json()["message"]
    assert pages.post("/run/start", {"text": "--set x"}).status_code == 409
    assert pages.post("/run/stop", {}).status_code == 409


def test_any_copies_can_be_ruled_on_where_they_are_looked_at(pages, folder):
    """Also those that nobody asks about; what was not found to be alike cannot be."""
    first, other = name_picture(0), name_picture(3)
    assert 'data-text="not same"' in pages.get(f"/pair/{other}/{first}").text
    assert pages.post("/pair/decide", {"key": f"{other} {first}", "text": "not same"}).json()["is_done"]
    assert "decided already" in pages.post("/pair/decide", {"key": f"{first} {other}", "text": "same"}).json()["message"]
    for key in (f"{first} {name_picture(2)}", "x", f"{first} ../x"):
        assert pages.post("/pair/decide", {"key": key, "text": "same"}).status_code == 409
    assert "not same" in pages.get("/queue/export").text
    pages.post("/queue/write", {})
    [ruling] = tomllib.loads((folder / "rulings.toml").read_text())["groups"]
    assert (ruling["ruling"], ruling["images"], ruling["by"]) == ("not same", [first, other], "Ada")


def test_classes_show_where_aliases_come_from_and_what_is_confused(tmp_path):
    """By whom, by which pack, or by an include; classes that people name for the same URL; an alias can be removed."""
    (tmp_path / "shared.toml").write_text('[classes.puma]\naliases = ["felis"]\n')
    told = MAP.replace(
        'aliases = ["pumma"]',
        'aliases = ["pumma", {text = "cat", source = "wikidata"}, {text = "paw", by = "Bob", on = 2026-01-02}]',
    )
    write_dataset(tmp_path, class_map=f'include = ["shared.toml"]\n{told}')
    with (tmp_path / "answers.csv").open("a") as file:
        file.write("http://pictures.test/0.jpg,bmw,w9\n")
    assert main(["run", str(tmp_path / "dataset.toml"), "--until", "normalise", "--quiet"]) == 0
    with open_pages(load_config(tmp_path / "dataset.toml")) as pages:
        pages.get("/classes")
        while "confused with" not in (page := pages.get("/classes?text=puma").text):
            pass
        text = re.sub(r"<[^>]+>", "", page)
        for said in (
            "pumma: in the map",
            "cat: wikidata",
            "paw: Bob, 2026-01-02",
            "felis: by an include",
            "confused with bmw (1 URL)",
        ):
            assert said in text, said
        assert pages.post("/classes/edit", {"key": "puma", "text": "remove: paw"}).json()["is_done"]
        assert "paw" not in (tmp_path / "map.toml").read_text()
        assert not pages.post("/classes/edit", {"key": "puma", "text": "remove: felis"}).json()["is_done"]
