"""What stands where a file was to be read is said, and what was expected."""

import os

import pytest

from logoingest.cli.main import main
from logoingest.named_files import explain_missing, explain_unreadable

_PLACES = {
    "folder": "is a folder",
    "picture": "is a PNG picture",
    "latin": "is not UTF-8 text (byte 0xe9 at offset 3)",
    "dangling": "is a link to nowhere, and nothing is there",
    "loop": "is a link that leads back to itself",
    "picture/inside": "there is no such file; {folder}/picture is a file, no folder",
    "gone/inside": "there is no such file; the folder {folder}/gone is not there either",
    "pictur": 'there is no such file; did you mean "picture"?',
    "away": "there is no such file",
    "\0": "names no file",
}
_COMMANDS = (
    ("plan", "{place}"),
    ("labels", "explain", "{place}", "acme"),
    ("labels", "lint", "{place}"),
    ("labels", "enrich", "{place}", "--from", "{place}"),
)


@pytest.fixture
def places(tmp_path):
    """One of each, in a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90))
    (tmp_path / "latin").write_bytes("caf\xe9".encode("latin-1"))
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(("name", "said"), _PLACES.items())
def test_what_stands_there_is_told(places, name, said):
    """A folder, a picture, another encoding, a link, nothing: each in its own words, and the hint where there is no better one."""
    path = places / name
    with pytest.raises((OSError, ValueError)) as caught:
        path.read_bytes().decode()
    told = str(explain_unreadable(path, caught.value, "a map is TOML"))
    assert told.removeprefix(f"{path}: ").removesuffix("; a map is TOML") == said.format(folder=places)


@pytest.mark.parametrize("name", [name for name in _PLACES if name != "\0"])
@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_commands_tell_it(places, capsys, command, name):
    """One message and exit code 2, whatever stands where a config or a class map was to be."""
    code = main([word.format(place=places / name) for word in command])
    shown = "".join(capsys.readouterr())
    assert code == 2
    assert _PLACES[name].partition(";")[0] in shown


def test_a_config_and_a_class_map_are_told_apart(places, capsys):
    """Who confuses them is not shown every key that the other form lacks."""
    config, class_map = places / "dataset.toml", places / "map.toml"
    config.write_text('[dataset]\nname = "a"\n[[sources]]\npath = "a.csv"\n[labels]\nclass_map = "map.toml"\n')
    class_map.write_text('[classes.acme]\nname = "Acme"\n')
    assert main(["plan", str(class_map)]) == 2
    assert main(["labels", "explain", str(config), "acme"]) == 2
    assert main(["plan", os.devnull]) == 2
    assert [line.partition(": ")[2].partition(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"{class_map}: is a class map", "dataset.toml: is a dataset.toml, no class map", f"{os.devnull}: says nothing"
    ]  # fmt: skip


def test_a_folder_that_may_not_be_listed_suggests_nothing(monkeypatch, tmp_path):
    """The hint is the one that was given."""
    monkeypatch.setattr(os, "listdir", _refuse)
    assert explain_missing(tmp_path / "away", "make one") == ("there is no such file", "make one")


def _refuse(path):
    raise PermissionError(path)
