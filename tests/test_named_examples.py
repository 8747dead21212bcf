"""Examples of the package by name: listed, copied whole, nothing overwritten, and no name becomes a path."""

from __future__ import annotations

import json

import pytest

from builders.places import ROOT
from logoingest import load_config
from logoingest.cli.main import main
from logoingest.errors import UsageError
from logoingest.named_examples import EXAMPLES, copy_example


def test_every_example_of_the_project_has_a_name():
    """The closed list is what lies in examples/."""
    assert sorted(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir()) == sorted(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_copy_is_the_example_and_its_config_leads_to_all_it_names(name, tmp_path):
    """Byte for byte, and a config that is read anywhere: its class map comes with the package."""
    copies = copy_example(name, tmp_path / "mine")
    assert {copy.name: copy.read_bytes() for copy in copies} == {
        file.name: file.read_bytes() for file in (ROOT / "examples" / name).iterdir() if file.is_file()
    }
    for config in (copy for copy in copies if copy.name == "dataset.toml"):
        assert load_config(config).labels.class_map.startswith("logoingest:")


@pytest.mark.parametrize("name", ["", ".", "../tests", "/etc", "FlickrLogos27", "flickrlogos27/"])
def test_only_names_of_the_list_are_found(name, tmp_path):
    """No text makes a path: what is not in the list is refused."""
    with pytest.raises(UsageError, match="no such example"):
        copy_example(name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    """A file that is there stops all of it before the first is written."""
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        copy_example("flickrlogos27", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_the_command_lists_copies_and_names_the_nearest(tmp_path, monkeypatch, capsys):
    """Without a name the list; with one the files, in a folder of that name; a typo is exit code 2 with the nearest name."""
    monkeypatch.chdir(tmp_path)
    assert main(["example", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"examples": EXAMPLES, "written": []}
    assert main(["example", "flickrlogos27_boxes"]) == 0
    assert "flickrlogos27_boxes/README.md" in capsys.readouterr().out
    assert main(["example", "flickrlogo27"]) == 2
    assert 'did you mean "flickrlogos27"?' in capsys.readouterr().err
