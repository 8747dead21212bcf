"""Contradicting pictures from the site to the release: listed, left out, ruled on in the sheet, taken back in."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from builders.datasets import draw_picture
from logoingest import load_config
from logoingest.cli.main import main
from logoingest.pipeline import Run, run, summarise_status, verify
from logoingest.schemas import ConflictRow, Stage


def rewrap(data: bytes, comment: bytes) -> bytes:
    """Another file with the same pixels."""
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


@pytest.fixture
def dataset(make_dataset):
    """A dataset with one picture at two addresses, two files of equal pixels, that people named differently."""
    made = make_dataset(pictures=4)
    for name, answer in (("one", "Acme"), ("two", "Bolt")):
        made.site.pages[f"/{name}.jpg"] = (200, "image/jpeg", rewrap(draw_picture(555), name.encode()))
        for worker in ("w0", "w1", "w2"):
            made.add_row(f"/{name}.jpg", answer, worker)
    made.write()
    run(load_config(made.config, environ={}), until=Stage.RELEASE)
    return made


def read_released(dataset) -> dict[str, list[str]]:
    """URL → classes of every released picture."""
    rows = [
        row
        for file in dataset.release.glob("data/*.parquet")
        for row in pq.read_table(file, columns=["url", "class_ids"]).to_pylist()
    ]
    return {row["url"].rpartition("/")[2]: row["class_ids"] for row in rows}


def fill_in(path, decision: str) -> list[dict[str, str]]:
    """Write a decision into the rows about pictures, as a spreadsheet would."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | ({"decision": decision} if row["row"] == "conflict" else {}))
    return [row for row in rows if row["row"] == "conflict"]


def test_contradicting_pictures_wait_for_a_ruling(dataset, capsys):
    """They are left out by reason, listed in the table and counted by status, and the law holds."""
    table = pq.read_table(dataset.folder / "work/tables/conflicts.parquet")
    assert table.schema.equals(ConflictRow.arrow_schema())
    assert table.column("kind").to_pylist() == ["identical"]
    assert table.column("class_ids").to_pylist() == [["acme", "bolt"]]
    assert not {"one.jpg", "two.jpg"} & read_released(dataset).keys()
    rejected = pq.read_table(dataset.release / "rejected.parquet").to_pylist()
    assert sum(row["reason"] == "class_conflict" for row in rejected) == 6
    status = summarise_status(Run(load_config(dataset.config, environ={})))
    assert status.law.holds
    assert next(stage for stage in status.stages if stage.stage == "samples").counts["conflicts"] == 1
    assert main(["status", str(dataset.config)]) == 0
    assert "conflicts 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("decision", "classes"),
    [("2", {"one.jpg": ["bolt"], "two.jpg": ["bolt"]}), ("class: Acme", {"one.jpg": ["acme"], "two.jpg": ["acme"]}),
     ("both", {"one.jpg": ["acme"], "two.jpg": ["bolt"]}), ("drop", {})],
)  # fmt: skip
def test_a_ruling_in_the_sheet_is_taken_in(dataset, capsys, decision, classes):
    """What a person writes into the sheet's row about pictures holds in the next run, and is not asked again."""
    sheet = dataset.folder / "review.csv"
    assert main(["labels", "review", str(dataset.config), "--export", str(sheet)]) == 0
    assert "1 set of pictures" in capsys.readouterr().out
    rows = fill_in(sheet, decision)
    assert [(row["candidate_1"], row["candidate_2"], row["answers"]) for row in rows] == [("acme", "bolt", "6")]
    assert rows[0]["example_1"].endswith(".jpg")
    assert main(["labels", "review", str(dataset.config), "--apply", str(sheet), "--by", "Ann", "--on", "2026-11-21"]) == 0
    assert "1 set of contradicting pictures ruled on" in capsys.readouterr().out
    assert 'by = "Ann"' in (dataset.folder / "rulings.toml").read_text(encoding="utf-8")
    config = load_config(dataset.config, environ={})
    ran = {outcome.stage for outcome in run(config, until=Stage.RELEASE) if outcome.ran}
    assert {Stage.SAMPLES, Stage.RELEASE} <= ran <= {Stage.SAMPLES, Stage.SPLITS, Stage.RELEASE}
    released = read_released(dataset)
    assert {name: released[name] for name in ("one.jpg", "two.jpg") if name in released} == classes
    assert pq.read_table(dataset.folder / "work/tables/conflicts.parquet").num_rows == 0
    assert verify(Run(config), deep=False) == []


@pytest.mark.slow
def test_applying_a_sheet_again_changes_nothing(dataset, capsys):
    """The second time all is ruled so before; another ruling comes too late and is told."""
    sheet = dataset.folder / "review.csv"
    main(["labels", "review", str(dataset.config), "--export", str(sheet)])
    fill_in(sheet, "Acme")
    main(["labels", "review", str(dataset.config), "--apply", str(sheet)])
    run(load_config(dataset.config, environ={}), until=Stage.SAMPLES)
    before = (dataset.folder / "rulings.toml").read_bytes()
    capsys.readouterr()
    assert main(["labels", "review", str(dataset.config), "--apply", str(sheet), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"]["already_so"] == 1
    sheet.write_text(sheet.read_text(encoding="utf-8-sig").replace(";Acme;", ";drop;"), encoding="utf-8")
    assert main(["labels", "review", str(dataset.config), "--apply", str(sheet), "--json"]) == 0
    assert "is ruled" in json.loads(capsys.readouterr().out)["pictures"]["late"][0]
    assert (dataset.folder / "rulings.toml").read_bytes() == before


def test_a_wrong_decision_is_told_and_nothing_is_written(dataset, capsys):
    """A decision that is none is a fault with its row."""
    sheet = dataset.folder / "review.csv"
    main(["labels", "review", str(dataset.config), "--export", str(sheet)])
    fill_in(sheet, "noise")
    assert main(["labels", "review", str(dataset.config), "--apply", str(sheet)]) == 2
    assert "no ruling on pictures" in capsys.readouterr().err
    assert not (dataset.folder / "rulings.toml").exists()


@pytest.mark.slow
def test_contradicting_pictures_can_be_kept(dataset):
    """With samples.group_conflicts = "keep" they are released as settled, and listed all the same."""
    config = load_config(dataset.config, ["samples.group_conflicts=keep"], environ={})
    run(config, until=Stage.RELEASE)
    assert {name: classes for name, classes in read_released(dataset).items() if name in {"one.jpg", "two.jpg"}} == {
        "one.jpg": ["acme"],
        "two.jpg": ["bolt"],
    }
    assert pq.read_table(dataset.folder / "work/tables/conflicts.parquet").num_rows == 1
