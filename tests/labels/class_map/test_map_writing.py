"""Writing into class-map files: comments, order and spacing stay; a fault changes nothing."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import strategies as st

from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap
from logoingest.labels.class_map.writing import add_alias, load_document, write_document

MAP = """\
# What this map is for.
noise_words = ["logo"]

[classes.acme]   # first
name = "Acme"
aliases = ["akme", "acmee"]  # seen in March
part_of = "bolt"

# ---- second ----
[classes.bolt]
aliases.ja = [
  "ボルト", "ボルト社",  # two
  # to be checked:
  "ボ",
]
# a note on bolt

# How far a slip may go.
[thresholds]
max_edits = 1

[classes.cord]
name = "Cord"

[[overrides]]
url = "http://x.test/1.jpg"
class = "bolt"
"""


def extend(text: str, *aliases: tuple[str, str, str]) -> str:
    document = tomlkit.parse(text)
    for class_id, alias, language in aliases:
        assert add_alias(document, class_id, alias, language)
    written = tomlkit.dumps(document)
    assert tomllib.loads(written) == document.unwrap()
    return written


def test_what_is_added_is_all_that_changes():
    """Every line that was there stays, in its order, comments above headers too."""
    added = [
        ("acme", "Акме", "ru"),
        ("bolt", "bolzen", "any"),
        ("bolt", "ボル", "ja"),
        ("cord", "kord", "any"),
        ("cord", "コード", "ja"),
    ]
    written = extend(MAP, *added)
    lines = iter(written.splitlines())
    kept = MAP.replace('aliases = ["akme", "acmee"]', 'aliases.any = ["akme", "acmee"]')
    assert all(line in lines for line in kept.splitlines())  # each found after the one before it
    assert len(written.splitlines()) == len(MAP.splitlines()) + len(added)
    assert written.index("bolzen") < written.index("# How far a slip may go.")


def test_a_new_class_stands_after_the_last_class_and_before_what_follows():
    """Also where the comment above the next header would be taken for the class's own."""
    written = extend(MAP, ("new one", "n1", "any"), ("new one", "新", "zh"))
    assert '[classes."new one"]\naliases.any = ["n1"]\naliases.zh = ["新"]\n\n[[overrides]]' in written
    assert MAP[: MAP.index("[[overrides]]")] in written


@pytest.mark.parametrize(
    "text",
    [
        'classes_file = "list.txt"',
        '[classes]\nacme = {name = "Acme", aliases = ["x"]}\n',
        'classes = {acme = {aliases = ["x"]}}',
        'classes.acme.name = "Acme"\nclasses.acme.aliases = ["x"]\nclasses.bolt.name = "b"\n',
        '[classes.acme]\nname = "Acme"\n[classes.acme.aliases]\nja = ["x"] # here\n\n# end\n[output]\n',
        "[classes.acme]\naliases = []\n# last",
        "[output]\n[classes.acme]",
    ],
)
def test_every_way_to_write_a_class_can_be_extended(text):
    """Inline tables, dotted keys, sub-tables, empty lists, no classes at all."""
    written = extend(text, ("acme", "one", "any"), ("acme", "一", "zh"), ("acme", "two", "any"), ("other", "three", "de"))
    before, after = tomllib.loads(text), tomllib.loads(written)
    found = after["classes"]["acme"]["aliases"]
    assert found["any"][-2:] == ["one", "two"]
    assert found["zh"] == ["一"]
    assert after["classes"]["other"]["aliases"] == {"de": ["three"]}
    assert {key: value for key, value in after.items() if key != "classes"} == {
        key: value for key, value in before.items() if key != "classes"
    }


def test_an_alias_that_folds_to_one_of_the_class_is_not_added_again():
    """Whatever the language, the case or the form it is written in."""
    document = tomlkit.parse('[classes.acme]\naliases.ja = [{text = "ＡＣＭＥ社"}]\n')
    before = tomlkit.dumps(document)
    assert not add_alias(document, "acme", "acme社", "zh")
    assert tomlkit.dumps(document) == before


def test_provenance_is_written_beside_the_alias():
    """exact, source, by and on make it a table; without them it is plain text."""
    document = tomlkit.parse('[classes.acme]\nname = "Acme"\n')
    add_alias(document, "acme", "ACM", exact=True, source="a pack", by="Ada", on=date(2025, 1, 2))
    add_alias(document, "acme", "plain")
    assert document.unwrap()["classes"]["acme"]["aliases"] == [
        {"text": "ACM", "exact": True, "source": "a pack", "by": "Ada", "on": date(2025, 1, 2)},
        "plain",
    ]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=40), st.sampled_from(["any", "ja", "zh-Hant"])), min_size=1, max_size=5))
def test_no_text_escapes_from_its_string(aliases):
    """Quotes, newlines, brackets, control characters: what is read back is what was added, and nothing else changed."""
    assume(all(text.isascii() or text.encode("utf-8", "replace").decode() == text for text, _ in aliases))
    document = tomlkit.parse(MAP)
    added = [(text, language) for text, language in aliases if add_alias(document, "cord", text, language)]
    back = tomllib.loads(tomlkit.dumps(document))
    found = back["classes"]["cord"].pop("aliases", {})
    pairs = [("any", found)] if isinstance(found, list) else found.items()
    assert sorted((text, language) for language, texts in pairs for text in texts) == sorted(added)
    assert back == tomllib.loads(MAP)


def test_a_document_that_is_no_class_map_is_not_written(tmp_path: Path):
    """The file keeps every byte; nothing is left beside it."""
    file = tmp_path / "map.toml"
    file.write_text(MAP, encoding="utf-8")
    document = load_document(file)
    add_alias(document, "bolt", "akme")  # an alias of acme
    with pytest.raises(ClassMapError, match="claimed by"):
        write_document(file, document)
    add_alias(document, "cord", "\ud800")
    with pytest.raises(ClassMapError, match="left as it was"):
        write_document(file, document)
    assert file.read_text(encoding="utf-8") == MAP
    assert os.listdir(tmp_path) == ["map.toml"]


def test_writing_keeps_links_modes_and_line_ends(tmp_path: Path):
    """A map behind a symbolic link, with Windows line ends and a mode of its own."""
    file, link = tmp_path / "map.toml", tmp_path / "link.toml"
    file.write_bytes(MAP.replace("\n", "\r\n").encode())
    file.chmod(0o600)
    link.symlink_to(file)
    document = load_document(link)
    add_alias(document, "cord", "a spelling of some length, so that the list is broken into lines", "de", source="somewhere")
    write_document(link, document)
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert ClassMap.load(link).hash != ClassMap.from_toml(MAP).hash


@pytest.mark.parametrize(("content", "what"), [(None, "no such file"), (b"\xff\xfe", "not UTF-8"), (b"a = [", "not valid TOML")])
def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path, content, what):
    """Missing, not UTF-8, not TOML."""
    file = tmp_path / "map.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ClassMapError, match=what):
        load_document(file)


def test_classes_that_are_no_table_are_refused():
    """An array where a table must be."""
    with pytest.raises(ClassMapError, match="no table"):
        add_alias(tomlkit.parse("classes = [1]"), "acme", "x")
    with pytest.raises(ClassMapError, match="neither a list"):
        add_alias(tomlkit.parse('[classes.acme]\naliases = "x"'), "acme", "y")
