"""Class maps of the package by name: read anywhere a path may stand, never written, and no name becomes a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.places import ROOT
from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap
from logoingest.labels.class_map.writing import load_document, write_document, write_text
from logoingest.labels.growing.enrichment import read_wikidata_ids
from logoingest.labels.lint.rules import lint_class_map
from logoingest.named_maps import NAMES, PREFIX, place_map


def test_every_map_of_the_project_has_a_name():
    """The closed list is what lies in label_maps/, and a name means the same as the file."""
    assert sorted(file.stem for file in (ROOT / "label_maps").glob("*.toml")) == sorted(NAMES)
    for name in NAMES:
        assert ClassMap.load(PREFIX + name).hash == ClassMap.load(ROOT / "label_maps" / f"{name}.toml").hash


@pytest.mark.parametrize("name", ["", "../litw", "litw.toml", "/etc/passwd", "LITW", "litw_classes.txt", "logoingest:litw"])
def test_only_names_of_the_list_are_found(name, tmp_path):
    """No text makes a path: what is not in the list is refused."""
    with pytest.raises(ClassMapError, match="no such class map comes with logoingest"):
        place_map(PREFIX + name, tmp_path)


def test_a_map_includes_one_of_the_package(tmp_path):
    """What the map on top says wins, as with any include; the same from text without a folder."""
    file = tmp_path / "mine.toml"
    file.write_text('include = ["logoingest:litw-fixed"]\n[classes.acme]\nname = "Acme"\nwikidata = "Q1"\n')
    classes = ClassMap.load(PREFIX + "litw-fixed").class_ids
    assert set(ClassMap.load(file).class_ids) == {*classes, "acme"}
    assert ClassMap.from_toml(file.read_text()).hash == ClassMap.load(file).hash
    assert read_wikidata_ids(file)["acme"] == "Q1"
    assert [found for found in lint_class_map(file, None).findings if found.severity == "error"] == []


def test_a_wrong_name_in_an_include_is_told_once_with_the_right_one(tmp_path):
    """The message names the map that was meant, in the map itself and in lint."""
    file = tmp_path / "mine.toml"
    file.write_text('include = ["logoingest:litw-fxed"]\n[classes.acme]\n')
    with pytest.raises(ClassMapError, match=r'logoingest:litw-fxed: .*; did you mean "logoingest:litw-fixed"'):
        ClassMap.load(file)
    (found,) = (found for found in lint_class_map(file, None).findings if found.severity == "error")
    assert (found.rule, found.line) == ("unreadable", 1)


def test_a_map_of_the_package_is_never_written():
    """Whoever names it is told to make a map of their own."""
    name = Path(PREFIX + "litw")
    before = place_map(name, Path()).read_bytes()
    for write in (lambda: write_document(name, load_document(name)), lambda: write_text(name, "[classes.acme]\n")):
        with pytest.raises(ClassMapError, match=r'include = \["logoingest:litw"\]'):
            write()
    assert place_map(name, Path()).read_bytes() == before
    assert not name.exists()
