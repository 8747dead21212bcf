"""What is gathered by a process of its own is what would be gathered here."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.web.served_pages import PICTURES, add_pictures, write_dataset
from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.labels import ClassMap
from logoingest.web.aside import work_aside
from logoingest.web.desks.class_facts import tell_confused
from logoingest.web.desks.gathering import GatheredDecisions, gather_parts
from logoingest.web.indexes.answers import IndexedAnswers
from logoingest.web.indexes.pictures import IndexedPictures
from logoingest.workspace import Workspace


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = write_dataset(tmp_path)
    add_pictures(made, PICTURES, ["puma", "citroen", "puma", "puma"])
    return made


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is read by a process of its own."""
    monkeypatch.setattr("logoingest.web.aside.LARGE_ROWS", 1)


def list_values(index: Any) -> dict[str, Any]:
    values = {field.name: getattr(index, field.name) for field in fields(index)}
    return {name: list_values(value) if is_dataclass(value) else np.asarray(value).tolist() for name, value in values.items()}


def read_indexes(config: Config) -> tuple[Any, Any]:
    workspace = Workspace(config.workspace_url)
    pictures = IndexedPictures(workspace).read()
    return pictures, IndexedAnswers(workspace).read(pictures)


def test_an_index_from_files_says_the_same(config: Config, request: pytest.FixtureRequest) -> None:
    """Every array of it, and what it is asked; the files have no name any more."""
    here = read_indexes(config)
    request.getfixturevalue("all_large")
    pictures, answers = read_indexes(config)
    assert list_values(answers) == list_values(here[1])
    assert pictures.name(0) == here[0].name(0)
    assert pictures.find(pictures.name(1)) == 1
    assert isinstance(pictures.ids.base, np.memmap)


def test_decisions_gathered_elsewhere_are_the_same(config: Config, request: pytest.FixtureRequest) -> None:
    """Lines, their order, and the candidates of all clusters, which come later."""
    found = [gather(config)]
    request.getfixturevalue("all_large")
    found.append(gather(config))
    here, there = found
    assert [line.title for line in there.lines] == [line.title for line in here.lines]
    assert [cluster.candidates for cluster in there.review.clusters] == [cluster.candidates for cluster in here.review.clusters]
    assert there.review.class_map.hash == ClassMap.load(config.class_map_path).hash


def gather(config: Config) -> Any:
    gathered = GatheredDecisions(config)
    gathered.start()
    gathered.wait(120)
    return gathered.read()


def test_trouble_of_another_process_is_told_here(tmp_path: Path, all_large: None) -> None:
    """As the error that it is; a function that needs no workspace at all ends, too."""
    config = write_dataset(tmp_path)
    (tmp_path / "work/tables/labels.parquet").unlink()
    with pytest.raises(UsageError, match="has not run"):
        next(work_aside(gather_parts, config))
    assert list(work_aside(tell_confused, str(tmp_path / "nothing"))) == [{}]


def test_a_process_that_nobody_hears_any_more_ends(config: Config) -> None:
    """Closed after the first part."""
    parts = work_aside(gather_parts, config)
    assert next(parts)
    parts.close()
