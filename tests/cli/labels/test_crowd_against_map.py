"""What others called the same pictures, on the command line: suggest, explain, and a sheet's rulings on what is wrong in the map."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from builders.word_crowds import JAPANESE, MAP, draw_crowd
from logoingest.cli.main import main
from logoingest.labels import ClassMap
from logoingest.labels.matching.match import decide_labels

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


def decide(folder: Path, capsys: pytest.CaptureFixture[str], decision: str) -> str:
    """A sheet in which what is said against the map is ruled on."""
    sheet = folder / "review.csv"
    sheet.unlink(missing_ok=True)
    ask(folder, capsys, "labels", "review", f"--export {sheet}")
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    against = [row for row in rows if row["row"] == "against"]
    assert against
    for row in against:
        row["decision"] = decision
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return ask(folder, capsys, "labels", "review", f"--apply {sheet} --by ada --on 2026-01-02")


def test_a_ruling_moves_the_alias_to_its_class(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 in the sheet takes the alias back from France and declares it of Spain, with who and when; a second time changes nothing."""
    said = decide(folder, capsys, "1")
    assert f'alias "{JAPANESE["spain"]}" of france taken back' in said
    text = (folder / "flags.toml").read_text(encoding="utf-8")
    class_map = ClassMap.from_toml(text)
    assert decide_labels([JAPANESE["spain"], "仏"], class_map)[0].class_ids == ("spain",)
    assert decide_labels(["仏"], class_map)[0].class_ids == ("france",)
    assert '"ada"' in text
    assert "# from a list" in text
    assert json.loads(ask(folder, capsys, "labels", "suggest", "--json"))["contradictions"] == []
    again = ask(folder, capsys, "labels", "review", f"--apply {folder / 'review.csv'}")
    assert "says nothing against" in again
    assert (folder / "flags.toml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("decision", ["new: Elsewhere", "ignore", "drop", "noise", "not: France"])
def test_what_else_can_be_ruled(folder: Path, capsys: pytest.CaptureFixture[str], decision: str) -> None:
    """Whatever it is ruled to be, it is France's no more."""
    decide(folder, capsys, decision)
    made = decide_labels([JAPANESE["spain"]], ClassMap.load(folder / "flags.toml"))[0]
    assert "france" not in made.class_ids


def test_two_classes_that_are_one_come_out_as_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Japan and Nippon: 1 merges them, in the map's output."""
    rows = [(url, worker, "Nippon" if label == JAPANESE["japan"] else label) for url, worker, label in draw_crowd(pictures=240)]
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image_url", "worker_id", "label"), *rows])
    (folder / "flags.toml").write_text(f'{MAP}\n[classes.nippon]\nname = "Nippon"\n', encoding="utf-8")
    assert main(["run", str(folder / "dataset.toml"), "--until", "normalise"]) == 0
    decide(folder, capsys, "1")
    made = decide_labels(["Japan", "Nippon"], ClassMap.load(folder / "flags.toml"))
    assert made[0].class_ids == made[1].class_ids


def test_a_sheet_that_cannot_be_meant_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An override is about annotations, not about the map."""
    before = (folder / "flags.toml").read_bytes()
    with pytest.raises(AssertionError):
        decide(folder, capsys, "override: Spain")
    assert "is no ruling on this" in capsys.readouterr().err
    assert (folder / "flags.toml").read_bytes() == before


def test_lint_names_the_line_that_the_crowd_contradicts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the dataset's answers lint knows what they contradict, and which aliases they never use; without them it says neither."""
    capsys.readouterr()
    assert main(["labels", "lint", str(folder / "flags.toml"), "--dataset", str(folder / "dataset.toml"), "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    found = next(one for one in findings if one["rule"] == "crowd-contradicts")
    line = (folder / "flags.toml").read_text(encoding="utf-8").splitlines()[found["line"] - 1]
    assert JAPANESE["spain"] in line
    assert "of france, seems to be spain: written of" in found["what"]
    assert found["suggestion"].startswith("take it back from france, declare it of spain")
    assert "unused-alias" in {one["rule"] for one in findings}
    assert main(["labels", "lint", str(folder / "flags.toml"), "--json"]) == 0
    assert "crowd-contradicts" not in {one["rule"] for one in json.loads(capsys.readouterr().out)["findings"]}


def test_lint_of_a_dataset_says_what_is_missing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A workspace without answers, or a second source of answers, is told; a map that cannot be read is linted all the same."""
    (folder / "other.toml").write_text(SETTINGS.replace('"work"', '"nothing"'))
    assert main(["labels", "lint", str(folder / "flags.toml"), "--dataset", str(folder / "other.toml")]) == 2
    assert "the annotations stage has not run here" in capsys.readouterr().err
    both = ["--dataset", str(folder / "dataset.toml"), "--labels", str(folder / "rows.csv")]
    assert main(["labels", "lint", str(folder / "flags.toml"), *both]) == 2
    (tmp_path / "broken.toml").write_text("[classes.a]\nalias = 1\n")
    capsys.readouterr()
    assert main(["labels", "lint", str(tmp_path / "broken.toml"), "--dataset", str(folder / "dataset.toml"), "--json"]) == 2
    assert "form" in {one["rule"] for one in json.loads(capsys.readouterr().out)["findings"]}
