"""The labels stage with the crowd: decided before anything is fetched, written beside the map, fresh on the next run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from builders.datasets import draw_picture
from builders.word_crowds import JAPANESE, MAP, draw_crowd
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.labels import ClassMap
from logoingest.pipeline.crowd.findings import ask_crowd
from logoingest.pipeline.session import open_run
from logoingest.release import verify_release

SETTINGS = (
    '[dataset]\nname = "flags"\nworkspace = "work"\n[[sources]]\npath = "rows.csv"\n'
    '[labels]\nclass_map = "flags.toml"\ncrowd = "accept"\ncrowd_confidence = 0.99\n[train]\nenabled = false\n'
)


def write_rows(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image_url", "worker_id", "label"), *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path / "rows.csv", draw_crowd(pictures=240, workers=18))
    (tmp_path / "flags.toml").write_text(MAP)
    (tmp_path / "dataset.toml").write_text(SETTINGS)
    return tmp_path


def read_labels(folder: Path) -> dict[str, tuple[str, str, str | None]]:
    with open_run(load_config(folder / "dataset.toml")) as opened:
        rows = opened.workspace.read_table("labels").to_pylist()
    return {row["raw_label"]: (row["decision"], row["rule"], row["class_id"]) for row in rows}


def test_words_are_decided_before_anything_is_fetched(folder: Path) -> None:
    """``run --until normalise`` accepts them by the rule crowd; the layer is a map to read; a second run is fresh."""
    config = load_config(folder / "dataset.toml")
    counts = run(config, until="labels")[-1].counts
    labels = read_labels(folder)
    assert {labels[word] for word in JAPANESE.values()} == {("accepted", "crowd", class_id) for class_id in JAPANESE}
    assert (counts["crowd_lines"], counts["crowd_withdrawn"]) == (len(JAPANESE), 0)
    layer = folder / "flags.crowd.toml"
    before = layer.read_bytes()
    assert len(ClassMap.load(layer).class_ids) == len(JAPANESE)
    assert not run(config, until="labels")[-1].ran
    run(config, until="labels", start="labels")
    assert layer.read_bytes() == before


def test_only_proposing_decides_nothing(folder: Path) -> None:
    """The default writes no layer, and applies none that is there."""
    run(load_config(folder / "dataset.toml"), until="labels")
    (folder / "dataset.toml").write_text(SETTINGS.replace('crowd = "accept"\n', ""))
    assert run(load_config(folder / "dataset.toml"), until="labels")[-1].ran
    assert "crowd" not in {rule for _, rule, _ in read_labels(folder).values()}


def test_a_layer_that_somebody_changed_is_looked_at_again(folder: Path) -> None:
    """Edited by hand or by another dataset's run, the stage runs again and says what no longer holds."""
    config = load_config(folder / "dataset.toml")
    run(config, until="labels")
    layer = folder / "flags.crowd.toml"
    text = layer.read_text("utf-8").replace(JAPANESE["italy"], "nice flag")
    layer.write_text(text, "utf-8")
    outcome = run(config, until="labels")[-1]
    assert outcome.ran
    assert outcome.counts["crowd_withdrawn"] == 1
    assert read_labels(folder)[JAPANESE["italy"]][1] == "crowd"
    assert read_labels(folder)["nice flag"][1] != "crowd"
    assert not run(config, until="labels")[-1].ran


