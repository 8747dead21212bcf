"""A release's version, date and citation, in card and Croissant: of the data and the config, never of today."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace

import pytest

from logoingest import load_config, open_release, run, verify_release
from logoingest.errors import ConfigError


def describe(folder):
    return json.loads((folder / "croissant.json").read_text())


def write(ingredients, folder, **dataset):
    changed = ingredients.dataset.model_copy(update=dataset)
    replace(ingredients, dataset=changed).write(folder)
    assert verify_release(folder, deep=False) == []
    return describe(folder), (folder / "README.md").read_text()


def test_a_release_that_states_nothing(ingredients, tmp_path):
    """The version is 1.0.0 and a hash of the data, the citation is made of the name; no date is made up."""
    croissant, card = write(ingredients, tmp_path / "a")
    assert re.fullmatch(r"1\.0\.0\+[0-9a-f]{12}", croissant["version"])
    assert "datePublished" not in croissant
    assert croissant["citeAs"] == "@misc{logos,\n  title = {logos},\n  version = {1.0.0}\n}"
    assert croissant["citeAs"] in card
    again, _ = write(ingredients, tmp_path / "b", description="other words")
    assert again["version"] == croissant["version"]
    settings = ingredients.settings.model_copy(update={"min_files": 3})
    replace(ingredients, settings=settings).write(tmp_path / "c")
    assert describe(tmp_path / "c")["version"] != croissant["version"]


def test_what_the_config_states(ingredients, tmp_path):
    """Version, date and citation as stated; a stranger's citation ends no block of the card and hides nothing."""
    citation = "```\n# Not a heading\n@article{x, url = {https://example.org/paper}}\u202e\nend\x1b[31m"
    croissant, card = write(ingredients, tmp_path / "a", version="2.1.0", date=dt.date(2025, 10, 9), citation=citation)
    assert croissant["version"].startswith("2.1.0+")
    assert croissant["datePublished"] == "2025-10-09"
    assert "Version 2.1.0, 2025-10-09." in card
    assert "````text\n```\n# Not a heading" in card
    assert not set(card) & {"\u202e", "\x1b"}
    source, _ = write(ingredients, tmp_path / "b", source_url="https://example.org/a}b", date=dt.date(2025, 10, 9))
    assert "url = {https://example.org/a%7Db}" in source["citeAs"]
    assert "year = {2025}" in source["citeAs"]


@pytest.mark.slow
def test_the_date_is_that_of_the_newest_answer(make_dataset):
    """Made of the source's times; the config's own date wins, and a change of it alone makes the release again."""
    dataset = make_dataset(pictures=2)
    text = dataset.config.read_text().replace('worker_column = "worker"', 'worker_column = "worker"\ntime_column = "at"')
    dataset.config.write_text(text)
    lines = (dataset.folder / "answers.csv").read_text().splitlines()
    days = [f"2025-03-{1 + number % 28:02d}T23:59:00Z" for number in range(len(lines) - 1)]
    timed = [f"{lines[0]},at", *(f"{line},{day}" for line, day in zip(lines[1:], days, strict=True))]
    (dataset.folder / "answers.csv").write_text("\n".join(timed) + "\n")
    run(load_config(dataset.config))
    assert open_release(dataset.release).manifest["date"] == max(days)[:10]
    assert describe(dataset.release)["datePublished"] == max(days)[:10]
    run(load_config(dataset.config, {"dataset.date": "2024-01-31"}))
    assert describe(dataset.release)["datePublished"] == "2024-01-31"


@pytest.mark.parametrize(("key", "value"), [("version", "1.0"), ("version", "v1.0.0"), ("date", "yesterday")])
def test_what_is_no_version_or_date(make_dataset, key, value):
    """Refused with the key's name."""
    with pytest.raises(ConfigError, match=key):
        load_config(make_dataset(pictures=1).config, {f"dataset.{key}": value})
