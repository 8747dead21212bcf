"""What others called the same pictures, on the command line: suggest, explain, and a sheet's rulings on what is wrong in the map."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from builders.word_crowds import JAPANESE, MAP, draw_crowd
from logoingest.cli.main import main

SETTINGS = (
    '[dataset]\nname = "flags"\nworkspace = "work"\n[[sources]]\npath = "rows.csv"\n'
    '[labels]\nclass_map = "flags.toml"\n[train]\nenabled = false\n'
)
#: Spain's name in Japanese stands under France.
WRONG = f'{MAP}\n[classes.france.aliases]\nja = ["{JAPANESE["spain"]}", "仏"]  # from a list\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image_url", "worker_id", "label"), *draw_crowd(pictures=240)])
    (tmp_path / "flags.toml").write_text(WRONG, encoding="utf-8")
    (tmp_path / "dataset.toml").write_text(SETTINGS)
    assert main(["run", str(tmp_path / "dataset.toml"), "--until", "normalise"]) == 0
    return tmp_path


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    capsys.readouterr()
    assert main([*command[:-1], str(folder / "dataset.toml"), *command[-1].split()]) == 0
    return capsys.readouterr().out


def test_suggest_says_what_is_wrong_in_the_map(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The alias, the class it has and the one it seems to be, what was seen, and a picture."""
    said = ask(folder, capsys, "labels", "suggest", "")
    assert f'wrong alias: "{JAPANESE["spain"]}" is france (alias), and seems to be spain' in said
    assert "settled as spain by others" in said
    answer = json.loads(ask(folder, capsys, "labels", "suggest", "--json"))
    assert [(one["kind"], one["declared"], one["class_id"]) for one in answer["contradictions"]] == [
        ("wrong alias", "france", "spain")
    ]


def test_explain_shows_the_pictures_and_what_others_called_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``explain --label``: the evidence, URLs, the others' answers, and what is said against the map."""
    crowd = json.loads(ask(folder, capsys, "explain", f"--label {JAPANESE['italy']} --json"))["crowd"]
    assert (crowd["says"]["class_id"], crowd["is_decided_by_crowd"], crowd["contradiction"]) == ("italy", False, None)
    assert [picture["url"] for picture in crowd["pictures"]] == crowd["says"]["urls"]
    assert all(next(iter(picture["others"])) == "italy" for picture in crowd["pictures"])
    shown = ask(folder, capsys, "explain", f"--label {JAPANESE['spain']}")
    assert "kind: wrong alias" in shown
    assert "https://flags.test/" in shown
    assert json.loads(ask(folder, capsys, "explain", "--label nobody_said_this --json"))["crowd"] is None


def test_explain_names_the_rule_crowd(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a word that the crowd decided, and of each answer by it."""
    settings = SETTINGS.replace("[train]", 'crowd = "accept"\ncrowd_confidence = 0.95\n[train]')
    (folder / "dataset.toml").write_text(settings)
    (folder / "flags.toml").write_text(MAP)
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise"]) == 0
    trail = json.loads(ask(folder, capsys, "explain", f"--label {JAPANESE['italy']} --json"))
    assert trail["crowd"]["is_decided_by_crowd"]
    url = trail["crowd"]["pictures"][0]["url"]
    assert "crowd" in {one["rule"] for one in json.loads(ask(folder, capsys, "explain", f"--url {url} --json"))["decisions"]}
