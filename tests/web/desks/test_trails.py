"""A trail found by the indexes is the one that is found by looking through the tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builders.web.served_pages import ANSWERS, PICTURES, add_pictures, write_dataset
from logoingest.config import Config
from logoingest.pipeline.questions.audit import explain_label_of, explain_row, explain_url
from logoingest.pipeline.session import Run
from logoingest.plain_json import to_json
from logoingest.web.desks.picture import PictureDesk
from logoingest.web.desks.workplace import Workplace
from logoingest.web.indexes.class_map import KnownClassMap
from logoingest.workspace import Workspace


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = write_dataset(tmp_path)
    add_pictures(made, PICTURES, ["puma", "citroen", None, "puma"])
    return made


@pytest.fixture
def desk(config: Config) -> PictureDesk:
    return Workplace(config).picture


def test_trails_are_those_of_the_whole_tables(config: Config, desk: PictureDesk) -> None:
    """Of every URL, row and answer: with a picture or none, and answers that many gave."""
    run = Run(config)
    for number in range(len(ANSWERS)):
        url = f"http://pictures.test/{number}.jpg"
        assert to_json(desk.explain_url(url)) == to_json(explain_url(run, url))
        assert to_json(desk.explain_row(number + 1)) == to_json(explain_row(run, number + 1))
    for label in {label for label, _ in ANSWERS} | {"nobody wrote this"}:
        assert to_json(desk.explain_label(label)) == to_json(explain_label_of(run, label, hear=False))


def test_a_trail_is_right_where_a_table_was_written_in_another_order(config: Config, desk: PictureDesk) -> None:
    """The places that were looked up are of the table as it was before."""
    url = "http://pictures.test/1.jpg"
    places = desk._locate(url)
    workspace = Workspace(config.workspace_url)
    for table in ("images", "samples", "splits", "annotations"):
        rows = workspace.read_table(table)
        workspace.write_table(table, rows.take(list(reversed(range(rows.num_rows)))))
    run = Run(config)
    assert to_json(explain_url(run, url, places=places)) == to_json(explain_url(run, url))


def test_a_class_map_is_read_once_until_a_file_of_it_changes(tmp_path: Path) -> None:
    """What it includes counts as well; of what was written just now nobody knows yet whether it stays so."""
    path, included = tmp_path / "map.toml", tmp_path / "more.toml"
    path.write_text('include = ["more.toml"]\n[classes.puma]\nname = "Puma"\n')
    included.write_text('[classes.bmw]\nname = "BMW"\n')
    known = KnownClassMap(path)
    assert known.read() is not known.read()
    for file in (path, included):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    first = known.read()
    assert known.read() is first
    included.write_text('[classes.audi]\nname = "Audi"\n')
    os.utime(included, (1_000_000_001, 1_000_000_001))
    assert list(known.read().names) == ["audi", "puma"]