def test_a_map_in_a_folder_that_cannot_be_written_still_learns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer stands in the workspace, and is read from there."""
    from logoingest.pipeline.crowd import layer as crowd_layer

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(crowd_layer, "replace_file", refuse)
    config = load_config(folder / "dataset.toml")
    run(config, until="labels")
    assert not (folder / "flags.crowd.toml").exists()
    assert read_labels(folder)[JAPANESE["italy"]][1] == "crowd"
    with open_run(config) as opened:
        assert len(crowd_layer.load_layer(opened)) == len(JAPANESE)
    assert not run(config, until="labels")[-1].ran


@pytest.mark.slow
def test_the_law_holds_with_the_crowd(folder: Path) -> None:
    """Whole route: released pictures carry votes by words that the crowd decided, and every source row ends in one place."""
    photos = folder / "photos"
    photos.mkdir()
    rows = [(url.rpartition("/")[2], worker, label) for url, worker, label in draw_crowd(pictures=90, workers=18)]
    for number, name in enumerate(sorted({name for name, _, _ in rows})):
        (photos / name).write_bytes(draw_picture(number))
    write_rows(folder / "rows.csv", rows)
    settings = SETTINGS.replace('path = "rows.csv"\n', 'path = "rows.csv"\nlocal_root = "photos"\n')
    (folder / "dataset.toml").write_text(settings + "[fetch]\nprocesses = 1\n[images]\nmin_side_px = 8\n")
    config = load_config(folder / "dataset.toml")
    run(config)
    assert verify_release(folder / "work/release") == []
    with open_run(config) as opened:
        decided = opened.workspace.read_table("decisions").to_pylist()
        voted = {each for row in opened.workspace.read_table("samples").to_pylist() for each in row["annotation_ids"]}
    by_crowd = {row["annotation_id"] for row in decided if row["rule"] == "crowd" and row["decision"] == "accepted"}
    assert len(by_crowd & voted) > 10
    assert not any(outcome.ran for outcome in run(config))


WRONG_MAP = f'{MAP}\n[classes.france.aliases]\nja = ["{JAPANESE["spain"]}"]\n'


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Pictures on this machine; Spain's name in Japanese stands under France; words are only proposed."""
    (tmp_path / "photos").mkdir()
    rows = [(url.rpartition("/")[2], worker, label) for url, worker, label in draw_crowd(pictures=180, votes=4, workers=18)]
    for name in {name for name, _, _ in rows}:
        (tmp_path / "photos" / name).write_bytes(draw_picture(int(name[:4])))
    write_rows(tmp_path / "rows.csv", rows)
    (tmp_path / "flags.toml").write_text(WRONG_MAP, encoding="utf-8")
    settings = SETTINGS.replace('crowd = "accept"\n', "").replace('"rows.csv"', '"rows.csv"\nlocal_root = "photos"')
    (tmp_path / "dataset.toml").write_text(f"{settings}[images]\nmin_side_px = 8\n[fetch]\nprocesses = 1\n")
    return tmp_path


@pytest.mark.slow
def test_what_the_crowd_says_is_written_and_shown(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The samples stage writes it as tables; status counts it and names the command; the report shows both, and is fresh then."""
    config = load_config(released / "dataset.toml")
    run(config)
    with open_run(config) as opened:
        against = opened.workspace.read_table("contradictions").to_pylist()
        words = {row["text"]: row for row in opened.workspace.read_table("crowd_words").to_pylist()}
        told = ask_crowd(opened, opened.workspace.read_table("annotations"))
    assert [(row["kind"], row["text"], row["declared"], row["class_id"]) for row in against] == [
        ("wrong alias", JAPANESE["spain"], "france", "spain")
    ]
    assert against[0]["proposal"] == "take it back from france, declare it of spain"
    assert [row["contradiction_id"] for row in against] == [one.contradiction_id for one in told.contradictions]
    assert (words[JAPANESE["italy"]]["meaning"], words[JAPANESE["italy"]]["class_id"]) == ("names", "italy")
    assert set(words) == {one.text for one in told.evidence.spellings if one.is_open and one.class_id}
    assert main(["status", str(released / "dataset.toml")]) == 0
    assert "the crowd contradicts the class map: wrong alias 1 (logoingest labels suggest" in " ".join(
        capsys.readouterr().out.split()
    )
    page = (released / "work/report.html").read_text("utf-8")
    assert page.count("the crowd contradicts the class map in 1 place") == 1
    assert f">{JAPANESE['italy']}</code>" in page.partition('id="crowd"')[2].partition('id="review"')[0]
    assert [outcome.stage for outcome in run(config) if outcome.ran] == []


@pytest.mark.slow
def test_the_report_shows_what_the_crowd_decided(released: Path) -> None:
    """A line of the layer with what stood for it."""
    settings = (released / "dataset.toml").read_text().replace("crowd_confidence", 'crowd = "accept"\ncrowd_confidence')
    (released / "dataset.toml").write_text(settings)
    run(load_config(released / "dataset.toml"))
    shown = (released / "work/report.html").read_text("utf-8").partition("Lines of the crowd layer")[2]
    assert f"<code>{JAPANESE['italy']}</code></th><td>italy</td>" in shown
